//! TensorFlow Lite's 8-bit softmax, in fixed point.

use lacuna_spec::numerics::{rounding_divide_by_pot, rounding_doubling_high_mul};

use super::fixed::{exp, reciprocal};
use super::{channels_first, channels_last, quantise_multiplier};
use crate::op::QuantisedSoftmax;

impl QuantisedSoftmax {
    /// The softmax of `beta * scale * q`. `None` if the factor is not from 2^-26, below which the runtime refuses it, to 16, above which its
    /// multiplier leaves an int32.
    #[must_use]
    pub fn new(scale: f32, beta: f32) -> Option<Self> {
        // Differences become fixed-point numbers with 5 integer bits.
        let factor = f64::from(beta) * f64::from(scale) * 2_f64.powi(26);
        if !(factor > 1.0 && factor < 2_f64.powi(30)) {
            return None;
        }
        let (multiplier, shift) = quantise_multiplier(factor);
        // Beyond 31 a difference leaves the format, and its exponential counts as 0.
        let furthest = (31.0 * 2_f64.powi(26) / 2_f64.powi(shift)).floor();
        let power = |distance: usize| {
            if distance as f64 > furthest {
                return 0;
            }
            exp(rounding_doubling_high_mul(-((distance as i32) << shift), multiplier))
        };
        Some(Self { table: Box::new(std::array::from_fn(power)) })
    }
}

/// Softmax over the channels of each position.
pub fn softmax(op: &QuantisedSoftmax, x: &[i8], shape: &[usize]) -> Vec<i8> {
    let length = if shape.len() < 3 { shape.last() } else { shape.get(1) }.copied().unwrap_or(1).max(1);
    let rows: Vec<i8> = channels_last(x, shape).chunks(length).flat_map(|row| softmax_row(op, row)).collect();
    channels_first(&rows, shape)
}

/// One distribution. The sum has 12 integer bits, a probability is a step of 1/256 above -128.
fn softmax_row(op: &QuantisedSoftmax, row: &[i8]) -> Vec<i8> {
    let largest = row.iter().copied().max().unwrap_or(0);
    let power = |q: i8| op.table[(i32::from(largest) - i32::from(q)) as usize];
    let sum = row.iter().fold(0_i32, |sum, &q| sum.wrapping_add(rounding_divide_by_pot(power(q), 12)));
    let (inverse, right) = reciprocal(sum);
    let probability = |&q: &i8| {
        let steps =
            rounding_divide_by_pot(rounding_doubling_high_mul(inverse, power(q)), (right + 23).clamp(0, 31) as u32);
        steps.saturating_sub(128).clamp(-128, 127) as i8
    };
    row.iter().map(probability).collect()
}
