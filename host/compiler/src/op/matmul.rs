//! Products of matrices both of which the network computes.

/// A product of two stacks of matrices by TensorFlow Lite's reference rule, channels first as the graph has them: a is
/// `[batch, K, M]`, b `[batch, N, K]`, the result `[batch, N, M]`; b may be one for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatMul {
    /// What means 0 in a.
    pub a_zero_point: i32,
    /// What means 0 in b.
    pub b_zero_point: i32,
    /// What means 0 in the result.
    pub y_zero_point: i32,
    /// Q31 mantissa of `sa * sb / sy`.
    pub multiplier: i32,
    /// Its left shift; negative goes right.
    pub shift: i32,
    /// a is `[batch, M, K]`, b `[batch, K, N]`.
    pub transposed: [bool; 2],
}
