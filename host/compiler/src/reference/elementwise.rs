//! Operators that treat each element alone.

use lacuna_spec::numerics::requantise_a;

use crate::op::{Add, AddRule, Affine, Mul, Rounding};

/// One sum of a residual add.
#[must_use]
pub fn add(op: &Add, a: i8, b: i8) -> i8 {
    match op.rule {
        AddRule::A => add_a(op, a, b),
        AddRule::B { offset } => add_b(op, offset, a, b),
    }
}

/// TensorFlow Lite's reference `ADD`: inputs shifted left by 20, scaled by Q31 multipliers below one, added, scaled.
#[must_use]
pub fn add_a(op: &Add, a: i8, b: i8) -> i8 {
    sum_a(op, a, b, 1)
}

/// `ADD`, or `SUB` if the sign is -1.
pub(super) fn sum_a(op: &Add, a: i8, b: i8, sign: i32) -> i8 {
    const LEFT: i32 = 20;
    let (a, b, unit) = same_scale(op, a, b, LEFT);
    let sum = a.wrapping_add(b.wrapping_mul(sign));
    let (multiplier, shift) = quantise_multiplier(unit / f64::from(op.y.scale));
    op.clamp.apply(requantise_a(sum, multiplier, shift, op.y.zero_point))
}

/// Both operands shifted left and scaled to twice the larger scale, and what a step of them is then worth.
pub(super) fn same_scale(op: &Add, a: i8, b: i8, left: i32) -> (i32, i32, f64) {
    let (scale_a, scale_b) = (f64::from(op.a.scale), f64::from(op.b.scale));
    let twice_max = 2.0 * scale_a.max(scale_b);
    let scaled = |q: i8, zero_point: i32, scale: f64| {
        let (multiplier, shift) = quantise_multiplier(scale / twice_max);
        requantise_a((i32::from(q) - zero_point) << left, multiplier, shift, 0)
    };
    (scaled(a, op.a.zero_point, scale_a), scaled(b, op.b.zero_point, scale_b), twice_max / f64::from(1 << left))
}

/// TensorFlow Lite's `QuantizeMultiplier`: a positive real as a Q31 mantissa and a left shift. Reals too small to matter give 0.
#[must_use]
pub fn quantise_multiplier(real: f64) -> (i32, i32) {
    let bits = real.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    if real <= 0.0 || exponent == 0 || exponent == 0x7ff {
        return (0, 0);
    }
    // What C's frexp returns: a mantissa in [0.5, 1).
    let mantissa = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
    let (fixed, shift) = match (mantissa * 2_f64.powi(31)).round() as i64 {
        0x8000_0000 => (1 << 30, exponent - 1021),
        fixed => (fixed as i32, exponent - 1022),
    };
    if (-31..=30).contains(&shift) { (fixed, shift) } else { (0, 0) }
}

/// ONNX Runtime's `QLinearAdd` (its AVX2 kernel): two fused multiply-adds, `b` first, on values as the file has them.
fn add_b(op: &Add, offset: i32, a: i8, b: i8) -> i8 {
    let (ratio_a, ratio_b) = (op.a.scale / op.y.scale, op.b.scale / op.y.scale);
    let file = |value: i32| (value + offset) as f32;
    let zeros = ratio_a.mul_add(file(op.a.zero_point), ratio_b * file(op.b.zero_point));
    let fixed = file(op.y.zero_point) - zeros;
    let sum = file(i32::from(a)).mul_add(ratio_a, file(i32::from(b)).mul_add(ratio_b, fixed));
    op.clamp.apply((sum.round_ties_even() as i32).saturating_sub(offset))
}

/// One value of `QuantizeLinear`: a true division, rounded to even before the zero point is added.
#[must_use]
pub fn quantize(value: f32, scale: f32, zero_point: i32) -> i8 {
    // Clamped as the runtime clamps, so that what is not a number becomes the lower bound.
    let quotient = value / scale;
    let (low, high) = ((-128 - zero_point) as f32, (127 - zero_point) as f32);
    let quotient = if quotient > low { quotient } else { low };
    let quotient = if quotient < high { quotient } else { high };
    (quotient.round_ties_even() as i32 + zero_point) as i8
}

/// One value of TensorFlow Lite's `QUANTIZE`: a division, rounded half away from zero before the zero point is added.
#[must_use]
pub fn quantize_a(value: f32, scale: f32, zero_point: i32) -> i8 {
    let rounded = (value / scale).round() as i32;
    rounded.saturating_add(zero_point).clamp(-128, 127) as i8
}

/// One product of TensorFlow Lite's reference `MUL`.
#[must_use]
pub fn mul(op: &Mul, a: i8, b: i8) -> i8 {
    let product = (i32::from(a) - op.a_zero_point) * (i32::from(b) - op.b_zero_point);
    op.clamp.apply(requantise_a(product, op.multiplier, op.shift, op.y_zero_point))
}

/// One value of `DequantizeLinear`.
#[must_use]
pub fn dequantize(q: impl Into<i32>, scale: f32, zero_point: i32) -> f32 {
    q.into().wrapping_sub(zero_point) as f32 * scale
}

/// A whole tensor of `DequantizeLinear`, with one scale or one an index of the axis.
#[must_use]
pub fn dequantize_all<T: Copy + Into<i32>>(affine: &Affine, x: &[T], shape: &[usize]) -> Vec<f32> {
    let channel = channels(affine, shape);
    let each =
        |(index, &q): (usize, &T)| dequantize(q, affine.scales[channel(index)], affine.zero_points[channel(index)]);
    x.iter().enumerate().map(each).collect()
}

/// A whole tensor of `QuantizeLinear`, with one scale or one an index of the axis.
pub fn quantize_all(affine: &Affine, x: &[f32], shape: &[usize]) -> Vec<i8> {
    let channel = channels(affine, shape);
    let rule = match affine.rounding {
        Rounding::HalfEven => quantize,
        Rounding::HalfAway => quantize_a,
    };
    let each =
        |(index, &value): (usize, &f32)| rule(value, affine.scales[channel(index)], affine.zero_points[channel(index)]);
    x.iter().enumerate().map(each).collect()
}

/// Which scale belongs to an element.
fn channels(affine: &Affine, shape: &[usize]) -> impl Fn(usize) -> usize {
    let inner: usize = shape.iter().skip(affine.axis + 1).product();
    let count = affine.scales.len();
    move |index| if count == 1 { 0 } else { index / inner.max(1) % count }
}

/// Reorders dimensions: output dimension `i` is input dimension `order[i]`.
pub fn transpose<T: Copy>(x: &[T], shape: &[usize], order: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let mut index = vec![0; shape.len()];
    let mut result = Vec::with_capacity(x.len());
    for _ in 0..x.len() {
        result.push(x[order.iter().zip(&index).map(|(&axis, &at)| strides[axis] * at).sum::<usize>()]);
        for position in (0..order.len()).rev() {
            index[position] += 1;
            if index[position] < shape[order[position]] {
                break;
            }
            index[position] = 0;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ONNX Runtime 1.32's answers where one rounding more or less in `QLinearAdd` changes them: offset, bits of the scales of a, b
    /// and y, their zero points, a, b, and y, all as the file has them.
    type Case = (i32, [u32; 3], [i32; 3], [i32; 3]);
    const ADDS: [Case; 8] = [
        (0, [0x3e34_2b2d, 0x3e1f_5637, 0x3e03_dbcc], [85, -71, -114], [47, 27, -47]),
        (128, [0x3e40_1452, 0x3e23_d82e, 0x3e3c_af25], [68, 127, 97], [230, 39, 185]),
        (0, [0x3d9d_7429, 0x3cb2_776c, 0x3da1_0e19], [95, 41, -29], [95, -33, -49]),
        (128, [0x3cbd_04df, 0x3c64_1efd, 0x3c8d_27c9], [194, 140, 122], [153, 190, 107]),
        (0, [0x3e0e_a1e6, 0x3e3c_2872, 0x3e24_87db], [32, -69, -71], [-112, -4, -122]),
        (128, [0x3e69_8bcb, 0x3e7c_07ca, 0x3e3b_f13c], [227, 133, 208], [156, 141, 131]),
        (0, [0x3c1c_76f9, 0x3d2e_546d, 0x3d26_a7c5], [41, -74, -86], [118, 109, 123]),
        (128, [0x3dcd_40c6, 0x3ddf_488f, 0x3e3a_9673], [20, 192, 213], [24, 12, 108]),
    ];

    #[test]
    fn residual_adds_round_where_onnx_runtime_rounds() {
        use crate::graph::Quant;
        use crate::op::Clamp;
        for (offset, scales, zeros, [a, b, y]) in ADDS {
            let quant = |at: usize| Quant { scale: f32::from_bits(scales[at]), zero_point: zeros[at] - offset };
            let op = Add {
                a: quant(0),
                b: quant(1),
                y: quant(2),
                rule: AddRule::B { offset },
                clamp: Clamp::FULL,
                chip: None,
            };
            let found = add(&op, (a - offset) as i8, (b - offset) as i8);
            assert_eq!(i32::from(found) + offset, y, "{op:?} of {a} and {b}");
        }
    }

    #[test]
    fn quantize_divides_as_onnx_runtime_does() {
        // A multiplication by the reciprocal gives the other neighbour of each.
        let cases = [
            (0xc254_3921, 0x3f0e_390d, -96),
            (0xc20e_bcd9, 0x3f2e_0108, -53),
            (0xc22c_819d, 0x3f0c_a45f, -78),
            (0xc163_74a4, 0x3eee_a458, -30),
        ];
        for (value, scale, expected) in cases {
            assert_eq!(quantize(f32::from_bits(value), f32::from_bits(scale), 0), expected);
        }
    }

    #[test]
    fn quantize_divides_and_rounds_to_even() {
        assert_eq!(quantize(0.5, 1.0, 0), 0);
        assert_eq!(quantize(1.5, 1.0, 1), 3);
        assert_eq!(quantize(f32::NAN, 1.0, 3), -128);
        assert_eq!(quantize(f32::INFINITY, 1.0, 3), 127);
    }

    #[test]
    fn multipliers_reproduce_their_real_value() {
        for real in [0.000_37, 0.25, 0.999_999_999_99, 1.0, 1.7, 300.0] {
            let (fixed, shift) = quantise_multiplier(real);
            let back = f64::from(fixed) * 2_f64.powi(shift - 31);
            assert!((back - real).abs() <= real * 1e-9, "{real} came back as {back}");
        }
        assert_eq!([0.0, 1e-300, f64::INFINITY, f64::NAN].map(quantise_multiplier), [(0, 0); 4]);
    }

    #[test]
    fn transpose_moves_a_ragged_block() {
        let x: Vec<i32> = (0..24).collect();
        let y = transpose(&x, &[2, 3, 4], &[2, 0, 1]);
        assert_eq!(y[..6], [0, 4, 8, 12, 16, 20]);
        assert_eq!(transpose(&y, &[4, 2, 3], &[1, 2, 0]), x);
    }
}
