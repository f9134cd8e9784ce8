//! What the column blocks of a layer on the array read: instructions, rows and pages follow.

use std::ops::Range;

use lacuna_spec::Geometry;

use crate::backend::weights::Rows;
use crate::op::Linear;
use crate::passes::resequence::{live, live_kernel};
use crate::passes::wide_weights::halves;

/// Column blocks of one tile that see the same input channels: one instruction.
#[derive(Debug, Clone)]
pub(super) struct SubRun {
    /// Column blocks.
    pub blocks: Range<usize>,
    /// Rows of their dot products.
    pub rows: Rows,
}

/// Rows of all taps of a kernel, for an input by rows.
fn whole(kernel: [usize; 2], channels: Range<usize>) -> Rows {
    Rows { kernel, channels, by_columns: false, halves: None }
}

/// Splits the blocks of a tile into instructions: one a block of a layer with groups, as few as live channels allow otherwise.
pub(super) fn sub_runs(linear: &Linear, blocks: &Range<usize>, geometry: &Geometry) -> Vec<SubRun> {
    let [outputs, per_group, kh, kw] = linear.weights.shape;
    let kernel = [kh, kw];
    if linear.groups == 1 {
        return by_live_channels(linear, blocks, geometry);
    }
    let group_size = outputs / linear.groups;
    blocks
        .clone()
        .map(|block| {
            let first = block * geometry.columns();
            let last = (first + geometry.columns()).min(outputs) - 1;
            let channels = first / group_size * per_group..(last / group_size + 1) * per_group;
            SubRun { blocks: block..block + 1, rows: whole(kernel, channels) }
        })
        .collect()
}

/// One instruction for neighbouring blocks that read the same channels: rows without a live weight have no page and take no
/// cycle.
fn by_live_channels(linear: &Linear, blocks: &Range<usize>, geometry: &Geometry) -> Vec<SubRun> {
    let [outputs, channels, kh, kw] = linear.weights.shape;
    let mut subs: Vec<SubRun> = Vec::new();
    for block in blocks.clone() {
        let first = block * geometry.columns();
        let filters = first..(first + geometry.columns()).min(outputs);
        let (live, kernel) = (live(linear, filters.clone()), live_kernel(linear, filters.clone()));
        // Windows of part of the channels are read tap by tap, which only pays where enough is left out.
        let part = live.len() * 4 <= channels * 3 && channels > geometry.word_bytes();
        let channels = if part { live } else { 0..channels };
        let halves = halves(linear, filters).filter(|_| !part && kernel[0] == 2);
        let rows = Rows { halves, ..whole(kernel, channels) };
        match subs.last_mut() {
            Some(sub) if sub.rows == rows => sub.blocks.end += 1,
            _ => subs.push(SubRun { blocks: block..block + 1, rows }),
        }
    }
    if subs.is_empty() {
        subs.push(SubRun { blocks: blocks.clone(), rows: whole([kh, kw], 0..channels) });
    }
    subs
}

/// Rows of a column block, the mean over all.
pub(super) fn rows_of_block(linear: &Linear, geometry: &Geometry) -> usize {
    if linear.groups > 1 {
        return linear.rows();
    }
    let blocks = linear.outputs().div_ceil(geometry.columns()).max(1);
    let subs = sub_runs(linear, &(0..blocks), geometry);
    subs.iter().map(|sub| sub.blocks.len() * sub.rows.length()).sum::<usize>().div_ceil(blocks)
}
