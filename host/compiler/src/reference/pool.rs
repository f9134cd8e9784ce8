//! Pools.

use lacuna_spec::numerics::requantise_b;

use crate::op::{ArgExtreme, AveragePool, GlobalAveragePool, Mean, MeanRule, Window};

/// Calls `visit` with the in-picture taps of every output pixel of one plane, in row order.
fn taps(window: &Window, height: usize, width: usize, mut visit: impl FnMut(&mut dyn Iterator<Item = usize>)) {
    let Some([out_h, out_w]) = window.output(height, width) else {
        return;
    };
    let along = |axis: usize, at: usize, size: usize| {
        let base = at * window.stride[axis];
        (0..window.kernel[axis])
            .filter_map(move |k| (base + k * window.dilation[axis]).checked_sub(window.pads[axis]))
            .filter(move |&index| index < size)
    };
    for oy in 0..out_h {
        for ox in 0..out_w {
            visit(&mut along(0, oy, height).flat_map(|y| along(1, ox, width).map(move |x| y * width + x)));
        }
    }
}

/// The maximum over each window; `least` where a window holds no pixel.
pub fn max<T: Copy + PartialOrd>(window: &Window, x: &[T], [_, height, width]: [usize; 3], least: T) -> Vec<T> {
    let mut result = Vec::new();
    for plane in x.chunks((height * width).max(1)) {
        taps(window, height, width, |taps| {
            result.push(taps.fold(least, |best, at| if plane[at] > best { plane[at] } else { best }));
        });
    }
    result
}

/// The mean over each window by the operator's rule.
#[must_use]
pub fn average(op: &AveragePool, x: &[i8], [_, height, width]: [usize; 3]) -> Vec<i8> {
    let mut result = Vec::new();
    let whole = op.window.kernel[0] * op.window.kernel[1];
    for plane in x.chunks((height * width).max(1)) {
        taps(&op.window, height, width, |taps| {
            let mut count = 0_usize;
            if op.rule == MeanRule::A {
                let mut sum = 0;
                for at in taps {
                    sum += i32::from(plane[at]) + op.offset;
                    count += 1;
                }
                result.push(op.clamp.apply(rounded_mean(sum, count as i32) - op.offset));
                return;
            }
            let mut sum = 0.0_f32;
            for at in taps {
                sum += op.x.scale * (i32::from(plane[at]) - op.x.zero_point) as f32;
                count += 1;
            }
            result.push(average_of(op, sum, if op.count_include_pad { whole } else { count }));
        });
    }
    result
}

/// `sum / count` with halves away from zero; 0 for an empty window.
#[must_use]
pub fn rounded_mean(sum: i32, count: i32) -> i32 {
    let half = if sum > 0 { count / 2 } else { -count / 2 };
    (sum + half).checked_div(count).unwrap_or(0)
}

/// The mean over some axes: an integer sum, requantised by rule A.
pub fn mean(op: &Mean, x: &[i8], shape: &[usize]) -> Vec<i8> {
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(axis, &size)| if op.axes.contains(&axis) { 1 } else { size }).collect();
    let mut sums = vec![0_i32; kept.iter().product()];
    let mut index = vec![0; shape.len()];
    for &q in x {
        let at = index.iter().zip(&kept).fold(0, |at, (&i, &size)| at * size + if size == 1 { 0 } else { i });
        sums[at] = sums[at].wrapping_add(i32::from(q));
        for (slot, &size) in index.iter_mut().zip(shape).rev() {
            *slot += 1;
            if *slot < size {
                break;
            }
            *slot = 0;
        }
    }
    let chip = op.chip(x.len() / sums.len().max(1));
    sums.into_iter().map(|sum| op.clamp.apply(chip.apply(sum))).collect()
}

/// Divides and quantises a window's sum. The zero point is added before rounding, in the file's own range.
fn average_of(op: &AveragePool, sum: f32, count: usize) -> i8 {
    let real = sum / count as f32 / op.y.scale + (op.y.zero_point + op.offset) as f32;
    op.clamp.apply((real.round_ties_even() as i32).saturating_sub(op.offset))
}

/// The mean over the picture.
pub fn global_average(op: &GlobalAveragePool, x: &[i8], [_, height, width]: [usize; 3]) -> Vec<i8> {
    let planes = x.chunks((height * width).max(1));
    let sum = |plane: &[i8]| plane.iter().map(|&q| i32::from(q) - op.x_zero_point).sum::<i32>();
    planes.map(|plane| op.clamp.apply(requantise_b(sum(plane), op.scale, op.y_zero_point))).collect()
}

/// The place of the extreme along the axis; what compares with nothing (not a number) never takes another's place.
pub fn place<T: Copy + PartialOrd>(op: &ArgExtreme, x: &[T], shape: &[usize]) -> Vec<i64> {
    let (size, inner) = (shape[op.axis], shape[op.axis + 1..].iter().product::<usize>());
    let beats = |a: T, b: T| (if op.greatest { a > b } else { a < b }) || (op.last && a == b);
    let of = |first: usize| {
        let at = |place: usize| x[first + place * inner];
        (1..size).fold(0, |best, place| if beats(at(place), at(best)) { place } else { best }) as i64
    };
    let outer = shape[..op.axis].iter().product::<usize>();
    (0..outer).flat_map(|block| (0..inner).map(move |at| block * size * inner + at)).map(of).collect()
}
