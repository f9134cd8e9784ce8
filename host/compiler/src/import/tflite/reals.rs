//! What the converter leaves in floating point between 8-bit parts: operators whose result is real. They run on the host.

use super::codes::code;
use super::elementwise::broadcast_to_one;
use super::importer::{Importer, Node};
use super::layout::graph_shape;
use super::pools::axes;
use super::schema::kind;
use crate::error::Error;
use crate::graph::{DType, TensorId};
use crate::op::{Op, RealFunction, RealOp, RealPair, RealReduction};

/// No bound at all.
const UNBOUNDED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// What an operator does with real values.
enum Kind {
    Function(RealFunction),
    Pair(RealPair),
    Reduction(RealReduction),
    Softmax,
    LogSoftmax,
    L2Normalise,
}

/// What the operator of a node whose result is real does; `None` for others.
fn kind(importer: &Importer, node: &Node) -> Result<Option<Kind>, Error> {
    let real = match node.outputs.first() {
        Some(&output) => importer.declared(output)?.kind == kind::FLOAT32,
        None => false,
    };
    let function = |function| Some(Kind::Function(function));
    Ok(match node.code {
        _ if !real => None,
        code::ADD => Some(Kind::Pair(RealPair::Add)),
        code::SUB => Some(Kind::Pair(RealPair::Sub)),
        code::MUL => Some(Kind::Pair(RealPair::Mul)),
        code::DIV => Some(Kind::Pair(RealPair::Div)),
        code::MAXIMUM => Some(Kind::Pair(RealPair::Maximum)),
        code::MINIMUM => Some(Kind::Pair(RealPair::Minimum)),
        code::POW => Some(Kind::Pair(RealPair::Power)),
        code::PRELU => Some(Kind::Pair(RealPair::Prelu)),
        code::SQUARED_DIFFERENCE => Some(Kind::Pair(RealPair::SquaredDifference)),
        code::ABS => function(RealFunction::Abs),
        code::COS => function(RealFunction::Cos),
        code::EXP => function(RealFunction::Exp),
        code::FLOOR => function(RealFunction::Floor),
        code::HARD_SWISH => function(RealFunction::HardSwish),
        code::LEAKY_RELU => function(RealFunction::LeakyRelu(node.option(0, 0.0)?)),
        code::LOG => function(RealFunction::Log),
        code::LOGISTIC => function(RealFunction::Logistic),
        code::NEG => function(RealFunction::Negate),
        code::RELU => function(RealFunction::Clip(0.0, f32::INFINITY)),
        code::RELU_0_TO_1 => function(RealFunction::Clip(0.0, 1.0)),
        code::RELU_N1_TO_1 => function(RealFunction::Clip(-1.0, 1.0)),
        code::RELU6 => function(RealFunction::Clip(0.0, 6.0)),
        code::RSQRT => function(RealFunction::Rsqrt),
        code::SIN => function(RealFunction::Sin),
        code::SQRT => function(RealFunction::Sqrt),
        code::SQUARE => function(RealFunction::Square),
        code::TANH => function(RealFunction::Tanh),
        code::MEAN => Some(Kind::Reduction(RealReduction::Mean)),
        code::SUM => Some(Kind::Reduction(RealReduction::Sum)),
        code::REDUCE_MAX => Some(Kind::Reduction(RealReduction::Maximum)),
        code::REDUCE_MIN => Some(Kind::Reduction(RealReduction::Minimum)),
        code::REDUCE_PROD => Some(Kind::Reduction(RealReduction::Product)),
        code::SOFTMAX => Some(Kind::Softmax),
        code::LOG_SOFTMAX => Some(Kind::LogSoftmax),
        code::L2_NORMALIZATION => Some(Kind::L2Normalise),
        _ => None,
    })
}

/// Adds the node if it computes real values, and tells whether it does.
pub fn add(importer: &mut Importer, node: &Node) -> Result<bool, Error> {
    let Some(kind) = kind(importer, node)? else { return Ok(false) };
    match kind {
        Kind::Function(function) => one(importer, node, RealOp::Function(function))?,
        Kind::Pair(of) => pair(importer, node, of)?,
        Kind::Reduction(to) => reduction(importer, node, to)?,
        Kind::Softmax => one(importer, node, RealOp::Softmax { beta: node.option(0, 0.0)? })?,
        Kind::LogSoftmax => one(importer, node, RealOp::LogSoftmax)?,
        Kind::L2Normalise if node.option(0, 0_i8)? != 0 => {
            return Err(node.unsupported("it has a fused activation, which the runtime refuses"));
        }
        Kind::L2Normalise => one(importer, node, RealOp::L2Normalise)?,
    }
    Ok(true)
}

/// An operand, which must be real.
fn real(importer: &mut Importer, node: &Node, at: usize) -> Result<TensorId, Error> {
    let id = importer.value(node, at)?;
    if importer.graph.tensor(id).dtype == DType::F32 {
        return Ok(id);
    }
    Err(importer.declared(node.input(at)?)?.wrong_type("float32, as the result is"))
}

/// An operator of one tensor, whose result has its shape.
fn one(importer: &mut Importer, node: &Node, op: RealOp) -> Result<(), Error> {
    let input = real(importer, node, 0)?;
    let shape = importer.graph.tensor(input).shape.clone();
    importer.emit(node, Op::Real(op), vec![input], 0, shape)
}

/// An operator of two tensors, which broadcast.
fn pair(importer: &mut Importer, node: &Node, of: RealPair) -> Result<(), Error> {
    let operands = [real(importer, node, 0)?, real(importer, node, 1)?];
    let (operands, shape) = broadcast_to_one(importer, node, operands)?;
    if of == RealPair::Prelu && super::layout::file_shape(&shape) != importer.declared(node.input(0)?)?.shape {
        return Err(node.misshapen("has factors of more dimensions than its input: convert the model again"));
    }
    let fused = match of {
        RealPair::Add | RealPair::Sub | RealPair::Mul | RealPair::Div => node.option(0, 0_i8)?,
        _ => 0,
    };
    let bounds = match fused {
        0 => UNBOUNDED,
        1 => [0.0, f32::INFINITY],
        2 => [-1.0, 1.0],
        3 => [0.0, 6.0],
        other => {
            let reason = format!("its fused activation is {other}: only NONE, RELU, RELU_N1_TO_1 and RELU6 run here");
            return Err(node.unsupported(reason));
        }
    };
    importer.emit(node, Op::Real(RealOp::Pair(of, bounds)), operands.to_vec(), 0, shape)
}

/// An operator that takes values along some axes together.
fn reduction(importer: &mut Importer, node: &Node, to: RealReduction) -> Result<(), Error> {
    let input = real(importer, node, 0)?;
    let file = importer.file_shape(input);
    let axes = axes(node, &importer.integers(node, 1, "its axes")?, file.len())?;
    let gone = |axis: &usize| axes.contains(axis);
    let sizes: Vec<usize> = (0..file.len()).map(|axis| if gone(&axis) { 1 } else { file[axis] }).collect();
    let left: Vec<usize> = (0..file.len()).filter(|axis| !gone(axis)).map(|axis| file[axis]).collect();
    importer.charge(file.iter().map(|&d| d as u64).product())?;
    let op = Op::Real(RealOp::Reduce { to, axes });
    if node.option(0, false)? {
        return importer.emit(node, op, vec![input], 0, graph_shape(&sizes));
    }
    let meaning = importer.declared(node.output(0)?)?.meaning()?;
    let reduced = importer.step(node, op, vec![input], graph_shape(&sizes), meaning)?;
    importer.emit_view(node, reduced, 0, &left)
}
