//! Convolutions and dense layers.

use crate::op::Linear;

/// Runs a layer on a picture of the given channels, height and width.
pub fn linear(layer: &Linear, x: &[i8], [channels, height, width]: [usize; 3]) -> Vec<i8> {
    let window = &layer.window;
    let Some([out_h, out_w]) = window.output(height, width) else {
        return Vec::new();
    };
    let [outputs, each, kernel_h, kernel_w] = layer.weights.shape;
    let [top, left, bottom, right] = window.pads;
    let (rows, columns) = (height + top + bottom, width + left + right);
    // The picture as differences from its zero point, so that padding is 0.
    let mut padded = vec![0_i32; channels * rows * columns];
    for (c, plane) in x.chunks(height * width).enumerate() {
        for (y, line) in plane.chunks(width).enumerate() {
            let at = (c * rows + y + top) * columns + left;
            for (slot, &q) in padded[at..at + width].iter_mut().zip(line) {
                *slot = i32::from(q) - layer.x_zero_point;
            }
        }
    }
    let mut result = Vec::with_capacity(outputs * out_h * out_w);
    let mut accumulators = vec![0_i32; out_h * out_w];
    for o in 0..outputs {
        accumulators.fill(layer.bias[o]);
        let first_channel = o / (outputs / layer.groups) * each;
        for i in 0..each {
            let plane = &padded[(first_channel + i) * rows * columns..][..rows * columns];
            for ky in 0..kernel_h {
                for kx in 0..kernel_w {
                    let tap = ((o * each + i) * kernel_h + ky) * kernel_w + kx;
                    let weight = i32::from(layer.weights.data[tap]) - layer.weights.zero_points[o];
                    if weight != 0 {
                        let start = ky * window.dilation[0] * columns + kx * window.dilation[1];
                        accumulate(&mut accumulators, &plane[start..], weight, window.stride, [columns, out_w]);
                    }
                }
            }
        }
        let requantised = accumulators.iter().map(|&acc| layer.requantise.apply(o, acc, layer.y_zero_point));
        result.extend(requantised.map(|value| layer.clamp.apply(value)));
    }
    result
}

/// Adds one tap's products to every output pixel.
fn accumulate(sums: &mut [i32], plane: &[i32], weight: i32, stride: [usize; 2], [columns, out_w]: [usize; 2]) {
    for (y, line) in sums.chunks_mut(out_w).enumerate() {
        let source = &plane[y * stride[0] * columns..];
        let add = |(sum, &value): (&mut i32, &i32)| *sum = sum.wrapping_add(weight.wrapping_mul(value));
        if stride[1] == 1 {
            // Apart from the general case, so that it vectorises.
            line.iter_mut().zip(source).for_each(add);
        } else {
            line.iter_mut().zip(source.iter().step_by(stride[1])).for_each(add);
        }
    }
}
