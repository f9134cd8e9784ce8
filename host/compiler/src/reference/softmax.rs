//! TensorFlow Lite's 8-bit softmax and its logarithm, in fixed point.

use lacuna_spec::numerics::{requantise_a, rounding_divide_by_pot, rounding_doubling_high_mul};

use super::fixed::{exp, log, reciprocal};
use super::movement::over_channels;
use super::quantise_multiplier;
use crate::op::{LogSoftmax, QuantisedSoftmax};

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

impl LogSoftmax {
    /// The logarithm of the softmax of `scale * q`; `None` as for [`QuantisedSoftmax::new`].
    #[must_use]
    pub fn new(scale: f32) -> Option<Self> {
        let powers = QuantisedSoftmax::new(scale, 1.0)?;
        let (multiplier, shift) = quantise_multiplier(f64::from(scale) * 2_f64.powi(26));
        let steps = quantise_multiplier(2_f64.powi(31 - shift) / f64::from(multiplier));
        let furthest = (31.0 * 2_f64.powi(26) / 2_f64.powi(shift)).floor().min(255.0) as i32;
        let difference = |steps: usize| {
            let within = steps as i32 <= furthest;
            if within { rounding_doubling_high_mul(-((steps as i32) << shift), multiplier) } else { 0 }
        };
        let differences = Box::new(std::array::from_fn(difference));
        Some(Self { powers, differences, furthest, steps })
    }
}

/// Softmax over the channels of each position.
pub fn softmax(op: &QuantisedSoftmax, x: &[i8], shape: &[usize]) -> Vec<i8> {
    over_channels(x, shape, |row| softmax_row(op, row))
}

/// Its logarithm.
pub fn log_softmax(op: &LogSoftmax, x: &[i8], shape: &[usize]) -> Vec<i8> {
    over_channels(x, shape, |row| log_softmax_row(op, row))
}

/// The sum of a row's exponentials, with 12 integer bits.
fn sum_of_powers(op: &QuantisedSoftmax, row: &[i8], largest: i8) -> i32 {
    let power = |q: i8| op.table[(i32::from(largest) - i32::from(q)) as usize];
    row.iter().fold(0_i32, |sum, &q| sum.wrapping_add(rounding_divide_by_pot(power(q), 12)))
}

/// What each value is below the largest, less the logarithm of all exponentials together. Values whose result leaves the format are
/// told by the input.
fn log_softmax_row(op: &LogSoftmax, row: &[i8]) -> Vec<i8> {
    let largest = row.iter().copied().max().unwrap_or(0);
    let all = log(sum_of_powers(&op.powers, row, largest));
    let (mantissa, shift) = op.steps;
    let lowest = requantise_a(all.wrapping_add(i32::MIN), mantissa, shift, 0).max(-op.furthest - 1);
    let of = |&q: &i8| {
        let below = i32::from(largest) - i32::from(q);
        if -below <= lowest {
            return i8::MIN;
        }
        let steps = rounding_divide_by_pot(op.differences[below as usize] - all, 22);
        (steps + 127).clamp(-128, 127) as i8
    };
    row.iter().map(of).collect()
}

/// One distribution. The sum has 12 integer bits, a probability is a step of 1/256 above -128.
fn softmax_row(op: &QuantisedSoftmax, row: &[i8]) -> Vec<i8> {
    let largest = row.iter().copied().max().unwrap_or(0);
    let power = |q: i8| op.table[(i32::from(largest) - i32::from(q)) as usize];
    let (inverse, right) = reciprocal(sum_of_powers(op, row, largest));
    let probability = |&q: &i8| {
        let steps =
            rounding_divide_by_pot(rounding_doubling_high_mul(inverse, power(q)), (right + 23).clamp(0, 31) as u32);
        steps.saturating_sub(128).clamp(-128, 127) as i8
    };
    row.iter().map(probability).collect()
}
