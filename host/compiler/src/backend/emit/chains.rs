//! Which layers run stripe by stripe.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Emitter, Large};
use crate::graph::TensorId;
use crate::op::Op;

impl Emitter<'_> {
    /// The chains among some nodes, if this budget cuts any, of nodes that may be in one; `room` for tensors a tile, in bytes.
    pub(super) fn chains(&self, nodes: &[usize], room: usize, may: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        if self.fit.stripes < 2 {
            return Vec::new();
        }
        let links = |index: usize| self.passes_on(index) && may(index) && may(index + 1);
        match self.fit.large {
            Large::Than(parts) => self.chains_of_large(nodes, parts, links),
            Large::ThanRoom => self.chains_for_room(nodes, room, links),
        }
    }

    /// Chains of all tensors that take more than one part in `parts` of all tile memories.
    fn chains_of_large(&self, nodes: &[usize], parts: usize, links: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let all = self.geometry.tile_bytes() * self.geometry.tiles;
        let is_large = |index: usize| self.chw(self.graph.nodes[index].output).iter().product::<usize>() * parts > all;
        let mut chains: Vec<Range<usize>> = Vec::new();
        for &index in nodes.iter().filter(|&&index| links(index) && is_large(index)) {
            match chains.last_mut() {
                Some(chain) if chain.end == index + 1 => chain.end += 1,
                _ => chains.push(index..index + 2),
            }
        }
        chains
    }

    /// Chains as short as room for what lives beside a layer's output allows, from the first layer on.
    fn chains_for_room(&self, nodes: &[usize], room: usize, links: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let mut chains: Vec<Range<usize>> = Vec::new();
        for &index in nodes {
            if chains.last().is_some_and(|chain| chain.contains(&index)) {
                continue;
            }
            let mut chain = index..index + 1;
            while self.bytes_of(&chain) > room && links(chain.end - 1) {
                chain.end += 1;
            }
            if chain.len() > 1 && self.bytes_of(&chain) <= room {
                chains.push(chain);
            }
        }
        chains
    }

    /// Bytes a tile that are alive while a chain, or one layer, runs, if all is dealt by rows.
    fn bytes_of(&self, chain: &Range<usize>) -> usize {
        let whole = |id: TensorId| self.dealt_by_rows(id);
        let before = |id: &TensorId| self.producers[id.0].is_none_or(|producer| producer < chain.start);
        let enters = |id: &TensorId| before(id) && self.last_reader(*id).is_some_and(|last| last >= chain.start);
        // What only the host keeps meanwhile takes no room.
        let run = self.run_of(chain.start).cloned().unwrap_or_default();
        let touched = self.graph.nodes[run].iter().flat_map(|node| node.inputs.iter().chain([&node.output]));
        let tensors: BTreeSet<TensorId> = touched.copied().filter(enters).collect();
        let entering: usize = tensors.into_iter().map(whole).sum();
        let passing = (chain.start..chain.end - 1).map(|index| {
            let id = self.graph.nodes[index].output;
            let [channels, _, width] = self.chw(id);
            // Two rows more than a part, for the kernels behind.
            (whole(id) / self.fit.stripes + 2 * channels * width).min(whole(id))
        });
        entering + passing.sum::<usize>() + whole(self.graph.nodes[chain.end - 1].output)
    }

    /// Bytes of a tensor in a tile, if all tiles have as many rows, and those that its readers' kernels need beside them.
    fn dealt_by_rows(&self, id: TensorId) -> usize {
        let [channels, height, width] = self.chw(id);
        let beside = |&at: &usize| {
            let window = self.graph.nodes[at].op.window()?;
            Some(((window.kernel[0] - 1) * window.dilation[0] + 1).saturating_sub(window.stride[0]))
        };
        let beside = self.consumers[id.0].iter().filter_map(beside).max().unwrap_or(0);
        (height.div_ceil(self.geometry.tiles) + beside).min(height) * width * channels
    }

    /// The last node that reads a tensor, or a view of it.
    fn last_reader(&self, id: TensorId) -> Option<usize> {
        let readers = self.consumers[id.0].iter();
        let seen = readers.map(|&at| {
            let behind = self.is_alias(at).then(|| self.last_reader(self.graph.nodes[at].output)).flatten();
            behind.unwrap_or(at).max(at)
        });
        seen.max()
    }

    /// Whether only the next convolution reads a convolution's output.
    fn passes_on(&self, index: usize) -> bool {
        let node = &self.graph.nodes[index];
        let Some(next) = self.graph.nodes.get(index + 1) else { return false };
        [node, next].iter().all(|node| matches!(node.op, Op::Conv(_)))
            && next.inputs == [node.output]
            && self.consumers[node.output.0] == [index + 1]
            && !self.graph.is_result(node.output)
            && self.run_of(index).is_some_and(|run| run.contains(&(index + 1)))
    }
}
