//! Windows and fused activations, which layers and pools share.

use super::importer::{Importer, Node};
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::import::limits::{MAX_TENSOR_ELEMENTS, at_most};
use crate::op::{Clamp, Window};

/// Larger strides, kernels and dilations than this are certainly damage.
const MAX_EXTENT: i32 = 1 << 16;

/// Where a table of options keeps a window's parameters.
pub struct Slots {
    pub padding: usize,
    pub stride: [usize; 2],
    /// `None`: no dilation.
    pub dilation: Option<[usize; 2]>,
}

/// The picture that an operator reads: channels, height, width of a four-dimensional operand with batch 1.
pub fn picture(importer: &Importer, node: &Node, id: TensorId) -> Result<[usize; 3], Error> {
    match *importer.graph.tensor(id).shape {
        [1, c, h, w] if c * h * w > 0 => Ok([c, h, w]),
        _ => {
            let shape = importer.file_shape(id);
            Err(node.unsupported(format!(
                "its input has shape {shape:?}: only one picture (1, height, width, channels) a frame runs here"
            )))
        }
    }
}

/// An extent from 1.
pub fn extent(node: &Node, slot: usize, default: i32) -> Result<usize, Error> {
    let value = node.option(slot, default)?;
    if (1..=MAX_EXTENT).contains(&value) {
        return Ok(value as usize);
    }
    Err(node
        .unsupported(format!("its option {slot} is {value}: strides, kernels and factors go from 1 to {MAX_EXTENT}")))
}

/// Reads the window of a layer or pool with a known kernel.
pub fn window(
    node: &Node,
    slots: &Slots,
    kernel: [usize; 2],
    [channels, height, width]: [usize; 3],
) -> Result<Window, Error> {
    let pair = |slots: [usize; 2], default| Ok([extent(node, slots[0], default)?, extent(node, slots[1], default)?]);
    // Absent strides are 0 in the schema, which `extent` refuses; absent dilations are 1.
    let stride = pair(slots.stride, 0)?;
    let dilation = slots.dilation.map_or(Ok([1, 1]), |slots| pair(slots, 1))?;
    let mut window = Window { kernel, stride, dilation, pads: [0; 4] };
    match node.option(slots.padding, 0_i8)? {
        0 => {
            for (axis, size) in [height, width].into_iter().enumerate() {
                let span = (kernel[axis] - 1) * dilation[axis] + 1;
                let total = ((size.div_ceil(stride[axis]) - 1) * stride[axis] + span).saturating_sub(size);
                window.pads[axis] = total / 2;
                window.pads[axis + 2] = total - total / 2;
            }
        }
        1 => {}
        other => return Err(node.unsupported(format!("its padding is {other}: only SAME (0) and VALID (1) exist"))),
    }
    let padded = window.padded([channels, height, width]) as u64;
    at_most(&format!("the number of padded elements that '{}' reads", node.title), padded, MAX_TENSOR_ELEMENTS)?;
    Ok(window)
}

/// The shape of a window's output, in the graph's order.
pub fn output_shape(
    node: &Node,
    window: &Window,
    channels: usize,
    [_, height, width]: [usize; 3],
) -> Result<Vec<usize>, Error> {
    let too_large = || {
        node.misshapen(format!(
            "has a window of {:?} that does not fit its input: convert the model again",
            window.kernel
        ))
    };
    let [h, w] = window.output(height, width).ok_or_else(too_large)?;
    Ok(vec![1, channels, h, w])
}

/// The value that stands for a real bound of an activation.
pub fn step(real: f32, y: Quant) -> i8 {
    y.zero_point.saturating_add((real / y.scale).round() as i32).clamp(-128, 127) as i8
}

/// The clamp of a fused activation, or of an activation of its own.
pub fn activation(node: &Node, function: i8, y: Quant) -> Result<Clamp, Error> {
    let [low, high] = bounds(node, function)?;
    Ok(Clamp { min: step(low, y), max: step(high, y) })
}

/// The real bounds of a fused activation.
pub fn bounds(node: &Node, function: i8) -> Result<[f32; 2], Error> {
    Ok(match function {
        0 => [f32::NEG_INFINITY, f32::INFINITY],
        1 => [0.0, f32::INFINITY],
        2 => [-1.0, 1.0],
        3 => [0.0, 6.0],
        other => {
            return Err(node.unsupported(format!(
                "its fused activation is {other}: only NONE, RELU, RELU_N1_TO_1 and RELU6 run here"
            )));
        }
    })
}
