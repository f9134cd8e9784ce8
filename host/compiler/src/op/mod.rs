//! What a node does, with every parameter it needs.

mod detect;
mod float;
mod interpolate;
mod linear;
mod matmul;
mod movement;
mod normalise;
mod pair;
mod pool;
mod product;
mod real;
mod recurrent;
mod runtime;

pub use detect::{Choice, Detect};
pub use float::FloatOp;
pub use interpolate::{Between, Bilinear, Interpolate, RealBetween, RealInterpolate, Weighted};
pub use linear::{Linear, Monitored, Requantise, Weights, Window};
pub use matmul::{MatMul, Rescale};
pub use movement::{Pad, Resize, Slice};
pub use normalise::{L2Normalise, LogSoftmax};
pub use pair::{Pair, Prelu};
pub use pool::{ArgExtreme, AveragePool, ChipSum, GlobalAveragePool, MaxPool, Mean, MeanRule};
pub use product::ChipProduct;
pub use real::{RealFunction, RealOp, RealPair, RealReduction};
pub use recurrent::{Gate, Lstm, Recall, Recurrent, Remember, Rows};
pub use runtime::{Product, RealPad, TableSoftmax};

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

/// An element-wise product by TensorFlow Lite's reference rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mul {
    /// What means 0 in the first input.
    pub a_zero_point: i32,
    /// What means 0 in the second input.
    pub b_zero_point: i32,
    /// What means 0 in the output.
    pub y_zero_point: i32,
    /// Q31 mantissa of `sa * sb / sy`.
    pub multiplier: i32,
    /// Its left shift; negative goes right.
    pub shift: i32,
    /// The fused activation.
    pub clamp: Clamp,
}

/// TensorFlow Lite's 8-bit softmax over the channels of one position, in fixed point; its output goes in steps of 1/256 from -128.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantisedSoftmax {
    /// The exponential of a value that is so many steps below the largest, in units of 2^-31.
    pub table: Box<[i32; 256]>,
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
    /// How quantising rounds one half: to even in ONNX, away from zero in TensorFlow Lite.
    pub rounding: Rounding,
}

impl Affine {
    /// One scale for a whole tensor, rounded as TensorFlow Lite does.
    #[must_use]
    pub fn per_tensor(quant: crate::graph::Quant) -> Self {
        let (scales, zero_points) = (vec![quant.scale], vec![quant.zero_point]);
        Self { scales, zero_points, axis: 0, rounding: Rounding::HalfAway }
    }
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
    /// Quantised mean or sum over some axes.
    Mean(Mean),
    /// The place of an extreme along an axis; writes integers.
    ArgExtreme(ArgExtreme),
    /// Quantised element-wise product of equal shapes.
    Mul(Mul),
    /// Quantised element-wise product of equal shapes by ONNX Runtime's rule.
    Product(Product),
    /// Another function of two int8 of equal shapes.
    Pair(Pair),
    /// Quantised product of matrices both of which are computed.
    MatMul(MatMul),
    /// Restricts an int8 tensor.
    Clamp(Clamp),
    /// Any function of one int8, indexed by `q + 128`.
    Table(Box<[i8; 256]>),
    /// The same elements under another shape.
    Reshape,
    /// The same elements under another shape, in the order in which memory holds them: channels last. On the chip it moves
    /// nothing; [`Op::Reshape`] keeps the graph's order, channels first, instead.
    View,
    /// Dimensions in another order: output dimension `i` is input dimension `order[i]`.
    Transpose(Vec<usize>),
    /// All inputs, one behind the other along the axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// A box cut out of the input.
    Slice(Slice),
    /// A frame of one value around the input.
    Pad(Pad),
    /// Each group of `block * block * C` channels becomes a square of `block` by `block` pixels of `C` channels; input channel
    /// `(row * block + column) * C + c` goes to channel `c` at that row and column of the square.
    DepthToSpace {
        /// Side of the square.
        block: usize,
    },
    /// The inverse of [`Op::DepthToSpace`].
    SpaceToDepth {
        /// Side of the square.
        block: usize,
    },
    /// Nearest-neighbour resize.
    Resize(Resize),
    /// Resize by interpolation.
    Interpolate(Interpolate),
    /// Resize by interpolation in floating point.
    RealInterpolate(RealInterpolate),
    /// Resize by interpolation, by ONNX Runtime's rule.
    Bilinear(Bilinear),
    /// Dimensions of 1 repeated to the output's shape; as many dimensions as the output.
    Broadcast,
    /// Real to int8.
    Quantize(Affine),
    /// Integer to real.
    Dequantize(Affine),
    /// Softmax along an axis, or its logarithm, in floating point.
    Softmax {
        /// The axis.
        axis: usize,
        /// The logarithm.
        log: bool,
    },
    /// int8 softmax over the channels.
    QuantisedSoftmax(QuantisedSoftmax),
    /// Logarithm of the int8 softmax over the channels.
    LogSoftmax(LogSoftmax),
    /// int8 values divided by their root of squares over the channels.
    L2Normalise(L2Normalise),
    /// int8 softmax over the last dimension by ONNX Runtime's rule.
    TableSoftmax(TableSoftmax),
    /// A floating-point operator of ONNX, or padding of either kind of file.
    Float(FloatOp),
    /// A floating-point operator of TensorFlow Lite.
    Real(RealOp),
    /// The likeliest boxes, of real values.
    Detect(Box<Detect>),
    /// A layer that reads what it left a frame before.
    Recurrent(Recurrent),
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
            Self::Mean(_) | Self::Float(FloatOp::Mean { .. }) => "Mean",
            Self::ArgExtreme(ArgExtreme { greatest: true, .. }) => "ArgMax",
            Self::ArgExtreme(_) => "ArgMin",
            Self::Mul(_) | Self::Product(_) | Self::Float(FloatOp::Mul) => "Mul",
            Self::MatMul(_) | Self::Float(FloatOp::MatMul) => "MatMul",
            Self::Reshape | Self::View => "Reshape",
            Self::Concat { .. } => "Concat",
            Self::Slice(_) => "Slice",
            Self::Pad(_) | Self::Float(FloatOp::Pad(_)) => "Pad",
            Self::DepthToSpace { .. } => "DepthToSpace",
            Self::SpaceToDepth { .. } => "SpaceToDepth",
            Self::Resize(_) | Self::Interpolate(_) | Self::RealInterpolate(_) | Self::Bilinear(_) => "Resize",
            Self::L2Normalise(_) => "LpNormalization",
            Self::Pair(Pair::SquaredDifference(_)) => "SquaredDifference",
            Self::Pair(Pair::Sub(_)) | Self::Float(FloatOp::Sub) => "Sub",
            Self::Pair(Pair::Maximum) | Self::Float(FloatOp::Max) => "Max",
            Self::Pair(Pair::Minimum) | Self::Float(FloatOp::Min) => "Min",
            Self::Pair(Pair::Prelu(_)) | Self::Float(FloatOp::PRelu) => "PRelu",
            Self::Float(FloatOp::Sum { .. }) => "ReduceSum",
            Self::Broadcast => "Expand",
            Self::Transpose(_) => "Transpose",
            Self::Quantize(_) => "QuantizeLinear",
            Self::Dequantize(_) => "DequantizeLinear",
            Self::LogSoftmax(_) | Self::Softmax { log: true, .. } => "LogSoftmax",
            Self::Softmax { .. } | Self::QuantisedSoftmax(_) | Self::TableSoftmax(_) => "Softmax",
            Self::Float(FloatOp::Relu) => "Relu",
            Self::Float(FloatOp::LeakyRelu { .. }) => "LeakyRelu",
            Self::Float(FloatOp::Sigmoid) => "Sigmoid",
            Self::Float(FloatOp::HardSigmoid { .. }) => "HardSigmoid",
            Self::Float(FloatOp::HardSwish) => "HardSwish",
            Self::Float(FloatOp::Tanh) => "Tanh",
            Self::Float(FloatOp::Elu { .. }) => "Elu",
            Self::Float(FloatOp::Abs) => "Abs",
            Self::Float(FloatOp::Neg) => "Neg",
            Self::Float(FloatOp::Sqrt) => "Sqrt",
            Self::Float(FloatOp::Reciprocal) => "Reciprocal",
            Self::Float(FloatOp::Floor) => "Floor",
            Self::Float(FloatOp::Ceil) => "Ceil",
            Self::Float(FloatOp::Round) => "Round",
            Self::Float(FloatOp::Square | FloatOp::Cube) => "Pow",
            Self::Float(FloatOp::BatchNormalise { .. }) => "BatchNormalization",
            Self::Float(FloatOp::Div) => "Div",
            Self::Real(op) => op.name(),
            Self::Detect(_) => "Detect",
            Self::Recurrent(op) => op.name(),
        }
    }

    /// The window that it moves over height and width, if it has one.
    #[must_use]
    pub const fn window(&self) -> Option<Window> {
        match self {
            Self::Conv(linear) | Self::Dense(linear) => Some(linear.window),
            Self::MaxPool(pool) => Some(pool.window),
            Self::AveragePool(pool) => Some(pool.window),
            _ => None,
        }
    }

    /// The same, to change it.
    pub const fn window_mut(&mut self) -> Option<&mut Window> {
        match self {
            Self::Conv(linear) | Self::Dense(linear) => Some(&mut linear.window),
            Self::MaxPool(pool) => Some(&mut pool.window),
            Self::AveragePool(pool) => Some(&mut pool.window),
            _ => None,
        }
    }

    /// The layer, if every filter reads all channels, by weights of 8 bits.
    #[must_use]
    pub fn plain_layer(&self) -> Option<&Linear> {
        let (Self::Conv(layer) | Self::Dense(layer)) = self else { return None };
        (layer.groups == 1 && !layer.is_wide()).then_some(layer.as_ref())
    }

    /// Whether it multiplies two tensors, element by element.
    #[must_use]
    pub const fn is_product(&self) -> bool {
        matches!(self, Self::Mul(_) | Self::Product(_))
    }

    /// Whether it only moves elements, or fills with a constant.
    #[must_use]
    pub const fn moves(&self) -> bool {
        matches!(
            self,
            Self::Reshape
                | Self::View
                | Self::Transpose(_)
                | Self::Concat { .. }
                | Self::Slice(_)
                | Self::Pad(_)
                | Self::DepthToSpace { .. }
                | Self::SpaceToDepth { .. }
                | Self::Resize(_)
                | Self::Broadcast
        )
    }

    /// The fused activation, where the operator has one.
    pub fn clamp_mut(&mut self) -> Option<&mut Clamp> {
        match self {
            Self::Conv(linear) | Self::Dense(linear) => Some(&mut linear.clamp),
            Self::Add(add) => Some(&mut add.clamp),
            Self::MaxPool(pool) => Some(&mut pool.clamp),
            Self::AveragePool(pool) => Some(&mut pool.clamp),
            Self::GlobalAveragePool(pool) => Some(&mut pool.clamp),
            Self::Mean(mean) => Some(&mut mean.clamp),
            Self::Mul(mul) => Some(&mut mul.clamp),
            Self::Product(product) => Some(&mut product.clamp),
            Self::MatMul(product) => Some(&mut product.clamp),
            Self::Pair(Pair::Sub(sub)) => Some(&mut sub.clamp),
            Self::Clamp(clamp) => Some(clamp),
            _ => None,
        }
    }
}
