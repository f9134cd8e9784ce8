//! What a node does, with every parameter it needs.

mod linear;

pub use linear::{Linear, Requantise, Weights, Window};

/// The inclusive range an int8 output may take: a fused activation, or the whole range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clamp {
    /// Smallest value.
    pub min: i8,
    /// Largest value.
    pub max: i8,
}

impl Clamp {
    /// No restriction.
    pub const FULL: Self = Self { min: i8::MIN, max: i8::MAX };

    /// Applies it.
    #[must_use]
    pub fn apply(self, value: i32) -> i8 {
        lacuna_spec::numerics::clamp_i8(value, self.min, self.max)
    }

    /// The clamp that equals `self` followed by `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self { min: self.min.clamp(next.min, next.max), max: self.max.clamp(next.min, next.max) }
    }
}

/// Exact parameters with which the chip's post unit adds two tensors:
/// `clamp(round((a * ma + b * mb + bias) >> shift))` on raw int8 `a` and `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChipAdd {
    /// Multiplier of the first input, 0 to 2^26.
    pub ma: i32,
    /// Multiplier of the second input, 0 to 2^26.
    pub mb: i32,
    /// Added to the sum, 48 bits signed; holds all three zero points.
    pub bias: i64,
    /// Right shift, 17 to 40.
    pub shift: u32,
    /// How the shifted-out half is rounded.
    pub rounding: Rounding,
}

/// What a shift does with exactly one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the even neighbour.
    HalfEven,
    /// Away from zero.
    HalfAway,
}

/// How a residual add is defined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AddRule {
    /// TensorFlow Lite's reference: both inputs shifted left by 20, scaled, added, scaled.
    A,
    /// ONNX Runtime's `QLinearAdd` in fused multiply-add `f32` arithmetic. `offset` is what the file's values exceed ours by:
    /// 128 for uint8 files, because the runtime's rounding depends on it.
    B {
        /// 0 or 128.
        offset: i32,
    },
}

/// A residual add.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Add {
    /// First input.
    pub a: crate::graph::Quant,
    /// Second input.
    pub b: crate::graph::Quant,
    /// Output.
    pub y: crate::graph::Quant,
    /// Which runtime it follows.
    pub rule: AddRule,
    /// The fused activation.
    pub clamp: Clamp,
    /// Parameters proven exact for the chip, if any exist.
    pub chip: Option<ChipAdd>,
}

/// The maximum over a window; padding never wins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaxPool {
    /// The window.
    pub window: Window,
    /// The fused activation.
    pub clamp: Clamp,
}

/// The mean over a window, as ONNX Runtime's `QLinearAveragePool` takes it: in `f32`, taps in row order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AveragePool {
    /// The window.
    pub window: Window,
    /// Whether padding counts in the divisor.
    pub count_include_pad: bool,
    /// Input.
    pub x: crate::graph::Quant,
    /// Output.
    pub y: crate::graph::Quant,
    /// What the file's values exceed ours by: 0, or 128 for uint8.
    pub offset: i32,
    /// The fused activation.
    pub clamp: Clamp,
    /// The rule B scale of the integer sum that is proven equal, if one exists.
    pub chip_scale: Option<f32>,
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

/// The affine map between real and quantised values; several scales go along `axis`.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// Step sizes: one, or one an index of `axis`.
    pub scales: Vec<f32>,
    /// What means 0, as many as scales.
    pub zero_points: Vec<i32>,
    /// The axis along which several scales go.
    pub axis: usize,
}

/// Operators as the file states them between `DequantizeLinear` and `QuantizeLinear`.
/// [`crate::passes::fuse_qdq`] turns them into quantised ones; only `Add`, `Relu` and `Clip` run as they are.
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
    /// Element-wise sum of equal shapes.
    Add,
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

/// Every operation of the graph.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Quantised convolution.
    Conv(Box<Linear>),
    /// Quantised dense layer.
    Dense(Box<Linear>),
    /// Quantised residual add.
    Add(Add),
    /// Maximum over a window.
    MaxPool(MaxPool),
    /// Quantised mean over a window.
    AveragePool(AveragePool),
    /// Quantised mean over the picture.
    GlobalAveragePool(GlobalAveragePool),
    /// Restricts an int8 tensor.
    Clamp(Clamp),
    /// Any function of one int8, indexed by `q + 128`.
    Table(Box<[i8; 256]>),
    /// The same elements under another shape.
    Reshape,
    /// Dimensions in another order: output dimension `i` is input dimension `order[i]`.
    Transpose(Vec<usize>),
    /// Real to int8.
    Quantize(Affine),
    /// Integer to real.
    Dequantize(Affine),
    /// Softmax along an axis, in floating point.
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// A floating-point operator.
    Float(FloatOp),
}

impl Op {
    /// The operator's name, as ONNX has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) | Self::Float(FloatOp::Conv { .. }) => "Conv",
            Self::Dense(_) | Self::Float(FloatOp::Gemm { .. }) => "Gemm",
            Self::Add(_) | Self::Float(FloatOp::Add) => "Add",
            Self::MaxPool(_) => "MaxPool",
            Self::AveragePool(_) | Self::Float(FloatOp::AveragePool { .. }) => "AveragePool",
            Self::GlobalAveragePool(_) | Self::Float(FloatOp::GlobalAveragePool) => "GlobalAveragePool",
            Self::Clamp(_) | Self::Float(FloatOp::Clip { .. }) => "Clip",
            Self::Table(_) => "Table",
            Self::Reshape => "Reshape",
            Self::Transpose(_) => "Transpose",
            Self::Quantize(_) => "QuantizeLinear",
            Self::Dequantize(_) => "DequantizeLinear",
            Self::Softmax { .. } => "Softmax",
            Self::Float(FloatOp::Relu) => "Relu",
        }
    }

    /// The fused activation, where the operator has one.
    pub fn clamp_mut(&mut self) -> Option<&mut Clamp> {
        match self {
            Self::Conv(linear) | Self::Dense(linear) => Some(&mut linear.clamp),
            Self::Add(add) => Some(&mut add.clamp),
            Self::MaxPool(pool) => Some(&mut pool.clamp),
            Self::AveragePool(pool) => Some(&mut pool.clamp),
            Self::GlobalAveragePool(pool) => Some(&mut pool.clamp),
            Self::Clamp(clamp) => Some(clamp),
            _ => None,
        }
    }
}
