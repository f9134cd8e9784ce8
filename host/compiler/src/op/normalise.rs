//! Normalisation.

/// TensorFlow Lite's 8-bit `L2_NORMALIZATION` over the channels of one position; its output goes in steps of 1/128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L2Normalise {
    /// What means 0 in the input.
    pub x_zero_point: i32,
    /// The kernel for uint8 multiplies a value by 128 before it rounds, that for int8 where its shift leaves room.
    pub unsigned: bool,
}
