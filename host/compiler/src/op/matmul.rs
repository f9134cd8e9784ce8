//! Products of matrices both of which the network computes.

use super::Clamp;

/// How a sum becomes a value of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rescale {
    /// Rule A, of TensorFlow Lite.
    A {
        /// Q31 mantissa of `sa * sb / sy`.
        multiplier: i32,
        /// Its left shift; negative goes right.
        shift: i32,
    },
    /// Rule B, of ONNX Runtime.
    B {
        /// `sa * sb / sy`.
        scale: f32,
    },
}

/// A product of two stacks of matrices, channels first as the graph has them: a is `[stack.., K, M]`, b `[stack.., N, K]`, the
/// result `[stack.., N, M]`; either may be one for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatMul {
    /// What means 0 in a.
    pub a_zero_point: i32,
    /// What means 0 in b.
    pub b_zero_point: i32,
    /// What means 0 in the result.
    pub y_zero_point: i32,
    /// How its sums are finished.
    pub rescale: Rescale,
    /// Bounds of the result.
    pub clamp: Clamp,
    /// a is `[stack.., M, K]`, b `[stack.., K, N]`.
    pub transposed: [bool; 2],
}
