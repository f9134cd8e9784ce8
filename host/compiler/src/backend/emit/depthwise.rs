//! `post` instructions of depthwise convolutions.

use lacuna_spec::geometry::PARAM_WORDS;
use lacuna_spec::instr::{Instr, Opcode, PostOp, PostTail, Walk};

use super::{Draft, Emitter, push};
use crate::backend::split::Part;
use crate::backend::{Transfer, weights};
use crate::op::{Linear, Op};

impl Emitter<'_> {
    /// The depthwise convolution of a node that the post unit multiplies; others, wider ones among
    /// them, run on the array.
    pub(super) fn as_depthwise<'l>(&self, op: &'l Op) -> Option<&'l Linear> {
        let Op::Conv(linear) = op else { return None };
        let exact = linear.weights.zero_points.iter().all(|&zero_point| zero_point == 0);
        (linear.is_depthwise() && exact && linear.rows() <= self.geometry.depthwise_taps).then_some(linear)
    }

    /// Bytes of the weights and parameters of one block.
    pub(super) fn depthwise_bytes(&self, linear: &Linear) -> usize {
        (linear.rows() + PARAM_WORDS) * self.geometry.word_bytes()
    }

    /// Writes the weights and parameters of one layer; returns the instructions of each piece.
    pub(super) fn depthwise(&mut self, draft: &Draft, index: usize, linear: &Linear) -> Vec<Vec<Instr>> {
        let node = &self.graph.nodes[index];
        let plan = self.plans[&index].clone();
        let columns = self.geometry.columns();
        let bias = linear.effective_bias();
        for (tile, part) in plan.parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            let mut bytes = Vec::new();
            for block in part.blocks.clone() {
                let outputs = block * columns..((block + 1) * columns).min(linear.outputs());
                bytes.extend(weights::depthwise(linear, outputs.clone(), &self.geometry));
                bytes.extend(weights::parameters(linear, &bias, outputs, &self.geometry));
            }
            self.constants.push(Transfer { tile, address: plan.params, bytes });
        }
        let to = &draft.layouts[&node.output];
        let instr = |tile: usize, part: &Part| {
            let tail = PostTail {
                out_step_y: to.row_pitch() as i64,
                out_step_x: to.pixel() as i64,
                params: plan.params as i64,
                rule: linear.requantise.rule() as i64,
                zero: i64::from(linear.y_zero_point),
                clamp_lo: i64::from(linear.clamp.min),
                clamp_hi: i64::from(linear.clamp.max),
                gate: i64::from(linear.gate),
                op: PostOp::Depthwise as i64,
                taps: linear.rows() as i64,
            };
            let head = self.head(draft, Opcode::Post, index, tile, part);
            Instr::Post(head, self.depthwise_walk(draft, index, linear, tile, part), tail)
        };
        let piece = |parts: &Vec<Part>| {
            let mut instrs = Vec::new();
            for (tile, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
                push(&mut instrs, &instr(tile, part));
            }
            instrs
        };
        plan.pieces.iter().map(piece).collect()
    }

    fn depthwise_walk(&self, draft: &Draft, index: usize, linear: &Linear, tile: usize, part: &Part) -> Walk {
        let node = &self.graph.nodes[index];
        let (from, to) = (self.source(draft, index, node.inputs[0]), &draft.layouts[&node.output]);
        let columns = self.geometry.columns();
        let window = &linear.window;
        let need = self.rows_read(index, part, from.chw[1]);
        let (pitch, pixel) = (from.row_pitch() as i64, from.pixel() as i64);
        let y_start = (part.rows.start * window.stride[0]) as i64 - window.pads[0] as i64 - need.start as i64;
        let x_start = -(window.pads[1] as i64);
        let base = if need.is_empty() { from.base } else { from.row(tile, need.start) } as i64;
        let channel = part.blocks.start * columns;
        Walk {
            start: base + y_start * pitch + x_start * pixel + from.channel(tile, channel) as i64,
            out_h: part.rows.len() as i64,
            out_w: to.chw[2] as i64,
            k_h: window.kernel[0] as i64,
            k_w: window.kernel[1] as i64,
            segments: 1,
            tail: (linear.outputs() - (part.blocks.end - 1) * columns).min(columns) as i64,
            step_oy: window.stride[0] as i64 * pitch,
            step_ox: window.stride[1] as i64 * pixel,
            step_ky: window.dilation[0] as i64 * pitch,
            step_kx: window.dilation[1] as i64 * pixel,
            y_start,
            x_start,
            y_stride: window.stride[0] as i64,
            x_stride: window.stride[1] as i64,
            y_dilation: window.dilation[0] as i64,
            x_dilation: window.dilation[1] as i64,
            in_h: need.len() as i64,
            in_w: from.chw[2] as i64,
            pad: i64::from(linear.x_zero_point),
            blocks: part.blocks.len() as i64,
            out_start: (to.row(tile, part.rows.start) + to.channel(tile, channel)) as i64,
        }
    }
}
