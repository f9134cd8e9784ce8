//! Plain N-D indexing, element by element from the target back to the source: what plans are checked against.

use crate::{Op, OpError};

/// A tensor on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor<T> {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements, in row-major order.
    pub values: Vec<T>,
}

/// The elements of the result of all operators, in row-major order; `padding` gives those of a pad.
///
/// # Errors
/// [`OpError`] where operators and operands do not suit each other.
pub fn apply<T: Clone>(sources: &[Tensor<T>], ops: &[Op], padding: impl Fn(i64) -> T) -> Result<Tensor<T>, OpError> {
    let mut shapes: Vec<Vec<Vec<usize>>> = vec![sources.iter().map(|source| source.shape.clone()).collect()];
    for op in ops {
        let operands: Vec<&[usize]> = shapes[shapes.len() - 1].iter().map(Vec::as_slice).collect();
        let result = op.shape(&operands)?;
        shapes.push(vec![result]);
    }
    let [shape] = shapes[ops.len()].as_slice() else {
        return Err(OpError::Operands { op: "reshape", count: sources.len() });
    };
    let element = |position: usize| {
        let mut index = unravel(position, shape);
        let mut operand = 0;
        for (op, before) in ops.iter().zip(&shapes).rev() {
            match back(op, &index, before) {
                Ok((of, origin)) => (operand, index) = (of, origin),
                Err(value) => return padding(value),
            }
        }
        sources[operand].values[ravel(&index, &sources[operand].shape)].clone()
    };
    Ok(Tensor { shape: shape.clone(), values: (0..shape.iter().product()).map(element).collect() })
}

/// The operand and index that an element of the result comes from, or the value of the padding that it is.
fn back(op: &Op, index: &[usize], operands: &[Vec<usize>]) -> Result<(usize, Vec<usize>), i64> {
    let shape = &operands[0];
    let mut origin = index.to_vec();
    match op {
        Op::Reshape(to) => origin = unravel(ravel(index, to), shape),
        Op::Transpose(order) => order.iter().zip(index).for_each(|(&dim, &at)| origin[dim] = at),
        Op::Slice(pieces) => {
            for (at, piece) in origin.iter_mut().zip(pieces) {
                *at = (piece.start as i64 + piece.step * *at as i64) as usize;
            }
        }
        Op::Pad { before, value, .. } => {
            for dim in 0..shape.len() {
                if index[dim] < before[dim] || index[dim] >= before[dim] + shape[dim] {
                    return Err(*value);
                }
                origin[dim] = index[dim] - before[dim];
            }
        }
        Op::Expand(to) => {
            origin = index[to.len() - shape.len()..].to_vec();
            origin.iter_mut().zip(shape).filter(|(_, size)| **size == 1).for_each(|(at, _)| *at = 0);
        }
        Op::Tile(_) => origin.iter_mut().zip(shape).for_each(|(at, size)| *at %= size),
        Op::Gather { axis, at } => origin[*axis] = at[index[*axis]],
        Op::Concat(axis) => {
            let mut operand = 0;
            while origin[*axis] >= operands[operand][*axis] {
                origin[*axis] -= operands[operand][*axis];
                operand += 1;
            }
            return Ok((operand, origin));
        }
        Op::DepthToSpace(b) => {
            let [n, c, h, w] = *index else { unreachable!("its shape was checked") };
            let depth = shape[1] / b / b;
            origin = vec![n, (h % b * b + w % b) * depth + c, h / b, w / b];
        }
        Op::SpaceToDepth(b) => {
            let [n, c, h, w] = *index else { unreachable!("its shape was checked") };
            let (square, channel) = (c / shape[1], c % shape[1]);
            origin = vec![n, channel, h * b + square / b, w * b + square % b];
        }
    }
    Ok((0, origin))
}

fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for dim in (0..shape.len()).rev() {
        index[dim] = position % shape[dim];
        position /= shape[dim];
    }
    index
}

fn ravel(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |position, (at, size)| position * size + at)
}
