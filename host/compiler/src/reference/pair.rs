//! Functions of two tensors, and interpolation between pixels, as TensorFlow Lite's reference kernels compute them and, where an
//! item says so, ONNX Runtime.

use lacuna_spec::numerics::requantise_a;

use super::elementwise::{same_scale, sum_a};
use super::quantise_multiplier;
use crate::op::{Add, Bilinear, Interpolate, Pair, Prelu, RealInterpolate};

/// One value of a function of two.
#[must_use]
pub fn pair(op: &Pair, a: i8, b: i8) -> i8 {
    match op {
        Pair::Sub(op) => sum_a(op, a, b, -1),
        Pair::SquaredDifference(op) => squared_difference(op, a, b),
        Pair::Maximum => a.max(b),
        Pair::Minimum => a.min(b),
        Pair::Prelu(op) => prelu(op, a, b),
    }
}

fn squared_difference(op: &Add, a: i8, b: i8) -> i8 {
    const LEFT: i32 = 7;
    let (a, b, unit) = same_scale(op, a, b, LEFT);
    let difference = a - b;
    let (multiplier, shift) = quantise_multiplier(unit * unit / f64::from(op.y.scale));
    op.clamp.apply(requantise_a(difference * difference, multiplier, shift, op.y.zero_point))
}

fn prelu(op: &Prelu, x: i8, alpha: i8) -> i8 {
    let x = i32::from(x) - op.x_zero_point;
    let (value, (multiplier, shift)) =
        if x >= 0 { (x, op.positive) } else { (x * (i32::from(alpha) - op.alpha_zero_point), op.negative) };
    requantise_a(value, multiplier, shift, op.y_zero_point).clamp(-128, 127) as i8
}

/// A whole tensor of `RESIZE_BILINEAR`; planes follow one another.
pub fn interpolate(op: &Interpolate, x: &[i8], [height, width]: [usize; 2]) -> Vec<i8> {
    let mut result = Vec::with_capacity(x.len() / (height * width).max(1) * op.rows.len() * op.columns.len());
    for plane in x.chunks((height * width).max(1)) {
        for row in &op.rows {
            for column in &op.columns {
                let along = |y: usize| {
                    let at = |x: usize| i64::from(plane[y * width + x]);
                    at(column.low) * i64::from(1024 - column.part) + at(column.high) * i64::from(column.part)
                };
                let sum = along(row.low) * i64::from(1024 - row.part) + along(row.high) * i64::from(row.part);
                let half = if sum > 0 { 1 << 19 } else { -(1 << 19) };
                result.push(((sum + half) / (1 << 20)) as i8);
            }
        }
    }
    result
}

/// A whole tensor of uint8 `RESIZE_BILINEAR`; planes follow one another.
pub fn interpolate_real(op: &RealInterpolate, x: &[i8], [height, width]: [usize; 2]) -> Vec<i8> {
    let mut result = Vec::with_capacity(x.len() / (height * width).max(1) * op.rows.len() * op.columns.len());
    for plane in x.chunks((height * width).max(1)) {
        for row in &op.rows {
            for column in &op.columns {
                let at = |y: usize, x: usize| f32::from(plane[y * width + x] as u8 ^ 0x80);
                let sum = at(row.low, column.low) * (1.0 - row.part) * (1.0 - column.part)
                    + at(row.high, column.low) * row.part * (1.0 - column.part)
                    + at(row.low, column.high) * (1.0 - row.part) * column.part
                    + at(row.high, column.high) * row.part * column.part
                    + 0.5;
                result.push((sum as u8 ^ 0x80) as i8);
            }
        }
    }
    result
}

/// A whole tensor of ONNX Runtime's linear `Resize`; planes follow one another.
pub fn bilinear(op: &Bilinear, x: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let mut result = Vec::with_capacity(x.len() / (height * width).max(1) * op.rows.len() * op.columns.len());
    for plane in x.chunks((height * width).max(1)) {
        for row in &op.rows {
            for column in &op.columns {
                let at = |y: usize, x: usize| plane[y * width + x];
                result.push(
                    column.of_low * row.of_low * at(row.low, column.low)
                        + column.of_high * row.of_low * at(row.low, column.high)
                        + column.of_low * row.of_high * at(row.high, column.low)
                        + column.of_high * row.of_high * at(row.high, column.high),
                );
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Between;

    #[test]
    fn prelu_scales_what_is_below_the_zero_point() {
        let unit = (1 << 30, 1);
        let op = Prelu { x_zero_point: 1, alpha_zero_point: -2, y_zero_point: 5, positive: unit, negative: unit };
        assert_eq!([prelu(&op, 4, 9), prelu(&op, 1, 9), prelu(&op, -1, 9)], [8, 5, -17]);
    }

    #[test]
    fn halves_between_pixels_go_away_from_zero() {
        let column = |part: i32| Between { low: 0, high: 1, part };
        let op = Interpolate {
            rows: vec![Between { low: 0, high: 0, part: 0 }],
            columns: [0, 512, 1024].map(column).to_vec(),
        };
        assert_eq!(interpolate(&op, &[1, 2], [1, 2]), [1, 2, 2]);
        assert_eq!(interpolate(&op, &[-1, -2], [1, 2]), [-1, -2, -2]);
    }
}
