//! Builds quantised operators from their parts, with the exact `f32` scales that ONNX Runtime computes.
//!
//! Both file styles end here: the importer for operator-oriented nodes, `fuse_qdq` for QDQ patterns.

use crate::error::Error;
use crate::graph::{Data, Quant, Tensor};
use crate::op::{
    Add, AddRule, AveragePool, Clamp, GlobalAveragePool, Linear, MatMul, MeanRule, Op, Requantise, Rescale, Weights,
    Window,
};
use crate::reference::{dequantize, quantize};

/// What the file's 8-bit values exceed ours by.
#[must_use]
pub fn offset(unsigned: bool) -> i32 {
    if unsigned { 128 } else { 0 }
}

/// The parts of a convolution or dense layer.
#[derive(Debug)]
pub struct LinearParts {
    /// The node, for messages.
    pub node: String,
    /// Input.
    pub x: Quant,
    /// Output.
    pub y: Quant,
    /// Weight values in OIHW order.
    pub weights: Vec<i8>,
    /// Output channels, input channels a group, kernel height, kernel width.
    pub shape: [usize; 4],
    /// One, or one an output channel.
    pub weight_scales: Vec<f32>,
    /// One, or one an output channel.
    pub weight_zero_points: Vec<i32>,
    /// One an output channel.
    pub bias: Option<Vec<i32>>,
    /// `QGemm`'s factor, 1 elsewhere.
    pub alpha: f32,
    /// The window.
    pub window: Window,
    /// Channel groups.
    pub groups: usize,
}

impl LinearParts {
    /// Checks the parts against each other and computes the rule B scales `alpha * sx * sw / sy`, rounded after each step.
    ///
    /// # Errors
    /// [`Error::Quantisation`] or [`Error::Shape`], naming the node.
    pub fn build(self) -> Result<Linear, Error> {
        let channels = self.shape[0];
        let wrong = |detail: String| Error::Quantisation { value: self.node.clone(), detail };
        if channels == 0 || self.weights.is_empty() {
            return Err(Error::Shape { value: self.node, detail: "has no weights: export the model again".into() });
        }
        if let Some(bias) = self.bias.as_ref().filter(|bias| bias.len() != channels) {
            return Err(wrong(format!("has {} biases for {channels} output channels", bias.len())));
        }
        let scales = spread(&self.weight_scales, channels).ok_or_else(|| {
            wrong(format!("has {} weight scales for {channels} output channels", self.weight_scales.len()))
        })?;
        let zero_points = spread(&self.weight_zero_points, channels).ok_or_else(|| {
            wrong(format!("has {} weight zero points for {channels} output channels", self.weight_zero_points.len()))
        })?;
        if zero_points.iter().any(|zero_point| !(-128..=127).contains(zero_point)) {
            return Err(wrong("has a weight zero point outside 8 bits".into()));
        }
        let scales: Vec<f32> = scales.iter().map(|scale| self.alpha * self.x.scale * scale / self.y.scale).collect();
        if let Some(scale) = scales.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
            return Err(wrong(format!("gives the requantisation scale {scale}")));
        }
        Ok(Linear {
            weights: Weights { data: self.weights, shape: self.shape, zero_points },
            bias: self.bias.unwrap_or_else(|| vec![0; channels]),
            window: self.window,
            groups: self.groups,
            x_zero_point: self.x.zero_point,
            y_zero_point: self.y.zero_point,
            requantise: Requantise::B { scales },
            clamp: Clamp::FULL,
            gate: self.x.zero_point,
            monitor: None,
        })
    }
}

/// Repeats a single parameter for every channel; `None` if the count is neither 1 nor `channels`.
fn spread<T: Copy>(values: &[T], channels: usize) -> Option<Vec<T>> {
    match values.len() {
        1 => Some(vec![values[0]; channels]),
        count if count == channels => Some(values.to_vec()),
        _ => None,
    }
}

/// The weight matrix of a dense layer as OIHW, from a stored `[K, N]` or (`trans`) `[N, K]`.
#[must_use]
pub fn dense_weights(matrix: &Tensor, trans: bool) -> Option<(Vec<i8>, [usize; 4])> {
    let (Some(Data::I8(values)), [rows, columns]) = (&matrix.data, matrix.shape.as_slice()) else {
        return None;
    };
    if trans {
        return Some((values.clone(), [*rows, *columns, 1, 1]));
    }
    let transposed = (0..*columns).flat_map(|n| (0..*rows).map(move |k| values[k * columns + n])).collect();
    Some((transposed, [*columns, *rows, 1, 1]))
}

/// A dense layer's bias: one a column, or one for all.
#[must_use]
pub fn dense_bias(bias: &Tensor, outputs: usize) -> Option<Vec<i32>> {
    match &bias.data {
        Some(Data::I32(values)) if values.len() == 1 => Some(vec![values[0]; outputs]),
        Some(Data::I32(values)) if values.len() == outputs => Some(values.clone()),
        _ => None,
    }
}

/// A residual add by ONNX Runtime's rule.
#[must_use]
pub fn add(a: Quant, b: Quant, y: Quant, unsigned: bool) -> Add {
    Add { a, b, y, rule: AddRule::B { offset: offset(unsigned) }, clamp: Clamp::FULL, chip: None }
}

/// Dequantise, a real function, and quantise as one function of an int8: a clamp where that is all it does, else a table.
#[must_use]
pub fn table(x: Quant, y: Quant, function: impl Fn(f32) -> f32) -> Op {
    let map = |q: i8| quantize(function(dequantize(q, x.scale, x.zero_point)), y.scale, y.zero_point);
    let table: Box<[i8; 256]> = Box::new(std::array::from_fn(|index| map((index as i32 - 128) as i8)));
    let clamp = Clamp { min: table[0].min(table[255]), max: table[255].max(table[0]) };
    let same = (i8::MIN..=i8::MAX).zip(table.iter()).all(|(q, &to)| to == clamp.apply(i32::from(q)));
    if same { Op::Clamp(clamp) } else { Op::Table(table) }
}

/// The mean over the whole picture.
///
/// # Errors
/// [`Error::Quantisation`] if ONNX Runtime refuses the scale.
pub fn global_average_pool(node: &str, x: Quant, y: Quant, pixels: usize) -> Result<GlobalAveragePool, Error> {
    let scale = x.scale / (y.scale * pixels as f32);
    // The runtime's own limits (MLAS): outside them it throws.
    if pixels == 0 || pixels >= 1 << 24 || !(2_f32.powi(-32)..256.0).contains(&scale) {
        let detail = format!("gives the pooling scale {scale}, which is not in 2^-32..256");
        return Err(Error::Quantisation { value: node.to_string(), detail });
    }
    Ok(GlobalAveragePool { x_zero_point: x.zero_point, y_zero_point: y.zero_point, scale, clamp: Clamp::FULL })
}

/// The mean over a window. A window over the whole picture (`spatial`) is a global pool, as in ONNX Runtime, which rounds differently.
///
/// # Errors
/// [`Error::Quantisation`] if ONNX Runtime refuses the scale of a global pool.
pub fn average(
    node: &str,
    window: Window,
    count_include_pad: bool,
    x: Quant,
    y: Quant,
    unsigned: bool,
    spatial: &[usize],
) -> Result<Op, Error> {
    let pixels: usize = spatial.iter().product();
    if window.kernel.iter().product::<usize>() == pixels && window.unpadded() {
        return Ok(Op::GlobalAveragePool(global_average_pool(node, x, y, pixels)?));
    }
    let offset = offset(unsigned);
    Ok(Op::AveragePool(AveragePool {
        window,
        count_include_pad,
        rule: MeanRule::B,
        x,
        y,
        offset,
        clamp: Clamp::FULL,
        chip: None,
    }))
}

/// A product of two stacks of matrices, ONNX's a and b in the places of [`MatMul`]'s b and a: the graph's channels come first.
///
/// # Errors
/// [`Error::Quantisation`] if the scale of the result is no positive number.
pub fn mat_mul(node: &str, a: Quant, b: Quant, y: Quant) -> Result<Op, Error> {
    let scale = a.scale * b.scale / y.scale;
    if !scale.is_finite() || scale <= 0.0 {
        let detail = format!("has a scale of {scale}: quantise the model again");
        return Err(Error::Quantisation { value: node.to_owned(), detail });
    }
    Ok(Op::MatMul(MatMul {
        a_zero_point: b.zero_point,
        b_zero_point: a.zero_point,
        y_zero_point: y.zero_point,
        rescale: Rescale::B { scale },
        clamp: Clamp::FULL,
        transposed: [false; 2],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_scales_round_in_onnx_runtimes_order() {
        // Bits of sx, sw and sy, an accumulator, and ONNX Runtime 1.32's QLinearConv of it; sx * (sw / sy) gives another answer.
        let cases = [
            (0x3bae_bbc7, 0x3dab_ba0d, 0x3dbf_6174, -17451, -83),
            (0x3b37_aab5, 0x3d72_e76a, 0x3d35_327f, -25952, -97),
            (0x3d5e_2823, 0x3c15_923b, 0x3d01_990a, -7125, -111),
            (0x3cf7_69a1, 0x3d9b_238c, 0x3dac_e02b, -3376, -91),
        ];
        for (x, w, y, acc, expected) in cases {
            let quant = |bits| Quant { scale: f32::from_bits(bits), zero_point: 0 };
            let parts = LinearParts {
                node: "layer".into(),
                x: quant(x),
                y: quant(y),
                weights: vec![1],
                shape: [1; 4],
                weight_scales: vec![f32::from_bits(w)],
                weight_zero_points: vec![0],
                bias: Some(vec![acc]),
                alpha: 1.0,
                window: Window::of([1, 1]),
                groups: 1,
            };
            let layer = parts.build().unwrap();
            assert_eq!(layer.requantise.apply(0, acc, 0), expected);
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let quant = Quant { scale: 0.1, zero_point: 0 };
        let parts = |scales: usize, biases: usize, zero_point: i32| LinearParts {
            node: "layer".into(),
            x: quant,
            y: quant,
            weights: vec![1; 6],
            shape: [3, 2, 1, 1],
            weight_scales: vec![0.1; scales],
            weight_zero_points: vec![zero_point],
            bias: Some(vec![0; biases]),
            alpha: 1.0,
            window: Window::of([1, 1]),
            groups: 1,
        };
        assert!(parts(3, 3, 0).build().is_ok());
        for bad in [parts(2, 3, 0), parts(3, 4, 0), parts(1, 3, 200)] {
            assert!(matches!(bad.build(), Err(Error::Quantisation { value, .. }) if value == "layer"));
        }
    }
}
