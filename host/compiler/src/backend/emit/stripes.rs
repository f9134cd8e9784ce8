//! Chains of layers that run stripe by stripe, where what passes between them is too large to be in tile memory at once.
//!
//! A chain is convolutions one behind the other, dealt by rows. Each tile computes some rows of the last layer at a time, and before
//! them just the rows of the others that these need: so of what passes between, memory holds a stripe. Rows that two stripes, or
//! two tiles, read are computed twice, and nothing moves between tiles inside a chain. (Patches of MCUNetV2, Lin et al. 2021, as
//! wide as the picture.)

use std::ops::Range;

use lacuna_spec::instr::Instr;

use super::{BackendError, Draft, Emitter, Moves};
use crate::backend::layout::hull;
use crate::backend::split::{self, Part};
use crate::graph::TensorId;

impl Emitter<'_> {
    /// The chain that a node belongs to.
    pub(super) fn chain_of(&self, index: usize) -> Option<&Range<usize>> {
        self.chains.iter().find(|chain| chain.contains(&index))
    }

    /// Whether a node's output is in memory a stripe at a time.
    pub(super) fn is_striped(&self, index: usize) -> bool {
        self.chain_of(index).is_some_and(|chain| index + 1 < chain.end)
    }

    /// Cuts a chain: what each layer computes for each stripe of the last one.
    pub(super) fn stripe(&mut self, chain: &Range<usize>) {
        let (last, count) = (chain.end - 1, self.fit.stripes);
        let of = |part: &Part, stripe: usize| {
            let rows = split::deal(part.rows.len(), count, stripe);
            Part { rows: part.rows.start + rows.start..part.rows.start + rows.end, blocks: part.blocks.clone() }
        };
        let parts = &self.plans[&last].parts;
        let mut stripes: Vec<Vec<Part>> =
            (0..count).map(|stripe| parts.iter().map(|part| of(part, stripe)).collect()).collect();
        for index in chain.clone().rev() {
            if index < last {
                let height = self.chw(self.graph.nodes[index].output)[1];
                let blocks = self.plans[&index].parts[0].blocks.clone();
                let read = |part: &Part| Part { rows: self.rows_read(index + 1, part, height), blocks: blocks.clone() };
                stripes = stripes.iter().map(|parts| parts.iter().map(read).collect()).collect();
            }
            let all = |tile: usize| stripes.iter().fold(0..0, |rows, parts| hull(&rows, &parts[tile].rows));
            let rows: Vec<Range<usize>> = (0..self.geometry.tiles).map(all).collect();
            let plan = self.plans.get_mut(&index).expect("planned before");
            for (part, rows) in plan.parts.iter_mut().zip(rows) {
                part.rows = rows;
            }
            plan.pieces.clone_from(&stripes);
        }
    }

    /// Rows of each tile's longest stripe of a node's output.
    pub(super) fn longest_stripes(&self, index: usize) -> Vec<Range<usize>> {
        let pieces = &self.plans[&index].pieces;
        let longest = |tile: usize| pieces.iter().map(|parts| parts[tile].rows.clone()).max_by_key(Range::len);
        (0..self.geometry.tiles).map(|tile| longest(tile).unwrap_or_default()).collect()
    }

    /// Writes a chain, and what moves behind it; the moves of the last stripe are kept back.
    pub(super) fn chain(
        &mut self,
        draft: &mut Draft,
        chain: &Range<usize>,
        deferred: &mut Moves,
    ) -> Result<(), BackendError> {
        draft.take(deferred);
        for index in chain.clone() {
            // Stripes have their padding in the same places.
            let fill = self.fill(draft, index);
            draft.push(index, fill.into_iter().collect());
        }
        let last = chain.end - 1;
        let whole: Vec<(TensorId, Vec<Vec<Part>>)> =
            chain.clone().map(|index| (self.graph.nodes[index].output, self.plans[&index].pieces.clone())).collect();
        for stripe in 0..self.fit.stripes {
            for (id, pieces) in &whole[..whole.len() - 1] {
                let held = pieces[stripe].iter().map(|part| part.rows.clone()).collect();
                draft.layouts.get_mut(id).expect("laid out before").held = held;
            }
            for (index, (_, pieces)) in chain.clone().zip(&whole) {
                let instrs = self.one_stripe(draft, index, &pieces[stripe], stripe == 0)?;
                draft.push(index, instrs);
            }
        }
        for (index, (_, pieces)) in chain.clone().zip(whole) {
            self.plans.get_mut(&index).expect("planned before").pieces = pieces;
        }
        for stripe in 0..self.fit.stripes {
            draft.take(deferred);
            *deferred = Moves { node: last, instrs: self.moves(draft, last, stripe) };
        }
        Ok(())
    }

    /// The instructions of a layer for one stripe. Its weights and parameters are loaded once.
    fn one_stripe(
        &mut self,
        draft: &Draft,
        index: usize,
        parts: &[Part],
        first: bool,
    ) -> Result<Vec<Instr>, BackendError> {
        self.plans.get_mut(&index).expect("planned before").pieces = vec![parts.to_vec()];
        let (pages, constants) = (self.pages.len(), self.constants.len());
        let instrs = self.pieces(draft, index)?.into_iter().flatten().collect();
        if !first {
            self.pages.truncate(pages);
            self.constants.truncate(constants);
        }
        Ok(instrs)
    }
}
