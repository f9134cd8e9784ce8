//! Resequences channels so that the zeros of the weights fall into whole row groups, which are then never activated.
//!
//! A column block (as many output channels as a tile has columns) reads the input channels between its first and its last live
//! one ([`live`]); the others have no page and take no cycle. So filters that read the same channels belong into one
//! block, and the channels that a block reads next to each other. Orders are absorbed as in [`super::lane_balance`]: the layers
//! that write a tensor permute their outputs, those that read it their inputs.
//!
//! Orders are proposed by grouping, and kept only if they lower the rows of the whole network, so that nothing gets worse.

use std::ops::Range;

use crate::graph::Graph;
use crate::op::Linear;
use crate::passes::lane_balance::{Classes, permute};
use crate::passes::wide_weights::halves;

/// Rounds over all layers; networks settle in two or three.
const ROUNDS: usize = 4;

/// What resequencing did to one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gain {
    /// Name of the node.
    pub layer: String,
    /// Share of its weights that are 0, in percent.
    pub zeros: u32,
    /// Rows of all its column blocks, dense.
    pub dense: u64,
    /// Those that are activated, channels in the order they came in.
    pub before: u64,
    /// Those that are activated now.
    pub after: u64,
}

/// Input channels between the first and the last that some filter of `outputs` reads; one channel if none does.
#[must_use]
pub fn live(linear: &Linear, outputs: Range<usize>) -> Range<usize> {
    let [_, inputs, height, width] = linear.weights.shape;
    let plane = height * width;
    let filter = |output: usize| &linear.weights.data[output * inputs * plane..][..inputs * plane];
    let read = |&channel: &usize| {
        outputs.clone().any(|output| filter(output)[channel * plane..][..plane].iter().any(|&weight| weight != 0))
    };
    let Some(first) = (0..inputs).find(read) else { return 0..1.min(inputs) };
    first..(first..inputs).rfind(read).unwrap_or(first) + 1
}

/// Kernel rows and columns up to the last with a weight that some filter of `outputs` reads by, at least one of each.
#[must_use]
pub fn live_kernel(linear: &Linear, outputs: Range<usize>) -> [usize; 2] {
    let [_, inputs, height, width] = linear.weights.shape;
    let filters = &linear.weights.data[outputs.start * inputs * height * width..outputs.end * inputs * height * width];
    let planes = || filters.chunks_exact(height * width);
    let reads = |row: usize, column: usize| planes().any(|plane| plane[row * width + column] != 0);
    let rows = (1..height).rfind(|&row| (0..width).any(|column| reads(row, column)));
    let columns = (1..width).rfind(|&column| (0..height).any(|row| reads(row, column)));
    [rows.unwrap_or(0) + 1, columns.unwrap_or(0) + 1]
}

/// Runs the pass for tiles of `columns` columns; weights that are at least `threshold` percent 0 make it try. Gives each layer's gain.
pub fn run(graph: &mut Graph, columns: usize, threshold: u32) -> Vec<Gain> {
    let layers: Vec<usize> = (0..graph.nodes.len()).filter(|&at| graph.nodes[at].op.plain_layer().is_some()).collect();
    let layer = |graph: &Graph, at: usize| graph.nodes[at].op.plain_layer().map(|linear| rows(linear, columns));
    let before: Vec<u64> = layers.iter().filter_map(|&at| layer(graph, at)).collect();
    let classes = Classes::of(graph);
    let sparse: Vec<usize> = layers.iter().copied().filter(|&at| zeros(graph, at) >= threshold).collect();
    for _ in 0..ROUNDS {
        let better = sparse.iter().filter(|&&at| improve(graph, &classes, at, columns)).count();
        if better == 0 {
            break;
        }
    }
    let gain = |(&at, before): (&usize, u64)| {
        let linear = graph.nodes[at].op.plain_layer()?;
        let blocks = linear.outputs().div_ceil(columns);
        Some(Gain {
            layer: graph.nodes[at].name.clone(),
            zeros: zeros(graph, at),
            dense: (blocks * linear.rows()) as u64,
            before,
            after: rows(linear, columns),
        })
    };
    layers.iter().zip(before).filter_map(gain).collect()
}

/// Tries new orders of what a layer writes and reads; `true` if some of them were kept.
fn improve(graph: &mut Graph, classes: &Classes, at: usize, columns: usize) -> bool {
    let mut candidates = Vec::new();
    for outputs in [true, false] {
        let Some(sorted) = with_outputs(graph, classes, at, columns, outputs) else { continue };
        let Some(linear) = sorted.nodes[at].op.plain_layer() else { continue };
        let free = by_reader(linear, columns);
        let input = sorted.nodes[at].inputs[0];
        // Sorting filters by itself wins where live channels lie together already.
        for order in [None, Some(within_blocks(&free, columns)), Some(free)] {
            match order {
                Some(order) if classes.is_free(input) => {
                    let mut changed = sorted.clone();
                    permute(&mut changed, classes, input, &order);
                    candidates.push(changed);
                }
                Some(_) => {}
                None => candidates.push(sorted.clone()),
            }
        }
    }
    let least = total(graph, columns);
    let best = candidates.into_iter().min_by_key(|candidate| total(candidate, columns));
    match best.filter(|best| total(best, columns) < least) {
        Some(best) => {
            *graph = best;
            true
        }
        None => false,
    }
}

/// The graph with the filters of a layer sorted by what they read, or as it is; `None` if they cannot be sorted.
fn with_outputs(graph: &Graph, classes: &Classes, at: usize, columns: usize, sort: bool) -> Option<Graph> {
    let mut sorted = graph.clone();
    if sort {
        let output = graph.nodes[at].output;
        let order = by_support(graph.nodes[at].op.plain_layer()?, columns);
        classes.is_free(output).then(|| permute(&mut sorted, classes, output, &order))?;
    }
    Some(sorted)
}

/// Rows that the column blocks of all layers activate.
pub(super) fn total(graph: &Graph, columns: usize) -> u64 {
    graph.nodes.iter().filter_map(|node| node.op.plain_layer()).map(|linear| rows(linear, columns)).sum()
}

/// Rows that they would activate if no weight were 0.
pub(super) fn total_dense(graph: &Graph, columns: usize) -> u64 {
    let layers = graph.nodes.iter().filter_map(|node| node.op.plain_layer());
    layers.map(|linear| (linear.outputs().div_ceil(columns) * linear.rows()) as u64).sum()
}

/// Rows that the column blocks of a layer activate.
fn rows(linear: &Linear, columns: usize) -> u64 {
    let blocks = (0..linear.outputs()).step_by(columns).map(|first| first..(first + columns).min(linear.outputs()));
    let rows = |block: Range<usize>| {
        let kernel = live_kernel(linear, block.clone());
        halves(linear, block.clone()).map_or_else(|| live(linear, block).len() * kernel[0] * kernel[1], |half| 2 * half)
            as u64
    };
    blocks.map(rows).sum()
}

fn zeros(graph: &Graph, at: usize) -> u32 {
    // Most second weights are 0, and in their place already.
    graph.nodes[at].op.plain_layer().filter(|linear| !linear.reads_twice()).map_or(0, |linear| {
        let zeros = linear.weights.data.iter().filter(|&&w| w == 0).count();
        (100 * zeros / linear.weights.data.len().max(1)) as u32
    })
}

/// For each filter, which input channels it reads.
fn supports(linear: &Linear) -> Vec<Vec<bool>> {
    let [outputs, inputs, height, width] = linear.weights.shape;
    let plane = height * width;
    let reads = |o: usize, c: usize| linear.weights.data[(o * inputs + c) * plane..][..plane].iter().any(|&w| w != 0);
    (0..outputs).map(|o| (0..inputs).map(|c| reads(o, c)).collect()).collect()
}

/// Filters in blocks that read as few channels as can be: each block starts with the filter that reads most, and takes those
/// that add the fewest channels.
fn by_support(linear: &Linear, columns: usize) -> Vec<usize> {
    let supports = supports(linear);
    let size = |o: &usize| supports[*o].iter().filter(|&&reads| reads).count();
    let mut rest: Vec<usize> = (0..supports.len()).collect();
    let mut order = Vec::new();
    while let Some(first) = rest.iter().copied().max_by_key(|o| (size(o), std::cmp::Reverse(*o))) {
        rest.retain(|&o| o != first);
        order.push(first);
        let mut union = supports[first].clone();
        for _ in 1..columns {
            let adds = |o: &usize| union.iter().zip(&supports[*o]).filter(|(has, reads)| !**has && **reads).count();
            let Some(next) = rest.iter().copied().min_by_key(|o| (adds(o), std::cmp::Reverse(size(o)), *o)) else {
                break;
            };
            rest.retain(|&o| o != next);
            order.push(next);
            union.iter_mut().zip(&supports[next]).for_each(|(has, &reads)| *has |= reads);
        }
    }
    order
}

/// Input channels by the mean place of the blocks that read them, those read by nobody last.
fn by_reader(linear: &Linear, columns: usize) -> Vec<usize> {
    let supports = supports(linear);
    let inputs = linear.weights.shape[1];
    let place = |c: usize| {
        let blocks = supports.chunks(columns).enumerate().filter(|(_, block)| block.iter().any(|reads| reads[c]));
        let (count, sum) = blocks.fold((0, 0), |(count, sum), (at, _)| (count + 1, sum + 2 * at + 1));
        // Sixteenths, so that places compare as whole numbers.
        (16 * sum).checked_div(count).unwrap_or(usize::MAX)
    };
    let places: Vec<usize> = (0..inputs).map(place).collect();
    let mut order: Vec<usize> = (0..inputs).collect();
    order.sort_by_key(|&c| places[c]);
    order
}

/// The same order as far as the blocks of the layer before allow: blocks move as a whole, channels inside them.
fn within_blocks(order: &[usize], columns: usize) -> Vec<usize> {
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, &c)| place[c] = at);
    let mut blocks: Vec<Vec<usize>> =
        (0..order.len()).collect::<Vec<_>>().chunks(columns).map(<[usize]>::to_vec).collect();
    // A ragged last block stays last.
    let whole = order.len() / columns;
    for block in &mut blocks {
        block.sort_by_key(|&c| place[c]);
    }
    blocks[..whole].sort_by_key(|block| block.iter().map(|&c| place[c]).sum::<usize>());
    blocks.concat()
}

#[cfg(test)]
#[path = "resequence_tests.rs"]
mod tests;
