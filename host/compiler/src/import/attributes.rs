//! Attributes, and the window that convolutions and pools share.

use super::context::{title, unsupported};
use super::limits::{MAX_TENSOR_ELEMENTS, at_most};
use super::proto::{AttributeProto, NodeProto};
use crate::error::{Error, show};
use crate::op::Window;

/// Larger strides, kernels and pads than this are certainly damage.
const MAX_EXTENT: i64 = 1 << 16;

fn find<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

pub fn int(node: &NodeProto, name: &str, default: i64) -> i64 {
    find(node, name).and_then(|attribute| attribute.i).unwrap_or(default)
}

pub fn real(node: &NodeProto, name: &str, default: f32) -> f32 {
    find(node, name).and_then(|attribute| attribute.f).unwrap_or(default)
}

pub fn ints<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [i64]> {
    find(node, name).map(|attribute| attribute.ints.as_slice())
}

/// A text attribute; `None` if it is absent or no text.
pub fn text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a str> {
    find(node, name)?.s.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok())
}

pub fn invalid(node: &NodeProto, attribute: &str, detail: String) -> Error {
    Error::Attribute { node: title(node), attribute: attribute.to_string(), detail }
}

/// Spatial values of an attribute as height and width; a 1-D operator has height 1.
fn pair(node: &NodeProto, name: &str, rank: usize, default: i64, least: i64) -> Result<[usize; 2], Error> {
    let filled = vec![default; rank];
    let values = ints(node, name).unwrap_or(&filled);
    if values.len() != rank || values.iter().any(|v| !(least..=MAX_EXTENT).contains(v)) {
        let detail =
            format!("is {:?}: it needs {rank} values from {least} to {MAX_EXTENT}", &values[..values.len().min(8)]);
        return Err(invalid(node, name, detail));
    }
    Ok(match *values {
        [w] => [default.max(least) as usize, w as usize],
        [h, w] => [h as usize, w as usize],
        _ => unreachable!("rank is 1 or 2"),
    })
}

/// The number of spatial dimensions of a picture, which must be 1 or 2.
pub fn spatial_rank(node: &NodeProto, shape: &[usize]) -> Result<usize, Error> {
    if shape.first() != Some(&1) || shape.contains(&0) {
        return Err(unsupported(
            node,
            &format!("its input has shape {shape:?}: a frame is one picture, so the first dimension must be 1"),
        ));
    }
    match shape.len() {
        3 => Ok(1),
        4 => Ok(2),
        rank => Err(unsupported(node, &format!("its input has {rank} dimensions: only 1-D and 2-D pictures run here"))),
    }
}

/// Reads the window of a convolution or pool. `kernel` overrides a missing attribute.
pub fn window(node: &NodeProto, shape: &[usize], kernel: Option<[usize; 2]>) -> Result<Window, Error> {
    let rank = spatial_rank(node, shape)?;
    let kernel = match (ints(node, "kernel_shape"), kernel) {
        (None, Some(kernel)) => kernel,
        (None, None) => {
            return Err(invalid(node, "kernel_shape", "is missing: export the model again".into()));
        }
        (Some(_), known) => {
            let stated = pair(node, "kernel_shape", rank, 1, 1)?;
            if known.is_some_and(|kernel| kernel != stated) {
                return Err(invalid(node, "kernel_shape", format!("is {stated:?}, which is not the weights' kernel")));
            }
            stated
        }
    };
    let stride = pair(node, "strides", rank, 1, 1)?;
    let dilation = pair(node, "dilations", rank, 1, 1)?;
    let mut window = Window { kernel, stride, dilation, pads: [0; 4] };
    let auto_pad = find(node, "auto_pad").and_then(|a| a.s.as_deref()).unwrap_or(b"NOTSET");
    match auto_pad {
        b"NOTSET" | b"" => window.pads = pads(node, rank)?,
        b"VALID" => {}
        b"SAME_UPPER" | b"SAME_LOWER" => same(&mut window, shape, auto_pad == b"SAME_UPPER"),
        other => {
            let detail = format!("is '{}': use NOTSET with explicit pads", show(&String::from_utf8_lossy(other)));
            return Err(invalid(node, "auto_pad", detail));
        }
    }
    let [height, width] = if rank == 1 { [1, shape[2]] } else { [shape[2], shape[3]] };
    let padded = window.padded([shape[1], height, width]) as u64;
    at_most(&format!("the number of padded elements that '{}' reads", title(node)), padded, MAX_TENSOR_ELEMENTS)?;
    Ok(window)
}

fn pads(node: &NodeProto, rank: usize) -> Result<[usize; 4], Error> {
    let Some(values) = ints(node, "pads") else {
        return Ok([0; 4]);
    };
    if values.len() != 2 * rank || values.iter().any(|v| !(0..=MAX_EXTENT).contains(v)) {
        let detail =
            format!("is {:?}: it needs {} values from 0 to {MAX_EXTENT}", &values[..values.len().min(8)], 2 * rank);
        return Err(invalid(node, "pads", detail));
    }
    Ok(match *values {
        [left, right] => [0, left as usize, 0, right as usize],
        [top, left, bottom, right] => [top as usize, left as usize, bottom as usize, right as usize],
        _ => unreachable!("rank is 1 or 2"),
    })
}

/// Pads so that the output is `ceil(input / stride)`, the odd pixel after (`upper`) or before.
fn same(window: &mut Window, shape: &[usize], upper: bool) {
    let spatial = match *shape {
        [_, _, w] => [1, w],
        [_, _, h, w] => [h, w],
        _ => return,
    };
    for (axis, size) in spatial.into_iter().enumerate() {
        let steps = size.div_ceil(window.stride[axis]).saturating_sub(1);
        let total = (steps * window.stride[axis] + span(window, axis)).saturating_sub(size);
        let small = total / 2;
        let (before, after) = if upper { (small, total - small) } else { (total - small, small) };
        window.pads[axis] = before;
        window.pads[axis + 2] = after;
    }
}

/// The output shape of a window over `shape` with `channels` output channels.
pub fn windowed_shape(
    node: &NodeProto,
    window: &Window,
    shape: &[usize],
    channels: usize,
) -> Result<Vec<usize>, Error> {
    let too_large = || Error::Shape {
        value: title(node),
        detail: format!(
            "has a window of {:?} that does not fit its input {shape:?}: repair kernel or pads",
            window.kernel
        ),
    };
    let spatial = match *shape {
        [_, _, w] => [1, w],
        [_, _, h, w] => [h, w],
        _ => return Err(too_large()),
    };
    let [h, w] = window.output(spatial[0], spatial[1]).ok_or_else(too_large)?;
    Ok(if shape.len() == 3 { vec![shape[0], channels, w] } else { vec![shape[0], channels, h, w] })
}

/// A pool's window. Rounding up the output size is more padding behind the input.
pub fn pool_window(node: &NodeProto, shape: &[usize]) -> Result<Window, Error> {
    let mut window = window(node, shape, None)?;
    if window.pads[0].max(window.pads[2]) >= span(&window, 0) || window.pads[1].max(window.pads[3]) >= span(&window, 1)
    {
        return Err(invalid(
            node,
            "pads",
            format!("is {:?}, as large as the kernel {:?}: some outputs would be empty", window.pads, window.kernel),
        ));
    }
    if int(node, "ceil_mode", 0) != 0 {
        let spatial = if shape.len() == 3 { [1, shape[2]] } else { [shape[2], shape[3]] };
        for (axis, size) in spatial.into_iter().enumerate() {
            let more = missing(&window, axis, size);
            if more > 0 && int(node, "count_include_pad", 0) != 0 {
                let detail = "is 1 and adds a ragged last window, in which not all padding counts: use explicit pads";
                return Err(invalid(node, "ceil_mode", detail.into()));
            }
            window.pads[axis + 2] += more;
        }
    }
    Ok(window)
}

/// Padding that a last window lacks which begins inside the input, or in the padding before it.
fn missing(window: &Window, axis: usize, size: usize) -> usize {
    let padded = size + window.pads[axis] + window.pads[axis + 2];
    let Some(rest) = padded.checked_sub(span(window, axis)) else { return 0 };
    let (steps, over) = (rest / window.stride[axis] + 1, rest % window.stride[axis]);
    let begins = steps * window.stride[axis];
    if over > 0 && begins < size + window.pads[axis] { window.stride[axis] - over } else { 0 }
}

/// An average pool's window, which takes every tap.
pub fn average_window(node: &NodeProto, shape: &[usize]) -> Result<Window, Error> {
    let window = pool_window(node, shape)?;
    if window.dilation != [1, 1] {
        let detail = format!("is {:?}: an average pool takes every tap here", window.dilation);
        return Err(invalid(node, "dilations", detail));
    }
    Ok(window)
}

fn span(window: &Window, axis: usize) -> usize {
    (window.kernel[axis] - 1) * window.dilation[axis] + 1
}
