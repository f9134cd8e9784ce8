//! Operators that only move elements.

use super::elementwise::requantised;
use super::importer::{Declared, Importer, Meaning, Node};
use super::layout::{graph_axis, graph_order, graph_shape, same_order};
use super::pools::{axes, axis};
use super::schema::kind;
use super::windows::{activation, extent};
use crate::error::Error;
use crate::graph::TensorId;
use crate::import::limits::MAX_RANK;
use crate::op::{FloatOp, Op, Pad, RealPad, Slice};

/// `RESHAPE`: the shape is an operand, or an option, or only declared.
pub fn reshape(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let listed = node.list(0)?;
    let stated = match node.inputs.get(1).copied().flatten() {
        Some(index) if importer.is_known(index)? => importer.integers(node, 1, "its shape")?,
        None if !listed.is_empty() => listed,
        _ => importer.declared(node.output(0)?)?.shape.iter().map(|&d| d as i64).collect(),
    };
    let old = importer.file_shape(input);
    let elements: usize = old.iter().product();
    let wrong = || node.misshapen(format!("reshapes {old:?} to {stated:?}: convert the model again"));
    if stated.len() > MAX_RANK || stated.iter().filter(|&&d| d == -1).count() > 1 {
        return Err(wrong());
    }
    let known = stated
        .iter()
        .filter(|&&d| d != -1)
        .try_fold(1_usize, |product, &d| product.checked_mul(usize::try_from(d).ok()?));
    let known = known.ok_or_else(wrong)?;
    let resolve = |&d: &i64| if d == -1 { elements.checked_div(known) } else { usize::try_from(d).ok() };
    let shape: Vec<usize> = stated.iter().map(resolve).collect::<Option<_>>().ok_or_else(wrong)?;
    if shape.iter().product::<usize>() != elements {
        return Err(wrong());
    }
    importer.emit_view(node, input, 0, &shape)
}

/// `SQUEEZE`.
pub fn squeeze(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let old = importer.file_shape(input);
    let mut dropped = axes(node, &node.list(0)?, old.len())?;
    if dropped.is_empty() {
        dropped = (0..old.len()).filter(|&axis| old[axis] == 1).collect();
    }
    if let Some(axis) = dropped.iter().find(|&&axis| old[axis] != 1) {
        return Err(
            node.misshapen(format!("squeezes dimension {axis} of {old:?}, which is not 1: convert the model again"))
        );
    }
    let kept: Vec<usize> =
        old.iter().enumerate().filter(|(axis, _)| !dropped.contains(axis)).map(|(_, &d)| d).collect();
    importer.emit_view(node, input, 0, &kept)
}

/// `EXPAND_DIMS`.
pub fn expand_dims(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let mut shape = importer.file_shape(input);
    let place = importer.integers(node, 1, "its axis")?;
    let &[place] = place.as_slice() else { return Err(node.misshapen("needs one axis")) };
    let place = axis(node, place, shape.len() + 1)?;
    shape.insert(place, 1);
    crate::import::tensors::check_size(&node.title, &shape)?;
    importer.emit_view(node, input, 0, &shape)
}

/// `TRANSPOSE`.
pub fn transpose(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let old = importer.file_shape(input);
    let stated = importer.integers(node, 1, "its order")?;
    let order = axes(node, &stated, old.len())?;
    if order.len() != old.len() || stated.len() != old.len() {
        return Err(node.misshapen(format!("reorders {old:?} by {stated:?}: convert the model again")));
    }
    let moved: Vec<usize> = order.iter().map(|&axis| old[axis]).collect();
    let inside: Vec<usize> = order.iter().map(|&axis| graph_axis(axis, old.len())).collect();
    importer.emit(node, Op::Transpose(graph_order(&inside)), vec![input], 0, graph_shape(&moved))
}

/// `CONCATENATION`. uint8 operands are brought to the output's quantisation, as the runtime does; int8 ones must have it.
pub fn concat(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let output = importer.declared(node.output(0)?)?;
    let first = importer.value(node, 0)?;
    let shape = importer.file_shape(first);
    let along = axis(node, i64::from(node.option(0, 0_i32)?), shape.len())?;
    let mut total = shape.clone();
    total[along] = 0;
    let mut inputs: Vec<TensorId> = Vec::with_capacity(node.inputs.len());
    for at in 0..node.inputs.len() {
        let mut id = importer.value(node, at)?;
        let piece = importer.file_shape(id);
        let fits =
            piece.len() == shape.len() && (0..shape.len()).all(|axis| axis == along || piece[axis] == shape[axis]);
        if !fits {
            return Err(
                node.misshapen(format!("joins {shape:?} and {piece:?} along axis {along}: convert the model again"))
            );
        }
        if output.kind != kind::FLOAT32 {
            id = requantised(importer, node, at, &output)?;
        }
        total[along] = total[along].saturating_add(piece[along]);
        inputs.push(id);
    }
    let op = Op::Concat { axis: graph_axis(along, shape.len()) };
    if node.option(1, 0_i8)? == 0 {
        return importer.emit(node, op, inputs, 0, graph_shape(&total));
    }
    let clamp = activation(node, node.option(1, 0)?, output.quant()?)?;
    let joined = importer.step(node, op, inputs, graph_shape(&total), output.meaning()?)?;
    importer.emit(node, Op::Clamp(clamp), vec![joined], 0, graph_shape(&total))
}

/// `PAD` and `PADV2`: padding means 0, or is an operand.
pub fn pad(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    let shape = importer.file_shape(input);
    let amounts = importer.integers(node, 1, "its padding")?;
    let amounts: Option<Vec<usize>> =
        amounts.iter().map(|&d| usize::try_from(d).ok().filter(|&d| d <= 1 << 20)).collect();
    let amounts = amounts.filter(|amounts| amounts.len() == 2 * shape.len());
    let amounts = amounts
        .ok_or_else(|| node.misshapen(format!("pads {shape:?} by amounts that do not fit: convert the model again")))?;
    let before: Vec<usize> = amounts.iter().copied().step_by(2).collect();
    let after: Vec<usize> = amounts.iter().copied().skip(1).step_by(2).collect();
    let padded: Vec<usize> = (0..shape.len()).map(|axis| before[axis] + shape[axis] + after[axis]).collect();
    let frame = [before, after].map(|sizes| graph_order(&sizes));
    let op = padding(importer, node, &output, frame)?;
    importer.emit(node, op, vec![input], 0, graph_shape(&padded))
}

/// A frame of 0, or of the operand's one value.
fn padding(importer: &mut Importer, node: &Node, output: &Declared, frame: [Vec<usize>; 2]) -> Result<Op, Error> {
    let [before, after] = frame;
    let value = node.inputs.get(2).copied().flatten().map(|index| importer.declared(index)).transpose()?;
    let computed = |value: &Declared| {
        node.unsupported(format!("its value, '{}', is computed at run time: make it constant", value.name))
    };
    if output.kind == kind::FLOAT32 {
        let value = match &value {
            None => 0.0,
            Some(value) => only(&value.floats()?).ok_or_else(|| computed(value))?,
        };
        return Ok(Op::Float(FloatOp::Pad(RealPad { before, after, value })));
    }
    importer.quantised(node, 0)?;
    let value = match &value {
        None => output.quant()?.zero_point as i8,
        Some(value) => only(&value.bytes()?).ok_or_else(|| computed(value))?,
    };
    Ok(Op::Pad(Pad { before, after, value }))
}

fn only<T: Copy>(values: &[T]) -> Option<T> {
    if let &[value] = values { Some(value) } else { None }
}

/// Writes a box of the input, given in the file's order, to an output.
pub fn cut(
    importer: &mut Importer,
    node: &Node,
    input: TensorId,
    [start, size]: [&[usize]; 2],
    step: &[i64],
    at: usize,
) -> Result<(), Error> {
    let op = Op::Slice(Slice { start: graph_order(start), step: graph_order(step), size: graph_order(size) });
    importer.emit(node, op, vec![input], at, graph_shape(size))
}

/// `SLICE`.
pub fn slice(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let shape = importer.file_shape(input);
    let (begin, size) = (importer.integers(node, 1, "its begin")?, importer.integers(node, 2, "its size")?);
    let wrong = || node.misshapen(format!("cuts {size:?} at {begin:?} out of {shape:?}: convert the model again"));
    if begin.len() != shape.len() || size.len() != shape.len() {
        return Err(wrong());
    }
    let mut bounds = (Vec::new(), Vec::new());
    for (axis, &whole) in shape.iter().enumerate() {
        let start = usize::try_from(begin[axis]).ok().filter(|&start| start <= whole).ok_or_else(wrong)?;
        let count = if size[axis] == -1 { Some(whole - start) } else { usize::try_from(size[axis]).ok() };
        bounds.0.push(start);
        bounds.1.push(count.filter(|&count| count <= whole - start).ok_or_else(wrong)?);
    }
    cut(importer, node, input, [&bounds.0, &bounds.1], &vec![1; shape.len()], 0)
}

/// `SPLIT` into equal parts and `SPLIT_V` into stated ones.
pub fn split(importer: &mut Importer, node: &Node, stated: bool) -> Result<(), Error> {
    let (value, place) = if stated { (0, 2) } else { (1, 0) };
    let input = importer.value(node, value)?;
    let shape = importer.file_shape(input);
    let place = importer.integers(node, place, "its axis")?;
    let &[place] = place.as_slice() else { return Err(node.misshapen("needs one axis")) };
    let along = axis(node, place, shape.len())?;
    let (whole, count) = (shape[along], node.outputs.len());
    let sizes = if stated {
        importer.integers(node, 1, "its sizes")?
    } else {
        vec![whole.checked_div(count).unwrap_or(0) as i64; count]
    };
    let wrong =
        || node.misshapen(format!("splits {shape:?} into {count} parts along axis {along}: convert the model again"));
    let known: i64 = sizes.iter().filter(|&&size| size >= 0).fold(0, |sum, &size| sum.saturating_add(size));
    let rest = whole as i64 - known;
    let open = sizes.iter().filter(|&&size| size < 0).count();
    if sizes.len() != count || rest < 0 || open > 1 || (open == 0 && rest != 0) {
        return Err(wrong());
    }
    let mut start = vec![0; shape.len()];
    for (at, &size) in sizes.iter().enumerate() {
        let mut part = shape.clone();
        part[along] = if size < 0 { rest as usize } else { size as usize };
        cut(importer, node, input, [&start, &part], &vec![1; shape.len()], at)?;
        start[along] += part[along];
    }
    Ok(())
}

/// `DEPTH_TO_SPACE` and `SPACE_TO_DEPTH`.
pub fn depth_and_space(importer: &mut Importer, node: &Node, to_space: bool) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let block = extent(node, 0, 0)?;
    let &[batch, channels, height, width] = importer.graph.tensor(input).shape.as_slice() else {
        return Err(node
            .unsupported(format!("its input has shape {:?}: four dimensions are needed", importer.file_shape(input))));
    };
    let square = block * block;
    let fits = if to_space {
        channels.is_multiple_of(square)
    } else {
        height.is_multiple_of(block) && width.is_multiple_of(block)
    };
    if !fits {
        let shape = importer.file_shape(input);
        return Err(
            node.misshapen(format!("moves blocks of {block} in {shape:?}, which do not fit: convert the model again"))
        );
    }
    let (op, shape) = if to_space {
        (Op::DepthToSpace { block }, vec![batch, channels / square, height * block, width * block])
    } else {
        (Op::SpaceToDepth { block }, vec![batch, channels * square, height / block, width / block])
    };
    importer.emit(node, op, vec![input], 0, shape)
}

/// Moves a graph input from the file's order to the graph's, or an output back, where the two differ.
pub fn reorder(importer: &mut Importer, name: &str, id: TensorId, to_graph: bool) -> Result<TensorId, Error> {
    let tensor = importer.graph.tensor(id);
    let shape = tensor.shape.clone();
    let file = if to_graph { shape.clone() } else { super::layout::file_shape(&shape) };
    if same_order(&file) {
        return Ok(id);
    }
    let meaning = Meaning::of(tensor);
    let order = if to_graph {
        crate::reference::to_channels_first(shape.len())
    } else {
        crate::reference::to_channels_last(shape.len())
    };
    let moved = order.iter().map(|&axis| shape[axis]).collect();
    let output = importer.add(name, moved, meaning)?;
    let name = name.to_string();
    let (op, place) = (Op::Transpose(order), crate::graph::Place::Chip);
    importer.graph.nodes.push(crate::Node { name, op, inputs: vec![id], output, place });
    Ok(output)
}
