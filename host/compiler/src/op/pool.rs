//! Pools, means and the places of extremes.

use super::{Clamp, Window};

/// The maximum over a window; padding never wins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaxPool {
    /// The window.
    pub window: Window,
    /// The fused activation.
    pub clamp: Clamp,
}

/// How a mean over a window is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeanRule {
    /// TensorFlow Lite's reference `AVERAGE_POOL_2D`: the integer sum of the file's own values, divided with halves away from zero.
    /// Input and output mean the same, so scales and zero points take no part.
    A,
    /// ONNX Runtime's `QLinearAveragePool`: in `f32`, taps in row order.
    B,
}

/// Exact parameters with which the chip's post unit turns a sum of raw int8 into a mean:
/// `clamp(requantise(sum + bias) + zero point of the output)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChipSum {
    /// Added to the sum of the raw values.
    pub bias: i32,
    /// Rule A's Q31 mantissa, or the bits of rule B's `f32` scale.
    pub multiplier: i32,
    /// Rule A's left shift, 0 for rule B.
    pub shift: i32,
    /// Whether rule B requantises.
    pub rule_b: bool,
    /// Added after requantising.
    pub zero: i32,
    /// What padding adds to the sum, in int8.
    pub pad: i32,
}

/// The mean over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AveragePool {
    /// The window.
    pub window: Window,
    /// Whether padding counts in the divisor.
    pub count_include_pad: bool,
    /// Which runtime it follows.
    pub rule: MeanRule,
    /// Input.
    pub x: crate::graph::Quant,
    /// Output.
    pub y: crate::graph::Quant,
    /// What the file's values exceed ours by: 0, or 128 for uint8.
    pub offset: i32,
    /// The fused activation.
    pub clamp: Clamp,
    /// Parameters proven exact for the chip, if any exist.
    pub chip: Option<ChipSum>,
}

/// The mean over some axes, or their sum, by TensorFlow Lite's reference rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mean {
    /// The axes that become 1, ascending.
    pub axes: Vec<usize>,
    /// What means 0 in the input.
    pub x_zero_point: i32,
    /// What means 0 in the output.
    pub y_zero_point: i32,
    /// Q31 mantissa of `sx / (sy * count)`, as the runtime rounds it, for a sum of `sx / sy`.
    pub multiplier: i32,
    /// Its left shift; negative goes right.
    pub shift: i32,
    /// The fused activation.
    pub clamp: Clamp,
}

/// The mean over the whole picture: an integer sum, requantised by rule B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GlobalAveragePool {
    /// What means 0 in the input.
    pub x_zero_point: i32,
    /// What means 0 in the output.
    pub y_zero_point: i32,
    /// `sx / (sy * pixels)` as ONNX Runtime rounds it.
    pub scale: f32,
    /// The fused activation.
    pub clamp: Clamp,
}

/// Where along an axis the greatest or the least value is, as an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgExtreme {
    /// The axis, which becomes 1.
    pub axis: usize,
    /// The greatest instead of the least.
    pub greatest: bool,
    /// The last of equals instead of the first.
    pub last: bool,
}

impl Mean {
    /// The chip's parameters for a mean of `count` values.
    #[must_use]
    pub fn chip(&self, count: usize) -> ChipSum {
        ChipSum {
            bias: (count as i32).wrapping_mul(-self.x_zero_point),
            multiplier: self.multiplier,
            shift: self.shift,
            rule_b: false,
            zero: self.y_zero_point,
            pad: self.x_zero_point,
        }
    }
}

impl ChipSum {
    /// The mean of values that add up to `sum`, before the clamp.
    #[must_use]
    pub fn apply(&self, sum: i32) -> i32 {
        use lacuna_spec::numerics::{requantise_a, requantise_b};
        let sum = sum.wrapping_add(self.bias);
        if self.rule_b {
            requantise_b(sum, f32::from_bits(self.multiplier as u32), self.zero)
        } else {
            requantise_a(sum, self.multiplier, self.shift, self.zero)
        }
    }
}
