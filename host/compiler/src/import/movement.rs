//! Operators that move elements: all of them become views, boxes, frames, repetitions and concatenations.

use super::attributes::{int, invalid, text};
use super::context::{Context, Output, output_name, title, unsupported};
use super::proto::NodeProto;
use super::shapes::{axis, integers, required, view};
use crate::error::Error;
use crate::graph::TensorId;
use crate::op::{Op, Resize, Slice};

/// The number of elements of a shape, as work.
pub fn volume(shape: &[usize]) -> u64 {
    shape.iter().fold(1_u64, |product, &dim| product.saturating_mul(dim as u64))
}

/// One behind the other along an axis; the output has no name in the file.
pub fn join(context: &mut Context, node: &NodeProto, inputs: Vec<TensorId>, at: usize) -> Result<TensorId, Error> {
    let output = joined(context, node, &inputs, at)?;
    context.push_inner(node, Op::Concat { axis: at }, inputs, output)
}

fn joined(context: &mut Context, node: &NodeProto, inputs: &[TensorId], at: usize) -> Result<Output, Error> {
    let first = context.tensor(inputs[0]);
    let mut output = Output::like(first, first.shape.clone());
    output.shape[at] = 0;
    for id in inputs {
        let tensor = context.tensor(*id);
        let fits = tensor.shape.len() == output.shape.len()
            && tensor.shape.iter().zip(&output.shape).enumerate().all(|(index, (a, b))| index == at || a == b);
        if !fits || (tensor.dtype, tensor.unsigned) != (output.dtype, output.unsigned) {
            let reason = format!(
                "it joins {:?} of shape {:?} to {:?} of shape {:?} along dimension {at}: export the model again",
                tensor.dtype, tensor.shape, output.dtype, output.shape
            );
            return Err(unsupported(node, &reason));
        }
        output.shape[at] += tensor.shape[at];
        output.quant = output.quant.filter(|quant| tensor.quant == Some(*quant));
    }
    context.charge(volume(&output.shape))?;
    Ok(output)
}

/// Joins all given tensors along the node's axis.
pub fn concat_of(context: &mut Context, node: &NodeProto, inputs: Vec<TensorId>) -> Result<(), Error> {
    let Some(first) = inputs.first() else {
        return Err(Error::MissingOperand { node: title(node), what: "an input".into() });
    };
    let at = axis(node, int(node, "axis", 1), context.tensor(*first).shape.len())?;
    let output = joined(context, node, &inputs, at)?;
    context.push(node, Op::Concat { axis: at }, inputs, output)
}

pub fn concat(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let inputs = (0..node.input.len()).map(|index| context.required(node, index)).collect::<Result<_, _>>()?;
    concat_of(context, node, inputs)
}

/// A box along one axis: `count` elements from `start` in steps of `step`.
fn along(shape: &[usize], at: usize, start: usize, step: i64, count: usize) -> Slice {
    let mut slice = Slice { start: vec![0; shape.len()], step: vec![1; shape.len()], size: shape.to_vec() };
    slice.start[at] = start;
    slice.step[at] = if count > 1 { step } else { 1 };
    slice.size[at] = count;
    slice
}

fn cut(
    context: &mut Context,
    node: &NodeProto,
    input: TensorId,
    at: usize,
    [start, count]: [usize; 2],
    step: i64,
) -> Result<TensorId, Error> {
    let slice = along(&context.tensor(input).shape, at, start, step, count);
    let output = Output::like(context.tensor(input), slice.size.clone());
    context.charge(volume(&output.shape))?;
    context.push_inner(node, Op::Slice(slice), vec![input], output)
}

/// The elements that Python's `start:end:step` takes of `size`: the first one and how many.
fn range(size: usize, start: i64, end: i64, step: i64) -> [usize; 2] {
    let size = size as i128;
    let (start, end, step) = (i128::from(start), i128::from(end), i128::from(step));
    let wrap = |value: i128| if value < 0 { value + size } else { value };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let (start, end) = (wrap(start).clamp(low.max(0).min(high.max(0)), high.max(0)), wrap(end).clamp(low, high));
    let distance = if step > 0 { end - start } else { start - end };
    let count = if distance <= 0 || size == 0 { 0 } else { (distance + step.abs() - 1) / step.abs() };
    [start as usize, count as usize]
}

pub fn slice(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let (starts, ends) = (required(context, node, 1, "starts")?, required(context, node, 2, "ends")?);
    let axes = integers(context, node, 3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = integers(context, node, 4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] || steps.contains(&0) {
        return Err(invalid(node, "starts", "does not match ends, axes and steps: export the model again".into()));
    }
    let mut slice = along(&shape, 0, 0, 1, 0);
    slice.size.clone_from(&shape);
    for (index, &value) in axes.iter().enumerate() {
        let at = axis(node, value, shape.len())?;
        let [start, count] = range(shape[at], starts[index], ends[index], steps[index]);
        (slice.start[at], slice.size[at]) = (start, count);
        slice.step[at] = if count > 1 { steps[index] } else { 1 };
    }
    let output = Output::like(context.tensor(input), slice.size.clone());
    context.charge(volume(&output.shape))?;
    context.push(node, Op::Slice(slice), vec![input], output)
}

pub fn split(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let at = axis(node, int(node, "axis", 0), shape.len())?;
    let pieces = node.output.len();
    let wrong = |detail: String| invalid(node, "split", detail);
    let sizes: Vec<usize> = if let Some(sizes) = integers(context, node, 1, "split")? {
        sizes.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect()
    } else {
        // Equal pieces; since operator set 18 the last one may be smaller.
        let each = shape[at].div_ceil(pieces.max(1));
        let taken = |index: usize| (each * index).min(shape[at]);
        (0..pieces).map(|index| taken(index + 1) - taken(index)).collect()
    };
    let total = sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size));
    if sizes.len() != pieces || total != Some(shape[at]) {
        let detail = format!("makes {pieces} pieces that do not add up to dimension {at} of {shape:?}");
        return Err(wrong(format!("{detail}: export the model again")));
    }
    let mut start = 0;
    for (name, &size) in node.output.iter().zip(&sizes) {
        if !name.is_empty() {
            let slice = along(&shape, at, start, 1, size);
            let output = Output::like(context.tensor(input), slice.size.clone());
            context.charge(volume(&output.shape))?;
            context.push_as(node, name, Op::Slice(slice), vec![input], output)?;
        }
        start += size;
    }
    Ok(())
}

/// Repeats dimensions of 1, and leading ones that are not there, up to `target`; `target` must be what both broadcast to.
pub fn broadcast(
    context: &mut Context,
    node: &NodeProto,
    input: TensorId,
    target: &[usize],
) -> Result<TensorId, Error> {
    if context.tensor(input).shape == target {
        return Ok(input);
    }
    let mut shape = vec![1; target.len() - context.tensor(input).shape.len()];
    shape.extend(&context.tensor(input).shape);
    let input = if shape.len() == context.tensor(input).shape.len() {
        input
    } else {
        view(context, node, input, shape.clone())?
    };
    if shape == target {
        return Ok(input);
    }
    context.charge(volume(target))?;
    let output = Output::like(context.tensor(input), target.to_vec());
    context.push_inner(node, Op::Broadcast, vec![input], output)
}

/// The shape that two shapes broadcast to.
pub fn common_shape(node: &NodeProto, a: &[usize], b: &[usize]) -> Result<Vec<usize>, Error> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], index: usize| (index + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let both = |index: usize| match (dim(a, index), dim(b, index)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    };
    let reason = || format!("it combines shapes {a:?} and {b:?}: only shapes that broadcast combine");
    (0..rank).map(both).collect::<Option<_>>().ok_or_else(|| unsupported(node, &reason()))
}

/// Brings two operands to one shape.
pub fn broadcast_both(
    context: &mut Context,
    node: &NodeProto,
    inputs: [TensorId; 2],
) -> Result<(Vec<TensorId>, Vec<usize>), Error> {
    let shape = common_shape(node, &context.tensor(inputs[0]).shape, &context.tensor(inputs[1]).shape)?;
    super::tensors::check_size(&title(node), &shape)?;
    context.charge(volume(&shape))?;
    let inputs = inputs.map(|id| broadcast(context, node, id, &shape)).into_iter().collect::<Result<_, _>>()?;
    Ok((inputs, shape))
}

/// Ends an operator whose last step already has its result: gives it the file's name.
pub fn finish(context: &mut Context, node: &NodeProto, id: TensorId) -> Result<(), Error> {
    if context.required(node, 0)? == id { context.alias(node) } else { context.name(output_name(node)?, id) }
}

pub fn expand(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let wanted = required(context, node, 1, "shape")?;
    let wanted = super::tensors::checked_shape(&title(node), &wanted)?;
    let shape = common_shape(node, &context.tensor(input).shape, &wanted)?;
    super::tensors::check_size(&title(node), &shape)?;
    let id = broadcast(context, node, input, &shape)?;
    finish(context, node, id)
}

pub fn tile(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let mut id = context.required(node, 0)?;
    let repeats = required(context, node, 1, "repeats")?;
    let repeats = super::tensors::checked_shape(&title(node), &repeats)?;
    if repeats.len() != context.tensor(id).shape.len() {
        return Err(invalid(node, "repeats", format!("is {repeats:?}: it needs one number a dimension")));
    }
    for (at, &count) in repeats.iter().enumerate().filter(|(_, count)| **count != 1) {
        let mut shape = context.tensor(id).shape.clone();
        let (outer, inner) = (volume(&shape[..at]) as usize, volume(&shape[at..]) as usize);
        shape[at] = shape[at].saturating_mul(count);
        super::tensors::check_size(&title(node), &shape)?;
        id = view(context, node, id, vec![outer, 1, inner])?;
        id = broadcast(context, node, id, &[outer, count, inner])?;
        id = view(context, node, id, shape)?;
    }
    finish(context, node, id)
}

pub fn depth_to_space(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (input, [batch, channels, height, width], block) = squares(context, node)?;
    if channels % (block * block) != 0 {
        return Err(invalid(node, "blocksize", format!("is {block}, which does not divide {channels} channels")));
    }
    let deep = channels / (block * block);
    let shape = vec![batch, deep, height * block, width * block];
    context.charge(volume(&shape))?;
    match text(node, "mode").unwrap_or("DCR") {
        "DCR" => {
            let output = Output::like(context.tensor(input), shape);
            context.push(node, Op::DepthToSpace { block }, vec![input], output)
        }
        "CRD" => {
            let split = view(context, node, input, vec![batch, deep, block, block, height, width])?;
            let moved = vec![batch, deep, height, block, width, block];
            let output = Output::like(context.tensor(split), moved);
            let moved = context.push_inner(node, Op::Transpose(vec![0, 1, 4, 2, 5, 3]), vec![split], output)?;
            let output = Output::like(context.tensor(moved), shape);
            context.push(node, Op::Reshape, vec![moved], output)
        }
        other => Err(invalid(node, "mode", format!("is '{}': it is DCR or CRD", crate::error::show(other)))),
    }
}

pub fn space_to_depth(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (input, [batch, channels, height, width], block) = squares(context, node)?;
    if height % block != 0 || width % block != 0 {
        return Err(invalid(node, "blocksize", format!("is {block}, which does not divide {height} by {width}")));
    }
    let shape = vec![batch, channels * block * block, height / block, width / block];
    context.charge(volume(&shape))?;
    let output = Output::like(context.tensor(input), shape);
    context.push(node, Op::SpaceToDepth { block }, vec![input], output)
}

/// The picture and the side of the squares that depth and space exchange.
fn squares(context: &Context, node: &NodeProto) -> Result<(TensorId, [usize; 4], usize), Error> {
    const MOST: i64 = 1 << 12;
    let input = context.required(node, 0)?;
    let shape = &context.tensor(input).shape;
    let block = int(node, "blocksize", 0);
    if !(1..=MOST).contains(&block) {
        return Err(invalid(node, "blocksize", format!("is {block}: it must be from 1 to {MOST}")));
    }
    let four = || unsupported(node, &format!("its input has shape {shape:?}: it needs four dimensions"));
    Ok((input, shape.as_slice().try_into().map_err(|_| four())?, block as usize))
}

pub fn gather(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let at = axis(node, int(node, "axis", 0), shape.len())?;
    let indices = required(context, node, 1, "indices")?;
    let index_shape = context.tensor(context.required(node, 1)?).shape.clone();
    let size = shape[at] as i64;
    let resolve = |&index: &i64| {
        let inside = (-size..size).contains(&index).then(|| index.rem_euclid(size.max(1)) as usize);
        inside.ok_or_else(|| invalid(node, "indices", format!("names element {index} of {size}")))
    };
    let rows: Vec<usize> = indices.iter().map(resolve).collect::<Result<_, _>>()?;
    let mut target = shape[..at].to_vec();
    target.extend(&index_shape);
    target.extend(&shape[at + 1..]);
    super::tensors::check_size(&title(node), &target)?;
    let id = if !rows.is_empty() && rows.windows(2).all(|pair| pair[1] == pair[0] + 1) {
        cut(context, node, input, at, [rows[0], rows.len()], 1)?
    } else {
        // Rows in any order are what a nearest-neighbour resize shows.
        let (outer, inner) = (volume(&shape[..at]) as usize, volume(&shape[at + 1..]) as usize);
        let planes = view(context, node, input, vec![1, outer, shape[at], inner])?;
        context.charge(volume(&target))?;
        let output = Output::like(context.tensor(planes), vec![1, outer, rows.len(), inner]);
        let op = Op::Resize(Resize { rows, columns: (0..inner).collect() });
        context.push_inner(node, op, vec![planes], output)?
    };
    let output = Output::like(context.tensor(id), target);
    context.push(node, Op::Reshape, vec![id], output)
}

/// A piece of one axis, for padding.
pub fn piece(
    context: &mut Context,
    node: &NodeProto,
    input: TensorId,
    at: usize,
    range: [usize; 2],
    backwards: bool,
) -> Result<TensorId, Error> {
    cut(context, node, input, at, range, if backwards { -1 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_pythons() {
        assert_eq!(range(10, 2, -1, 3), [2, 3]);
        assert_eq!(range(10, -1, i64::MIN, -4), [9, 3]);
        assert_eq!(range(10, 20, 0, -1), [9, 9]);
        assert_eq!(range(10, i64::MIN, i64::MAX, i64::MAX), [0, 1]);
        assert_eq!(range(10, 20, 30, 1)[1], 0);
        assert_eq!(range(0, -1, i64::MIN, i64::MIN), [0, 0]);
    }
}
