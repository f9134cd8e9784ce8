//! Operators that follow ONNX Runtime's own kernels where those differ from TensorFlow Lite's.

use crate::graph::Quant;

/// ONNX Runtime's `QLinearMul` of equal shapes. With `q` the file's own values, every step rounded to `f32`:
///
/// ```text
/// scale = f32(f32(sa * sb) / sy)
/// y = saturate(rint(f32(f32(f32((a - za) * (b - zb)) * scale) + zy)))
/// ```
///
/// The zero point is added before the rounding to an integer, so the file's own one counts, not the rebased one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    /// First input.
    pub a: Quant,
    /// Second input.
    pub b: Quant,
    /// Output.
    pub y: Quant,
    /// What the file's values exceed ours by: 0, or 128 for uint8.
    pub offset: i32,
    /// The fused activation.
    pub clamp: super::Clamp,
}

impl Product {
    /// What a product of differences is worth in steps of the output.
    #[must_use]
    pub fn scale(&self) -> f32 {
        self.a.scale * self.b.scale / self.y.scale
    }
}

/// ONNX Runtime's `QLinearSoftmax` over the last dimension: `exp` is looked up, the sum is taken in order, everything is `f32`.
/// With `d` the distance of a value from the row's largest and every step rounded:
///
/// ```text
/// y = saturate(rint(f32(f32(table[255 - d] * inverse) / sum)) + zy)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TableSoftmax {
    /// `exp((i - 255) * sx + room)`; `room` keeps the sum of a row below the greatest `f32`.
    pub table: Box<[f32; 256]>,
    /// `floor(1 / sy)`.
    pub inverse: f32,
    /// What means 0 in the output.
    pub y_zero_point: i32,
}

impl TableSoftmax {
    /// The parameters for rows of `length`; `None` where the runtime's own arithmetic overflows.
    #[must_use]
    pub fn new(x_scale: f32, y: Quant, length: usize) -> Option<Self> {
        // The runtime reserves e^5 beside the row's length.
        const RESERVE: f64 = 5.0;
        let room = f64::from(f32::MAX / length as f32).ln();
        let shift = (room - RESERVE).max(0.0) / f64::from(x_scale);
        let power = |index: usize| ((index as f64 - 255.0 + shift) * f64::from(x_scale)).exp() as f32;
        let table: Box<[f32; 256]> = Box::new(std::array::from_fn(power));
        let inverse = (1.0 / y.scale).floor();
        (table[255] * inverse).is_finite().then_some(Self { table, inverse, y_zero_point: y.zero_point })
    }
}

/// A frame of one real value around a real tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct RealPad {
    /// Elements added before each axis.
    pub before: Vec<usize>,
    /// Elements added after each axis.
    pub after: Vec<usize>,
    /// The value that is added.
    pub value: f32,
}
