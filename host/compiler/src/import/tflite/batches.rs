//! `SPACE_TO_BATCH_ND` and `BATCH_TO_SPACE_ND`, between which converters put a dilated convolution.
//!
//! Both are moves. A layer that reads what the first of them wrote becomes the dilated one that it stands for, on the picture as it was;
//! what lies between then has no reader and goes.

use super::importer::{Importer, Meaning, Node};
use crate::error::Error;
use crate::graph::TensorId;
use crate::import::limits::{MAX_TENSOR_ELEMENTS, at_most};
use crate::op::{Linear, Op, Pad, Slice, Window};

/// Largest side of a block.
const MAX_BLOCK: i64 = 1 << 10;

/// A tensor that holds every `block`th row and column of a padded picture as one of a batch.
#[derive(Clone, Copy)]
pub struct Batched {
    /// The picture.
    source: TensorId,
    block: [usize; 2],
    /// Above, left, below, right.
    pads: [usize; 4],
}

/// Two integers from 0, for height and width each; `columns` of them.
fn amounts<const N: usize>(importer: &Importer, node: &Node, at: usize, role: &str) -> Result<[usize; N], Error> {
    let values = importer.integers(node, at, role)?;
    let small = |&value: &i64| usize::try_from(value).ok().filter(|_| value <= 1 << 16);
    let found: Option<Vec<usize>> = values.iter().map(small).collect();
    let found = found.and_then(|found| <[usize; N]>::try_from(found).ok());
    found.ok_or_else(|| {
        node.unsupported(format!("{role} is {values:?}: {N} values from 0, for height and width, run here"))
    })
}

fn block(importer: &Importer, node: &Node) -> Result<[usize; 2], Error> {
    let block: [usize; 2] = amounts(importer, node, 1, "its block")?;
    if block.iter().any(|&side| side == 0 || side as i64 > MAX_BLOCK) {
        return Err(node.misshapen(format!("moves blocks of {block:?}: 1 to {MAX_BLOCK} run here")));
    }
    Ok(block)
}

/// Both operators copy, so input and output must mean the same.
fn copied(importer: &mut Importer, node: &Node) -> Result<(TensorId, i32), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    if output.quant()? != x || output.unsigned() != importer.graph.tensor(input).unsigned {
        return Err(node.unsupported("its input and output are quantised differently: quantise them alike"));
    }
    Ok((input, x.zero_point))
}

/// `SPACE_TO_BATCH_ND` of one picture.
pub fn from_space(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, zero) = copied(importer, node)?;
    let [channels, height, width] = super::windows::picture(importer, node, input)?;
    let block = block(importer, node)?;
    let [top, bottom, left, right] = amounts(importer, node, 2, "its padding")?;
    let padded = [top + height + bottom, left + width + right];
    if !padded[0].is_multiple_of(block[0]) || !padded[1].is_multiple_of(block[1]) {
        return Err(node.misshapen(format!("deals {padded:?} pixels in blocks of {block:?}: convert the model again")));
    }
    let framed = if [top, bottom, left, right] == [0; 4] {
        input
    } else {
        let op = Pad { before: vec![0, 0, top, left], after: vec![0, 0, bottom, right], value: zero as i8 };
        let (shape, meaning) = (vec![1, channels, padded[0], padded[1]], Meaning::of(importer.graph.tensor(input)));
        importer.step(node, Op::Pad(op), vec![input], shape, meaning)?
    };
    deal(importer, node, framed, Batched { source: input, block, pads: [top, left, bottom, right] })
}

/// Writes a picture as a batch and remembers what it is.
fn deal(importer: &mut Importer, node: &Node, padded: TensorId, batched: Batched) -> Result<(), Error> {
    let Some([channels, height, width]) = importer.graph.tensor(padded).chw() else {
        return Err(node.misshapen("is no picture"));
    };
    let (meaning, [down, across]) = (Meaning::of(importer.graph.tensor(padded)), batched.block);
    let (rows, columns) = (height / down, width / across);
    let parted = vec![channels, rows, down, columns, across];
    let parted = importer.step(node, Op::Reshape, vec![padded], parted, meaning)?;
    let turned = vec![down, across, channels, rows, columns];
    let turned = importer.step(node, Op::Transpose(vec![2, 4, 0, 1, 3]), vec![parted], turned, meaning)?;
    importer.emit(node, Op::Reshape, vec![turned], 0, vec![down * across, channels, rows, columns])?;
    importer.remember(node.output(0)?, batched);
    Ok(())
}

/// `BATCH_TO_SPACE_ND` to one picture.
pub fn to_space(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, _) = copied(importer, node)?;
    let [down, across] = block(importer, node)?;
    let [top, bottom, left, right] = amounts(importer, node, 2, "its crops")?;
    let &[batch, channels, rows, columns] = importer.graph.tensor(input).shape.as_slice() else {
        return Err(node.unsupported("its input has not four dimensions"));
    };
    let (height, width) = (rows * down, columns * across);
    if batch != down * across || top + bottom >= height || left + right >= width {
        let shape = importer.file_shape(input);
        return Err(node.misshapen(format!(
            "joins {shape:?} by blocks of {:?}, which makes no picture: convert the model again",
            [down, across]
        )));
    }
    let meaning = Meaning::of(importer.graph.tensor(input));
    let whole = match importer.batched(node.input(0)?) {
        Some(Batched { source, block, pads: [0, 0, 0, 0] }) if block == [down, across] => source,
        _ => {
            let parted = vec![down, across, channels, rows, columns];
            let parted = importer.step(node, Op::Reshape, vec![input], parted, meaning)?;
            let turned = vec![channels, rows, down, columns, across];
            let turned = importer.step(node, Op::Transpose(vec![2, 3, 0, 4, 1]), vec![parted], turned, meaning)?;
            importer.step(node, Op::Reshape, vec![turned], vec![1, channels, height, width], meaning)?
        }
    };
    let size = vec![1, channels, height - top - bottom, width - left - right];
    let op = Slice { start: vec![0, 0, top, left], step: vec![1; 4], size: size.clone() };
    importer.emit(node, Op::Slice(op), vec![whole], 0, size)
}

/// The picture that a layer reads, channels, height and width: the first of the batch where `SPACE_TO_BATCH_ND` dealt one.
pub fn picture(importer: &Importer, node: &Node, input: TensorId) -> Result<([usize; 3], Option<Batched>), Error> {
    match (importer.batched(node.input(0)?), importer.graph.tensor(input).shape.as_slice()) {
        (Some(batched), &[_, channels, height, width]) => Ok(([channels, height, width], Some(batched))),
        _ => Ok((super::windows::picture(importer, node, input)?, None)),
    }
}

/// Emits a layer on a batch as the dilated one on the picture, and its result as a batch again.
pub fn layer(importer: &mut Importer, node: &Node, mut layer: Linear, batched: Batched) -> Result<(), Error> {
    let Batched { source, block, pads } = batched;
    let Some(chw) = importer.graph.tensor(source).chw() else { return Err(node.misshapen("reads no picture")) };
    if layer.window.stride != [1, 1] {
        return Err(node.unsupported("it strides over a batch: only a stride of 1 runs between batches"));
    }
    let dilation = std::array::from_fn(|axis| layer.window.dilation[axis] * block[axis]);
    let pads = std::array::from_fn(|side| pads[side] + layer.window.pads[side] * block[side % 2]);
    layer.window = Window { dilation, pads, ..layer.window };
    let read = layer.window.padded(chw) as u64;
    at_most(&format!("the number of padded elements that '{}' reads", node.title), read, MAX_TENSOR_ELEMENTS)?;
    let shape = super::windows::output_shape(node, &layer.window, layer.outputs(), chw)?;
    let outputs: u64 = shape.iter().map(|&d| d as u64).product();
    importer.charge(outputs.saturating_mul(layer.rows() as u64))?;
    let meaning = importer.declared(node.output(0)?)?.meaning()?;
    let whole = importer.step(node, Op::Conv(Box::new(layer)), vec![source], shape, meaning)?;
    deal(importer, node, whole, Batched { source: whole, block, pads: [0; 4] })
}
