//! Where a tensor lies in the tile memories.

use std::ops::Range;

/// A tensor's place: NHWC without gaps, or columns one behind the other, some rows of it in each tile, at one base
/// address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TensorLayout {
    /// Channels, height, width.
    pub chw: [usize; 3],
    /// Columns of padding kept in memory left and right of each row, where several pixels are read as one.
    pub pad_x: [usize; 2],
    /// What every byte of padding is: the zero point that the one reader states. The tensor itself may
    /// state none.
    pub pad: i8,
    /// Pixels of padding kept in memory above and below the picture's columns, where columns lie one behind the other instead of
    /// rows: a tall kernel over few channels then reads a column as one window. `None` but for an input.
    pub pad_y: Option<[usize; 2]>,
    /// Byte address of the first stored byte, the same in every tile.
    pub base: usize,
    /// Rows held by each tile; empty where the tile has none.
    pub held: Vec<Range<usize>>,
    /// Channels that each tile holds, where tiles hold some of them of every row; else empty, and every tile holds
    /// all channels of its rows.
    pub channels: Vec<Range<usize>>,
}

impl TensorLayout {
    /// Bytes from one pixel to the next, the same in every tile.
    #[must_use]
    pub fn pixel(&self) -> usize {
        self.channels.iter().map(Range::len).max().unwrap_or(self.chw[0])
    }

    /// Whether columns lie one behind the other, and not rows.
    #[must_use]
    pub fn by_columns(&self) -> bool {
        self.pad_y.is_some()
    }

    /// Bytes from one row to the next.
    #[must_use]
    pub fn row_pitch(&self) -> usize {
        debug_assert!(!self.by_columns(), "columns have no rows");
        (self.pad_x[0] + self.chw[2] + self.pad_x[1]) * self.pixel()
    }

    /// Where a channel lies in a tile's pixel.
    #[must_use]
    pub fn channel(&self, tile: usize, channel: usize) -> usize {
        channel - self.channels.get(tile).map_or(0, |held| held.start)
    }

    /// Byte address of the first pixel of a row in a tile, behind its padding.
    #[must_use]
    pub fn pixels(&self, tile: usize, y: usize) -> usize {
        self.row(tile, y) + self.pad_x[0] * self.pixel()
    }

    /// Pixels of padding above and below each column of a tile: where it holds the picture's first, or last, row.
    #[must_use]
    pub fn pads_y(&self, tile: usize) -> [usize; 2] {
        let ([above, below], held) = (self.pad_y.unwrap_or_default(), &self.held[tile]);
        [if held.start == 0 { above } else { 0 }, if held.end == self.chw[1] { below } else { 0 }]
    }

    /// Bytes from one column to the next in a tile, where they lie one behind the other.
    #[must_use]
    pub fn column_pitch(&self, tile: usize) -> usize {
        let [above, below] = self.pads_y(tile);
        (above + self.held[tile].len() + below) * self.chw[0]
    }

    /// Byte addresses of some rows in a tile, which holds them; of none: the base. Rows of columns: all that there is.
    #[must_use]
    pub fn span(&self, tile: usize, rows: &Range<usize>) -> Range<usize> {
        if self.by_columns() {
            let bytes = if rows.is_empty() { 0 } else { self.chw[2] * self.column_pitch(tile) };
            return self.base..self.base + bytes;
        }
        let start = if rows.is_empty() { self.base } else { self.row(tile, rows.start) };
        start..start + rows.len() * self.row_pitch()
    }

    /// Byte address of a row's first stored byte in a tile.
    #[must_use]
    pub fn row(&self, tile: usize, y: usize) -> usize {
        debug_assert!(self.held[tile].contains(&y), "row {y} is not in tile {tile}");
        self.base + (y - self.held[tile].start) * self.row_pitch()
    }

    /// Bytes in all tiles.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes_of_tiles().sum()
    }

    /// Bytes that the tile with the most rows needs.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes_of_tiles().max().unwrap_or(0)
    }

    fn bytes_of_tiles(&self) -> impl Iterator<Item = usize> {
        let tiles = (0..self.held.len()).filter(|&tile| !self.held[tile].is_empty());
        tiles.map(|tile| {
            if self.by_columns() {
                self.chw[2] * self.column_pitch(tile)
            } else {
                self.held[tile].len() * self.row_pitch()
            }
        })
    }
}

/// The smallest range that covers both; an empty range covers nothing.
#[must_use]
pub fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// What both ranges cover.
#[must_use]
pub fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}
