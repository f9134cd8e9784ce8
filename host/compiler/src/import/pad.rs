//! `Pad` in all its modes.

use super::attributes::{invalid, text};
use super::context::{Context, Output, title, unsupported};
use super::movement::{broadcast, finish, join, piece, volume};
use super::proto::NodeProto;
use super::shapes::{axis, integers, required};
use crate::error::{Error, show};
use crate::graph::{DType, Data, TensorId};
use crate::op::{FloatOp, Op, Pad, RealPad};

/// Larger pads than this are certainly damage.
const MOST: i64 = 1 << 20;

pub fn pad(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let mut id = context.required(node, 0)?;
    let rank = context.tensor(id).shape.len();
    let pads = required(context, node, 1, "pads")?;
    let axes = integers(context, node, 3, "axes")?.unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * axes.len() || pads.iter().any(|pad| !(-MOST..=MOST).contains(pad)) {
        let detail = format!("has {} values: it needs two for each of {} dimensions", pads.len(), axes.len());
        return Err(invalid(node, "pads", format!("{detail}, from -{MOST} to {MOST}")));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (index, &value) in axes.iter().enumerate() {
        let at = axis(node, value, rank)?;
        (before[at], after[at]) = (pads[index], pads[index + axes.len()]);
    }
    // What is cut off goes first.
    for at in 0..rank {
        let size = context.tensor(id).shape[at] as i64;
        let (front, back) = ((-before[at]).max(0), (-after[at]).max(0));
        if front + back > size {
            return Err(invalid(node, "pads", format!("cuts {} of {size} elements", front + back)));
        }
        if front + back > 0 {
            id = piece(context, node, id, at, [front as usize, (size - front - back) as usize], false)?;
        }
    }
    let grow = |pads: Vec<i64>| pads.into_iter().map(|pad| pad.max(0) as usize).collect::<Vec<_>>();
    let (before, after) = (grow(before), grow(after));
    match text(node, "mode").unwrap_or("constant") {
        "constant" => constant(context, node, id, before, after),
        mode @ ("edge" | "reflect" | "wrap") => {
            for at in 0..rank {
                if before[at] + after[at] > 0 {
                    id = extend(context, node, id, at, [before[at], after[at]], mode)?;
                }
            }
            finish(context, node, id)
        }
        other => Err(unsupported(node, &format!("its mode is '{}'", show(other)))),
    }
}

fn constant(
    context: &mut Context,
    node: &NodeProto,
    id: TensorId,
    before: Vec<usize>,
    after: Vec<usize>,
) -> Result<(), Error> {
    let tensor = context.tensor(id);
    let shape: Vec<usize> =
        tensor.shape.iter().zip(before.iter().zip(&after)).map(|(size, (a, b))| size + a + b).collect();
    let given = context.optional(node, 2)?.is_some();
    let wrong = || unsupported(node, "its value is not one constant of the input's type: export the model again");
    let op = match tensor.dtype {
        DType::F32 => {
            let value = if given {
                context.real(node, 2, "the value")?.ok_or_else(wrong)?
            } else {
                super::attributes::real(node, "value", 0.0)
            };
            Op::Float(FloatOp::Pad(RealPad { before, after, value }))
        }
        DType::I8 => {
            // 0 as the file stores it, whatever the zero point is.
            let value = if given {
                match &context.constant(node, 2, "the value")?.data {
                    Some(Data::I8(values)) if values.len() == 1 => values[0],
                    _ => return Err(wrong()),
                }
            } else if tensor.unsigned {
                i8::MIN
            } else {
                0
            };
            Op::Pad(Pad { before, after, value })
        }
        _ => return Err(unsupported(node, "it pads neither 8-bit nor float values")),
    };
    let output = Output::like(tensor, shape);
    super::tensors::check_size(&title(node), &output.shape)?;
    context.charge(volume(&output.shape))?;
    context.push(node, op, vec![id], output)
}

/// Extends one axis by copies of what it holds.
fn extend(
    context: &mut Context,
    node: &NodeProto,
    id: TensorId,
    at: usize,
    [before, after]: [usize; 2],
    mode: &str,
) -> Result<TensorId, Error> {
    let size = context.tensor(id).shape[at];
    // Reflection leaves out the edge itself.
    let most = match mode {
        "edge" if size > 0 => usize::MAX,
        "edge" | "reflect" => size.saturating_sub(1),
        _ => size,
    };
    if before.max(after) > most {
        let detail = format!("adds {} to {size} elements, more than mode '{mode}' has", before.max(after));
        return Err(invalid(node, "pads", detail));
    }
    let side = |context: &mut Context, count: usize, front: bool| -> Result<Option<TensorId>, Error> {
        if count == 0 {
            return Ok(None);
        }
        let last = size - 1;
        let (range, backwards) = match (mode, front) {
            ("edge", true) => ([0, 1], false),
            ("edge", false) => ([last, 1], false),
            ("reflect", true) => ([count, count], true),
            ("reflect", false) => ([last - 1, count], true),
            (_, true) => ([size - count, count], false),
            (_, false) => ([0, count], false),
        };
        let cut = piece(context, node, id, at, range, backwards)?;
        let mut shape = context.tensor(cut).shape.clone();
        shape[at] = count;
        super::tensors::check_size(&title(node), &shape)?;
        Ok(Some(broadcast(context, node, cut, &shape)?))
    };
    let front = side(context, before, true)?;
    let back = side(context, after, false)?;
    join(context, node, [front, Some(id), back].into_iter().flatten().collect(), at)
}
