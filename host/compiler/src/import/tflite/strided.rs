//! `STRIDED_SLICE`.

use super::importer::{Importer, Node};
use super::movement::cut;
use crate::error::Error;
use crate::import::limits::MAX_RANK;

/// One axis of the input as the operator cuts it.
struct Cut {
    start: usize,
    step: i64,
    size: usize,
}

/// What an operator cuts out: each axis of the input, and the shape that is left, in the file's order.
struct Cuts {
    axes: Vec<Cut>,
    kept: Vec<usize>,
}

/// Imports the operator: masks leave a bound open, drop an axis, stand for all axes between others or add one.
pub fn strided_slice(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let shape = importer.file_shape(input);
    let bounds = [
        importer.integers(node, 1, "its begin")?,
        importer.integers(node, 2, "its end")?,
        importer.integers(node, 3, "its strides")?,
    ];
    if node.option(5, false)? {
        return Err(node.unsupported("its ends are offsets from its begins: slice with plain bounds"));
    }
    let Cuts { axes, kept } = cuts(node, &shape, &bounds)?;
    let start: Vec<usize> = axes.iter().map(|cut| cut.start).collect();
    let size: Vec<usize> = axes.iter().map(|cut| cut.size).collect();
    let steps: Vec<i64> = axes.iter().map(|cut| cut.step).collect();
    if size.contains(&0) {
        return Err(node.misshapen(format!("cuts nothing out of {shape:?}: remove it")));
    }
    if kept == size {
        return cut(importer, node, input, [&start, &size], &steps, 0);
    }
    crate::import::tensors::check_size(&node.title, &kept)?;
    let op = crate::op::Slice {
        start: super::layout::graph_order(&start),
        step: super::layout::graph_order(&steps),
        size: super::layout::graph_order(&size),
    };
    let meaning = super::importer::Meaning::of(importer.graph.tensor(input));
    let boxed = importer.step(node, crate::Op::Slice(op), vec![input], super::layout::graph_shape(&size), meaning)?;
    importer.emit_view(node, boxed, 0, &kept)
}

fn cuts(node: &Node, shape: &[usize], [begin, end, step]: &[Vec<i64>; 3]) -> Result<Cuts, Error> {
    let mask = |slot: usize| node.option(slot, 0_i32);
    let [begin_mask, end_mask, ellipsis, new_axis, shrink] = [mask(0)?, mask(1)?, mask(2)?, mask(3)?, mask(4)?];
    let count = begin.len();
    let wrong = || node.misshapen(format!("cuts {shape:?} with {count} bounds: convert the model again"));
    if count > 2 * MAX_RANK || end.len() != count || step.len() != count {
        return Err(wrong());
    }
    let is = |mask: i32, at: usize| mask >> at & 1 == 1;
    let adds = |at: usize| is(new_axis, at) && !is(ellipsis, at);
    let named = (0..count).filter(|&at| !adds(at) && !is(ellipsis, at)).count();
    let mut open = shape.len().checked_sub(named).ok_or_else(wrong)?;
    let mut result = Cuts { axes: Vec::with_capacity(shape.len()), kept: Vec::new() };
    let whole = |result: &mut Cuts, count: usize| {
        for &size in shape.iter().skip(result.axes.len()).take(count) {
            result.axes.push(Cut { start: 0, step: 1, size });
            result.kept.push(size);
        }
    };
    for at in 0..count {
        if is(ellipsis, at) {
            // A second one stands for nothing.
            whole(&mut result, std::mem::take(&mut open));
            continue;
        }
        if adds(at) {
            result.kept.push(1);
            continue;
        }
        let axis = result.axes.len();
        let (size, step) = (shape[axis], step[at]);
        if step == 0 || step.unsigned_abs() > 1 << 30 || (is(shrink, at) && step < 0) {
            return Err(node.misshapen(format!("has the stride {step} along axis {axis}")));
        }
        if is(shrink, at) {
            let start = usize::try_from(wrap(begin[at], size)).ok().filter(|&start| start < size);
            let start = start
                .ok_or_else(|| node.misshapen(format!("takes element {} of axis {axis} of {shape:?}", begin[at])))?;
            result.axes.push(Cut { start, step: 1, size: 1 });
        } else {
            let bound = |mask: i32, value: i64| (!is(mask, at)).then_some(value);
            let cut = along(size, bound(begin_mask, begin[at]), bound(end_mask, end[at]), step);
            result.kept.push(cut.size);
            result.axes.push(cut);
        }
    }
    whole(&mut result, shape.len());
    Ok(result)
}

/// The integers of a list that the operator cuts out of it.
pub fn picked(node: &Node, list: &[i64], [begin, end, step]: &[Vec<i64>; 3]) -> Result<Vec<i64>, Error> {
    let mask = |slot: usize| Ok(node.option(slot, 0_i32)? & 1 == 1);
    let (&[begin], &[end], &[step]) = (begin.as_slice(), end.as_slice(), step.as_slice()) else {
        return Err(node.misshapen("cuts a list with several bounds: convert the model again"));
    };
    if step == 0 || step.unsigned_abs() > 1 << 30 || node.option(2, 0_i32)? | node.option(3, 0_i32)? != 0 {
        return Err(node.unsupported("it cuts a list with a stride of 0, an ellipsis or a new axis"));
    }
    let cut = if mask(4)? {
        let start = usize::try_from(wrap(begin, list.len())).ok().filter(|&start| start < list.len());
        let start = start.ok_or_else(|| node.misshapen(format!("takes element {begin} of {}", list.len())))?;
        Cut { start, step: 1, size: 1 }
    } else {
        along(list.len(), (!mask(0)?).then_some(begin), (!mask(1)?).then_some(end), step)
    };
    Ok((0..cut.size as i64).map(|index| list[(cut.start as i64 + index * cut.step) as usize]).collect())
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
