//! com.microsoft's quantised operators that are neither layers nor pools.

use super::attributes::{int, real};
use super::context::{Context, Output, title, unsupported};
use super::movement::{broadcast_both, concat_of, volume};
use super::proto::NodeProto;
use super::qoperator::one_signedness;
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::op::{Clamp, FloatOp, Op, Product, TableSoftmax};
use crate::quantised::{offset, table};
use crate::reference::unary;

pub fn mul(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (a, a_unsigned) = context.quant(node, 1, 2)?;
    let (b, b_unsigned) = context.quant(node, 4, 5)?;
    let (y, unsigned) = context.quant(node, 6, 7)?;
    let inputs = [context.activation(node, 0, a_unsigned)?, context.activation(node, 3, b_unsigned)?];
    one_signedness(node, [a_unsigned, b_unsigned, unsigned])?;
    let (inputs, shape) = broadcast_both(context, node, inputs)?;
    let op = Op::Product(Product { a, b, y, offset: offset(unsigned), clamp: Clamp::FULL });
    context.push(node, op, inputs, Output::quantised(shape, y, unsigned))
}

/// Each input is requantised by a look-up of what dequantising and quantising give, then all are joined.
pub fn concat(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (y, unsigned) = context.quant(node, 0, 1)?;
    if node.input.len() < 5 || node.input.len() % 3 != 2 {
        return Err(Error::MissingOperand { node: title(node), what: "a scale and zero point for each input".into() });
    }
    let mut inputs = Vec::new();
    for at in (2..node.input.len()).step_by(3) {
        let (x, x_unsigned) = context.quant(node, at + 1, at + 2)?;
        let input = context.activation(node, at, x_unsigned)?;
        let shape = context.tensor(input).shape.clone();
        context.charge(volume(&shape))?;
        let same = (x, x_unsigned) == (y, unsigned);
        inputs.push(if same {
            input
        } else {
            context.push_inner(node, table(x, y, |value| value), vec![input], Output::quantised(shape, y, unsigned))?
        });
    }
    concat_of(context, node, inputs)
}

pub fn sigmoid(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    look_up(context, node, &FloatOp::Sigmoid)
}

pub fn leaky_relu(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    look_up(context, node, &FloatOp::LeakyRelu { alpha: real(node, "alpha", 0.01) })
}

/// The operands of an operator with one input: input, scale, zero point, scale and zero point of the output.
fn one_input(context: &Context, node: &NodeProto) -> Result<(TensorId, Quant, Quant, bool), Error> {
    let (x, x_unsigned) = context.quant(node, 1, 2)?;
    let (y, unsigned) = context.quant(node, 3, 4)?;
    Ok((context.activation(node, 0, x_unsigned)?, x, y, unsigned))
}

/// The runtime computes the real function of all 256 values once and looks them up, as we do.
fn look_up(context: &mut Context, node: &NodeProto, op: &FloatOp) -> Result<(), Error> {
    let (input, x, y, unsigned) = one_input(context, node)?;
    let shape = context.tensor(input).shape.clone();
    context.charge(volume(&shape))?;
    let table = table(x, y, |value| unary(op, value).unwrap_or(value));
    context.push(node, table, vec![input], Output::quantised(shape, y, unsigned))
}

pub fn softmax(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (input, x, y, unsigned) = one_input(context, node)?;
    let shape = context.tensor(input).shape.clone();
    let default = if int(node, "opset", 13) < 13 { 1 } else { -1 };
    let axis = super::shapes::axis(node, int(node, "axis", default), shape.len())?;
    if axis + 1 != shape.len() {
        let reason = format!("its axis is {axis} of {shape:?}: only the last dimension runs here, transpose first");
        return Err(unsupported(node, &reason));
    }
    context.charge(volume(&shape))?;
    let op = TableSoftmax::new(x.scale, y, shape[axis])
        .ok_or_else(|| unsupported(node, "its scales overflow the runtime's arithmetic: quantise the model again"))?;
    context.push(node, Op::TableSoftmax(op), vec![input], Output::quantised(shape, y, unsigned))
}
