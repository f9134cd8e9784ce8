//! `post` instructions of products of two tensors.

use lacuna_spec::geometry::PARAM_WORDS;
use lacuna_spec::instr::{Instr, Walk};

use super::{BackendError, Draft, Emitter};
use crate::backend::split::{Part, Split};
use crate::op::ChipProduct;

/// Most taps of a product: two constant ones, for a zero point of -128, and that of the other tensor.
const MOST_TAPS: usize = 3;

impl Emitter<'_> {
    /// Cycles of an output word, and parameter words of a block, of a product.
    pub(super) fn product_cost(&self) -> (usize, usize) {
        ((2 * MOST_TAPS).max(self.geometry.groups()), MOST_TAPS + PARAM_WORDS)
    }

    /// Bytes of the weights and parameters of one block of a product.
    pub(super) fn product_bytes(&self) -> usize {
        self.product_cost().1 * self.geometry.word_bytes()
    }

    /// Writes the constants of one product; returns the instructions of each piece.
    pub(super) fn product(&mut self, draft: &Draft, index: usize) -> Result<Vec<Vec<Instr>>, BackendError> {
        let node = &self.graph.nodes[index];
        let multiplied = ChipProduct::of(&node.op).filter(|_| self.geometry.depthwise_taps > 0);
        let product = multiplied.ok_or_else(|| BackendError::Unsupported {
            node: node.name.clone(),
            op: node.op.name(),
            why: "the post unit has no multipliers for it, or rounds otherwise",
        })?;
        let pixels = self.product_pixels(index);
        let [channels, _, _] = self.chw(node.output);
        let layer = product.layer(pixels * channels);
        self.multiplier_constants(index, &layer);
        let walk = |tile: usize, part: &Part| self.product_walk(draft, index, layer.rows(), pixels, tile, part);
        Ok(self.multiplications(draft, index, &layer, pixels, walk))
    }

    /// Neighbouring pixels that a word holds, computed as one.
    fn product_pixels(&self, index: usize) -> usize {
        let [channels, _, width] = self.chw(self.graph.nodes[index].output);
        let fit = |pixels: &usize| pixels * channels <= self.geometry.word_bytes() && width.is_multiple_of(*pixels);
        match self.plans[&index].split {
            Split::Rows => (1..=self.geometry.word_bytes()).rev().find(fit).unwrap_or(1),
            Split::Blocks => 1,
        }
    }

    /// Reads a word of b, then one of a, once a tap.
    fn product_walk(&self, draft: &Draft, index: usize, taps: usize, pixels: usize, tile: usize, part: &Part) -> Walk {
        let node = &self.graph.nodes[index];
        let to = &draft.layouts[&node.output];
        let columns = self.geometry.columns();
        let [a, b] = [0, 1].map(|input| self.source(draft, index, node.inputs[input]));
        let channel = part.blocks.start * columns;
        let [start_a, start_b] = [a, b].map(|from| {
            let need = self.rows_read(index, part, from.chw[1]);
            (from.row(tile, need.start) + from.channel(tile, channel)) as i64
        });
        Walk {
            start: start_b,
            out_h: part.rows.len() as i64,
            out_w: (to.chw[2] / pixels) as i64,
            k_h: taps as i64,
            k_w: 2,
            segments: 1,
            tail: (pixels * to.chw[0] - (part.blocks.end - 1) * columns).min(columns) as i64,
            step_oy: a.row_pitch() as i64,
            step_ox: (pixels * a.pixel()) as i64,
            step_kx: start_a - start_b,
            in_h: 1,
            in_w: 1,
            blocks: part.blocks.len() as i64,
            out_start: (to.row(tile, part.rows.start) + to.channel(tile, channel)) as i64,
            ..Walk::default()
        }
    }
}
