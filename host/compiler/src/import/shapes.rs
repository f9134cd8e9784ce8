//! Operators that move no data, and shapes as values.

use super::attributes::{int, ints, invalid};
use super::context::{Context, Output, title, unsupported};
use super::proto::{NodeProto, elem};
use crate::error::Error;
use crate::graph::{DType, Data, TensorId};
use crate::op::Op;

fn push_view(context: &mut Context, node: &NodeProto, input: TensorId, shape: Vec<usize>) -> Result<(), Error> {
    let output = Output::like(context.tensor(input), shape);
    context.push(node, Op::Reshape, vec![input], output)
}

/// The same elements under another shape, without a name in the file.
pub fn view(context: &mut Context, node: &NodeProto, input: TensorId, shape: Vec<usize>) -> Result<TensorId, Error> {
    let output = Output::like(context.tensor(input), shape);
    context.push_inner(node, Op::Reshape, vec![input], output)
}

/// Resolves an axis that may count from the end.
pub fn axis(node: &NodeProto, value: i64, rank: usize) -> Result<usize, Error> {
    let rank = rank as i64;
    if (-rank..rank).contains(&value) {
        return Ok(value.rem_euclid(rank) as usize);
    }
    Err(invalid(node, "axis", format!("is {value}, outside a tensor of {rank} dimensions: export the model again")))
}

pub fn flatten(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = &context.tensor(input).shape;
    let value = int(node, "axis", 1);
    // Unlike elsewhere, the axis may equal the rank: everything goes left of it.
    let at = if value == shape.len() as i64 { shape.len() } else { axis(node, value, shape.len())? };
    let flat = vec![shape[..at].iter().product(), shape[at..].iter().product()];
    push_view(context, node, input, flat)
}

/// The integers that an attribute (old operator sets) or the constant input at `index` (newer ones) holds.
pub fn integers(context: &Context, node: &NodeProto, index: usize, name: &str) -> Result<Option<Vec<i64>>, Error> {
    if let Some(values) = ints(node, name) {
        return Ok(Some(values.to_vec()));
    }
    if context.optional(node, index)?.is_none() {
        return Ok(None);
    }
    match &context.constant(node, index, name)?.data {
        Some(Data::I64(values)) => Ok(Some(values.clone())),
        Some(Data::I32(values)) => Ok(Some(values.iter().copied().map(i64::from).collect())),
        _ => Err(invalid(node, name, "holds no integers: export the model again".into())),
    }
}

/// As [`integers`], but they must be there.
pub fn required(context: &Context, node: &NodeProto, index: usize, name: &str) -> Result<Vec<i64>, Error> {
    let missing = || Error::MissingOperand { node: title(node), what: format!("its {name}") };
    integers(context, node, index, name)?.ok_or_else(missing)
}

/// The shape of a tensor as a constant.
pub fn shape(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let dims: Vec<i64> = context.tensor(context.required(node, 0)?).shape.iter().map(|&dim| dim as i64).collect();
    let rank = dims.len() as i64;
    let at = |value: i64| (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank) as usize;
    let (start, end) = (at(int(node, "start", 0)), at(int(node, "end", rank)));
    let values = dims[start.min(end)..end].to_vec();
    let mut tensor = super::tensors::activation(&title(node), vec![values.len()], DType::I64, false, None);
    tensor.data = Some(Data::I64(values));
    context.define(super::context::output_name(node)?, tensor)?;
    Ok(())
}

/// Shapes are int64 here whatever the file calls them; other casts compute.
pub fn cast(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let tensor = context.tensor(context.required(node, 0)?);
    match (tensor.dtype, int(node, "to", 0) as i32) {
        (DType::I64, elem::INT64 | elem::INT32) | (DType::F32, elem::FLOAT) => context.alias(node),
        (dtype, to) => {
            let reason = format!("it turns {dtype:?} into {}: only shapes are cast here", elem::name(to));
            Err(unsupported(node, &reason))
        }
    }
}

pub fn reshape(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let target = required(context, node, 1, "shape")?;
    let old = &context.tensor(input).shape;
    let wrong = || Error::Shape {
        value: title(node),
        detail: format!(
            "reshapes {old:?} to {:?}, which holds another number of elements: export the model again",
            &target[..target.len().min(8)]
        ),
    };
    if target.len() > super::limits::MAX_RANK {
        return Err(wrong());
    }
    let keep_zero = int(node, "allowzero", 0) != 0;
    let mut shape = Vec::with_capacity(target.len());
    let mut open = None;
    for (index, &dim) in target.iter().enumerate() {
        shape.push(match dim {
            0 if !keep_zero => *old.get(index).ok_or_else(wrong)?,
            -1 if open.is_none() => {
                open = Some(index);
                1
            }
            _ => usize::try_from(dim).map_err(|_| wrong())?,
        });
    }
    let elements: usize = old.iter().product();
    let known = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim)).ok_or_else(wrong)?;
    if let Some(index) = open {
        if known == 0 || !elements.is_multiple_of(known) {
            return Err(wrong());
        }
        shape[index] = elements / known;
    } else if known != elements {
        return Err(wrong());
    }
    push_view(context, node, input, shape)
}

pub fn squeeze(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let chosen = integers(context, node, 1, "axes")?;
    let shape = context.tensor(input).shape.clone();
    let axes = match chosen {
        None => (0..shape.len()).filter(|&index| shape[index] == 1).collect(),
        Some(values) => values.iter().map(|&value| axis(node, value, shape.len())).collect::<Result<Vec<_>, _>>()?,
    };
    if let Some(&index) = axes.iter().find(|&&index| shape[index] != 1) {
        return Err(invalid(
            node,
            "axes",
            format!("names dimension {index} of {shape:?}, which is not 1: export the model again"),
        ));
    }
    let kept = shape.iter().enumerate().filter(|(index, _)| !axes.contains(index)).map(|(_, &dim)| dim).collect();
    push_view(context, node, input, kept)
}

pub fn unsqueeze(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let values = required(context, node, 1, "axes")?;
    let old = context.tensor(input).shape.clone();
    let rank = old.len() + values.len();
    if rank > super::limits::MAX_RANK {
        return Err(unsupported(
            node,
            &format!("its output has {rank} dimensions: at most {} run here", super::limits::MAX_RANK),
        ));
    }
    let axes = values.iter().map(|&value| axis(node, value, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut rest = old.into_iter();
    let mut shape = Vec::with_capacity(rank);
    for index in 0..rank {
        let dim = if axes.contains(&index) { Some(1) } else { rest.next() };
        shape.push(
            dim.ok_or_else(|| invalid(node, "axes", "names one dimension twice: export the model again".into()))?,
        );
    }
    if rest.next().is_some() {
        return Err(invalid(node, "axes", "names one dimension twice: export the model again".into()));
    }
    push_view(context, node, input, shape)
}

pub fn transpose(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let order: Vec<usize> = match ints(node, "perm") {
        None => (0..shape.len()).rev().collect(),
        Some(values) => values.iter().map(|&value| axis(node, value, shape.len())).collect::<Result<_, _>>()?,
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..shape.len()) {
        return Err(invalid(
            node,
            "perm",
            format!("is {order:?}, which does not reorder {shape:?}: export the model again"),
        ));
    }
    context.charge(shape.iter().map(|&d| d as u64).product())?;
    let moved = order.iter().map(|&index| shape[index]).collect();
    let output = Output::like(context.tensor(input), moved);
    context.push(node, Op::Transpose(order), vec![input], output)
}
