//! Decides splits, pages, parameters, stripes and pieces before tensors are placed.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::instr::PostConstants;

use super::choose::Known;
use super::{BackendError, Emitter, Place, Plan, run};
use crate::backend::phases::{self, Blocks, Share};
use crate::backend::split::{self, Part, Split};
use crate::graph::Band;
use crate::op::{Linear, Op};

impl Emitter<'_> {
    pub(super) fn plan(&mut self, runs: &[Range<usize>], known: &mut Known) -> Result<(), BackendError> {
        let nodes: Vec<usize> = runs.iter().cloned().flatten().collect();
        let own: Vec<usize> = nodes.iter().copied().filter(|index| !self.twins.contains_key(index)).collect();
        let mut splits = self.splits(&nodes, known);
        let parameters = || own.iter().map(|&index| self.parameter_bytes(index, splits[&index])).sum::<usize>();
        let room = self.geometry.tile_bytes().saturating_sub(self.fit.turn.unwrap_or_else(parameters));
        // Stripes are rows.
        let striped = self.chains(&nodes, room, |index| self.dealt(index) != Some(Split::Blocks));
        splits.extend(striped.into_iter().flatten().map(|index| (index, Split::Rows)));
        let mut sharing = self.share(&own, &splits)?;
        let waits = |index: usize| {
            let places = sharing.as_ref().and_then(|all| all.get(&self.first(index)));
            places.is_some_and(|places| places.iter().any(|place| place.phase.is_some()))
        };
        // A stripe does not wait for weights.
        self.chains = self.chains(&nodes, room, |index| !waits(index) && self.dealt(index) != Some(Split::Blocks));
        self.parameter_turns = self.turns_of_parameters(runs, &splits);
        let stays = sharing.is_none();
        let mut cursors = vec![0usize; self.geometry.tiles];
        for &index in &nodes {
            let split = splits[&index];
            let parts = self.parts(index, split);
            let twin = self.twins.get(&index).map(|first| &self.plans[first]);
            let places = match (twin, &mut sharing) {
                (Some(twin), _) => twin.places.clone(),
                (None, Some(sharing)) => sharing.remove(&index).unwrap_or_default(),
                (None, None) => vec![self.behind(&mut cursors, index, split)],
            };
            let params = match twin {
                Some(twin) if self.parameter_turns.is_empty() => twin.params,
                _ => {
                    let node = &self.graph.nodes[index];
                    let bytes = self.constant_bytes(index, &node.op, &parts);
                    self.memory.place(&node.name, bytes, self.life_of_parameters(index))?
                }
            };
            self.plans.insert(index, Plan { split, pieces: vec![parts.clone()], parts, params, places });
        }
        self.tile_pages = if stays { cursors.into_iter().max().unwrap_or(0) } else { self.geometry.pages };
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

    /// The next pages for the weights of a node, which stay.
    fn behind(&self, cursors: &mut [usize], index: usize, split: Split) -> Place {
        let need = self.page_need(index, split);
        if need.iter().all(|&pages| pages == need[0]) {
            // Equal pages in every tile let one instruction serve them all.
            let highest = cursors.iter().copied().max().unwrap_or(0);
            cursors.fill(highest);
        }
        let page = cursors.to_vec();
        for (cursor, need) in cursors.iter_mut().zip(&need) {
            *cursor += need;
        }
        let most = self.parts(index, split).iter().map(|part| part.blocks.len()).max().unwrap_or(0);
        Place { blocks: 0..most, page, phase: None }
    }

    /// Where the weights of each node lie if they have to take turns; `None` if all fit.
    fn share(
        &mut self,
        nodes: &[usize],
        splits: &HashMap<usize, Split>,
    ) -> Result<Option<HashMap<usize, Vec<Place>>>, BackendError> {
        let available = self.geometry.pages;
        if nodes.iter().map(|&index| self.most_pages(index, splits[&index])).sum::<usize>() <= available {
            return Ok(None);
        }
        // Layers that run band by band need their weights together; of several frames, each by itself.
        let bands = |index: &usize| self.bands(*index).filter(|bands| bands.each != Band::Frame);
        let units: Vec<&[usize]> = nodes.chunk_by(|a, b| bands(a).is_some() && bands(a) == bands(b)).collect();
        let pages = |index: &usize| self.block_pages(*index, splits[index]);
        let layers: Vec<Blocks> = units
            .iter()
            .map(|unit| {
                let pages: Vec<usize> = unit.iter().flat_map(pages).collect();
                let whole = bands(&unit[0]).is_some() && !pages.is_empty();
                let pages = if whole { vec![pages.iter().sum()] } else { pages };
                Blocks { pages, together: self.is_of_frames(unit[0]) }
            })
            .collect();
        let Some(sharing) = phases::share(&layers, available) else {
            let most = |layer: &Blocks| layer.pages.iter().copied().max().unwrap_or(0);
            let layer = |at: usize| self.graph.nodes[units[at][0]].name.clone();
            let at = (0..units.len()).max_by_key(|&at| most(&layers[at])).unwrap_or(0);
            // Of one frame its blocks would take turns.
            let several = (0..units.len()).filter(|&at| layers[at].together);
            let several = several.max_by_key(|&at| layers[at].pages.iter().sum::<usize>());
            return Err(match several.filter(|_| most(&layers[at]) <= available) {
                Some(at) => {
                    let batch = self.bands(units[at][0]).map_or(1, |bands| bands.nodes.len());
                    let needed = layers[at].pages.iter().sum();
                    BackendError::BatchPages { batch, layer: layer(at), needed, available }
                }
                None => BackendError::Pages { layer: layer(at), needed: most(&layers[at]), available },
            });
        };
        let place = |blocks: Range<usize>, page: usize, share: &Share| Place {
            blocks,
            page: vec![page; self.geometry.tiles],
            phase: share.phase,
        };
        let mut places = HashMap::new();
        for (unit, shares) in units.iter().zip(&sharing.layers) {
            if bands(&unit[0]).is_none() {
                let own = shares.iter().map(|share| place(share.blocks.clone(), share.page, share)).collect();
                places.insert(unit[0], own);
                continue;
            }
            let mut page = shares.first().map_or(0, |share| share.page);
            for index in *unit {
                let blocks = pages(index);
                let of = |share: &Share| place(0..blocks.len(), page, share);
                places.insert(*index, shares.first().filter(|_| !blocks.is_empty()).map(of).into_iter().collect());
                page += blocks.iter().sum::<usize>();
            }
        }
        self.follows = sharing.follows;
        Ok(Some(places))
    }

    /// Pages of each column block of a node, in the tile that needs most for it.
    fn block_pages(&self, index: usize, split: Split) -> Vec<usize> {
        let node = &self.graph.nodes[index];
        if !matches!(node.op, Op::Conv(_) | Op::Dense(_)) || self.as_depthwise(&node.op).is_some() {
            return Vec::new();
        }
        let parts = self.parts(index, split);
        let mut pages = vec![0; parts.iter().map(|part| part.blocks.len()).max().unwrap_or(0)];
        for part in parts {
            for (most, block) in pages.iter_mut().zip(part.blocks) {
                *most = self.pages_of(index, block..block + 1).max(*most);
            }
        }
        pages
    }

    /// Pages a lane that a node takes in each tile.
    pub(super) fn page_need(&self, index: usize, split: Split) -> Vec<usize> {
        let node = &self.graph.nodes[index];
        if !matches!(node.op, Op::Conv(_) | Op::Dense(_)) || self.as_depthwise(&node.op).is_some() {
            return vec![0; self.geometry.tiles];
        }
        self.parts(index, split)
            .iter()
            .map(|part| if self.has_weights(index, part) { self.pages_of(index, part.blocks.clone()) } else { 0 })
            .collect()
    }

    /// What each tile computes of a node's output.
    pub(super) fn parts(&self, index: usize, split: Split) -> Vec<Part> {
        let [channels, height, _] = self.chw(self.graph.nodes[index].output);
        split::parts(split, height, split::blocks(channels, &self.geometry), self.geometry.tiles)
    }

    /// The same of one tile.
    pub(super) fn part(&self, index: usize, split: Split, tile: usize) -> Part {
        let [channels, height, _] = self.chw(self.graph.nodes[index].output);
        split::part(split, height, split::blocks(channels, &self.geometry), self.geometry.tiles, tile)
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
        match self.graph.nodes[index].op.window() {
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
