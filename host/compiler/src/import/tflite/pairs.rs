//! Functions of two tensors beside sums and products.

use super::elementwise::{Factors, broadcast, factors};
use super::functions::{function, multiplier, signed};
use super::importer::{Importer, Node};
use super::windows::activation;
use crate::error::Error;
use crate::graph::Quant;
use crate::op::{Add, AddRule, Clamp, Op, Pair, Prelu};
use crate::reference::pair;

/// `SUB`.
pub fn sub(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = activation(node, node.option(0, 0)?, y)?;
    emit(importer, node, false, |a, b| Ok(Pair::Sub(Add { a, b, y, rule: AddRule::A, clamp, chip: None })))
}

/// `SQUARED_DIFFERENCE`.
pub fn squared_difference(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    for at in 0..2 {
        let (id, _) = importer.quantised(node, at)?;
        signed(importer, node, id)?;
    }
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = Clamp::FULL;
    emit(importer, node, false, |a, b| {
        Ok(Pair::SquaredDifference(Add { a, b, y, rule: AddRule::A, clamp, chip: None }))
    })
}

/// `MAXIMUM`, `MINIMUM`: of the values as they are stored, so all three tensors must mean the same by them.
pub fn extreme(importer: &mut Importer, node: &Node, op: Pair) -> Result<(), Error> {
    let y = importer.declared(node.output(0)?)?.quant()?;
    emit(importer, node, false, |a, b| {
        if a == y && b == y {
            return Ok(op);
        }
        Err(node.unsupported("its operands and its output are quantised differently: quantise them alike"))
    })
}

/// `PRELU`.
pub fn prelu(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let y = importer.declared(node.output(0)?)?.quant()?;
    emit(importer, node, true, |x, alpha| {
        Ok(Pair::Prelu(Prelu {
            x_zero_point: x.zero_point,
            alpha_zero_point: alpha.zero_point,
            y_zero_point: y.zero_point,
            positive: multiplier(node, f64::from(x.scale / y.scale))?,
            negative: multiplier(node, f64::from(x.scale * alpha.scale / y.scale))?,
        }))
    })
}

/// Emits a function of both operands, or with a constant of one value a table. A result of the first one's shape is demanded if it must be.
fn emit(
    importer: &mut Importer,
    node: &Node,
    first_leads: bool,
    op: impl Fn(Quant, Quant) -> Result<Pair, Error>,
) -> Result<(), Error> {
    if let Some(Factors { other, values, quant }) = factors(importer, node)?
        && let &[value] = values.as_slice()
    {
        let (input, x) = importer.quantised(node, other)?;
        if other == 0 {
            let op = op(x, quant)?;
            return function(importer, node, input, |q| i32::from(pair(&op, q as i8, value)));
        }
        let op = op(quant, x)?;
        return function(importer, node, input, |q| i32::from(pair(&op, value, q as i8)));
    }
    let ([(a, qa), (b, qb)], shape) = broadcast(importer, node)?;
    if first_leads && super::layout::file_shape(&shape) != importer.declared(node.input(0)?)?.shape {
        return Err(node.misshapen("has factors of more dimensions than its input: convert the model again"));
    }
    let op = op(qa, qb)?;
    importer.emit(node, Op::Pair(op), vec![a, b], 0, shape)
}
