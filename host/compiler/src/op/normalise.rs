//! Normalisation.

/// TensorFlow Lite's 8-bit `L2_NORMALIZATION` over the channels of one position; its output goes in steps of 1/128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L2Normalise {
    /// What means 0 in the input.
    pub x_zero_point: i32,
    /// The kernel for uint8 multiplies a value by 128 before it rounds, that for int8 where its shift leaves room.
    pub unsigned: bool,
}

/// TensorFlow Lite's 8-bit logarithm of the softmax over the channels of one position, in fixed point; its output goes in steps of 1/16
/// down from 127.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSoftmax {
    /// The exponentials.
    pub powers: super::QuantisedSoftmax,
    /// What so many steps below the largest mean, as numbers of 5 integer bits; 0 beyond [`Self::furthest`].
    pub differences: Box<[i32; 256]>,
    /// Steps of which an exponential counts.
    pub furthest: i32,
    /// Q31 mantissa and left shift from such a number back to steps.
    pub steps: (i32, i32),
}
