//! Functions of two tensors, element by element, by TensorFlow Lite's reference rules.

use super::Add;

/// What becomes of two int8 of equal shapes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pair {
    /// The first less the second: `ADD`'s arithmetic with the second scaled operand subtracted.
    Sub(Add),
    /// The square of the difference: `ADD`'s scaling with a left shift of 7.
    SquaredDifference(Add),
    /// The larger of the two as they are stored.
    Maximum,
    /// The smaller of the two as they are stored.
    Minimum,
    /// The first, multiplied by the second where it is below 0.
    Prelu(Prelu),
}

/// `PRELU`'s parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prelu {
    /// What means 0 in the input.
    pub x_zero_point: i32,
    /// What means 0 in the factor.
    pub alpha_zero_point: i32,
    /// What means 0 in the output.
    pub y_zero_point: i32,
    /// Q31 mantissa and left shift of `sx / sy`.
    pub positive: (i32, i32),
    /// Q31 mantissa and left shift of `sx * salpha / sy`.
    pub negative: (i32, i32),
}
