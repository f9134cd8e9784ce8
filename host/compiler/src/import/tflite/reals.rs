//! What the converter leaves in floating point between 8-bit parts: operators whose result is real. They run on the host.

use super::codes::code;
use super::elementwise::broadcast_to_one;
use super::importer::{Importer, Node};
use super::layout::graph_shape;
use super::pools::axes;
use super::schema::kind;
use super::windows::bounds;
use crate::error::Error;
use crate::graph::{DType, TensorId};
use crate::op::{Op, RealFunction, RealOp, RealPair, RealReduction};

/// What an operator does with real values.
enum Kind {
    /// Of one tensor, whose shape the result has.
    Alone(RealOp),
    Pair(RealPair),
    Reduction(RealReduction),
}

/// What the operator of a node does with real values; `None` if it is none of these.
fn recognise(node: &Node) -> Result<Option<Kind>, Error> {
    let function = |function| Kind::Alone(RealOp::Function(function));
    Ok(Some(match node.code {
        code::ADD => Kind::Pair(RealPair::Add),
        code::SUB => Kind::Pair(RealPair::Sub),
        code::MUL => Kind::Pair(RealPair::Mul),
        code::DIV => Kind::Pair(RealPair::Div),
        code::MAXIMUM => Kind::Pair(RealPair::Maximum),
        code::MINIMUM => Kind::Pair(RealPair::Minimum),
        code::POW => Kind::Pair(RealPair::Power),
        code::PRELU => Kind::Pair(RealPair::Prelu),
        code::SQUARED_DIFFERENCE => Kind::Pair(RealPair::SquaredDifference),
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
        code::MEAN => Kind::Reduction(RealReduction::Mean),
        code::SUM => Kind::Reduction(RealReduction::Sum),
        code::REDUCE_MAX => Kind::Reduction(RealReduction::Maximum),
        code::REDUCE_MIN => Kind::Reduction(RealReduction::Minimum),
        code::REDUCE_PROD => Kind::Reduction(RealReduction::Product),
        code::SOFTMAX => Kind::Alone(RealOp::Softmax { beta: node.option(0, 0.0)? }),
        code::LOG_SOFTMAX => Kind::Alone(RealOp::LogSoftmax),
        code::L2_NORMALIZATION if node.option(0, 0_i8)? != 0 => {
            return Err(node.unsupported("it has a fused activation, which the runtime refuses"));
        }
        code::L2_NORMALIZATION => Kind::Alone(RealOp::L2Normalise),
        _ => return Ok(None),
    }))
}

/// Adds the node if it computes real values, and tells whether it does.
pub fn add(importer: &mut Importer, node: &Node) -> Result<bool, Error> {
    let Some(&output) = node.outputs.first() else { return Ok(false) };
    if importer.declared(output)?.kind != kind::FLOAT32 {
        return Ok(false);
    }
    match recognise(node)? {
        Some(Kind::Alone(op)) => alone(importer, node, op)?,
        Some(Kind::Pair(of)) => pair(importer, node, of)?,
        Some(Kind::Reduction(to)) => reduction(importer, node, to)?,
        None => return Ok(false),
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
fn alone(importer: &mut Importer, node: &Node, op: RealOp) -> Result<(), Error> {
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
    let function = match of {
        RealPair::Add | RealPair::Sub | RealPair::Mul | RealPair::Div => node.option(0, 0_i8)?,
        _ => 0,
    };
    importer.emit(node, Op::Real(RealOp::Pair(of, bounds(node, function)?)), operands.to_vec(), 0, shape)
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
