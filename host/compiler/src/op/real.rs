//! Operators on real numbers by TensorFlow Lite's reference kernels: what its converter leaves in floating point between 8-bit parts.

/// An operator on real values, in single precision. Several operands have equal shapes.
#[derive(Debug, Clone, PartialEq)]
pub enum RealOp {
    /// A function of each value.
    Function(RealFunction),
    /// A function of two tensors, element by element, restricted to a fused activation's bounds.
    Pair(RealPair, [f32; 2]),
    /// `exp(beta * (x - max))` over its sum, along the channels.
    Softmax {
        /// The factor.
        beta: f32,
    },
    /// The logarithm of the softmax along the channels.
    LogSoftmax,
    /// Values divided by their root of squares along the channels.
    L2Normalise,
    /// Values along some axes, which stay as dimensions of 1, taken together in the file's order.
    Reduce {
        /// What they become.
        to: RealReduction,
        /// The axes, in the order of the file's dimensions.
        axes: Vec<usize>,
    },
}

/// Functions of one real value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RealFunction {
    /// Its magnitude.
    Abs,
    /// `min(max(x, low), high)`: the rectifiers.
    Clip(f32, f32),
    /// The cosine.
    Cos,
    /// The exponential.
    Exp,
    /// The next integer below.
    Floor,
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish,
    /// `x`, or the factor times `x` up to 0.
    LeakyRelu(f32),
    /// The natural logarithm.
    Log,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// `-x`.
    Negate,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// The sine.
    Sin,
    /// The square root.
    Sqrt,
    /// `x * x`.
    Square,
    /// The hyperbolic tangent.
    Tanh,
}

/// Functions of two real values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealPair {
    /// The sum.
    Add,
    /// The difference.
    Sub,
    /// The product.
    Mul,
    /// The quotient.
    Div,
    /// The larger one.
    Maximum,
    /// The smaller one.
    Minimum,
    /// The first to the power of the second.
    Power,
    /// The first, multiplied by the second where it is below 0.
    Prelu,
    /// The square of the difference.
    SquaredDifference,
}

/// What several real values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealReduction {
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
    /// The sum over the number of them.
    Mean,
    /// The product.
    Product,
    /// The sum.
    Sum,
}

impl RealOp {
    /// The operator's name, as ONNX has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Function(function) => function.name(),
            Self::Pair(pair, _) => pair.name(),
            Self::Softmax { .. } => "Softmax",
            Self::LogSoftmax => "LogSoftmax",
            Self::L2Normalise => "LpNormalization",
            Self::Reduce { to: RealReduction::Maximum, .. } => "ReduceMax",
            Self::Reduce { to: RealReduction::Minimum, .. } => "ReduceMin",
            Self::Reduce { to: RealReduction::Mean, .. } => "ReduceMean",
            Self::Reduce { to: RealReduction::Product, .. } => "ReduceProd",
            Self::Reduce { to: RealReduction::Sum, .. } => "ReduceSum",
        }
    }
}

impl RealFunction {
    const fn name(self) -> &'static str {
        match self {
            Self::Abs => "Abs",
            Self::Clip(..) => "Clip",
            Self::Cos => "Cos",
            Self::Exp => "Exp",
            Self::Floor => "Floor",
            Self::HardSwish => "HardSwish",
            Self::LeakyRelu(_) => "LeakyRelu",
            Self::Log => "Log",
            Self::Logistic => "Sigmoid",
            Self::Negate => "Neg",
            Self::Rsqrt => "Rsqrt",
            Self::Sin => "Sin",
            Self::Sqrt => "Sqrt",
            Self::Square => "Square",
            Self::Tanh => "Tanh",
        }
    }
}

impl RealPair {
    const fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Maximum => "Max",
            Self::Minimum => "Min",
            Self::Power => "Pow",
            Self::Prelu => "PRelu",
            Self::SquaredDifference => "SquaredDifference",
        }
    }
}
