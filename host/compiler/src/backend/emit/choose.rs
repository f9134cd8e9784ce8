//! Chooses how each layer is dealt over the tiles: the deals that together take the fewest cycles, by estimate.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::geometry::PARAM_WORDS;

use super::blocks::KnownRows;
use super::plan::windows;
use super::search::Search;
use super::{Emitter, Fit};
use crate::backend::layout::{hull, overlap};
use crate::backend::split::{Part, Split};
use crate::backend::weights;
use crate::graph::TensorId;
use crate::op::{Linear, Op};

/// Cycles from an instruction's last window to the start of the next.
pub const DRAIN: usize = 45;
/// Cycles to fetch, check and start an instruction.
const DISPATCH: usize = 8;
/// What a byte, a page or a column block costs that there is no room for.
const NO_ROOM: usize = 1 << 20;

/// Nodes of longer networks are dealt without a search, which would take too long.
const MOST_NODES: usize = 512;

type Splits = HashMap<usize, Split>;

/// What a node takes of the busiest tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub cycles: usize,
    pub pages: usize,
    /// Of parameters.
    pub bytes: usize,
}

/// What was found out before about a graph.
#[derive(Debug, Default)]
pub struct Known {
    /// Splits that were searched for, by what of a budget they depend on.
    splits: HashMap<Dealing, Splits>,
    /// Rows of column blocks.
    pub rows: KnownRows,
}

/// What of a budget decides splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Dealing {
    constants: usize,
    whole: usize,
    spare_pages: bool,
    widen: bool,
}

impl Emitter<'_> {
    /// The split of every node; whatever does not fit turns from rows to blocks, as far as that helps.
    pub(super) fn splits(&self, nodes: &[usize], known: &mut Known) -> Splits {
        let Fit { constants, whole, spare_pages, widen, .. } = self.fit;
        let dealing = Dealing { constants, whole, spare_pages, widen };
        known.splits.entry(dealing).or_insert_with(|| self.search_splits(nodes)).clone()
    }

    fn search_splits(&self, nodes: &[usize]) -> Splits {
        let free = |index: &usize| self.dealt(*index).is_none() && self.first(*index) == *index;
        let found = self.search_free(&nodes.iter().copied().filter(free).collect::<Vec<_>>());
        let split = |index: usize| self.dealt(index).unwrap_or_else(|| found[&self.first(index)]);
        nodes.iter().map(|&index| (index, split(index))).collect()
    }

    /// The splits of nodes that may be dealt in any way.
    fn search_free(&self, nodes: &[usize]) -> Splits {
        let costs: HashMap<usize, [Cost; 2]> = nodes.iter().map(|&index| (index, self.costs(index))).collect();
        let mut splits: Splits = nodes.iter().map(|&index| (index, Split::Rows)).collect();
        let cost = |splits: &Splits, index: &usize| costs[index][splits[index] as usize];
        let pages = |splits: &Splits| nodes.iter().map(|index| cost(splits, index).pages).sum::<usize>();
        let bytes = |splits: &Splits| nodes.iter().map(|index| cost(splits, index).bytes).sum::<usize>();
        let fits = |splits: &Splits| pages(splits) <= self.geometry.pages || !self.fit.spare_pages;
        if self.geometry.tiles > 1 && nodes.len() <= MOST_NODES {
            let mut search = Search::new(self, nodes, &costs);
            // Weights of rows are in every tile: a page or a word of parameters has a price that makes them fit.
            for price in [0, 1, 2, 4, 8, 16, 32, 64] {
                search.improve(price);
                splits.extend(search.splits());
                if fits(&splits) && bytes(&splits) <= self.fit.constants {
                    break;
                }
            }
        }
        self.shrink_constants(nodes, &mut splits);
        while !fits(&splits) {
            let saving = |index: &&usize| {
                let [rows, blocks] = costs[*index];
                if splits[*index] == Split::Rows { rows.pages.saturating_sub(blocks.pages) } else { 0 }
            };
            let Some(index) = nodes.iter().max_by_key(saving).filter(|index| saving(index) > 0) else { break };
            splits.insert(*index, Split::Blocks);
        }
        splits
    }

    /// What a node takes, split by rows and by blocks.
    fn costs(&self, index: usize) -> [Cost; 2] {
        [Split::Rows, Split::Blocks].map(|split| Cost {
            cycles: self.compute_cycles(index, split) + NO_ROOM * self.excess_from_outside(index, split),
            pages: self.most_pages(index, split),
            bytes: self.parameter_bytes(index, split),
        })
    }

    pub(super) fn most_pages(&self, index: usize, split: Split) -> usize {
        self.page_need(index, split).into_iter().max().unwrap_or(0)
    }

    pub(super) fn parameter_bytes(&self, index: usize, split: Split) -> usize {
        self.constant_bytes(index, &self.graph.nodes[index].op, &self.parts(index, split))
    }

    /// Turns layers from rows to blocks until their parameters keep to the budget.
    fn shrink_constants(&self, nodes: &[usize], splits: &mut Splits) {
        let bytes = |index: usize, split| self.parameter_bytes(index, split);
        let tensors = |index: usize| {
            let node = &self.graph.nodes[index];
            let elements = |id: TensorId| self.chw(id).iter().product::<usize>();
            node.inputs.iter().chain([&node.output]).map(|&id| elements(id)).sum::<usize>()
        };
        while nodes.iter().map(|index| bytes(*index, splits[index])).sum::<usize>() > self.fit.constants {
            let saving = |index: &&usize| match (&self.graph.nodes[**index].op, splits[*index]) {
                // A layer split by blocks keeps its whole input in every tile.
                (Op::Conv(_) | Op::Dense(_), Split::Rows) => {
                    let saved = bytes(**index, Split::Rows).saturating_sub(bytes(**index, Split::Blocks));
                    saved * self.geometry.tile_bytes() / tensors(**index).max(1)
                }
                _ => 0,
            };
            let Some(index) = nodes.iter().max_by_key(saving).filter(|index| saving(index) > 0) else { return };
            splits.insert(*index, Split::Blocks);
        }
    }

    /// Bytes beyond what a tile may hold of an input that the host brings whole to every tile.
    fn excess_from_outside(&self, index: usize, split: Split) -> usize {
        let node = &self.graph.nodes[index];
        if split == Split::Rows || self.by_channel(&node.op) || node.op.moves() {
            return 0;
        }
        let outside = |id: &&TensorId| self.viewed(**id).is_none_or(|writer| self.run_of(writer) != self.run_of(index));
        let held = |id: &TensorId| self.chw(*id).iter().product::<usize>();
        let excess = |held: usize| held.saturating_sub(self.fit.whole.max(2 * held.div_ceil(self.geometry.tiles)));
        node.inputs.iter().filter(outside).map(held).map(excess).sum()
    }

    /// The node of a program that computes a tensor, views looked through.
    pub(super) fn viewed(&self, id: TensorId) -> Option<usize> {
        let index = self.producers[id.0]?;
        match self.graph.nodes[index].op {
            _ if self.run_of(index).is_none() => None,
            _ if self.is_alias(index) => self.viewed(self.graph.nodes[index].inputs[0]),
            _ => Some(index),
        }
    }

    /// Cycles that the busiest tile computes a node, as if a row had three digits in four.
    fn compute_cycles(&self, index: usize, split: Split) -> usize {
        let node = &self.graph.nodes[index];
        let [_, _, width] = self.chw(node.output);
        let groups = self.geometry.columns() / self.geometry.reduce_columns;
        let (pixel, block) = match &node.op {
            op if op.moves() => return 0,
            Op::Conv(linear) if self.as_depthwise(&node.op).is_some() => {
                (linear.rows().max(groups), weights::depthwise_words(linear) + PARAM_WORDS)
            }
            Op::Conv(linear) | Op::Dense(linear) => {
                let rows = self.rows_of_block(index, linear);
                let digits = (3 * rows).div_ceil(4 * self.geometry.lanes);
                let feed = (self.feed(index, linear) * rows).div_ceil(linear.rows());
                (digits.max(groups).max(feed), PARAM_WORDS)
            }
            Op::MaxPool(pool) => (pool.window.kernel.iter().product::<usize>().max(groups), 0),
            Op::AveragePool(pool) => (pool.window.kernel.iter().product::<usize>().max(groups), 0),
            Op::GlobalAveragePool(_) | Op::Mean(_) => {
                let [_, height, width] = self.chw(node.inputs[0]);
                ((height * width).max(groups), 0)
            }
            op if op.is_product() => self.product_cost(),
            _ => (groups, 0),
        };
        let busy = |part: &Part| part.blocks.len() * (part.rows.len() * width * pixel + block);
        let parts = self.parts(index, split);
        parts.iter().filter(|part| !part.is_empty()).map(busy).max().unwrap_or(0) + DRAIN
    }

    /// Cycles to bring a node's output to the tiles that read it, as far as they are not hidden. `splits`: of each node.
    pub(super) fn move_cycles(&self, index: usize, splits: &[Split]) -> usize {
        let id = self.graph.nodes[index].output;
        let Some(run) = self.run_of(index) else { return 0 };
        let [channels, height, width] = self.chw(id);
        let word = self.geometry.word_bytes();
        let by_blocks = splits[index] == Split::Blocks;
        let row = (width * channels).div_ceil(word);
        let (mut most, mut copies, mut held) = (0, 0, 0);
        let readers = self.readers(id, run);
        let readers: Vec<usize> = readers.into_iter().filter(|&reader| !self.would_stay(reader, splits)).collect();
        for tile in 0..self.geometry.tiles {
            let own = self.part(index, splits[index], tile);
            let mut need = 0..0;
            for &reader in &readers {
                let part = self.part(reader, splits[reader], tile);
                need = hull(&need, &self.rows_read(reader, &part, height));
            }
            let there = |rows: &Range<usize>| if by_blocks { 0 } else { overlap(&need, rows).len() };
            let received = need.len() - there(&own.rows);
            most = most.max(received * row);
            copies += usize::from(received > 0);
            held = held.max(need.len() * row * word);
        }
        let excess = held.saturating_sub(self.fit.whole.max(row * word * height.div_ceil(self.geometry.tiles) * 2));
        let no_room =
            if by_blocks || readers.iter().any(|&reader| splits[reader] == Split::Blocks) { excess } else { 0 };
        if most == 0 {
            return 0;
        }
        let alone = most + 3 * DISPATCH + copies * DISPATCH;
        // Behind the pieces of this layer and of the next.
        let hidden = if by_blocks && height > 1 { 2 * DRAIN + most / 16 } else { alone };
        alone.min(hidden) + no_room * NO_ROOM
    }

    /// Windows of one dot product: an input may lie by columns.
    fn feed(&self, index: usize, linear: &Linear) -> usize {
        let [by_rows, by_columns] = windows(linear, self.geometry.word_bytes());
        let input = self.graph.nodes[index].inputs[0];
        let enters = self.viewed(input).is_none_or(|producer| self.run_of(producer) != self.run_of(index));
        if enters && self.column_padding(input, index).is_some() { by_columns } else { by_rows }
    }

    /// [`Emitter::stays`] of splits that are not decided.
    fn would_stay(&self, reader: usize, splits: &[Split]) -> bool {
        let node = &self.graph.nodes[reader];
        let deal =
            |index: usize| (0..self.geometry.tiles).map(move |tile| self.part(index, splits[index], tile).blocks);
        let same = |id: &TensorId| {
            self.producers[id.0].is_some_and(|index| {
                self.run_of(index) == self.run_of(reader)
                    && splits[index] == Split::Blocks
                    && deal(index).eq(deal(reader))
            })
        };
        self.by_channel(&node.op) && splits[reader] == Split::Blocks && node.inputs.iter().all(same)
    }
}
