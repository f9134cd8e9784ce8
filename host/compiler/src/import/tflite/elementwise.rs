//! Sums, products, and functions of one value, which become tables.

use super::importer::{Declared, Importer, Node};
use super::layout::graph_shape;
use super::schema::kind;
use super::windows::activation;
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::import::limits::MAX_RANK;
use crate::op::{Add, AddRule, Affine, Clamp, Mul, Op, QuantisedSoftmax, Rounding};
use crate::reference::quantise_multiplier;
use lacuna_spec::numerics::requantise_a;

/// Both operands under one shape, and that shape in the graph's order: dimensions of 1 repeat.
fn broadcast(importer: &mut Importer, node: &Node) -> Result<([(TensorId, Quant); 2], Vec<usize>), Error> {
    let operands = [importer.quantised(node, 0)?, importer.quantised(node, 1)?];
    let output = importer.declared(node.output(0)?)?;
    let unsigned = operands.map(|(id, _)| importer.graph.tensor(id).unsigned);
    if unsigned.contains(&!output.unsigned()) || !matches!(output.kind, kind::INT8 | kind::UINT8) {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    let shapes = operands.map(|(id, _)| importer.file_shape(id));
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
    for ((id, _), padded) in ready.iter_mut().zip(&padded) {
        *id = importer.view(node, *id, padded)?;
        if *padded != joined {
            let meaning = super::importer::Meaning::of(importer.graph.tensor(*id));
            *id = importer.step(node, Op::Broadcast, vec![*id], graph_shape(&joined), meaning)?;
        }
    }
    Ok((ready, graph_shape(&joined)))
}

/// `ADD`.
pub fn add(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let ([(a, qa), (b, qb)], shape) = broadcast(importer, node)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = activation(node, node.option(0, 0)?, y)?;
    importer.emit(node, Op::Add(Add { a: qa, b: qb, y, rule: AddRule::A, clamp, chip: None }), vec![a, b], 0, shape)
}

/// `MUL`.
pub fn mul(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let ([(a, qa), (b, qb)], shape) = broadcast(importer, node)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = activation(node, node.option(0, 0)?, y)?;
    let (multiplier, shift) = multiplier(node, f64::from(qa.scale * qb.scale / y.scale))?;
    let (a_zero_point, b_zero_point, y_zero_point) = (qa.zero_point, qb.zero_point, y.zero_point);
    let op = Mul { a_zero_point, b_zero_point, y_zero_point, multiplier, shift, clamp };
    importer.emit(node, Op::Mul(op), vec![a, b], 0, shape)
}

/// A real factor as the runtime quantises it.
fn multiplier(node: &Node, real: f64) -> Result<(i32, i32), Error> {
    if !(real.is_finite() && real > 0.0 && real < 2_f64.powi(30)) {
        return Err(node.unsupported(format!("its scales give the factor {real}: quantise the model again")));
    }
    Ok(quantise_multiplier(real))
}

/// Emits a function of one int8 as a clamp where it is one, else as a table.
fn function(importer: &mut Importer, node: &Node, input: TensorId, of: impl Fn(i32) -> i32) -> Result<(), Error> {
    let table: Box<[i8; 256]> = Box::new(std::array::from_fn(|at| of(at as i32 - 128).clamp(-128, 127) as i8));
    let clamp = Clamp { min: table[0], max: table[255] };
    let clamps = clamp.min <= clamp.max && table.iter().zip(-128..).all(|(&to, from)| to == clamp.apply(from));
    let op = if clamps { Op::Clamp(clamp) } else { Op::Table(table) };
    let shape = importer.graph.tensor(input).shape.clone();
    importer.emit(node, op, vec![input], 0, shape)
}

/// The step from one quantisation to another, by the runtime's integer rule.
fn rescale(node: &Node, x: Quant, y: Quant, clamp: Clamp) -> Result<impl Fn(i32) -> i32, Error> {
    let (multiplier, shift) = multiplier(node, f64::from(x.scale) / f64::from(y.scale))?;
    Ok(move |q: i32| i32::from(clamp.apply(requantise_a(q - x.zero_point, multiplier, shift, y.zero_point))))
}

/// `RELU`, `RELU_N1_TO_1`, `RELU6`.
pub fn relu(importer: &mut Importer, node: &Node, which: i8) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let of = rescale(node, x, y, activation(node, which, y)?)?;
    function(importer, node, input, of)
}

/// `LOGISTIC`: looked up, each entry computed in `f32`.
pub fn logistic(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let inverse = 1.0 / y.scale;
    let of = |q: i32| {
        let real = x.scale * (q - x.zero_point) as f32;
        let result = 1.0 / (1.0 + (-real).exp());
        ((result * inverse).round() as i32).saturating_add(y.zero_point)
    };
    function(importer, node, input, of)
}

/// `QUANTIZE`: from real values, or from one quantisation to another.
pub fn quantize(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    if importer.declared(node.input(0)?)?.kind == kind::FLOAT32 {
        let (scales, zero_points) = (vec![y.scale], vec![y.zero_point]);
        let op = Op::Quantize(Affine { scales, zero_points, axis: 0, rounding: Rounding::HalfAway });
        let shape = importer.graph.tensor(input).shape.clone();
        return importer.emit(node, op, vec![input], 0, shape);
    }
    let (input, x) = importer.quantised(node, 0)?;
    let of = rescale(node, x, y, Clamp::FULL)?;
    function(importer, node, input, of)
}

/// `DEQUANTIZE`.
pub fn dequantize(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    if output.kind != kind::FLOAT32 {
        return Err(output.wrong_type("float32"));
    }
    let (scales, zero_points) = (vec![x.scale], vec![x.zero_point]);
    let op = Op::Dequantize(Affine { scales, zero_points, axis: 0, rounding: Rounding::HalfAway });
    let shape = importer.graph.tensor(input).shape.clone();
    importer.emit(node, op, vec![input], 0, shape)
}

/// `SOFTMAX` over the last axis, of 8-bit or real values.
pub fn softmax(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    let shape = importer.graph.tensor(input).shape.clone();
    let beta: f32 = node.option(0, 0.0)?;
    let (_, x) = importer.quantised(node, 0)?;
    let y = output.quant()?;
    if output.unsigned() != importer.graph.tensor(input).unsigned {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    let scale = -x.scale * beta;
    if !(scale.is_finite() && scale <= 0.0) {
        return Err(node.unsupported(format!("its beta is {beta}: it must not be negative")));
    }
    let table = Box::new(std::array::from_fn(|distance| (scale * distance as f32).exp()));
    let op = Op::QuantisedSoftmax(QuantisedSoftmax { table, y_zero_point: y.zero_point, y_scale: y.scale });
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
