//! `STRIDED_SLICE`.

use super::importer::{Importer, Node};
use super::movement::cut;
use crate::error::Error;

/// One axis of the input as the operator cuts it.
struct Cut {
    start: usize,
    step: i64,
    size: usize,
}

/// Imports the operator: masks leave a bound open or drop an axis.
pub fn strided_slice(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let shape = importer.file_shape(input);
    let [begin, end, step] = [
        importer.integers(node, 1, "its begin")?,
        importer.integers(node, 2, "its end")?,
        importer.integers(node, 3, "its strides")?,
    ];
    let mask = |slot: usize| node.option(slot, 0_i32);
    let [begin_mask, end_mask, ellipsis, new_axis, shrink] = [mask(0)?, mask(1)?, mask(2)?, mask(3)?, mask(4)?];
    if ellipsis != 0 || new_axis != 0 || node.option(5, false)? {
        return Err(node.unsupported("it uses an ellipsis, a new axis or offsets: slice with plain bounds and reshape"));
    }
    if begin.len() > shape.len() || end.len() != begin.len() || step.len() != begin.len() {
        return Err(node.misshapen(format!("cuts {shape:?} with {} bounds: convert the model again", begin.len())));
    }
    let mut cuts = Vec::with_capacity(shape.len());
    for (axis, &whole) in shape.iter().enumerate() {
        if axis >= begin.len() {
            cuts.push(Cut { start: 0, step: 1, size: whole });
            continue;
        }
        let bit = |mask: i32| mask >> axis & 1 == 1;
        let step = step[axis];
        if step == 0 || step.unsigned_abs() > 1 << 30 || (bit(shrink) && step < 0) {
            return Err(node.misshapen(format!("has the stride {step} along axis {axis}")));
        }
        cuts.push(if bit(shrink) {
            let start = wrap(begin[axis], whole);
            let start = usize::try_from(start).ok().filter(|&start| start < whole);
            let start = start
                .ok_or_else(|| node.misshapen(format!("takes element {} of axis {axis} of {shape:?}", begin[axis])))?;
            Cut { start, step: 1, size: 1 }
        } else {
            along(whole, (!bit(begin_mask)).then_some(begin[axis]), (!bit(end_mask)).then_some(end[axis]), step)
        });
    }
    let start: Vec<usize> = cuts.iter().map(|cut| cut.start).collect();
    let size: Vec<usize> = cuts.iter().map(|cut| cut.size).collect();
    let steps: Vec<i64> = cuts.iter().map(|cut| cut.step).collect();
    if size.contains(&0) {
        return Err(node.misshapen(format!("cuts nothing out of {shape:?}: remove it")));
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| shrink >> axis & 1 == 0).map(|axis| size[axis]).collect();
    if kept.len() == shape.len() {
        return cut(importer, node, input, [&start, &size], &steps, 0);
    }
    let op = crate::op::Slice {
        start: super::layout::graph_order(&start),
        step: super::layout::graph_order(&steps),
        size: super::layout::graph_order(&size),
    };
    let meaning = super::importer::Meaning::of(importer.graph.tensor(input));
    let boxed = importer.step(node, crate::Op::Slice(op), vec![input], super::layout::graph_shape(&size), meaning)?;
    importer.emit_view(node, boxed, 0, &kept)
}

/// A bound that may count from the end.
fn wrap(bound: i64, whole: usize) -> i64 {
    if bound < 0 { bound + whole as i64 } else { bound }
}

/// The elements between two bounds; an open bound is the tensor's end in the direction of the step.
fn along(whole: usize, begin: Option<i64>, end: Option<i64>, step: i64) -> Cut {
    let size = whole as i64;
    // Forwards, bounds lie in 0..=size; backwards, in -1..size.
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let (first, last) = if step > 0 { (low, high) } else { (high, low) };
    let start = begin.map_or(first, |bound| wrap(bound, whole).clamp(low, high));
    let stop = end.map_or(last, |bound| wrap(bound, whole).clamp(low, high));
    let span = if step > 0 { stop - start } else { start - stop };
    let count = if span <= 0 { 0 } else { (span as u64).div_ceil(step.unsigned_abs()) };
    Cut { start: start.max(0) as usize, step, size: count as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_from_either_end() {
        let taken = |whole, begin, end, step| {
            let cut = along(whole, begin, end, step);
            (0..cut.size as i64).map(|i| cut.start as i64 + i * cut.step).collect::<Vec<_>>()
        };
        assert_eq!(taken(5, Some(-2), None, 1), [3, 4]);
        assert_eq!(taken(5, None, Some(-1), 2), [0, 2]);
        assert_eq!(taken(5, None, None, -2), [4, 2, 0]);
        assert_eq!(taken(5, Some(3), Some(0), -1), [3, 2, 1]);
        assert_eq!(taken(5, Some(9), Some(20), 1), [0_i64; 0]);
        assert_eq!(taken(5, Some(-9), Some(20), 4), [0, 4]);
    }
}
