//! Operators on real numbers.

use super::{RealPad, Window};

/// Operators as the file states them between `DequantizeLinear` and `QuantizeLinear`.
/// [`crate::passes::fuse_qdq`] turns them into quantised ones; those of one input, of two equal shapes, `Pad`, `Sum` and `Mean` also run as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum FloatOp {
    /// Inputs: picture, weights, optional bias.
    Conv {
        /// The window.
        window: Window,
        /// Channel groups.
        groups: usize,
    },
    /// Inputs: vector, matrix, optional bias.
    Gemm {
        /// Factor of the product.
        alpha: f32,
        /// Factor of the bias.
        beta: f32,
        /// The matrix is stored output-major.
        trans_b: bool,
    },
    /// Inputs: two stacks of matrices, the second no constant matrix.
    MatMul,
    /// Element-wise sum of equal shapes.
    Add,
    /// Element-wise product of equal shapes.
    Mul,
    /// Element-wise difference of equal shapes.
    Sub,
    /// Element-wise quotient of equal shapes.
    Div,
    /// The larger of two, element by element.
    Max,
    /// The smaller of two, element by element.
    Min,
    /// The first, multiplied by the second where it is below 0.
    PRelu,
    /// Sum over some axes, which stay as dimensions of 1.
    Sum {
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// Mean over some axes, which stay as dimensions of 1.
    Mean {
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `max(0, min(1, alpha * x + beta))`.
    HardSigmoid {
        /// The slope.
        alpha: f32,
        /// What 0 becomes.
        beta: f32,
    },
    /// `x` times its hard sigmoid of slope 1/6 around 1/2.
    HardSwish,
    /// The hyperbolic tangent.
    Tanh,
    /// `x`, or `alpha * (exp(x) - 1)` below 0.
    Elu {
        /// The factor.
        alpha: f32,
    },
    /// `x`, or `alpha * x` below 0.
    LeakyRelu {
        /// The factor.
        alpha: f32,
    },
    /// The absolute value.
    Abs,
    /// The negative.
    Neg,
    /// The square root.
    Sqrt,
    /// One divided by the value.
    Reciprocal,
    /// The whole number below.
    Floor,
    /// The whole number above.
    Ceil,
    /// The nearest whole number, halves to even.
    Round,
    /// The square.
    Square,
    /// The third power.
    Cube,
    /// The value times its channel's scale, plus its channel's bias. Channels are dimension 1.
    BatchNormalise {
        /// Of each channel.
        scales: Vec<f32>,
        /// Of each channel.
        biases: Vec<f32>,
    },
    /// A frame of one value.
    Pad(RealPad),
    /// Mean over a window.
    AveragePool {
        /// The window.
        window: Window,
        /// Whether padding counts in the divisor.
        count_include_pad: bool,
    },
    /// Mean over the picture.
    GlobalAveragePool,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, min), max)`.
    Clip {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
}
