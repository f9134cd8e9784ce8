//! `TRANSPOSE_CONV` as a convolution of a picture with zeros between its pixels.

use super::importer::{Importer, Meaning, Node};
use super::layers::{Parts, bias, filter, oihw, operand};
use super::windows::{extent, picture};
use crate::error::Error;
use crate::graph::TensorId;
use crate::import::limits::{MAX_TENSOR_ELEMENTS, at_most};
use crate::op::{Op, Pad, Slice, Window};

/// Imports the operator. Its first operand is the output's shape, the third the picture.
pub fn conv(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let filter = filter(importer, node)?;
    let (input, x) = operand(importer, node, 2, &filter)?;
    let chw @ [channels, height, width] = picture(importer, node, input)?;
    let &[outputs, rows, columns, inputs] = filter.shape.as_slice() else {
        return Err(node.unsupported(format!("its weights have shape {:?}: four dimensions are needed", filter.shape)));
    };
    if inputs != channels || outputs * rows * columns == 0 {
        return Err(node.misshapen(format!("has weights of shape {:?} for {channels} channels", filter.shape)));
    }
    if filter.quants()?.1.iter().any(|&zero| zero != 0) && !filter.unsigned() {
        return Err(node.unsupported("its int8 weights have a zero point: quantise them symmetrically"));
    }
    let stated = importer.integers(node, 0, "its output's shape")?;
    let to: Option<Vec<usize>> = stated.iter().map(|&size| usize::try_from(size).ok()).collect();
    let Some([1, out_height, out_width, made]) = to.and_then(|to| <[usize; 4]>::try_from(to).ok()) else {
        return Err(node.unsupported(format!("its output's shape is {stated:?}: one picture a frame runs here")));
    };
    let stride = [extent(node, 2, 0)?, extent(node, 1, 0)?];
    if made != outputs || stride[0] != stride[1] {
        return Err(node.unsupported(format!("its strides are {stride:?}: only equal strides run here")));
    }
    let same = node.option(0, 0_i8)? == 0;
    let mut window = Window::of([rows, columns]);
    let mut kept = [height * stride[0], width * stride[1]];
    for (axis, (size, kernel)) in [(out_height, rows), (out_width, columns)].into_iter().enumerate() {
        let stride = stride[axis];
        // How many pixels a convolution of the output would give, and the padding that it would have.
        let count = if same { size.div_ceil(stride) } else { (size + stride).saturating_sub(kernel) / stride };
        let total = (count.saturating_sub(1) * stride + kernel).saturating_sub(size);
        let before = (kernel - 1).checked_sub(total / 2);
        let before =
            before.ok_or_else(|| node.unsupported("its padding exceeds its kernel: convert the model again"))?;
        let needed = size + kernel - 1;
        if before + kept[axis] > needed {
            // Zeros behind the last pixel that nothing reads.
            kept[axis] = needed.saturating_sub(before);
        }
        (window.pads[axis], window.pads[axis + 2]) = (before, needed.saturating_sub(before + kept[axis]));
    }
    let elements = (stride[0] * stride[1]) as u64 * (channels * height * width) as u64;
    at_most(&format!("the number of spread elements that '{}' reads", node.title), elements, MAX_TENSOR_ELEMENTS)?;
    let spread = spread(importer, node, input, chw, stride[0], x.zero_point as i8)?;
    let spread = cut(importer, node, spread, [channels, height * stride[0], width * stride[1]], kept)?;
    let data = turned(&oihw(&filter.bytes()?, [outputs, rows, columns, inputs]), rows * columns);
    at_most(
        &format!("the number of padded elements that '{}' reads", node.title),
        window.padded([channels, kept[0], kept[1]]) as u64,
        MAX_TENSOR_ELEMENTS,
    )?;
    let parts = Parts {
        node,
        x,
        y: importer.declared(node.output(0)?)?.quant()?,
        filter: &filter,
        data,
        shape: [outputs, inputs, rows, columns],
        bias: bias(importer, node, 3)?,
        window,
        groups: 1,
        function: node.option(3, 0)?,
    };
    let layer = parts.build()?;
    super::layers::emit(importer, node, layer, spread, vec![1, outputs, out_height, out_width])
}

/// Puts `stride - 1` zeros behind each pixel: as further channels of it, which then become a square.
fn spread(
    importer: &mut Importer,
    node: &Node,
    input: TensorId,
    [channels, height, width]: [usize; 3],
    stride: usize,
    zero: i8,
) -> Result<TensorId, Error> {
    if stride == 1 {
        return Ok(input);
    }
    let meaning = Meaning::of(importer.graph.tensor(input));
    let square = stride * stride * channels;
    let pad = Pad { before: vec![0; 4], after: vec![0, square - channels, 0, 0], value: zero };
    let deep = importer.step(node, Op::Pad(pad), vec![input], vec![1, square, height, width], meaning)?;
    let shape = vec![1, channels, height * stride, width * stride];
    importer.step(node, Op::DepthToSpace { block: stride }, vec![deep], shape, meaning)
}

/// Keeps the first rows and columns.
fn cut(
    importer: &mut Importer,
    node: &Node,
    input: TensorId,
    [channels, height, width]: [usize; 3],
    kept: [usize; 2],
) -> Result<TensorId, Error> {
    if kept == [height, width] {
        return Ok(input);
    }
    if kept.contains(&0) {
        return Err(node.misshapen("has an output that no pixel reaches: convert the model again"));
    }
    let meaning = Meaning::of(importer.graph.tensor(input));
    let size = vec![1, channels, kept[0], kept[1]];
    let slice = Slice { start: vec![0; 4], step: vec![1; 4], size: size.clone() };
    importer.step(node, Op::Slice(slice), vec![input], size, meaning)
}

/// Kernels turned by half a circle.
fn turned(data: &[i8], taps: usize) -> Vec<i8> {
    data.chunks(taps.max(1)).flat_map(|kernel| kernel.iter().rev().copied()).collect()
}
