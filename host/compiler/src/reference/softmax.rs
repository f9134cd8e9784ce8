//! TensorFlow Lite's int8 softmax.

use super::{channels_first, channels_last};
use crate::op::QuantisedSoftmax;

/// Softmax over the channels of each position.
pub fn softmax(op: &QuantisedSoftmax, x: &[i8], shape: &[usize]) -> Vec<i8> {
    let length = if shape.len() < 3 { shape.last() } else { shape.get(1) }.copied().unwrap_or(1).max(1);
    let rows: Vec<i8> = channels_last(x, shape).chunks(length).flat_map(|row| softmax_row(op, row)).collect();
    channels_first(&rows, shape)
}

/// One distribution: `exp` of the distance from the largest value is looked up, the sum taken in order, in `f32`.
fn softmax_row(op: &QuantisedSoftmax, row: &[i8]) -> Vec<i8> {
    let largest = row.iter().copied().max().unwrap_or(0);
    let power = |q: i8| op.table[(i32::from(largest) - i32::from(q)) as usize];
    let sum = row.iter().fold(0.0_f32, |sum, &q| sum + power(q));
    let inverse = 1.0 / (sum * op.y_scale);
    let quantised = |&q: &i8| {
        let rounded = (power(q) * inverse).round() as i32;
        rounded.saturating_add(op.y_zero_point).clamp(-128, 127) as i8
    };
    row.iter().map(quantised).collect()
}
