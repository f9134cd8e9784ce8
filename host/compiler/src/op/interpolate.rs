//! Resizing by interpolation.

/// Two neighbours along one axis and what counts of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// The first neighbour.
    pub low: usize,
    /// The second.
    pub high: usize,
    /// Weight of the second in units of 2^-10; the first has the rest. Outside 0 to 1024 only where both neighbours are one.
    pub part: i32,
}

/// TensorFlow Lite's int8 `RESIZE_BILINEAR`: between four pixels, in integers, halves away from zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpolate {
    /// For each row of the output.
    pub rows: Vec<Between>,
    /// For each column of the output.
    pub columns: Vec<Between>,
}

/// Two neighbours along one axis and where the pixel lies, in pixels of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RealBetween {
    /// The first neighbour.
    pub low: usize,
    /// The second.
    pub high: usize,
    /// How far the pixel lies behind the first.
    pub part: f32,
}

/// TensorFlow Lite's uint8 `RESIZE_BILINEAR`: four products in `f32`, summed in order, one half added, the fraction dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct RealInterpolate {
    /// For each row of the output.
    pub rows: Vec<RealBetween>,
    /// For each column of the output.
    pub columns: Vec<RealBetween>,
}

/// Two neighbours along one axis and what counts of each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// The first neighbour.
    pub low: usize,
    /// The second.
    pub high: usize,
    /// Weight of the first.
    pub of_low: f32,
    /// Weight of the second.
    pub of_high: f32,
}

/// ONNX Runtime's linear `Resize` of real pictures: four products in `f32`, summed in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Bilinear {
    /// For each row of the output.
    pub rows: Vec<Weighted>,
    /// For each column of the output.
    pub columns: Vec<Weighted>,
}
