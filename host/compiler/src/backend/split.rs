//! How a layer is dealt over the tiles.

use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::geometry::PARAM_WORDS;

use super::layout::overlap;
use crate::op::{Linear, Window};

/// Which part of a layer's output each tile computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Some rows, all channels. Every tile holds all weights.
    Rows,
    /// All rows, some column blocks. Every tile holds the whole input.
    Blocks,
}

/// The part of an output that one tile computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Output rows.
    pub rows: Range<usize>,
    /// Column blocks.
    pub blocks: Range<usize>,
}

impl Part {
    /// Whether there is nothing to compute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.blocks.is_empty()
    }
}

fn deal(count: usize, tiles: usize, tile: usize) -> Range<usize> {
    tile * count / tiles..(tile + 1) * count / tiles
}

/// Deals `height` rows and `blocks` column blocks over the tiles.
#[must_use]
pub fn parts(split: Split, height: usize, blocks: usize, tiles: usize) -> Vec<Part> {
    (0..tiles)
        .map(|tile| match split {
            Split::Rows => Part { rows: deal(height, tiles, tile), blocks: 0..blocks },
            Split::Blocks => Part { rows: 0..height, blocks: deal(blocks, tiles, tile) },
        })
        .collect()
}

/// Column blocks of `channels` output channels.
#[must_use]
pub const fn blocks(channels: usize, geometry: &Geometry) -> usize {
    channels.div_ceil(geometry.columns())
}

/// What a layer asks of the tiles, in cycles of one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// A column block of one output pixel.
    pub pixel: usize,
    /// A column block, whatever its size.
    pub block: usize,
    /// Bringing the input to every tile, and the output from each to those that read it next.
    pub moved: usize,
}

impl Work {
    /// Of a layer on the array, as if each row had one digit: rows are spread over the lanes.
    #[must_use]
    pub fn of_array(linear: &Linear, input: [usize; 3], output: [usize; 3], geometry: &Geometry) -> Self {
        Self {
            pixel: linear.rows().div_ceil(geometry.lanes),
            block: PARAM_WORDS,
            moved: moved(input, output, geometry),
        }
    }

    /// Of a depthwise layer on the post unit: a tap, a weight word, a parameter word a cycle.
    #[must_use]
    pub fn of_depthwise(taps: usize, input: [usize; 3], output: [usize; 3], geometry: &Geometry) -> Self {
        Self { pixel: taps, block: taps + PARAM_WORDS, moved: moved(input, output, geometry) }
    }
}

fn moved(input: [usize; 3], output: [usize; 3], geometry: &Geometry) -> usize {
    let words = |chw: [usize; 3]| chw.iter().product::<usize>().div_ceil(geometry.word_bytes());
    if geometry.tiles == 1 { 0 } else { words(input) + words(output) }
}

/// The split of a layer with output `chw` that ends earlier; rows when equal, because a tile then
/// needs few rows of others.
#[must_use]
pub fn choose(work: &Work, [channels, height, width]: [usize; 3], geometry: &Geometry) -> Split {
    let cycles = |split| {
        let busiest = |part: &Part| part.blocks.len() * (part.rows.len() * width * work.pixel + work.block);
        let parts = parts(split, height, blocks(channels, geometry), geometry.tiles);
        parts.iter().filter(|part| !part.is_empty()).map(busiest).max().unwrap_or(0)
    };
    if cycles(Split::Blocks) + work.moved < cycles(Split::Rows) { Split::Blocks } else { Split::Rows }
}

/// Input rows that output rows `rows` of a window read, inside `0..height`.
#[must_use]
pub fn input_rows(window: &Window, rows: &Range<usize>, height: usize) -> Range<usize> {
    if rows.is_empty() {
        return 0..0;
    }
    let first = rows.start * window.stride[0];
    let last = (rows.end - 1) * window.stride[0] + (window.kernel[0] - 1) * window.dilation[0];
    let shifted = first.saturating_sub(window.pads[0])..(last + 1).saturating_sub(window.pads[0]);
    overlap(&shifted, &(0..height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_rows_include_the_halo_and_stop_at_the_border() {
        let window = Window { pads: [1, 1, 1, 1], ..Window::of([3, 3]) };
        assert_eq!(input_rows(&window, &(0..2), 8), 0..3);
        assert_eq!(input_rows(&window, &(2..4), 8), 1..5);
        assert_eq!(input_rows(&window, &(6..8), 8), 5..8);
    }

    #[test]
    fn channels_are_split_only_where_that_pays_for_the_moves() {
        let geometry = Geometry::BASE;
        let pointwise = |[channels, height, width]: [usize; 3]| {
            let moved = 2 * (channels * height * width).div_ceil(16);
            choose(&Work { pixel: channels / 8, block: 9, moved }, [channels, height, width], &geometry)
        };
        // 25 rows over 4 tiles are 7 at most, 12 % more than their share.
        assert_eq!(pointwise([64, 25, 5]), Split::Rows);
        assert_eq!(pointwise([256, 3, 3]), Split::Blocks);
        assert_eq!(pointwise([64, 1, 1]), Split::Blocks);
    }

    #[test]
    fn parts_cover_every_row_once() {
        for height in 1..20 {
            let parts = parts(Split::Rows, height, 1, 4);
            assert_eq!(parts.iter().map(|p| p.rows.len()).sum::<usize>(), height);
        }
    }
}
