//! Layers with few output channels compute neighbouring pixels side by side in the array's columns.

use lacuna_spec::Geometry;

use crate::op::{Linear, Requantise};

/// Largest kernel width and column stride of an instruction.
const MOST: [usize; 2] = [63, 31];

/// The layer with as many neighbouring pixels of a row as the columns hold as one pixel of that many times the channels, in memory the same
/// bytes. Its kernel covers the windows of all, so a row that they share is fed once, and one reduction serves them; as it takes
/// more pages than apart, only where a block fits the chip. `width`: of the output.
#[must_use]
pub fn widened(linear: &Linear, width: usize, geometry: &Geometry) -> Linear {
    let [outputs, channels, height, kernel] = linear.weights.shape;
    let stride = linear.window.stride[1];
    let fits = |pixels: &usize| {
        let wide = kernel + (pixels - 1) * stride;
        let rows = channels * height * wide;
        width.is_multiple_of(*pixels)
            && wide <= MOST[0]
            && pixels * stride <= MOST[1]
            && rows <= geometry.lanes * geometry.pages
    };
    let alone = linear.groups != 1 || linear.window.dilation[1] != 1;
    let pixels = (2..=geometry.columns() / outputs.max(1)).rev().find(fits);
    let Some(pixels) = pixels.filter(|_| !alone) else { return linear.clone() };

    let mut wide = linear.clone();
    let wide_kernel = kernel + (pixels - 1) * stride;
    let mut data = vec![0; pixels * outputs * channels * height * wide_kernel];
    for (row, weights) in linear.weights.data.chunks_exact(kernel).enumerate() {
        for pixel in 0..pixels {
            let row = pixel * outputs * channels * height + row;
            data[row * wide_kernel + pixel * stride..][..kernel].copy_from_slice(weights);
        }
    }
    wide.weights.data = data;
    wide.weights.shape = [pixels * outputs, channels, height, wide_kernel];
    wide.weights.zero_points = linear.weights.zero_points.repeat(pixels);
    wide.window.kernel[1] = wide_kernel;
    wide.window.stride[1] = pixels * stride;
    wide.bias = linear.bias.repeat(pixels);
    wide.requantise = repeated_scales(&linear.requantise, pixels);
    wide
}

/// Neighbouring pixels of a depthwise layer that a word holds, 1 if they cannot be taken as one pixel of that many times the channels.
#[must_use]
pub fn pixels_of_depthwise(linear: &Linear, width: usize, geometry: &Geometry) -> usize {
    let most = if linear.window.stride[1] == 1 { geometry.columns() / linear.outputs().max(1) } else { 1 };
    (2..=most).rev().find(|&pixels| width.is_multiple_of(pixels)).unwrap_or(1)
}

/// A depthwise layer that computes `pixels` neighbours as one.
#[must_use]
pub fn repeated(linear: &Linear, pixels: usize) -> Linear {
    let mut wide = linear.clone();
    wide.weights.data = linear.weights.data.repeat(pixels);
    wide.weights.zero_points = linear.weights.zero_points.repeat(pixels);
    wide.weights.shape[0] *= pixels;
    wide.groups *= pixels;
    wide.bias = linear.bias.repeat(pixels);
    wide.requantise = repeated_scales(&linear.requantise, pixels);
    wide
}

fn repeated_scales(requantise: &Requantise, pixels: usize) -> Requantise {
    match requantise {
        Requantise::A { multipliers, shifts } => {
            Requantise::A { multipliers: multipliers.repeat(pixels), shifts: shifts.repeat(pixels) }
        }
        Requantise::B { scales } => Requantise::B { scales: scales.repeat(pixels) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Op;
    use crate::passes::testing::Builder;

    #[test]
    fn a_wide_kernel_holds_each_pixel_at_its_own_stride() {
        let mut builder = Builder::new(5, &[1, 3, 6, 8]);
        let out = builder.conv(builder.input(), 4, 3);
        let graph = builder.finish(out);
        let Op::Conv(linear) = &graph.nodes[0].op else { panic!("not a convolution") };
        let wide = widened(linear, 8, &Geometry::BASE);
        assert_eq!(wide.weights.shape, [16, 3, 3, 6]);
        for (at, &weight) in wide.weights.data.iter().enumerate() {
            let (x, row) = (at % 6, at / 6);
            let (pixel, row) = (row / 36, row % 36);
            let own = x.checked_sub(pixel).filter(|x| *x < 3).map_or(0, |x| linear.weights.data[3 * row + x]);
            assert_eq!(weight, own, "kernel column {x} of pixel {pixel}");
        }
        assert_eq!(widened(linear, 7, &Geometry::BASE), **linear, "7 pixels cannot be grouped");
    }
}
