//! Sums, products, conversions and softmax.

use super::functions::{function, multiplier, rescale};
use super::importer::{Declared, Importer, Node};
use super::layout::graph_shape;
use super::schema::kind;
use super::windows::activation;
use crate::error::Error;
use crate::graph::{DType, Quant, TensorId};
use crate::import::limits::MAX_RANK;
use crate::op::{
    Add, AddRule, Affine, Clamp, L2Normalise, Linear, LogSoftmax, Mul, Op, QuantisedSoftmax, Requantise, Weights,
};
use crate::reference::add as sum;
use lacuna_spec::numerics::requantise_a;

/// A constant operand with one value, or with one a channel of a picture, and the place of the other, whose shape is the output's.
pub struct Factors {
    pub other: usize,
    pub values: Vec<i8>,
    pub quant: Quant,
}

/// Finds such a constant.
pub fn factors(importer: &Importer, node: &Node) -> Result<Option<Factors>, Error> {
    let output = importer.declared(node.output(0)?)?;
    for (at, other) in [(1, 0), (0, 1)] {
        let (constant, varying) = (importer.declared(node.input(at)?)?, importer.declared(node.input(other)?)?);
        let picture = matches!(varying.shape[..], [1, h, w, c] if h * w * c > 0);
        let each = picture && constant.elements() > 1 && constant.shape.last() == varying.shape.last();
        let one_a_channel = each && constant.shape.last() == Some(&constant.elements());
        let alike = constant.kind == varying.kind && constant.kind == output.kind;
        let fits = constant.shape.len() <= varying.shape.len() && (constant.elements() == 1 || one_a_channel);
        if constant.data.is_some() && varying.data.is_none() && alike && fits && output.meaning()?.dtype == DType::I8 {
            return Ok(Some(Factors { other, values: constant.bytes()?, quant: constant.quant()? }));
        }
    }
    Ok(None)
}

/// Two operands and what their values mean.
pub type Operands = [(TensorId, Quant); 2];

/// Both operands under one shape, and that shape in the graph's order: dimensions of 1 repeat.
pub fn broadcast(importer: &mut Importer, node: &Node) -> Result<(Operands, Vec<usize>), Error> {
    let operands = [importer.quantised(node, 0)?, importer.quantised(node, 1)?];
    let output = importer.declared(node.output(0)?)?;
    let unsigned = operands.map(|(id, _)| importer.graph.tensor(id).unsigned);
    if unsigned.contains(&!output.unsigned()) || !matches!(output.kind, kind::INT8 | kind::UINT8) {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    let (ready, shape) = broadcast_to_one(importer, node, operands.map(|(id, _)| id))?;
    Ok(([(ready[0], operands[0].1), (ready[1], operands[1].1)], shape))
}

/// Two operands under one shape, and that shape in the graph's order: dimensions of 1 repeat.
pub fn broadcast_to_one(
    importer: &mut Importer,
    node: &Node,
    operands: [TensorId; 2],
) -> Result<([TensorId; 2], Vec<usize>), Error> {
    let shapes = operands.map(|id| importer.file_shape(id));
    let rank = shapes[0].len().max(shapes[1].len()).min(MAX_RANK);
    let padded = shapes.clone().map(|shape| [vec![1; rank - shape.len()], shape].concat());
    let joined = padded[0].iter().zip(&padded[1]).map(|(&a, &b)| match (a, b) {
        (1, d) | (d, 1) => Some(d),
        (a, b) => (a == b).then_some(a),
    });
    let joined: Option<Vec<usize>> = joined.collect();
    let joined = joined.ok_or_else(|| {
        node.misshapen(format!(
            "joins shapes {:?} and {:?}, which do not fit: convert the model again",
            shapes[0], shapes[1]
        ))
    })?;
    let mut ready = operands;
    for (id, padded) in ready.iter_mut().zip(&padded) {
        *id = importer.view(node, *id, padded)?;
        if *padded != joined {
            let meaning = super::importer::Meaning::of(importer.graph.tensor(*id));
            *id = importer.step(node, Op::Broadcast, vec![*id], graph_shape(&joined), meaning)?;
        }
    }
    Ok((ready, graph_shape(&joined)))
}

/// `ADD`. A sum with one constant is a table.
pub fn add(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    if let Some(Factors { other, values, quant }) = factors(importer, node)?
        && let &[value] = values.as_slice()
    {
        let (input, x) = importer.quantised(node, other)?;
        let y = importer.declared(node.output(0)?)?.quant()?;
        let clamp = activation(node, node.option(0, 0)?, y)?;
        let op = Add { a: x, b: quant, y, rule: AddRule::A, clamp, chip: None };
        // The rule treats both operands alike, so their order does not matter.
        return function(importer, node, input, |q| i32::from(sum(&op, q as i8, value)));
    }
    let ([(a, qa), (b, qb)], shape) = broadcast(importer, node)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = activation(node, node.option(0, 0)?, y)?;
    importer.emit(node, Op::Add(Add { a: qa, b: qb, y, rule: AddRule::A, clamp, chip: None }), vec![a, b], 0, shape)
}

/// `MUL`. A product with one constant is a table, with one a channel a depthwise layer of one tap.
pub fn mul(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    if let Some(factors) = factors(importer, node)? {
        let (input, x) = importer.quantised(node, factors.other)?;
        let y = importer.declared(node.output(0)?)?.quant()?;
        let clamp = activation(node, node.option(0, 0)?, y)?;
        let (multiplier, shift) = multiplier(node, f64::from(x.scale * factors.quant.scale / y.scale))?;
        let zero = factors.quant.zero_point;
        if let &[value] = factors.values.as_slice() {
            let factor = i32::from(value) - zero;
            let of = |q: i32| requantise_a((q - x.zero_point) * factor, multiplier, shift, y.zero_point);
            return function(importer, node, input, |q| i32::from(clamp.apply(of(q))));
        }
        let shape = importer.graph.tensor(input).shape.clone();
        let channels = factors.values.len();
        let weights = Weights { data: factors.values, shape: [channels, 1, 1, 1], zero_points: vec![zero; channels] };
        let requantise = Requantise::A { multipliers: vec![multiplier; channels], shifts: vec![shift; channels] };
        let layer = Linear::unbiased(weights, channels, [x.zero_point, y.zero_point], requantise, clamp);
        return importer.emit(node, Op::Conv(Box::new(layer)), vec![input], 0, shape);
    }
    let ([(a, qa), (b, qb)], shape) = broadcast(importer, node)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = activation(node, node.option(0, 0)?, y)?;
    let (multiplier, shift) = multiplier(node, f64::from(qa.scale * qb.scale / y.scale))?;
    let (a_zero_point, b_zero_point, y_zero_point) = (qa.zero_point, qb.zero_point, y.zero_point);
    let op = Mul { a_zero_point, b_zero_point, y_zero_point, multiplier, shift, clamp };
    importer.emit(node, Op::Mul(op), vec![a, b], 0, shape)
}

/// `QUANTIZE`: from real values, or from one quantisation to another.
pub fn quantize(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    if importer.declared(node.input(0)?)?.kind == kind::FLOAT32 {
        let op = Op::Quantize(Affine::per_tensor(y));
        let shape = importer.graph.tensor(input).shape.clone();
        return importer.emit(node, op, vec![input], 0, shape);
    }
    let (input, x) = importer.quantised(node, 0)?;
    let of = rescale(node, f64::from(x.scale) / f64::from(y.scale), x, y, Clamp::FULL)?;
    function(importer, node, input, of)
}

/// `DEQUANTIZE`.
pub fn dequantize(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    if output.kind != kind::FLOAT32 {
        return Err(output.wrong_type("float32"));
    }
    let op = Op::Dequantize(Affine::per_tensor(x));
    let shape = importer.graph.tensor(input).shape.clone();
    importer.emit(node, op, vec![input], 0, shape)
}

/// `SOFTMAX` over the last axis, of 8-bit values.
pub fn softmax(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    let shape = importer.graph.tensor(input).shape.clone();
    let y = output.quant()?;
    if output.unsigned() != importer.graph.tensor(input).unsigned {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    if y.zero_point != -128 || (y.scale * 256.0 - 1.0).abs() > 0.001 {
        return Err(
            node.unsupported("its output must go in steps of 1/256 from the least value: quantise the model again")
        );
    }
    if importer.file_shape(input).last().is_some_and(|&length| length > 4096) {
        return Err(node.unsupported("it spreads over more than 4096 values, whose sum the runtime cannot hold"));
    }
    let beta: f32 = node.option(0, 0.0)?;
    let op = QuantisedSoftmax::new(x.scale, beta);
    let op = op.ok_or_else(|| {
        node.unsupported(format!(
            "its beta is {beta} and its input scale {}: their product must be from 2^-26 to 16",
            x.scale
        ))
    })?;
    importer.emit(node, Op::QuantisedSoftmax(op), vec![input], 0, shape)
}

/// `LOG_SOFTMAX` over the last axis.
pub fn log_softmax(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    let shape = importer.graph.tensor(input).shape.clone();
    let y = output.quant()?;
    if output.unsigned() != importer.graph.tensor(input).unsigned {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    if y.zero_point != 127 || y.scale.to_bits() != (1.0_f32 / 16.0).to_bits() {
        return Err(
            node.unsupported("its output must go in steps of 1/16 up to the greatest value: quantise the model again")
        );
    }
    if importer.file_shape(input).last().is_some_and(|&length| length >= 4096) {
        return Err(node.unsupported("it spreads over more than 4095 values, whose sum the runtime cannot hold"));
    }
    let op = LogSoftmax::new(x.scale);
    let op =
        op.ok_or_else(|| node.unsupported(format!("its input scale is {}: it must be from 2^-26 to 16", x.scale)))?;
    importer.emit(node, Op::LogSoftmax(op), vec![input], 0, shape)
}

/// `L2_NORMALIZATION` over the last axis.
pub fn l2_normalise(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    let y = output.quant()?;
    if output.unsigned() != importer.graph.tensor(input).unsigned {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    if y.zero_point != 0 || y.scale.to_bits() != (1.0_f32 / 128.0).to_bits() {
        return Err(node.unsupported("its output must go in steps of 1/128 around 0: quantise the model again"));
    }
    if node.option(0, 0_i8)? != 0 {
        return Err(node.unsupported("it has a fused activation, which the runtime refuses"));
    }
    if importer.file_shape(input).last().is_some_and(|&length| length > 1 << 15) {
        return Err(node.unsupported("it adds up more than 32768 squares, which leave the runtime's integers"));
    }
    let shape = importer.graph.tensor(input).shape.clone();
    let op = Op::L2Normalise(L2Normalise { x_zero_point: x.zero_point, unsigned: output.unsigned() });
    importer.emit(node, op, vec![input], 0, shape)
}

/// An 8-bit operand in the output's quantisation: int8 ones must have it, uint8 ones are brought to it as `CONCATENATION` does.
pub fn requantised(importer: &mut Importer, node: &Node, at: usize, output: &Declared) -> Result<TensorId, Error> {
    let (id, x) = importer.quantised(node, at)?;
    let (y, tensor) = (output.quant()?, importer.graph.tensor(id));
    if tensor.unsigned != output.unsigned() {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    if x == y {
        return Ok(id);
    }
    if !output.unsigned() {
        return Err(node.unsupported("its operands are quantised differently: quantise them alike"));
    }
    let scale = x.scale * (1.0 / y.scale);
    let bias = -((x.zero_point + 128) as f32) * scale;
    let of = |at: usize| {
        let real = (at as f32 * scale + bias).round() as i32;
        (real.saturating_add(y.zero_point)).clamp(-128, 127) as i8
    };
    let table = Box::new(std::array::from_fn(of));
    let (shape, meaning) = (tensor.shape.clone(), output.meaning()?);
    importer.step(node, Op::Table(table), vec![id], shape, meaning)
}
