//! Layers that run band by band: what their nodes share.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use super::Emitter;
use crate::backend::Transfer;
use crate::backend::split::{Part, Split};
use crate::graph::{Band, Bands, Graph, TensorId};

/// For each node of a band but the first the one of the first band that has its weights.
pub(super) fn twins(graph: &Graph) -> HashMap<usize, usize> {
    let of = |bands: &Bands| -> Vec<(usize, usize)> {
        let others = bands.nodes.iter().skip(1);
        others.flat_map(|band: &Range<usize>| band.clone().zip(bands.nodes[0].clone())).collect()
    };
    graph.bands.iter().flat_map(of).collect()
}

impl Emitter<'_> {
    /// The node of the first band that has a node's weights, or itself.
    pub(super) fn first(&self, index: usize) -> usize {
        self.twins.get(&index).copied().unwrap_or(index)
    }

    /// Whether a node is there for each of several frames.
    pub(super) fn is_of_frames(&self, index: usize) -> bool {
        self.bands(self.first(index)).is_some_and(|bands| bands.each == Band::Frame)
    }

    /// The nodes of all bands of a node's layer; itself, if it has none.
    pub(super) fn all_bands(&self, index: usize) -> impl Iterator<Item = usize> {
        let first = self.first(index);
        let bands = self.bands(first);
        let at = bands.map_or(0, |bands| first - bands.nodes[0].start);
        let nodes = bands.into_iter().flat_map(|bands| &bands.nodes).map(move |band| band.start + at);
        nodes.chain(bands.is_none().then_some(index))
    }

    /// Whether a tile that computes that part of a node has its weights: in another band it may have rows.
    pub(super) fn has_weights(&self, index: usize, part: &Part) -> bool {
        !part.is_empty() || (!part.blocks.is_empty() && self.bands(self.first(index)).is_some())
    }

    /// How tiles deal a node that runs band by band, if that is not free.
    pub(super) fn dealt(&self, index: usize) -> Option<Split> {
        match self.bands(self.first(index))?.each {
            Band::Rows => Some(Split::Rows),
            Band::RowsByChannels => Some(Split::Blocks),
            Band::Frame => None,
        }
    }

    /// What runs band by band with a node of its first band.
    pub(super) fn bands(&self, index: usize) -> Option<&Bands> {
        self.graph.bands.iter().find(|bands| bands.nodes[0].contains(&index))
    }

    /// Whether the host brings each tile but the channels that it computes of all that a layer reads, as nothing else reads it.
    pub(super) fn arrives_by_channels(&self, reader: usize) -> bool {
        let node = &self.graph.nodes[reader];
        let run = self.run_of(reader);
        let outside = |id: &TensorId| self.producers[id.0].is_none_or(|index| self.run_of(index) != run);
        self.by_channel(&node.op)
            && self.plans[&reader].split == Split::Blocks
            && node.inputs.iter().all(|id| outside(id) && self.is_sole(*id, reader))
    }

    /// Whether these pages of a tile are those that the first band has there, or has not written yet.
    pub(super) fn same_in_all_bands(&mut self, index: usize, at: (usize, usize), pages: &[Vec<Vec<i8>>]) -> bool {
        let mut hasher = DefaultHasher::new();
        pages.hash(&mut hasher);
        let digest = hasher.finish();
        *self.digests.entry((self.first(index), at)).or_insert(digest) == digest
    }

    /// Drops parameters that an earlier band has written, of those from `before` on: in another band a tile may have rows that has none
    /// there.
    pub(super) fn keep_missing(&mut self, before: usize) {
        let own = self.constants.split_off(before);
        let there = |own: &Transfer| self.constants.iter().any(|t| (t.tile, t.address) == (own.tile, own.address));
        let missing: Vec<Transfer> = own.into_iter().filter(|own| !there(own)).collect();
        self.constants.extend(missing);
    }
}
