//! Sums, means and maxima over axes and over the whole picture, and places of extremes.

use super::attributes::{int, invalid, spatial_rank};
use super::context::{Context, Output, unsupported};
use super::movement::volume;
use super::proto::NodeProto;
use super::shapes::{axis, integers, view};
use crate::error::Error;
use crate::graph::{DType, TensorId};
use crate::op::{ArgExtreme, Clamp, FloatOp, MaxPool, Op, Window};

/// The axes of a reduction, ascending, and whether they stay as dimensions of 1.
fn axes(context: &Context, node: &NodeProto, rank: usize) -> Result<(Vec<usize>, bool), Error> {
    let stated = integers(context, node, 1, "axes")?.unwrap_or_default();
    let mut axes = stated.iter().map(|&value| axis(node, value, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    if axes.first().is_none_or(|&first| first == 0) {
        return Err(invalid(
            node,
            "axes",
            format!("are {stated:?}: the first dimension, which is the batch, must stay"),
        ));
    }
    Ok((axes, int(node, "keepdims", 1) != 0))
}

/// Writes a reduction, without the axes unless they are kept.
fn reduced(
    context: &mut Context,
    node: &NodeProto,
    op: Op,
    input: TensorId,
    (axes, keep): (&[usize], bool),
) -> Result<(), Error> {
    let shape = context.tensor(input).shape.clone();
    context.charge(volume(&shape))?;
    let kept: Vec<usize> = shape.iter().enumerate().map(|(at, &d)| if axes.contains(&at) { 1 } else { d }).collect();
    let mut output = Output::like(context.tensor(input), kept);
    if let Op::ArgExtreme(_) = op {
        output = Output { dtype: DType::I64, unsigned: false, quant: None, ..output };
    }
    if keep {
        return context.push(node, op, vec![input], output);
    }
    let id = context.push_inner(node, op, vec![input], output)?;
    let left = shape.iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, &d)| d).collect();
    let output = Output::like(context.tensor(id), left);
    context.push(node, Op::Reshape, vec![id], output)
}

/// `ReduceSum` and `ReduceMean` of real values.
pub fn sum(context: &mut Context, node: &NodeProto, of: fn(Vec<usize>) -> FloatOp) -> Result<(), Error> {
    let input = super::float::real_input(context, node, 0)?;
    let (axes, keep) = axes(context, node, context.tensor(input).shape.len())?;
    let op = Op::Float(of(axes.clone()));
    reduced(context, node, op, input, (&axes, keep))
}

/// A maximum over height, width or both of a picture, as a pool.
fn pool(context: &mut Context, node: &NodeProto, axes: &[usize], keep: bool) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    if !matches!(context.tensor(input).dtype, DType::I8 | DType::F32) {
        super::float::real_input(context, node, 0)?;
    }
    if !matches!(shape.len(), 3 | 4) || axes.iter().any(|&axis| axis < 2) {
        return Err(unsupported(
            node,
            "it takes the maximum over other axes than height and width: only these run here",
        ));
    }
    // A picture of three dimensions is one row high.
    let seen =
        if shape.len() == 3 { view(context, node, input, vec![shape[0], shape[1], 1, shape[2]])? } else { input };
    let along = |axis: usize| if axes.contains(&axis) { shape[axis] } else { 1 };
    let kernel = if shape.len() == 3 { [1, along(2)] } else { [along(2), along(3)] };
    let op = Op::MaxPool(MaxPool { window: Window::of(kernel), clamp: Clamp::FULL });
    if seen == input {
        return reduced(context, node, op, input, (axes, keep));
    }
    let output = Output::like(context.tensor(seen), vec![shape[0], shape[1], 1, 1]);
    let id = context.push_inner(node, op, vec![seen], output)?;
    let left = if keep { vec![shape[0], shape[1], 1] } else { vec![shape[0], shape[1]] };
    let output = Output::like(context.tensor(id), left);
    context.push(node, Op::Reshape, vec![id], output)
}

/// `ReduceMax`.
pub fn max(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let (axes, keep) = axes(context, node, context.tensor(input).shape.len())?;
    pool(context, node, &axes, keep)
}

/// `ArgMax` and `ArgMin` of 8-bit or real values.
pub fn place(context: &mut Context, node: &NodeProto, greatest: bool) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    if context.tensor(input).dtype != DType::I8 {
        super::float::real_input(context, node, 0)?;
    }
    let shape = &context.tensor(input).shape;
    let along = axis(node, int(node, "axis", 0), shape.len())?;
    if along == 0 {
        return Err(invalid(node, "axis", "is 0: the first dimension, which is the batch, must stay".into()));
    }
    if shape[along] == 0 {
        return Err(unsupported(node, "it looks for a place among no values: export the model again"));
    }
    let op = ArgExtreme { axis: along, greatest, last: int(node, "select_last_index", 0) != 0 };
    let keep = int(node, "keepdims", 1) != 0;
    reduced(context, node, Op::ArgExtreme(op), input, (&[along], keep))
}

/// `GlobalMaxPool`.
pub fn global_max(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    spatial_rank(node, &shape)?;
    pool(context, node, &(2..shape.len()).collect::<Vec<_>>(), true)
}
