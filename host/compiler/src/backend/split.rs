//! How a layer is dealt over the tiles.

use std::ops::Range;

use lacuna_spec::Geometry;

use super::layout::overlap;
use crate::op::Window;

/// Which part of a layer's output each tile computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Some rows, all channels. Every tile holds all weights.
    Rows,
    /// All rows, some column blocks.
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

/// The share of `count` that a tile gets.
#[must_use]
pub fn deal(count: usize, tiles: usize, tile: usize) -> Range<usize> {
    tile * count / tiles..(tile + 1) * count / tiles
}

/// Deals `height` rows and `blocks` column blocks over the tiles.
#[must_use]
pub fn parts(split: Split, height: usize, blocks: usize, tiles: usize) -> Vec<Part> {
    (0..tiles).map(|tile| part(split, height, blocks, tiles, tile)).collect()
}

/// One of them.
#[must_use]
pub fn part(split: Split, height: usize, blocks: usize, tiles: usize, tile: usize) -> Part {
    match split {
        Split::Rows => Part { rows: deal(height, tiles, tile), blocks: 0..blocks },
        Split::Blocks => Part { rows: 0..height, blocks: deal(blocks, tiles, tile) },
    }
}

/// Column blocks of `channels` output channels.
#[must_use]
pub const fn blocks(channels: usize, geometry: &Geometry) -> usize {
    channels.div_ceil(geometry.columns())
}

/// Input rows that output rows `rows` of a window read, inside `0..height`.
#[must_use]
pub fn input_rows(window: &Window, rows: &Range<usize>, height: usize) -> Range<usize> {
    input_along(0, window, rows, height)
}

/// The same of rows, axis 0, or of pixels of a row, axis 1.
#[must_use]
pub fn input_along(axis: usize, window: &Window, outputs: &Range<usize>, size: usize) -> Range<usize> {
    if outputs.is_empty() {
        return 0..0;
    }
    let first = outputs.start * window.stride[axis];
    let last = (outputs.end - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis];
    let shifted = first.saturating_sub(window.pads[axis])..(last + 1).saturating_sub(window.pads[axis]);
    overlap(&shifted, &(0..size))
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
    fn parts_cover_every_row_once() {
        for height in 1..20 {
            let parts = parts(Split::Rows, height, 1, 4);
            assert_eq!(parts.iter().map(|p| p.rows.len()).sum::<usize>(), height);
        }
    }
}
