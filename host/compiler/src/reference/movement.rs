//! Operators that only move elements.

use super::elementwise::transpose;
use crate::graph::{Graph, Node, Tensor};
use crate::op::{FloatOp, Op, Pad};

/// Where each element of a movement's output comes from: the elements of all its inputs are numbered one after another, and
/// `padding` is what no input gives. `None` if it is no movement or its parameters do not fit its operands.
#[must_use]
pub fn origins(graph: &Graph, node: &Node, padding: u32) -> Option<Vec<u32>> {
    let tensors = || node.inputs.iter().map(|&id| graph.tensor(id));
    let number = |next: &mut u32, elements: usize| {
        let first = std::mem::replace(next, *next + elements as u32);
        Some((first..*next).collect())
    };
    let numbers: Vec<Vec<u32>> = tensors().map(Tensor::elements).scan(0, number).collect();
    let inputs: Vec<&[u32]> = numbers.iter().map(Vec::as_slice).collect();
    let shapes: Vec<&[usize]> = tensors().map(|tensor| tensor.shape.as_slice()).collect();
    let output = &graph.tensor(node.output).shape;
    if let Op::Float(FloatOp::Pad(pad)) = &node.op {
        let pad = Op::Pad(Pad { before: pad.before.clone(), after: pad.after.clone(), value: 0 });
        return movement(&pad, &inputs, &shapes, output, padding);
    }
    movement(&node.op, &inputs, &shapes, output, padding)
}

/// Runs a movement operator on tensors of the given shapes; `None` if `op` is none or its parameters do not fit them. `fill` is what padding
/// holds.
pub fn movement<T: Copy>(op: &Op, inputs: &[&[T]], shapes: &[&[usize]], output: &[usize], fill: T) -> Option<Vec<T>> {
    let (x, shape) = (*inputs.first()?, *shapes.first()?);
    match op {
        Op::Reshape => Some(x.to_vec()),
        Op::View => Some(channels_first(&channels_last(x, shape), output)),
        Op::Transpose(order) => Some(transpose(x, shape, order)),
        Op::Concat { axis } => concat(*axis, inputs, shapes),
        Op::Slice(slice) => {
            let along = |axis: usize| {
                let at = |i: usize| usize::try_from(slice.start[axis] as i64 + i as i64 * slice.step[axis]).ok();
                (0..slice.size[axis]).map(at).collect()
            };
            (slice.start.len() == shape.len())
                .then(|| pick(x, shape, &(0..shape.len()).map(along).collect::<Vec<_>>(), fill))
        }
        Op::Pad(Pad { before, after, .. }) => {
            let along = |axis: usize| {
                let inside = |i: usize| i.checked_sub(before[axis]).filter(|&i| i < shape[axis]);
                (0..before[axis] + shape[axis] + after[axis]).map(inside).collect()
            };
            (before.len() == shape.len())
                .then(|| pick(x, shape, &(0..shape.len()).map(along).collect::<Vec<_>>(), fill))
        }
        Op::Resize(resize) => {
            let [batch, channels, _, _] = *shape else { return None };
            let all = |from: &[usize]| from.iter().copied().map(Some).collect::<Vec<_>>();
            let identity = |size: usize| (0..size).map(Some).collect::<Vec<_>>();
            let tables = [identity(batch), identity(channels), all(&resize.rows), all(&resize.columns)];
            Some(pick(x, shape, &tables, fill))
        }
        Op::Broadcast => {
            let along = |axis: usize| (0..output[axis]).map(|i| Some(if shape[axis] == 1 { 0 } else { i })).collect();
            (shape.len() == output.len())
                .then(|| pick(x, shape, &(0..shape.len()).map(along).collect::<Vec<_>>(), fill))
        }
        Op::DepthToSpace { block } => {
            let [batch, channels, height, width] = *shape else { return None };
            let split = [batch, *block, *block, channels / (block * block), height, width];
            Some(transpose(x, &split, &[0, 3, 4, 1, 5, 2]))
        }
        Op::SpaceToDepth { block } => {
            let [batch, channels, height, width] = *shape else { return None };
            let split = [batch, channels, height / block, *block, width / block, *block];
            Some(transpose(x, &split, &[0, 3, 5, 1, 2, 4]))
        }
        _ => None,
    }
}

/// The order of dimensions that moves the channels behind the others.
#[must_use]
pub fn to_channels_last(rank: usize) -> Vec<usize> {
    if rank < 3 { (0..rank).collect() } else { [0].into_iter().chain(2..rank).chain([1]).collect() }
}

/// The order of dimensions that moves the last one to the channels' place.
#[must_use]
pub fn to_channels_first(rank: usize) -> Vec<usize> {
    if rank < 3 { (0..rank).collect() } else { [0, rank - 1].into_iter().chain(1..rank - 1).collect() }
}

/// The elements of a graph's tensor in the order of a channels-last file.
pub fn channels_last<T: Copy>(x: &[T], shape: &[usize]) -> Vec<T> {
    transpose(x, shape, &to_channels_last(shape.len()))
}

/// The elements of a channels-last file as a graph's tensor of `shape` (the graph's) has them.
pub fn channels_first<T: Copy>(x: &[T], shape: &[usize]) -> Vec<T> {
    let stored: Vec<usize> = to_channels_last(shape.len()).iter().map(|&axis| shape[axis]).collect();
    transpose(x, &stored, &to_channels_first(shape.len()))
}

/// Applies a function that keeps the length to the channels of each position.
pub fn over_channels<T: Copy>(x: &[T], shape: &[usize], of: impl Fn(&[T]) -> Vec<T>) -> Vec<T> {
    let length = if shape.len() < 3 { shape.last() } else { shape.get(1) }.copied().unwrap_or(1).max(1);
    let rows: Vec<T> = channels_last(x, shape).chunks(length).flat_map(of).collect();
    channels_first(&rows, shape)
}

/// Output element `i` along an axis is the input's `tables[axis][i]`, or `fill`.
fn pick<T: Copy>(x: &[T], shape: &[usize], tables: &[Vec<Option<usize>>], fill: T) -> Vec<T> {
    if tables.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    // Offsets of the elements built so far, axis by axis.
    let mut offsets = vec![Some(0)];
    for (table, &size) in tables.iter().zip(shape) {
        let next = |base: Option<usize>| table.iter().map(move |at| Some(base? * size + (*at)?));
        offsets = offsets.into_iter().flat_map(next).collect();
    }
    offsets.into_iter().map(|at| at.and_then(|at| x.get(at)).copied().unwrap_or(fill)).collect()
}

fn concat<T: Copy>(axis: usize, inputs: &[&[T]], shapes: &[&[usize]]) -> Option<Vec<T>> {
    let outer: usize = shapes.first()?.get(..axis)?.iter().product();
    let runs: Vec<usize> = shapes.iter().map(|shape| shape[axis..].iter().product()).collect();
    let mut result = Vec::with_capacity(inputs.iter().map(|x| x.len()).sum());
    for row in 0..outer {
        for (x, &run) in inputs.iter().zip(&runs) {
            result.extend_from_slice(x.get(row * run..(row + 1) * run)?);
        }
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Resize, Slice};

    fn count(shape: &[usize]) -> Vec<i32> {
        (0..shape.iter().product::<usize>() as i32).collect()
    }

    fn run(op: &Op, shape: &[usize], output: &[usize]) -> Vec<i32> {
        movement(op, &[&count(shape)], &[shape], output, -1).unwrap()
    }

    #[test]
    fn a_view_keeps_the_order_of_a_channels_last_file() {
        // Two channels of a 1x3 picture, stored 0 3 1 4 2 5, seen as three channels of 1x2.
        assert_eq!(run(&Op::View, &[1, 2, 1, 3], &[1, 3, 1, 2]), [0, 4, 3, 2, 1, 5]);
        assert_eq!(run(&Op::View, &[1, 2, 1, 3], &[1, 6]), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn boxes_may_run_backwards() {
        let slice = Slice { start: vec![0, 3], step: vec![1, -2], size: vec![2, 2] };
        assert_eq!(run(&Op::Slice(slice), &[2, 4], &[2, 2]), [3, 1, 7, 5]);
    }

    #[test]
    fn padding_surrounds() {
        let pad = Pad { before: vec![0, 1], after: vec![1, 0], value: 0 };
        assert_eq!(run(&Op::Pad(pad), &[1, 2], &[2, 3]), [-1, 0, 1, -1, -1, -1]);
    }

    #[test]
    fn depth_and_space_are_inverse() {
        let deep = run(&Op::SpaceToDepth { block: 2 }, &[1, 3, 4, 2], &[1, 12, 2, 1]);
        // The first square of the first channel: its pixels go to channels 0, 3, 6 and 9.
        assert_eq!([deep[0], deep[6], deep[12], deep[18]], [0, 1, 2, 3]);
        let back = movement(&Op::DepthToSpace { block: 2 }, &[&deep], &[&[1, 12, 2, 1]], &[1, 3, 4, 2], -1);
        assert_eq!(back, Some(count(&[1, 3, 4, 2])));
    }

    #[test]
    fn ragged_pieces_join_along_any_axis() {
        let joined = movement(&Op::Concat { axis: 1 }, &[&[1, 2, 3], &[4]], &[&[1, 3], &[1, 1]], &[1, 4], 0);
        assert_eq!(joined, Some(vec![1, 2, 3, 4]));
        let rows = movement(&Op::Concat { axis: 1 }, &[&[1, 2], &[3, 4, 5, 6]], &[&[2, 1], &[2, 2]], &[2, 3], 0);
        assert_eq!(rows, Some(vec![1, 3, 4, 2, 5, 6]));
    }

    #[test]
    fn resizing_and_broadcasting_repeat() {
        let resize = Resize { rows: vec![0, 0], columns: vec![1, 0, 1] };
        assert_eq!(run(&Op::Resize(resize), &[1, 1, 1, 2], &[1, 1, 2, 3]), [1, 0, 1, 1, 0, 1]);
        assert_eq!(run(&Op::Broadcast, &[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
    }
}
