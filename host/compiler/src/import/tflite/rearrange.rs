//! Operators that move values and that slices, concatenations and repetitions make up.

use super::importer::{Importer, Meaning, Node};
use super::layout::{graph_axis, graph_order, graph_shape};
use super::pools::{axes, axis};
use crate::error::Error;
use crate::graph::TensorId;
use crate::import::limits::{MAX_RANK, at_most};
use crate::op::{Op, Slice};

/// Most pieces that one operator is cut into.
const MAX_PIECES: u64 = 1 << 10;

/// Elements of one axis of the file: from where, how many, forwards or backwards.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    size: usize,
    step: i64,
}

impl Piece {
    const fn forwards(start: usize, size: usize) -> Self {
        Self { start, size, step: 1 }
    }
}

/// Cuts pieces of one axis out of a tensor and joins them; a piece that is all of it costs nothing.
fn pieces(
    importer: &mut Importer,
    node: &Node,
    id: TensorId,
    along: usize,
    pieces: &[Piece],
) -> Result<TensorId, Error> {
    at_most(&format!("the number of pieces of '{}'", node.title), pieces.len() as u64, MAX_PIECES)?;
    let whole = importer.file_shape(id);
    let meaning = Meaning::of(importer.graph.tensor(id));
    let mut cuts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let mut shape = whole.clone();
        shape[along] = piece.size;
        if (piece.size, piece.step) == (whole[along], 1) {
            cuts.push(id);
            continue;
        }
        let (mut start, mut step) = (vec![0; whole.len()], vec![1; whole.len()]);
        (start[along], step[along]) = (piece.start, piece.step);
        let op = Slice { start: graph_order(&start), step: graph_order(&step), size: graph_order(&shape) };
        cuts.push(importer.step(node, Op::Slice(op), vec![id], graph_shape(&shape), meaning)?);
    }
    if let &[only] = cuts.as_slice() {
        return Ok(only);
    }
    let mut shape = whole.clone();
    shape[along] = pieces.iter().map(|piece| piece.size).sum();
    importer.step(node, Op::Concat { axis: graph_axis(along, whole.len()) }, cuts, graph_shape(&shape), meaning)
}

/// `PACK`: joins tensors along a new axis.
pub fn pack(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let first = importer.value(node, 0)?;
    let mut shape = importer.file_shape(first);
    let along = axis(node, i64::from(node.option(1, 0_i32)?), shape.len() + 1)?;
    shape.insert(along, 1);
    crate::import::tensors::check_size(&node.title, &shape)?;
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for at in 0..node.inputs.len() {
        let id = importer.value(node, at)?;
        if importer.graph.tensor(id).shape != importer.graph.tensor(first).shape {
            return Err(node.misshapen("packs tensors of different shapes: convert the model again"));
        }
        inputs.push(importer.view(node, id, &shape)?);
    }
    shape[along] = inputs.len();
    let op = Op::Concat { axis: graph_axis(along, shape.len()) };
    importer.emit(node, op, inputs, 0, graph_shape(&shape))
}

/// `UNPACK`: one tensor for each element of an axis.
pub fn unpack(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let shape = importer.file_shape(input);
    let along = axis(node, i64::from(node.option(1, 0_i32)?), shape.len())?;
    if shape[along] != node.outputs.len() {
        return Err(node.misshapen(format!("unpacks {shape:?} into {} tensors", node.outputs.len())));
    }
    let mut kept = shape;
    kept.remove(along);
    for at in 0..node.outputs.len() {
        let cut = pieces(importer, node, input, along, &[Piece::forwards(at, 1)])?;
        importer.emit_view(node, cut, at, &kept)?;
    }
    Ok(())
}

/// `GATHER` of constant places.
pub fn gather(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let shape = importer.file_shape(input);
    let along = axis(node, i64::from(node.option(0, 0_i32)?), shape.len())?;
    if node.option(1, 0_i32)? != 0 {
        return Err(node.unsupported("it gathers by batch: gather along one axis"));
    }
    let places = importer.integers(node, 1, "its places")?;
    let listed = importer.declared(node.input(1)?)?.shape;
    let taken = taken(importer, node, input, along, &places)?;
    let result = [&shape[..along], &listed, &shape[along + 1..]].concat();
    crate::import::tensors::check_size(&node.title, &result)?;
    importer.emit_view(node, taken, 0, &result)
}

/// `GATHER_ND` of constant places: along the first dimensions as if they were one.
pub fn gather_nd(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let shape = importer.file_shape(input);
    let listed = importer.declared(node.input(1)?)?.shape;
    let coordinates = importer.integers(node, 1, "its places")?;
    let Some((&depth, listed)) = listed.split_last().filter(|&(&depth, _)| (1..=shape.len()).contains(&depth)) else {
        return Err(node.misshapen(format!("takes places of shape {listed:?} of {shape:?}: convert the model again")));
    };
    let (first, rest) = shape.split_at(depth);
    let place = |at: &[i64]| {
        at.iter()
            .zip(first)
            .try_fold(0, |place, (&at, &size)| (0..size as i64).contains(&at).then_some(place * size as i64 + at))
    };
    let places: Option<Vec<i64>> = coordinates.chunks(depth).map(place).collect();
    let places = places.ok_or_else(|| node.misshapen(format!("takes elements that {shape:?} has not")))?;
    let rows = [&[1, first.iter().product()], rest].concat();
    let seen = importer.view(node, input, &rows)?;
    let taken = taken(importer, node, seen, 1, &places)?;
    let result = [listed, rest].concat();
    crate::import::tensors::check_size(&node.title, &result)?;
    importer.emit_view(node, taken, 0, &result)
}

/// Some elements of an axis, in any order.
fn taken(
    importer: &mut Importer,
    node: &Node,
    input: TensorId,
    along: usize,
    places: &[i64],
) -> Result<TensorId, Error> {
    let size = importer.file_shape(input)[along];
    let mut runs: Vec<Piece> = Vec::new();
    for &place in places {
        let start = usize::try_from(place).ok().filter(|&place| place < size);
        let start = start.ok_or_else(|| node.misshapen(format!("takes element {place} of an axis of {size}")))?;
        match runs.last_mut() {
            Some(run) if run.start + run.size == start => run.size += 1,
            _ => runs.push(Piece::forwards(start, 1)),
        }
    }
    if runs.is_empty() {
        return Err(node.misshapen("gathers nothing: remove it"));
    }
    pieces(importer, node, input, along, &runs)
}

/// `TILE`.
pub fn tile(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let mut id = importer.value(node, 0)?;
    let mut shape = importer.file_shape(id);
    let counts = importer.integers(node, 1, "its multiples")?;
    if counts.len() != shape.len() || counts.iter().any(|count| !(1..=1 << 16).contains(count)) {
        return Err(node.misshapen(format!("repeats {shape:?} by {counts:?}: convert the model again")));
    }
    for (along, &count) in counts.iter().enumerate() {
        let all = Piece::forwards(0, shape[along]);
        at_most(&format!("the number of pieces of '{}'", node.title), count as u64, MAX_PIECES)?;
        id = pieces(importer, node, id, along, &vec![all; count as usize])?;
        shape[along] *= count as usize;
    }
    importer.emit_view(node, id, 0, &shape)
}

/// `BROADCAST_TO`.
pub fn broadcast_to(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let old = importer.file_shape(input);
    let stated = importer.integers(node, 1, "its shape")?;
    let wrong = || node.misshapen(format!("repeats {old:?} to {stated:?}: convert the model again"));
    let shape: Option<Vec<usize>> = stated.iter().map(|&size| usize::try_from(size).ok()).collect();
    let shape = shape.filter(|shape| (old.len()..=MAX_RANK).contains(&shape.len())).ok_or_else(wrong)?;
    let padded = [vec![1; shape.len() - old.len()], old.clone()].concat();
    if padded.iter().zip(&shape).any(|(&from, &to)| from != 1 && from != to) {
        return Err(wrong());
    }
    let seen = importer.view(node, input, &padded)?;
    importer.emit(node, Op::Broadcast, vec![seen], 0, graph_shape(&shape))
}

/// `REVERSE_V2`.
pub fn reverse(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let mut id = importer.value(node, 0)?;
    let shape = importer.file_shape(id);
    for along in axes(node, &importer.integers(node, 1, "its axes")?, shape.len())? {
        let back = Piece { start: shape[along].saturating_sub(1), size: shape[along], step: -1 };
        id = pieces(importer, node, id, along, &[back])?;
    }
    importer.emit_view(node, id, 0, &shape)
}

/// `MIRROR_PAD`: reflection leaves the edge out, symmetry repeats it.
pub fn mirror_pad(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let mut id = importer.value(node, 0)?;
    let mut shape = importer.file_shape(id);
    let amounts = importer.integers(node, 1, "its padding")?;
    let edge = match node.option(0, 0_i8)? {
        0 => 1,
        1 => 0,
        other => return Err(node.unsupported(format!("its mode is {other}: only REFLECT (0) and SYMMETRIC (1) exist"))),
    };
    let wrong = |shape: &[usize]| node.misshapen(format!("pads {shape:?} by amounts that do not fit"));
    if amounts.len() != 2 * shape.len() {
        return Err(wrong(&shape));
    }
    for along in 0..shape.len() {
        let size = shape[along];
        let amount = |at: usize| usize::try_from(amounts[2 * along + at]).ok().filter(|&n| n + edge <= size.max(edge));
        let (before, after) = (amount(0).ok_or_else(|| wrong(&shape))?, amount(1).ok_or_else(|| wrong(&shape))?);
        let back = |start: usize, size: usize| Piece { start, size, step: -1 };
        let mut list = vec![Piece::forwards(0, size)];
        if before > 0 {
            list.insert(0, back(before - 1 + edge, before));
        }
        if after > 0 {
            list.push(back(size - 1 - edge, after));
        }
        id = pieces(importer, node, id, along, &list)?;
        shape[along] += before + after;
    }
    importer.emit_view(node, id, 0, &shape)
}
