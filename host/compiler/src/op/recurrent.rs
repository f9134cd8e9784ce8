//! Layers that read what they left a frame before: TensorFlow Lite's `SVDF` and `UNIDIRECTIONAL_SEQUENCE_LSTM`, full-integer.
//!
//! What they keep of 16 bits is held in tensors of integers. Factors are a Q31 mantissa and its left shift; negative goes right.

use std::sync::Arc;

/// The first half of `SVDF`: one more value of each filter, which pushes out the oldest. Reads the input `[1, inputs]` and what is kept,
/// `[1, filters * memory]`, the newest of each filter last; writes what is kept from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remember {
    /// `[filters, inputs]`.
    pub weights: Vec<i8>,
    /// What means 0 in the input.
    pub zero_point: i32,
    /// From a sum to a kept value of 16 bits.
    pub factor: (i32, i32),
    /// Values kept of each filter.
    pub memory: usize,
}

/// The second half of `SVDF`: a weighted sum over what filters have kept, those of a unit together. Reads what [`Remember`] wrote; writes
/// `[1, units]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// `[filters, memory]`; the filters of a unit lie behind one another.
    pub weights: Vec<i16>,
    /// One a unit.
    pub bias: Vec<i32>,
    /// From a sum to a value of the result.
    pub factor: (i32, i32),
    /// What means 0 in the result.
    pub zero_point: i32,
}

/// One gate of an [`Lstm`]: the sum of two products with a matrix, each rescaled to a number of 3 integer bits in 16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// `[units, features]`.
    pub input: Rows,
    /// `[units, units]`, times what came out a step before.
    pub hidden: Rows,
}

/// A product of a matrix with a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Row by row, one a unit.
    pub weights: Vec<i8>,
    /// What each sum starts with: the bias, and what the vector's zero point adds.
    pub bias: Vec<i32>,
    /// From a sum to a number of 12 fractional bits.
    pub factor: (i32, i32),
}

/// A layer of long short-term memory. Reads a sequence of batch 1 in the graph's order, `[1, features, steps]` or
/// `[steps, features, 1]`, the output of the step before, `[1, units]`, and the cell, of 16 bits and the same shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lstm {
    /// How much of the new value enters the cell; without it, as much as [`Self::forget`] takes out.
    pub input: Option<Gate>,
    /// How much of the cell stays.
    pub forget: Gate,
    /// What enters.
    pub cell: Gate,
    /// How much of the cell shows.
    pub output: Gate,
    /// Integer bits of the cell, 0 to 6.
    pub cell_bits: u32,
    /// Bound of the cell on both sides; 0 for none.
    pub clip: i16,
    /// From a product of two numbers without integer bits to a value of the result.
    pub factor: (i32, i32),
    /// What means 0 in the result.
    pub zero_point: i32,
}

/// What becomes of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recurrent {
    /// What the filters of an `SVDF` keep.
    Remember(Box<Remember>),
    /// What an `SVDF` answers.
    Recall(Box<Recall>),
    /// What an LSTM answers, step by step.
    Sequence(Arc<Lstm>),
    /// What an LSTM's cell holds behind the last step.
    Cell(Arc<Lstm>),
}

impl Recurrent {
    /// The operator's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Remember(_) | Self::Recall(_) => "SVDF",
            Self::Sequence(_) | Self::Cell(_) => "LSTM",
        }
    }
}
