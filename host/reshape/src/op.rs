//! Movement operators, applied to where elements come from instead of to their values.

use crate::OpError;

/// Where an element comes from that no source gives: it is padding.
pub const PADDING: u32 = u32::MAX;

/// One movement operator; the names are ONNX's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// The same elements in row-major order under another shape.
    Reshape(Vec<usize>),
    /// Dimension `d` of the result is dimension `order[d]` of the operand.
    Transpose(Vec<usize>),
    /// Element `i` along an axis is the operand's `start + i * step`.
    Slice(Vec<Piece>),
    /// Adds elements before and after each axis.
    Pad {
        /// How many before, an axis each.
        before: Vec<usize>,
        /// How many after, an axis each.
        after: Vec<usize>,
        /// What they are.
        value: i64,
    },
    /// Repeats dimensions of 1 up to this shape, new ones in front.
    Expand(Vec<usize>),
    /// Repeats the tensor so many times along each axis.
    Tile(Vec<usize>),
    /// Element `i` along the axis is the operand's `at[i]`.
    Gather {
        /// The axis.
        axis: usize,
        /// The places.
        at: Vec<usize>,
    },
    /// Joins all operands along the axis.
    Concat(usize),
    /// Blocks of channels become squares (`DCR`).
    DepthToSpace(usize),
    /// Squares become blocks of channels.
    SpaceToDepth(usize),
}

/// What a slice takes of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// First element.
    pub start: usize,
    /// How many.
    pub count: usize,
    /// From one to the next; backwards if negative.
    pub step: i64,
}

/// A tensor by where its elements come from: indices into whatever the caller numbers, or [`PADDING`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Of each element, in row-major order.
    pub from: Vec<u32>,
}

/// A shape as the layout language writes it.
#[must_use]
pub fn shape_text(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

impl Op {
    /// The operator's name in the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reshape(_) => "reshape",
            Self::Transpose(_) => "transpose",
            Self::Slice(_) => "slice",
            Self::Pad { .. } => "pad",
            Self::Expand(_) => "expand",
            Self::Tile(_) => "tile",
            Self::Gather { .. } => "gather",
            Self::Concat(_) => "concat",
            Self::DepthToSpace(_) => "depth-to-space",
            Self::SpaceToDepth(_) => "space-to-depth",
        }
    }

    fn refuse(&self, shape: &[usize], why: &'static str) -> OpError {
        OpError::Shape { op: self.name(), shape: shape_text(shape), why }
    }

    /// The shape of the result.
    ///
    /// # Errors
    /// [`OpError`] if the operator does not suit these operands.
    pub fn shape(&self, operands: &[&[usize]]) -> Result<Vec<usize>, OpError> {
        if let Self::Concat(axis) = self {
            return self.joined(operands, *axis);
        }
        let [shape] = *operands else {
            return Err(OpError::Operands { op: self.name(), count: operands.len() });
        };
        let rank = shape.len();
        let refuse = |why| Err(self.refuse(shape, why));
        match self {
            Self::Reshape(to) if to.iter().product::<usize>() == shape.iter().product() => Ok(to.clone()),
            Self::Reshape(_) => refuse("the number of elements changes"),
            Self::Transpose(order) => {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                if sorted != (0..rank).collect::<Vec<_>>() {
                    return refuse("every dimension must be named once");
                }
                Ok(order.iter().map(|&dim| shape[dim]).collect())
            }
            Self::Slice(pieces) if pieces.len() != rank => refuse("every axis needs its piece"),
            Self::Slice(pieces) => {
                let inside = |(piece, &size): (&Piece, &usize)| {
                    let last = piece.start as i64 + (piece.count as i64 - 1) * piece.step;
                    piece.count > 0 && piece.start < size && (0..size as i64).contains(&last)
                };
                let all = pieces.iter().zip(shape).all(inside);
                if all {
                    Ok(pieces.iter().map(|piece| piece.count).collect())
                } else {
                    refuse("a piece leaves its axis")
                }
            }
            Self::Pad { before, after, .. } if before.len() != rank || after.len() != rank => {
                refuse("every axis needs both its pads")
            }
            Self::Pad { before, after, .. } => Ok((0..rank).map(|d| before[d] + shape[d] + after[d]).collect()),
            Self::Expand(to) => {
                let fits = to.len() >= rank && shape.iter().rev().zip(to.iter().rev()).all(|(a, b)| a == b || *a == 1);
                if fits { Ok(to.clone()) } else { refuse("only dimensions of 1 repeat") }
            }
            Self::Tile(times) if times.len() != rank || times.contains(&0) => refuse("every axis needs its times"),
            Self::Tile(times) => Ok(shape.iter().zip(times).map(|(size, times)| size * times).collect()),
            Self::Gather { axis, at } => {
                if *axis >= rank || at.is_empty() || at.iter().any(|&at| at >= shape[*axis]) {
                    return refuse("a place lies outside its axis");
                }
                Ok((0..rank).map(|d| if d == *axis { at.len() } else { shape[d] }).collect())
            }
            Self::DepthToSpace(block) => match *shape {
                [n, c, h, w] if *block > 0 && c % (block * block) == 0 => {
                    Ok(vec![n, c / block / block, h * block, w * block])
                }
                _ => refuse("it takes four dimensions and whole blocks of channels"),
            },
            Self::SpaceToDepth(block) => match *shape {
                [n, c, h, w] if *block > 0 && h % block == 0 && w % block == 0 => {
                    Ok(vec![n, c * block * block, h / block, w / block])
                }
                _ => refuse("it takes four dimensions and whole squares"),
            },
            Self::Concat(_) => unreachable!("handled above"),
        }
    }

    fn joined(&self, operands: &[&[usize]], axis: usize) -> Result<Vec<usize>, OpError> {
        let Some((first, rest)) = operands.split_first() else {
            return Err(OpError::Operands { op: self.name(), count: 0 });
        };
        let alike = |other: &&[usize]| {
            other.len() == first.len() && (0..first.len()).all(|dim| dim == axis || other[dim] == first[dim])
        };
        if axis >= first.len() || !rest.iter().all(alike) {
            return Err(self.refuse(first, "the operands must agree in all axes but the joined one"));
        }
        let mut shape = first.to_vec();
        shape[axis] = operands.iter().map(|operand| operand[axis]).sum();
        Ok(shape)
    }

    /// Applies the operator.
    ///
    /// # Errors
    /// As [`Op::shape`].
    pub fn apply(&self, operands: &[Origins]) -> Result<Origins, OpError> {
        let shapes: Vec<&[usize]> = operands.iter().map(|operand| operand.shape.as_slice()).collect();
        let shape = self.shape(&shapes)?;
        let from = match self {
            Self::Concat(axis) => join(operands, *axis),
            Self::Reshape(_) => operands[0].from.clone(),
            Self::Transpose(order) => transpose(&operands[0], order),
            Self::DepthToSpace(block) => {
                let [n, _, h, w] = *shapes[0] else { unreachable!("its shape was checked") };
                let split = Origins { shape: vec![n, *block, *block, shape[1], h, w], from: operands[0].from.clone() };
                transpose(&split, &[0, 3, 4, 1, 5, 2])
            }
            Self::SpaceToDepth(block) => {
                let [n, c, _, _] = *shapes[0] else { unreachable!("its shape was checked") };
                let split = vec![n, c, shape[2], *block, shape[3], *block];
                transpose(&Origins { shape: split, from: operands[0].from.clone() }, &[0, 3, 5, 1, 2, 4])
            }
            Self::Expand(to) => {
                let padded = [vec![1; to.len() - shapes[0].len()], shapes[0].to_vec()].concat();
                let tables = self.tables(&padded, &shape);
                pick(&Origins { shape: padded, from: operands[0].from.clone() }, &tables)
            }
            _ => pick(&operands[0], &self.tables(shapes[0], &shape)),
        };
        Ok(Origins { shape, from })
    }

    /// Of each axis, where each element of the result comes from along it.
    fn tables(&self, shape: &[usize], result: &[usize]) -> Vec<Vec<Option<usize>>> {
        let along = |axis: usize, i: usize| match self {
            Self::Slice(pieces) => Some((pieces[axis].start as i64 + i as i64 * pieces[axis].step) as usize),
            Self::Pad { before, .. } => i.checked_sub(before[axis]).filter(|&i| i < shape[axis]),
            Self::Gather { axis: gathered, at } if *gathered == axis => Some(at[i]),
            Self::Expand(_) | Self::Tile(_) => Some(i % shape[axis]),
            _ => Some(i),
        };
        (0..shape.len()).map(|axis| (0..result[axis]).map(|i| along(axis, i)).collect()).collect()
    }
}

fn pick(operand: &Origins, tables: &[Vec<Option<usize>>]) -> Vec<u32> {
    let mut offsets = vec![Some(0)];
    for (table, &size) in tables.iter().zip(&operand.shape) {
        let next = |base: Option<usize>| table.iter().map(move |at| Some(base? * size + (*at)?));
        offsets = offsets.into_iter().flat_map(next).collect();
    }
    offsets.into_iter().map(|at| at.map_or(PADDING, |at| operand.from[at])).collect()
}

fn transpose(operand: &Origins, order: &[usize]) -> Vec<u32> {
    let mut step = vec![1; operand.shape.len()];
    for dim in (1..operand.shape.len()).rev() {
        step[dim - 1] = step[dim] * operand.shape[dim];
    }
    let mut offsets = vec![0];
    for &dim in order {
        let (size, step) = (operand.shape[dim], step[dim]);
        offsets = offsets.into_iter().flat_map(|base| (0..size).map(move |i| base + i * step)).collect();
    }
    offsets.into_iter().map(|at| operand.from[at]).collect()
}

fn join(operands: &[Origins], axis: usize) -> Vec<u32> {
    let outer: usize = operands[0].shape[..axis].iter().product();
    let row = |operand: &Origins| operand.shape[axis..].iter().product::<usize>();
    let rows = |at: usize| operands.iter().flat_map(move |operand| &operand.from[at * row(operand)..][..row(operand)]);
    (0..outer).flat_map(rows).copied().collect()
}
