//! Decides splits, pages, parameters, stripes and pieces before tensors are placed.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::instr::PostConstants;

use super::choose::Known;
use super::{BackendError, Emitter, Place, Plan, run};
use crate::backend::phases::{self, Share};
use crate::backend::split::{self, Part, Split};
use crate::op::{Linear, Op, Window};

impl Emitter<'_> {
    pub(super) fn plan(&mut self, runs: &[Range<usize>], known: &mut Known) -> Result<(), BackendError> {
        let nodes: Vec<usize> = runs.iter().cloned().flatten().collect();
        let mut splits = self.splits(&nodes, known);
        let parameters = || nodes.iter().map(|&index| self.parameter_bytes(index, splits[&index])).sum::<usize>();
        let room = self.geometry.tile_bytes().saturating_sub(self.fit.turn.unwrap_or_else(parameters));
        // Stripes are rows.
        let striped = self.chains(&nodes, room, |_| true);
        splits.extend(striped.into_iter().flatten().map(|index| (index, Split::Rows)));
        let sharing = self.share(&nodes, &splits)?;
        let turning = |places: &Vec<Place>| places.iter().any(|place| place.phase.is_some());
        let waiting: Vec<usize> = sharing
            .iter()
            .flat_map(|all| nodes.iter().zip(all))
            .filter(|(_, of)| turning(of))
            .map(|(&index, _)| index)
            .collect();
        // A stripe does not wait for weights.
        self.chains = self.chains(&nodes, room, |index| !waiting.contains(&index));
        self.parameter_turns = self.turns_of_parameters(runs, &splits);
        let stays = sharing.is_none();
        let mut sharing = sharing.map(Vec::into_iter);
        let mut cursors = vec![0usize; self.geometry.tiles];
        for &index in &nodes {
            let node = &self.graph.nodes[index];
            let split = splits[&index];
            let parts = self.parts(index, split);
            let need = self.page_need(index, split);
            if need.iter().all(|&pages| pages == need[0]) {
                // Equal pages in every tile let one instruction serve them all.
                let highest = cursors.iter().copied().max().unwrap_or(0);
                cursors.fill(highest);
            }
            let most = parts.iter().map(|part| part.blocks.len()).max().unwrap_or(0);
            let all = || vec![Place { blocks: 0..most, page: cursors.clone(), phase: None }];
            let places = sharing.as_mut().map_or_else(all, |sharing| sharing.next().unwrap_or_default());
            for (cursor, need) in cursors.iter_mut().zip(&need) {
                *cursor += need;
            }
            let bytes = self.constant_bytes(index, &node.op, &parts);
            let params = self.memory.place(&node.name, bytes, self.life_of_parameters(index))?;
            self.plans.insert(index, Plan { split, pieces: vec![parts.clone()], parts, params, places });
        }
        self.tile_pages = cursors.into_iter().max().unwrap_or(0).min(self.geometry.pages);
        for chain in self.chains.clone() {
            self.stripe(&chain);
        }
        if stays {
            for run in runs {
                self.cut(run);
            }
        }
        Ok(())
    }

    /// Where the weights of each node lie if they have to take turns; `None` if all fit.
    fn share(
        &mut self,
        nodes: &[usize],
        splits: &HashMap<usize, Split>,
    ) -> Result<Option<Vec<Vec<Place>>>, BackendError> {
        let available = self.geometry.pages;
        if nodes.iter().map(|&index| self.most_pages(index, splits[&index])).sum::<usize>() <= available {
            return Ok(None);
        }
        let layers: Vec<Vec<usize>> = nodes.iter().map(|&index| self.block_pages(index, splits[&index])).collect();
        let Some(sharing) = phases::share(&layers, available) else {
            let most = |at: &usize| layers[*at].iter().copied().max().unwrap_or(0);
            let at = (0..nodes.len()).max_by_key(most).unwrap_or(0);
            let layer = self.graph.nodes[nodes[at]].name.clone();
            return Err(BackendError::Pages { layer, needed: most(&at), available });
        };
        self.follows = sharing.follows;
        let page = |share: &Share| vec![share.page; self.geometry.tiles];
        let place = |share: Share| Place { page: page(&share), blocks: share.blocks, phase: share.phase };
        Ok(Some(sharing.layers.into_iter().map(|shares| shares.into_iter().map(place).collect()).collect()))
    }

    /// Pages of each column block of a node, in the tile that needs most for it.
    fn block_pages(&self, index: usize, split: Split) -> Vec<usize> {
        let node = &self.graph.nodes[index];
        let (Op::Conv(linear) | Op::Dense(linear)) = &node.op else { return Vec::new() };
        if self.as_depthwise(&node.op).is_some() {
            return Vec::new();
        }
        let linear = self.on_array(index, linear);
        let parts = self.parts(index, split);
        let mut pages = vec![0; parts.iter().map(|part| part.blocks.len()).max().unwrap_or(0)];
        for part in parts {
            for (most, block) in pages.iter_mut().zip(part.blocks) {
                let subs = run::sub_runs(&linear, &(block..block + 1), &self.geometry);
                *most = subs.iter().map(|sub| sub.rows.pages(&self.geometry)).sum::<usize>().max(*most);
            }
        }
        pages
    }

    /// Pages a lane that a node takes in each tile.
    pub(super) fn page_need(&self, index: usize, split: Split) -> Vec<usize> {
        let node = &self.graph.nodes[index];
        let (Op::Conv(linear) | Op::Dense(linear)) = &node.op else { return vec![0; self.geometry.tiles] };
        if self.as_depthwise(&node.op).is_some() {
            return vec![0; self.geometry.tiles];
        }
        let linear = self.on_array(index, linear);
        self.parts(index, split)
            .iter()
            .map(|part| {
                if part.is_empty() {
                    return 0;
                }
                let subs = run::sub_runs(&linear, &part.blocks, &self.geometry);
                subs.iter().map(|sub| sub.blocks.len() * sub.rows.pages(&self.geometry)).sum()
            })
            .collect()
    }

    /// What each tile computes of a node's output.
    pub(super) fn parts(&self, index: usize, split: Split) -> Vec<Part> {
        let [channels, height, _] = self.chw(self.graph.nodes[index].output);
        split::parts(split, height, split::blocks(channels, &self.geometry), self.geometry.tiles)
    }

    pub(super) fn constant_bytes(&self, index: usize, op: &Op, parts: &[Part]) -> usize {
        match op {
            Op::Conv(linear) | Op::Dense(linear) => {
                let blocks = parts.iter().map(|p| p.blocks.len()).max().unwrap_or(0);
                let monitored = self.monitored(index, linear);
                let block = run::param_words(monitored) * self.geometry.word_bytes();
                blocks * self.as_depthwise(op).map_or(block, |linear| self.depthwise_bytes(linear))
            }
            op if op.moves() => 0,
            op if op.is_product() => {
                parts.iter().map(|part| part.blocks.len()).max().unwrap_or(0) * self.product_bytes()
            }
            _ => (PostConstants::LAYOUT.bits as usize / 8).next_multiple_of(self.geometry.word_bytes()),
        }
    }

    /// Input rows that a node reads in a tile.
    pub(super) fn need(&self, index: usize, tile: usize, height: usize) -> Range<usize> {
        self.rows_read(index, &self.plans[&index].parts[tile], height)
    }

    /// Input rows, of `height`, that a node reads for a part of its output.
    pub(super) fn rows_read(&self, index: usize, part: &Part, height: usize) -> Range<usize> {
        if part.is_empty() {
            return 0..0;
        }
        match window(&self.graph.nodes[index].op) {
            Some(window) => split::input_rows(&window, &part.rows, height),
            None if matches!(self.graph.nodes[index].op, Op::GlobalAveragePool(_) | Op::Mean(_)) => 0..height,
            // A movement fetches from wherever a row lies.
            None if self.graph.nodes[index].op.moves() => 0..0,
            None => part.rows.clone(),
        }
    }
}

/// Windows of one vector of a convolution that reads an input row by row, and column by column.
pub(super) fn windows(linear: &Linear, word: usize) -> [usize; 2] {
    let [_, channels, height, width] = linear.weights.shape;
    let tap_by_tap = height * width * channels.div_ceil(word);
    if channels >= word || linear.groups > 1 {
        return [tap_by_tap; 2];
    }
    let along = |kernel: usize, dilation: usize, across: usize| {
        if dilation == 1 || kernel == 1 { across * (kernel * channels).div_ceil(word) } else { tap_by_tap }
    };
    let [dilation_y, dilation_x] = linear.window.dilation;
    [along(width, dilation_x, height), along(height, dilation_y, width)]
}

pub(super) fn window(op: &Op) -> Option<Window> {
    match op {
        Op::Conv(linear) | Op::Dense(linear) => Some(linear.window),
        Op::MaxPool(pool) => Some(pool.window),
        Op::AveragePool(pool) => Some(pool.window),
        _ => None,
    }
}
