//! `RESIZE_NEAREST_NEIGHBOR` and `RESIZE_BILINEAR`.

use super::importer::{Importer, Node};
use crate::error::Error;
use crate::graph::TensorId;
use crate::op::{Between, Interpolate, Op, RealBetween, RealInterpolate, Resize};

/// What both operators read: the picture, its shape, and the new height and width.
struct Request {
    input: TensorId,
    shape: [usize; 4],
    to: [usize; 2],
}

fn request(importer: &mut Importer, node: &Node) -> Result<Request, Error> {
    let input = importer.value(node, 0)?;
    let &[batch, channels, height, width] = importer.graph.tensor(input).shape.as_slice() else {
        return Err(node
            .unsupported(format!("its input has shape {:?}: four dimensions are needed", importer.file_shape(input))));
    };
    let size = importer.integers(node, 1, "its size")?;
    let to: Option<Vec<usize>> =
        size.iter().map(|&d| usize::try_from(d).ok().filter(|d| (1..=1 << 16).contains(d))).collect();
    let to = to.unwrap_or_default();
    let &[rows, columns] = to.as_slice() else {
        return Err(node.misshapen(format!("resizes to {size:?}: two sizes from 1 are needed")));
    };
    if height * width == 0 {
        return Err(node.misshapen("resizes an empty picture"));
    }
    Ok(Request { input, shape: [batch, channels, height, width], to: [rows, columns] })
}

/// `RESIZE_NEAREST_NEIGHBOR`.
pub fn nearest_neighbour(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let Request { input, shape: [batch, channels, height, width], to: [rows, columns] } = request(importer, node)?;
    let (corners, centres) = (node.option(0, false)?, node.option(1, false)?);
    let from = |count: usize, whole: usize| (0..count).map(|at| nearest(at, whole, count, corners, centres)).collect();
    let op = Op::Resize(Resize { rows: from(rows, height), columns: from(columns, width) });
    importer.emit(node, op, vec![input], 0, vec![batch, channels, rows, columns])
}

/// `RESIZE_BILINEAR`: of int8 in integers, of uint8 in floating point.
pub fn bilinear(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (_, x) = importer.quantised(node, 0)?;
    let Request { input, shape: [batch, channels, height, width], to: [rows, columns] } = request(importer, node)?;
    let unsigned = importer.graph.tensor(input).unsigned;
    let output = importer.declared(node.output(0)?)?;
    if output.unsigned() != unsigned {
        return Err(node.unsupported("it mixes element types: quantise the model with one activation type"));
    }
    if output.quant()? != x {
        return Err(node.unsupported("its input and output are quantised differently: quantise them alike"));
    }
    let (corners, centres) = (node.option(2, false)?, node.option(3, false)?);
    let op = if unsigned {
        let from = |count: usize, whole: usize| real_between(count, whole, corners, centres);
        Op::RealInterpolate(RealInterpolate { rows: from(rows, height), columns: from(columns, width) })
    } else {
        let from = |count: usize, whole: usize| between(count, whole, corners, centres);
        Op::Interpolate(Interpolate { rows: from(rows, height), columns: from(columns, width) })
    };
    importer.emit(node, op, vec![input], 0, vec![batch, channels, rows, columns])
}

/// The neighbours of each output pixel along an axis, in the runtime's integers of ten fractional bits.
fn between(to: usize, from: usize, corners: bool, centres: bool) -> Vec<Between> {
    let (count, whole) = (to as i64, from as i64);
    let scale = if corners && to > 1 {
        (1024 * (whole - 1) + (count - 1) / 2) / (count - 1)
    } else {
        (1024 * whole + count / 2) / count
    };
    let place = |at: i64| if centres { at * scale + scale / 2 - 512 } else { at * scale };
    let neighbours = |at: i64| {
        let place = place(at);
        // Both divisions round towards zero; where a rounded scale leads beyond the edge, the edge it is.
        let low = (place / 1024).clamp(0, whole - 1);
        let high = ((place + 1023) / 1024).clamp(0, whole - 1);
        Between { low: low as usize, high: high as usize, part: (place - 1024 * low) as i32 }
    };
    (0..count).map(neighbours).collect()
}

/// The neighbours of each output pixel along an axis, in the runtime's `f32` arithmetic.
fn real_between(to: usize, from: usize, corners: bool, centres: bool) -> Vec<RealBetween> {
    let scale = if corners && to > 1 { (from - 1) as f32 / (to - 1) as f32 } else { from as f32 / to as f32 };
    let neighbours = |at: usize| {
        let place = if centres { (at as f32 + 0.5) * scale - 0.5 } else { at as f32 * scale };
        let low = (place.floor().max(0.0) as usize).min(from - 1);
        let high = (place.ceil().max(0.0) as usize).min(from - 1);
        RealBetween { low, high, part: place - low as f32 }
    };
    (0..to).map(neighbours).collect()
}

/// The input pixel that an output pixel shows, in the runtime's `f32` arithmetic.
fn nearest(at: usize, from: usize, to: usize, corners: bool, centres: bool) -> usize {
    let scale = if corners && to > 1 { (from - 1) as f32 / (to - 1) as f32 } else { from as f32 / to as f32 };
    let place = (at as f32 + if centres { 0.5 } else { 0.0 }) * scale;
    let place = if corners { place.round() } else { place.floor() };
    (place as usize).min(from - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_size_lies_between_the_pixels() {
        let parts = |corners, centres| {
            between(4, 2, corners, centres).iter().map(|b| (b.low, b.high, b.part)).collect::<Vec<_>>()
        };
        assert_eq!(parts(false, false), [(0, 0, 0), (0, 1, 512), (1, 1, 0), (1, 1, 512)]);
        assert_eq!(parts(false, true), [(0, 0, -256), (0, 1, 256), (0, 1, 768), (1, 1, 256)]);
        assert_eq!(parts(true, false), [(0, 0, 0), (0, 1, 341), (0, 1, 682), (0, 1, 1023)]);
    }
}
