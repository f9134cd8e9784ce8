//! Rows over lanes and pages; parameters of the post unit.

use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::instr::PostConstants;
use lacuna_spec::packed::PackError;

use super::BackendError;
use crate::op::{Linear, Requantise};

/// The rows of one dot product, in the order in which the feeder packs them.
///
/// Row `i` stands for kernel row `ky`, kernel column `kx` and input channel `c` of the layer, with
/// `i = (ky * kernel_w + kx) * channels.len() + (c - channels.start)`; by columns, `kx * kernel_h + ky` in place of
/// `ky * kernel_w + kx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Input channels that take part.
    pub channels: Range<usize>,
    /// The input lies column by column.
    pub by_columns: bool,
    /// Input channels of each of two windows of one pixel, if these are two as [`halves`](crate::passes::wide_weights::halves) has
    /// them: row `i` stands for channel `i` of the first, or `i - half` of the second.
    pub halves: Option<usize>,
}

impl Rows {
    /// Length of the dot product.
    #[must_use]
    pub fn length(&self) -> usize {
        self.halves.map_or(self.kernel[0] * self.kernel[1] * self.channels.len(), |half| 2 * half)
    }

    /// Pages of one vector.
    #[must_use]
    pub fn pages(&self, geometry: &Geometry) -> usize {
        self.length().div_ceil(geometry.lanes)
    }

    /// The weight of row `i` for output channel `output`; 0 where the channel is in another group.
    #[must_use]
    pub fn weight(&self, linear: &Linear, output: usize, i: usize) -> i8 {
        let [outputs, per_group, kh, kw] = linear.weights.shape;
        if let Some(half) = self.halves {
            // What the second reads for the first time meets its first weight.
            let (second, c) = if i < half { (false, i) } else { (true, i - half + per_group - half) };
            return linear.weights.data[(output * per_group + c) * kh + usize::from(second && c < half)];
        }
        let (tap, c) = (i / self.channels.len(), self.channels.start + i % self.channels.len());
        let group = output / (outputs / linear.groups);
        if c < group * per_group || c >= (group + 1) * per_group {
            return 0;
        }
        let [height, width] = self.kernel;
        let (ky, kx) = if self.by_columns { (tap % height, tap / height) } else { (tap / width, tap % width) };
        linear.weights.data[((output * per_group + c - group * per_group) * kh + ky) * kw + kx]
    }
}

/// Where the feeder puts each row of a vector: the byte in its row words, packed in order but that a window which makes a word by
/// itself is turned by the number of words before it. `windows`: their bytes, in order.
#[must_use]
pub fn places(windows: impl IntoIterator<Item = usize>, word: usize) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for bytes in windows {
        let (first, fill) = (places.len(), places.len() % word);
        let turn = if fill == 0 && bytes == word { first / word % word } else { 0 };
        places.extend((0..bytes).map(|byte| if turn > 0 { first + (byte + turn) % word } else { first + byte }));
    }
    places
}

/// The pages of one column block: `pages[page][lane]` holds one weight a column. `places` tells where each row goes.
#[must_use]
pub fn pages(
    linear: &Linear,
    rows: &Rows,
    places: &[usize],
    outputs: &Range<usize>,
    geometry: &Geometry,
) -> Vec<Vec<Vec<i8>>> {
    let lanes = geometry.lanes;
    let mut pages = vec![vec![vec![0; geometry.columns()]; lanes]; rows.pages(geometry)];
    for (i, &place) in places.iter().enumerate() {
        for (column, output) in outputs.clone().enumerate() {
            pages[place / lanes][place % lanes][column] = rows.weight(linear, output, i);
        }
    }
    pages
}

/// Weight words of one block of a depthwise layer: one a tap, and one more if its weights are wide.
#[must_use]
pub fn depthwise_words(linear: &Linear) -> usize {
    linear.rows() * if linear.is_wide() { 2 } else { 1 }
}

/// The weight words of one block of a depthwise layer: low bytes, one weight a channel, then high bytes if it is wide.
#[must_use]
pub fn depthwise(linear: &Linear, outputs: Range<usize>, geometry: &Geometry) -> Vec<u8> {
    let (taps, word) = (linear.rows(), geometry.word_bytes());
    let words = depthwise_words(linear);
    let mut bytes = vec![0u8; words * word];
    for (column, output) in outputs.enumerate() {
        for (tap, &weight) in linear.weights.data[output * taps..][..taps].iter().enumerate() {
            let [low, high, ..] = (i32::from(weight) - linear.weights.zero_points[output]).to_le_bytes();
            bytes[(words - taps + tap) * word + column] = high;
            bytes[tap * word + column] = low;
        }
    }
    bytes
}

/// Checks that no lane can exceed the accumulator of a cell.
///
/// # Errors
/// [`BackendError::Accumulator`] with the reach.
pub fn check_reach(name: &str, pages: &[Vec<Vec<i8>>], gate: i32, geometry: &Geometry) -> Result<(), BackendError> {
    let (lo, hi) = (i64::from(-128 - gate), i64::from(127 - gate));
    for lane in 0..geometry.lanes {
        for column in 0..geometry.columns() {
            let (mut least, mut most) = (0i64, 0i64);
            for page in pages {
                let w = i64::from(page[lane][column]);
                least += (w * lo).min(w * hi).min(0);
                most += (w * lo).max(w * hi).max(0);
            }
            let reach = most.max(-least);
            if reach >= 1 << (geometry.acc_bits - 1) {
                return Err(BackendError::Accumulator { layer: name.to_owned(), reach, bits: geometry.acc_bits });
            }
        }
    }
    Ok(())
}

/// The nine parameter words of one column block: biases, multipliers, shifts.
#[must_use]
pub fn parameters(linear: &Linear, bias: &[i32], outputs: Range<usize>, geometry: &Geometry) -> Vec<u8> {
    let columns = geometry.columns();
    let mut bytes = vec![0u8; columns * lacuna_spec::geometry::PARAM_WORDS];
    for (column, output) in outputs.enumerate() {
        let (multiplier, shift) = match &linear.requantise {
            Requantise::A { multipliers, shifts } => (multipliers[output], shifts[output]),
            Requantise::B { scales } => (scales[output].to_bits() as i32, 0),
        };
        bytes[4 * column..][..4].copy_from_slice(&bias[output].to_le_bytes());
        bytes[4 * (columns + column)..][..4].copy_from_slice(&multiplier.to_le_bytes());
        bytes[8 * columns + column] = shift as u8;
    }
    bytes
}

/// Biases of one column block for the second gate value: four more parameter words.
#[must_use]
pub fn biases(bias: &[i32], outputs: Range<usize>, geometry: &Geometry) -> Vec<u8> {
    let mut bytes: Vec<u8> = bias[outputs].iter().flat_map(|bias| bias.to_le_bytes()).collect();
    bytes.resize(4 * geometry.columns(), 0);
    bytes
}

/// The constants of an element-wise or pooling operator, padded to whole words.
///
/// # Errors
/// A value that does not fit its field.
pub fn constants(constants: &PostConstants, geometry: &Geometry) -> Result<Vec<u8>, PackError> {
    let mut bytes = constants.pack()?;
    bytes.resize(bytes.len().next_multiple_of(geometry.word_bytes()), 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_turned_and_others_packed() {
        // A word, two halves, a word, three quarters and a word across two.
        let places = places([4, 2, 2, 4, 3, 4], 4);
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 8, 9, 12, 13, 14, 15, 16, 17, 18]);
    }

    #[test]
    fn a_channel_meets_every_lane_over_the_taps() {
        let places = places([16; 9], 16);
        let lanes: std::collections::BTreeSet<usize> = (0..9).map(|tap| places[16 * tap + 5] % 8).collect();
        assert_eq!(lanes.len(), 8);
    }
}
