//! ONNX Runtime's kernels for products, sigmoids and softmax, bit for bit.

use crate::op::{FloatOp, Product, TableSoftmax};

/// One product of `QLinearMul`.
#[must_use]
pub fn product(op: &Product, a: i8, b: i8) -> i8 {
    let difference = (i32::from(a) - op.a.zero_point) * (i32::from(b) - op.b.zero_point);
    let value = difference as f32 * op.scale() + (op.y.zero_point + op.offset) as f32;
    op.clamp.apply((value.round_ties_even() as i32).saturating_sub(op.offset))
}

/// `QLinearSoftmax` over rows of `length`.
pub fn softmax(op: &TableSoftmax, x: &[i8], length: usize) -> Vec<i8> {
    let mut result = Vec::with_capacity(x.len());
    for row in x.chunks(length.max(1)) {
        let largest = i32::from(row.iter().copied().max().unwrap_or(0));
        let power = |q: i8| op.table[(255 + i32::from(q) - largest) as usize];
        let sum = row.iter().fold(0.0_f32, |sum, &q| sum + power(q));
        result.extend(row.iter().map(|&q| {
            let quotient = (power(q) * op.inverse / sum).round_ties_even() as i32;
            quotient.saturating_add(op.y_zero_point).clamp(-128, 127) as i8
        }));
    }
    result
}

/// One value of a real operator of one input; `None` if `op` is none.
pub fn unary(op: &FloatOp, x: f32) -> Option<f32> {
    Some(match op {
        FloatOp::Relu => clip(x, 0.0, f32::INFINITY),
        FloatOp::Clip { min, max } => clip(x, *min, *max),
        FloatOp::LeakyRelu { alpha } => {
            if x >= 0.0 {
                x
            } else {
                alpha * x
            }
        }
        FloatOp::Sigmoid => logistic(x),
        FloatOp::HardSigmoid { alpha, beta } => hard_sigmoid(*alpha, *beta, x),
        FloatOp::HardSwish => x * hard_sigmoid(1.0 / 6.0, 0.5, x),
        FloatOp::Tanh => tanh(x),
        FloatOp::Elu { alpha } => elu(*alpha, x, vector_exp),
        FloatOp::Abs => x.abs(),
        FloatOp::Neg => -x,
        FloatOp::Sqrt => x.sqrt(),
        FloatOp::Reciprocal => x.recip(),
        FloatOp::Floor => x.floor(),
        FloatOp::Ceil => x.ceil(),
        FloatOp::Round => x.round_ties_even(),
        FloatOp::Square => x * x,
        FloatOp::Cube => x * x * x,
        _ => return None,
    })
}

/// What is not beyond a bound stays, -0 and what is not a number too.
pub fn clip(x: f32, min: f32, max: f32) -> f32 {
    let x = if x < min { min } else { x };
    if x > max { max } else { x }
}

/// All values of a real operator of one input. The runtime computes `Elu` in groups of four, and what is left over by another
/// exponential.
pub fn unary_all(op: &FloatOp, x: &[f32]) -> Vec<f32> {
    let (groups, rest) = x.split_at(x.len() / 4 * 4);
    let single = |value: &f32| match op {
        FloatOp::Elu { alpha } => Some(elu(*alpha, *value, f32::exp)),
        _ => unary(op, *value),
    };
    groups.iter().filter_map(|value| unary(op, *value)).chain(rest.iter().filter_map(single)).collect()
}

fn elu(alpha: f32, x: f32, exp: impl Fn(f32) -> f32) -> f32 {
    if x >= 0.0 { x } else { alpha * (exp(x) - 1.0) }
}

/// The exponential that the runtime has for vectors: Eigen's `pexp_float`, after Cephes, without fused operations.
fn vector_exp(x: f32) -> f32 {
    // Coefficients of r^6 and r^4, of r^5 and r^3, as that function states them.
    #[allow(clippy::excessive_precision, reason = "as the function has them")]
    const EVEN: [f32; 3] = [1.374_496_379_867_196_1e-3, 4.166_965_186_595_916_7e-2, 0.499_999_880_790_710_449_218_75];
    #[allow(clippy::excessive_precision, reason = "as the function has them")]
    const ODD: [f32; 2] = [8.368_944_749_236_106_9e-3, 0.166_665_181_517_601_013_183_593_75];
    if x.is_nan() {
        return x;
    }
    if x < -104.0 {
        return 0.0;
    }
    let x = x.min(88.723);
    // exp(x) = 2^m exp(r); ln 2 is subtracted in two parts.
    let m = (x * std::f32::consts::LOG2_E + 0.5).floor();
    let r = m * (-355.0 / 512.0) + x;
    let r = m * 2.121_944_4e-4 + r;
    let square = r * r;
    let even = square * (square * EVEN[0] + EVEN[1]) + EVEN[2];
    let odd = square * ODD[0] + ODD[1];
    let value = square * (r * odd + even) + (r + 1.0);
    // In double precision, so that a result below the normal numbers is rounded once.
    (f64::from(value) * f64::from(m).exp2()) as f32
}

/// `BatchNormalization` of a tensor whose dimension 1 are channels: a product and a sum, each rounded.
pub fn batch_normalise(x: &[f32], shape: &[usize], scales: &[f32], biases: &[f32]) -> Vec<f32> {
    let inner = shape.iter().skip(2).product::<usize>().max(1);
    let channel = |at: usize| at / inner % scales.len().max(1);
    x.iter().enumerate().map(|(at, &x)| x * scales[channel(at)] + biases[channel(at)]).collect()
}

/// One value of a real operator of two inputs; `None` if `op` is none.
pub fn binary(op: &FloatOp, a: f32, b: f32) -> Option<f32> {
    Some(match op {
        FloatOp::Add => a + b,
        FloatOp::Sub => a - b,
        FloatOp::Mul => a * b,
        FloatOp::Div => a / b,
        FloatOp::Max => a.max(b),
        FloatOp::Min => a.min(b),
        FloatOp::PRelu => {
            if a > 0.0 {
                a
            } else {
                a * b
            }
        }
        _ => return None,
    })
}

fn hard_sigmoid(alpha: f32, beta: f32, x: f32) -> f32 {
    (alpha * x + beta).clamp(0.0, 1.0)
}

/// The sums over some axes, ascending, in single precision and in the order in which the runtime adds up a frame by itself.
pub fn sum(x: &[f32], shape: &[usize], axes: &[usize]) -> Vec<f32> {
    let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
    let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let count: usize = axes.iter().map(|&axis| shape[axis]).product();
    let moved = super::elementwise::transpose(x, shape, &order);
    let rows = moved.chunks(count.max(1));
    let (first, end) = (axes.first().copied().unwrap_or(0), axes.last().map_or(0, |&last| last + 1));
    let together = end - first == axes.len();
    if together && end == shape.len() {
        rows.enumerate().map(|(at, row)| vector_sum(row, at * count)).collect()
    } else if together && shape[..first].iter().product::<usize>() > 1 {
        rows.map(product_sum).collect()
    } else {
        rows.map(in_order).collect()
    }
}

/// The means over some axes: their sums, divided.
pub fn mean(x: &[f32], shape: &[usize], axes: &[usize]) -> Vec<f32> {
    let count: usize = axes.iter().map(|&axis| shape[axis]).product();
    sum(x, shape, axes).into_iter().map(|sum| sum / count as f32).collect()
}

fn in_order(row: &[f32]) -> f32 {
    row.iter().copied().reduce(|sum, value| sum + value).unwrap_or(0.0)
}

/// A sum in the order of a product with a matrix of ones: of four values each, then of two, then of one.
fn product_sum(row: &[f32]) -> f32 {
    let (fours, rest) = row.as_chunks::<4>();
    let (twos, one) = rest.as_chunks::<2>();
    let groups = fours.iter().map(|group| in_order(group)).chain(twos.iter().map(|group| in_order(group)));
    groups.chain(one.iter().copied()).reduce(|sum, group| sum + group).unwrap_or(0.0)
}

/// A sum in the order in which two vectors of four collect it from an aligned address on; the row starts at element `start` behind one.
fn vector_sum(row: &[f32], start: usize) -> f32 {
    let (head, aligned) = row.split_at((start.next_multiple_of(4) - start).min(row.len()));
    let (vectors, rest) = aligned.as_chunks::<4>();
    let plus = |a: [f32; 4], b: &[f32; 4]| std::array::from_fn(|lane| a[lane] + b[lane]);
    let sums = match vectors {
        [] => return in_order(row),
        [only] => *only,
        [first, second, others @ ..] => {
            let (pairs, odd) = others.as_chunks::<2>();
            let both = pairs.iter().fold([*first, *second], |sums, [a, b]| [plus(sums[0], a), plus(sums[1], b)]);
            odd.iter().fold(plus(both[0], &both[1]), plus)
        }
    };
    let [a, b, c, d] = sums;
    head.iter().chain(rest).fold((a + c) + (b + d), |sum, value| sum + value)
}

/// The hyperbolic tangent as the runtime's kernel for processors with fused multiply-add computes it, like [`logistic`].
fn tanh(x: f32) -> f32 {
    // Coefficients of x^13 down to x, and of x^6 down to 1, as that kernel states them.
    // All their digits: cut to eight, four of them are the neighbouring number.
    #[allow(clippy::excessive_precision, reason = "as the kernel has them")]
    const ODD: [f32; 7] = [
        -2.760_768_477_423_55e-16,
        2.000_187_904_824_77e-13,
        -8.604_671_522_137_35e-11,
        5.122_297_090_371_14e-8,
        1.485_722_357_179_79e-5,
        6.372_619_288_754_36e-4,
        4.893_524_558_917_86e-3,
    ];
    #[allow(clippy::excessive_precision, reason = "as the kernel has them")]
    const EVEN: [f32; 4] =
        [1.198_258_394_667_02e-6, 1.185_347_056_866_54e-4, 2.268_434_632_439_00e-3, 4.893_525_185_543_85e-3];
    if x.is_nan() {
        return x;
    }
    let x = x.clamp(-9.0, 9.0);
    let square = x * x;
    let horner =
        |coefficients: &[f32]| coefficients[1..].iter().fold(coefficients[0], |sum, &c| sum.mul_add(square, c));
    horner(&ODD) * x / horner(&EVEN)
}

/// The logistic function as the runtime's kernel for processors with fused multiply-add computes it: an odd polynomial over an even
/// one, on [-18, 18].
#[must_use]
pub fn logistic(x: f32) -> f32 {
    // Coefficients of x^9 down to x, and of x^10 down to 1, as that kernel states them.
    const ODD: [f32; 5] = [4.370_31e-11, 1.156_273_2e-7, 6.085_749e-5, 8.513_771e-3, 2.482_879_5e-1];
    const EVEN: [f32; 6] =
        [6.102_473_7e-13, 5.761_021_4e-9, 6.291_068e-6, 1.701_988_2e-3, 1.168_176_5e-1, 9.931_519e-1];
    if x.is_nan() {
        return x;
    }
    let x = x.clamp(-18.0, 18.0);
    let square = x * x;
    let horner =
        |coefficients: &[f32]| coefficients[1..].iter().fold(coefficients[0], |sum, &c| sum.mul_add(square, c));
    (horner(&ODD) * x / horner(&EVEN) + 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Quant;
    use crate::op::Clamp;

    #[test]
    fn the_logistic_function_is_the_runtimes() {
        // Bits of ONNX Runtime 1.32's Sigmoid.
        for (x, expected) in SIGMOIDS {
            assert_eq!(logistic(f32::from_bits(x)).to_bits(), expected, "{}", f32::from_bits(x));
        }
        assert_eq!(logistic(0.0).to_bits(), 0.5_f32.to_bits());
        assert!(logistic(f32::NAN).is_nan());
    }

    const SIGMOIDS: [(u32, u32); 8] = [
        (0x3e99_999a, 0x3f13_0eaa),
        (0xc02c_cccd, 0x3d80_f82c),
        (0x40e3_3333, 0x3f7f_c9f8),
        (0xc134_cccd, 0x374f_8000),
        (0x4189_999a, 0x3f80_0000),
        (0xc18f_3333, 0x3300_0000),
        (0xc220_0000, 0x0000_0000),
        (0x4055_54ca, 0x3f77_2e87),
    ];

    #[test]
    fn the_exponential_linear_unit_is_the_runtimes_in_groups_and_behind_them() {
        // Bits of ONNX Runtime 1.32's Elu of five times the same value: four of a group, and one behind.
        for (x, group, behind) in ELUS {
            let all = unary_all(&FloatOp::Elu { alpha: 1.0 }, &[f32::from_bits(x); 5]);
            let bits: Vec<u32> = all.into_iter().map(f32::to_bits).collect();
            assert_eq!(bits, [group, group, group, group, behind], "{}", f32::from_bits(x));
        }
    }

    const ELUS: [(u32, u32, u32); 6] = [
        (0xbf19_fb5d, 0xbee7_6d62, 0xbee7_6d64),
        (0xbf11_6a87, 0xbedd_e16a, 0xbedd_e168),
        (0xbc9f_9975, 0xbc9e_0e20, 0xbc9e_0e00),
        (0xc0ec_98bd, 0xbf7f_d7af, 0xbf7f_d7b0),
        (0xc06e_35f6, 0xbf79_cf0b, 0xbf79_cf0c),
        (0xbf07_e389, 0xbed2_e144, 0xbed2_e146),
    ];

    #[test]
    fn bounds_keep_the_sign_of_zero_and_what_is_no_number() {
        for op in [FloatOp::Relu, FloatOp::Clip { min: 0.0, max: 6.0 }] {
            let of = |x: f32| unary(&op, x).unwrap();
            assert_eq!(
                [of(-0.0), of(0.0), of(-1.0), of(2.0)].map(f32::to_bits),
                [-0.0, 0.0, 0.0, 2.0_f32].map(f32::to_bits)
            );
            assert!(of(f32::NAN).is_nan());
        }
    }

    #[test]
    fn the_hyperbolic_tangent_is_the_runtimes() {
        // Bits of ONNX Runtime 1.32's Tanh, where coefficients of eight digits give others.
        for (x, expected) in TANHS {
            assert_eq!(tanh(f32::from_bits(x)).to_bits(), expected, "{}", f32::from_bits(x));
        }
        assert!(tanh(f32::NAN).is_nan());
    }

    const TANHS: [(u32, u32); 8] = [
        (0x4101_bbca, 0x3f7f_fffc),
        (0x4101_3607, 0x3f7f_fffd),
        (0xc058_c52a, 0xbf7f_6a59),
        (0xbfb0_a7e7, 0xbf61_87d7),
        (0xbfd1_3487, 0xbf6d_3b6a),
        (0xc044_2629, 0xbf7e_e33b),
        (0xc062_b835, 0xbf7f_924e),
        (0xc0d2_cabf, 0xbf7f_ffbe),
    ];

    #[test]
    fn sums_go_in_the_runtimes_order() {
        // Beside 1e8 a 1 is lost.
        let row = [1e8, 1.0, 1.0, 1.0, -1e8, 1.0, 1.0];
        assert_eq!(in_order(&row).to_bits(), 2.0_f32.to_bits());
        assert_eq!(product_sum(&row).to_bits(), 1.0_f32.to_bits());
        // (1e8 + 1) + (1 + 1), then -1e8, 1 and 1.
        assert_eq!(vector_sum(&row, 8).to_bits(), 2.0_f32.to_bits());
        // The four behind the first are a vector: (1e8 + 1) + (1 - 1e8), then 1, 1 and 1.
        assert_eq!(vector_sum(&[1.0, 1e8, 1.0, 1.0, -1e8, 1.0, 1.0], 3).to_bits(), 3.0_f32.to_bits());
    }

    #[test]
    fn products_add_the_files_zero_point_before_they_round() {
        let quant = |scale: f32, zero_point: i32| Quant { scale, zero_point };
        let product_of = |offset: i32, zero: i32| {
            let y = quant(1.0, zero);
            let op = Product { a: quant(0.5, 0), b: quant(1.0, 0), y, offset, clamp: Clamp::FULL };
            product(&op, 1, 1)
        };
        // 0.5 + 1 rounds to the even 2, 0.5 + 0 to 0; the uint8 zero point 127 is ours minus 128.
        assert_eq!([product_of(0, 1), product_of(0, 0), product_of(128, -1)], [2, 0, 0]);
    }

    #[test]
    fn softmax_tables_that_overflow_are_refused() {
        let y = |scale: f32| Quant { scale, zero_point: -128 };
        let op = TableSoftmax::new(0.1, y(1.0 / 256.0), 10).unwrap();
        assert_eq!(softmax(&op, &[5, 5, -128, -128], 4), [0, 0, -128, -128]);
        assert!(TableSoftmax::new(0.1, y(1e-20), 10).is_none());
    }
}
