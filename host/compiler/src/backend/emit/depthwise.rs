//! `post` instructions of depthwise convolutions.

use lacuna_spec::geometry::PARAM_WORDS;
use lacuna_spec::instr::{Head, Instr, Opcode, PostOp, PostTail, Reshape, Walk};

use super::{Draft, Emitter, push};
use crate::backend::split::{Part, Split};
use crate::backend::{Transfer, weights, widen};
use crate::op::{Linear, Op};

impl Emitter<'_> {
    /// The depthwise convolution of a node that the post unit multiplies; others, wider ones among
    /// them, run on the array.
    pub(super) fn as_depthwise<'l>(&self, op: &'l Op) -> Option<&'l Linear> {
        let Op::Conv(linear) = op else { return None };
        linear.is_multiplied(self.geometry.depthwise_taps).then_some(linear)
    }

    /// Bytes of the weights and parameters of one block.
    pub(super) fn depthwise_bytes(&self, linear: &Linear) -> usize {
        (weights::depthwise_words(linear) + PARAM_WORDS) * self.geometry.word_bytes()
    }

    /// Writes the weights and parameters of one layer; returns the instructions of each piece.
    pub(super) fn depthwise(&mut self, draft: &Draft, index: usize, linear: &Linear) -> Vec<Vec<Instr>> {
        let pixels = self.pixels_at_once(index, linear);
        let linear = &widen::repeated(linear, pixels);
        self.multiplier_constants(index, linear);
        let walk = |tile: usize, part: &Part| self.depthwise_walk(draft, index, linear, pixels, tile, part);
        self.multiplications(draft, index, linear, pixels, walk)
    }

    /// Writes the weights and parameters of what the post unit's multipliers compute.
    pub(super) fn multiplier_constants(&mut self, index: usize, linear: &Linear) {
        let plan = self.plans[&index].clone();
        let columns = self.geometry.columns();
        let bias = linear.bias_for(linear.x_zero_point);
        for (tile, part) in plan.parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            let mut bytes = Vec::new();
            for block in part.blocks.clone() {
                let outputs = block * columns..((block + 1) * columns).min(linear.outputs());
                bytes.extend(weights::depthwise(linear, outputs.clone(), &self.geometry));
                bytes.extend(weights::parameters(linear, &bias, outputs, &self.geometry));
            }
            self.constants.push(Transfer { tile, address: plan.params, bytes });
        }
    }

    /// The instructions of each piece of a node that the post unit's multipliers compute, so many pixels as one.
    pub(super) fn multiplications(
        &self,
        draft: &Draft,
        index: usize,
        linear: &Linear,
        pixels: usize,
        walk: impl Fn(usize, &Part) -> Walk,
    ) -> Vec<Vec<Instr>> {
        let node = &self.graph.nodes[index];
        let plan = &self.plans[&index];
        let to = &draft.layouts[&node.output];
        let tail = PostTail {
            out_step_y: to.row_pitch() as i64,
            out_step_x: (pixels * to.pixel()) as i64,
            params: plan.params as i64,
            rule: linear.requantise.rule() as i64,
            zero: i64::from(linear.y_zero_point),
            clamp_lo: i64::from(linear.clamp.min),
            clamp_hi: i64::from(linear.clamp.max),
            // A multiplier gains nothing from another one, and padding is left out.
            gate: i64::from(linear.x_zero_point),
            op: PostOp::Depthwise as i64,
            taps: linear.rows() as i64,
            product: i64::from(node.op.is_product()),
            wide: i64::from(linear.is_wide()),
        };
        let piece = |parts: &Vec<Part>| {
            let mut instrs = Vec::new();
            for (tile, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
                let head = self.head(draft, Opcode::Post, index, tile, part);
                push(&mut instrs, &Instr::Post(head, walk(tile, part), tail));
            }
            instrs
        };
        plan.pieces.iter().map(piece).collect()
    }

    /// Output pixels that a depthwise layer computes as one: where rows are dealt, and padding lies beside them in memory.
    pub(super) fn pixels_at_once(&self, index: usize, linear: &Linear) -> usize {
        let node = &self.graph.nodes[index];
        let padded = linear.window.pads[1] > 0 || linear.window.pads[3] > 0;
        let [_, _, width] = self.chw(node.output);
        let pixels = widen::pixels_of_depthwise(linear, width, &self.geometry);
        if self.plans[&index].split == Split::Blocks || (padded && !self.keeps_padding(index, linear)) {
            1
        } else {
            pixels
        }
    }

    /// Whether the layer before can leave room for this one's padding: nothing else reads its output, and a beat fills either side.
    pub(super) fn keeps_padding(&self, index: usize, linear: &Linear) -> bool {
        let id = self.graph.nodes[index].inputs[0];
        let Some(before) = self.producers[id.0] else { return false };
        let [_, left, _, right] = linear.window.pads;
        self.run_of(before) == self.run_of(index)
            && self.consumers[id.0] == [index]
            && matches!(self.graph.nodes[before].op, Op::Conv(_))
            && !self.graph.is_result(id)
            && [before, index].iter().all(|node| self.plans[node].split == Split::Rows)
            && left == right
            && left * linear.outputs() <= self.geometry.word_bytes()
            && widen::pixels_of_depthwise(linear, self.chw(self.graph.nodes[index].output)[2], &self.geometry) > 1
    }

    /// What fills the padding that a layer's output keeps in memory, in every tile.
    pub(super) fn fill(&self, draft: &Draft, index: usize) -> Option<Instr> {
        let layout = &draft.layouts[&self.graph.nodes[index].output];
        let [pad, _] = layout.pad_x;
        if pad == 0 {
            return None;
        }
        let rows = layout.held.iter().map(std::ops::Range::len).max()?;
        let bytes = pad * layout.pixel();
        let side = (layout.row_pitch() - bytes) as i64;
        let (write_lo, write_hi) = self.words(layout.base..layout.base + layout.bytes());
        let head = Head {
            opcode: Opcode::Reshape as i64,
            tiles: 1,
            targets: (1 << self.geometry.tiles) - 1,
            write_lo,
            write_hi,
            ..Head::default()
        };
        let reshape = Reshape {
            target: layout.base as i64,
            bytes: bytes as i64,
            fill: 1,
            value: i64::from(layout.pad),
            count_0: 2,
            count_1: rows as i64,
            count_2: 1,
            count_3: 1,
            count_4: 1,
            target_step_0: side,
            target_step_1: layout.row_pitch() as i64,
            ..Reshape::default()
        };
        Some(Instr::Reshape(head, reshape))
    }

    fn depthwise_walk(
        &self,
        draft: &Draft,
        index: usize,
        linear: &Linear,
        pixels: usize,
        tile: usize,
        part: &Part,
    ) -> Walk {
        let node = &self.graph.nodes[index];
        let (from, to) = (self.source(draft, index, node.inputs[0]), &draft.layouts[&node.output]);
        let columns = self.geometry.columns();
        let window = &linear.window;
        let need = self.rows_read(index, part, from.chw[1]);
        let (pitch, pixel) = (from.row_pitch() as i64, from.pixel() as i64);
        let y_start = (part.rows.start * window.stride[0]) as i64 - window.pads[0] as i64 - need.start as i64;
        // Padding in memory is read like any pixel.
        let in_memory = pixels > 1;
        let x_start = if in_memory { 0 } else { -(window.pads[1] as i64) };
        let base = if need.is_empty() { from.base } else { from.row(tile, need.start) } as i64;
        let channel = part.blocks.start * columns;
        let walk = Walk {
            start: base + y_start * pitch + x_start * pixel + from.channel(tile, channel) as i64,
            out_h: part.rows.len() as i64,
            out_w: (to.chw[2] / pixels) as i64,
            k_h: window.kernel[0] as i64,
            k_w: window.kernel[1] as i64,
            segments: 1,
            tail: (linear.outputs() - (part.blocks.end - 1) * columns).min(columns) as i64,
            step_oy: window.stride[0] as i64 * pitch,
            step_ox: (pixels * window.stride[1]) as i64 * pixel,
            step_ky: window.dilation[0] as i64 * pitch,
            step_kx: window.dilation[1] as i64 * pixel,
            y_start,
            x_start,
            y_stride: window.stride[0] as i64,
            x_stride: if in_memory { 0 } else { window.stride[1] as i64 },
            y_dilation: window.dilation[0] as i64,
            x_dilation: if in_memory { 0 } else { window.dilation[1] as i64 },
            in_h: need.len() as i64,
            in_w: if in_memory { 1 } else { from.chw[2] as i64 },
            pad: i64::from(linear.x_zero_point),
            blocks: part.blocks.len() as i64,
            out_start: (to.pixels(tile, part.rows.start) + to.channel(tile, channel)) as i64,
            ..Walk::default()
        };
        walk.without_padding(&self.geometry)
    }
}
