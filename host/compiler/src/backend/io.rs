//! Tensors of a frame to and from tile-memory bytes.

use super::TensorLayout;

/// Bytes for one tile memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Tile.
    pub tile: usize,
    /// Byte address, a multiple of the word.
    pub address: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Lays an NCHW tensor out for every tile that holds rows, or channels, of it, padding included.
///
/// # Panics
/// If `values` is not `channels * height * width` long; the caller checks the frame's shape.
#[must_use]
pub fn pack_input(layout: &TensorLayout, values: &[i8]) -> Vec<Transfer> {
    let [channels, height, width] = layout.chw;
    assert_eq!(values.len(), channels * height * width, "a whole frame");
    let padding = |pixels: usize| std::iter::repeat_n(layout.pad as u8, pixels * layout.pixel());
    let transfer = |(tile, rows): (usize, &std::ops::Range<usize>)| {
        let own = layout.channels.get(tile).cloned().unwrap_or(0..channels);
        // A tile that holds fewer channels than others has gaps between its pixels.
        let gap = layout.pixel() - own.len();
        let pixel = |x: usize, y: usize| {
            let values = own.clone().map(move |c| values[(c * height + y) * width + x] as u8);
            values.chain(std::iter::repeat_n(0, gap))
        };
        let mut bytes = Vec::with_capacity(layout.bytes());
        if layout.by_columns() {
            let [above, below] = layout.pads_y(tile);
            for x in 0..width {
                bytes.extend(padding(above));
                bytes.extend(rows.clone().flat_map(|y| pixel(x, y)));
                bytes.extend(padding(below));
            }
        } else {
            for y in rows.clone() {
                bytes.extend(padding(layout.pad_x[0]));
                bytes.extend((0..width).flat_map(|x| pixel(x, y)));
                bytes.extend(padding(layout.pad_x[1]));
            }
        }
        Transfer { tile, address: layout.base, bytes }
    };
    layout.held.iter().enumerate().filter(|(_, rows)| !rows.is_empty()).map(transfer).collect()
}

/// Which bytes of which tile make up an output: `(tile, address, bytes)`, whole rows, in order; of each tile
/// that holds some channels, all of its rows.
#[must_use]
pub fn output_ranges(layout: &TensorLayout) -> Vec<(usize, usize, usize)> {
    if !layout.channels.is_empty() {
        let tiles = (0..layout.held.len()).filter(|&tile| !layout.channels[tile].is_empty());
        return tiles.map(|tile| (tile, layout.row(tile, 0), layout.chw[1] * layout.row_pitch())).collect();
    }
    let mut ranges = Vec::new();
    let mut y = 0;
    while y < layout.chw[1] {
        let Some((tile, rows)) = layout.held.iter().enumerate().find(|(_, rows)| rows.contains(&y)) else {
            return Vec::new();
        };
        ranges.push((tile, layout.row(tile, y), (rows.end - y) * layout.row_pitch()));
        y = rows.end;
    }
    ranges
}

/// Collects the bytes of [`output_ranges`] into an NCHW tensor.
///
/// # Panics
/// If `bytes` is shorter than the tensor.
#[must_use]
pub fn unpack_output(layout: &TensorLayout, bytes: &[u8]) -> Vec<i8> {
    let [channels, height, width] = layout.chw;
    let mut values = vec![0i8; channels * height * width];
    // Where the first pixel's channels lie: one tile's bytes follow another's.
    let held: Vec<_> = layout.channels.iter().filter(|channels| !channels.is_empty()).collect();
    let place = |c| match held.iter().position(|channels| channels.contains(&c)) {
        Some(tile) => tile * height * layout.row_pitch() + c - held[tile].start,
        None => c,
    };
    let places: Vec<usize> = (0..channels).map(place).collect();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let at = places[c] + y * layout.row_pitch() + x * layout.pixel();
                values[(c * height + y) * width + x] = bytes[at] as i8;
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_what_was_packed() {
        let layout = TensorLayout {
            chw: [3, 4, 5],
            pad_x: [0, 0],
            pad: 0,
            pad_y: None,
            base: 32,
            held: vec![0..3, 2..4],
            channels: vec![],
        };
        let values: Vec<i8> = (0..60).collect();
        let packed = pack_input(&layout, &values);
        let mut bytes = Vec::new();
        for (tile, address, count) in output_ranges(&layout) {
            let transfer = packed.iter().find(|t| t.tile == tile).unwrap();
            bytes.extend(&transfer.bytes[address - transfer.address..][..count]);
        }
        assert_eq!(unpack_output(&layout, &bytes), values);
    }

    #[test]
    fn columns_are_packed_with_what_is_above_and_below() {
        let held = vec![0..2, 1..3];
        let pad_y = Some([1, 2]);
        let layout = TensorLayout { chw: [2, 3, 2], pad_x: [0, 0], pad: 99, pad_y, base: 8, held, channels: vec![] };
        let values: Vec<i8> = (0..12).collect();
        let packed = pack_input(&layout, &values);
        assert_eq!(packed[0].bytes, [99, 99, 0, 6, 2, 8, 99, 99, 1, 7, 3, 9]);
        assert_eq!(packed[1].bytes, [2, 8, 4, 10, 99, 99, 99, 99, 3, 9, 5, 11, 99, 99, 99, 99]);
        assert_eq!((layout.bytes(), layout.column_pitch(0)), (16, 6));
        assert_eq!(layout.span(1, &(1..2)), 8..24);
    }

    #[test]
    fn each_channel_comes_from_the_tile_that_holds_it() {
        let channels = vec![0..0, 0..2, 2..3];
        let layout = TensorLayout {
            chw: [3, 2, 1],
            pad_x: [0, 0],
            pad: 0,
            pad_y: None,
            base: 0,
            held: vec![0..0, 0..2, 0..2],
            channels,
        };
        assert_eq!(output_ranges(&layout), [(1, 0, 4), (2, 0, 4)]);
        let bytes = [1, 2, 4, 5, 3, 0, 6, 0];
        let values = [1, 4, 2, 5, 3, 6];
        assert_eq!(unpack_output(&layout, &bytes), values);
        let packed: Vec<u8> = pack_input(&layout, &values).into_iter().flat_map(|transfer| transfer.bytes).collect();
        assert_eq!(packed, bytes);
    }
}
