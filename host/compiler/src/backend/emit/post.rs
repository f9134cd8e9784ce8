//! `post` instructions of pooling and element-wise layers.

use lacuna_spec::instr::{Instr, Opcode, PostConstants, PostOp, PostTail, Rule, Walk};

use super::{BackendError, Draft, Emitter, push};
use crate::backend::split::Part;
use crate::backend::{Transfer, weights};
use crate::op::{ChipSum, Clamp, Op, Rounding, Window};

/// What a layer asks of the post unit.
struct Job {
    op: PostOp,
    rule: i64,
    zero: i32,
    clamp: Clamp,
    window: Window,
    pad: i32,
    constants: Option<PostConstants>,
}

impl Job {
    fn of(op: &Op, chw: [usize; 3]) -> Result<Self, &'static str> {
        let element = Window::of([1, 1]);
        match op {
            Op::MaxPool(pool) => Ok(Self {
                op: PostOp::Max,
                rule: 0,
                zero: 0,
                clamp: pool.clamp,
                window: pool.window,
                pad: 0,
                constants: None,
            }),
            Op::Clamp(clamp) => {
                Ok(Self { op: PostOp::Max, rule: 0, zero: 0, clamp: *clamp, window: element, pad: 0, constants: None })
            }
            Op::Add(add) => {
                let chip = add.chip.ok_or("no integer form of this add is proven exact")?;
                let constants = PostConstants::add(chip.ma.into(), chip.mb.into(), chip.bias, chip.shift.into());
                let rule = i64::from(chip.rounding == Rounding::HalfEven);
                Ok(Self {
                    op: PostOp::Add,
                    rule,
                    zero: 0,
                    clamp: add.clamp,
                    window: element,
                    pad: 0,
                    constants: Some(constants),
                })
            }
            Op::GlobalAveragePool(pool) => {
                let [_, height, width] = chw;
                let window = Window::of([height, width]);
                let constants = sum_constants(pool.scale, pool.x_zero_point, height * width);
                Ok(Self::sum(window, pool.x_zero_point, pool.y_zero_point, pool.clamp, constants))
            }
            Op::AveragePool(pool) => {
                let chip = pool.chip.ok_or("no integer form of this mean is proven exact")?;
                Ok(Self::chip_sum(pool.window, &chip, pool.clamp))
            }
            Op::Mean(mean) => {
                let [_, height, width] = chw;
                Ok(Self::chip_sum(Window::of([height, width]), &mean.chip(height * width), mean.clamp))
            }
            _ => Err("it is neither a linear, a pooling nor an element-wise layer"),
        }
    }

    /// Padding is not larger than any tap, or adds nothing.
    fn ignores_padding(&self) -> bool {
        match self.op {
            PostOp::Max => true,
            PostOp::Sum => self.pad == 0,
            PostOp::Add | PostOp::Depthwise => false,
        }
    }

    fn chip_sum(window: Window, chip: &ChipSum, clamp: Clamp) -> Self {
        let constants = PostConstants {
            ma: i64::from(chip.multiplier),
            mb: i64::from(chip.bias),
            bias: 0,
            shift: i64::from(chip.shift),
        };
        let rule = if chip.rule_b { Rule::B } else { Rule::A };
        Self { rule: rule as i64, ..Self::sum(window, chip.pad, chip.zero, clamp, constants) }
    }

    fn sum(window: Window, pad: i32, zero: i32, clamp: Clamp, constants: PostConstants) -> Self {
        Self { op: PostOp::Sum, rule: Rule::B as i64, zero, clamp, window, pad, constants: Some(constants) }
    }
}

/// Rule B constants of a sum of raw bytes: the bias takes every tap's zero point away.
fn sum_constants(scale: f32, zero_point: i32, taps: usize) -> PostConstants {
    let bias = -i64::from(zero_point) * taps as i64;
    PostConstants { ma: i64::from(scale.to_bits() as i32), mb: bias, bias: 0, shift: 0 }
}

impl Emitter<'_> {
    /// Writes the constants of one layer; returns the instructions of each piece.
    pub(super) fn post(&mut self, draft: &Draft, index: usize) -> Result<Vec<Vec<Instr>>, BackendError> {
        let node = &self.graph.nodes[index];
        let input = node.inputs[0];
        let job = Job::of(&node.op, self.chw(input)).map_err(|why| BackendError::Unsupported {
            node: node.name.clone(),
            op: node.op.name(),
            why,
        })?;
        let plan = self.plans[&index].clone();
        for (tile, _) in plan.parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            if let Some(constants) = &job.constants {
                let bytes = weights::constants(constants, &self.geometry)
                    .map_err(|source| BackendError::Field { layer: node.name.clone(), source })?;
                self.constants.push(Transfer { tile, address: plan.params, bytes });
            }
        }
        let to = &draft.layouts[&node.output];
        let instr = |tile: usize, part: &Part| {
            let tail = PostTail {
                out_step_y: to.row_pitch() as i64,
                out_step_x: to.pixel() as i64,
                op: job.op as i64,
                rule: job.rule,
                zero: i64::from(job.zero),
                clamp_lo: i64::from(job.clamp.min),
                clamp_hi: i64::from(job.clamp.max),
                params: plan.params as i64,
                gate: 0,
                taps: 0,
                product: 0,
                wide: 0,
            };
            let head = self.head(draft, Opcode::Post, index, tile, part);
            let walk = self.post_walk(draft, index, &job, tile, part);
            Instr::Post(head, if job.ignores_padding() { walk.without_padding(&self.geometry) } else { walk }, tail)
        };
        let piece = |parts: &Vec<Part>| {
            let mut instrs = Vec::new();
            for (tile, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
                push(&mut instrs, &instr(tile, part));
            }
            instrs
        };
        Ok(plan.pieces.iter().map(piece).collect())
    }

    fn post_walk(&self, draft: &Draft, index: usize, job: &Job, tile: usize, part: &Part) -> Walk {
        let node = &self.graph.nodes[index];
        let rows = &part.rows;
        let (from, to) = (self.source(draft, index, node.inputs[0]), &draft.layouts[&node.output]);
        let word = self.geometry.word_bytes();
        let need = self.rows_read(index, part, from.chw[1]);
        let (pitch, pixel) = (from.row_pitch() as i64, from.pixel() as i64);
        let channels = self.channels(part, to.chw[0]);
        let out_start = (to.row(tile, rows.start) + to.channel(tile, channels.start)) as i64;
        // Element-wise on all channels that a tile holds: a row is one run of bytes. Add reads b as a second kernel column.
        let element = job.window == Window::of([1, 1]) && from.row_pitch() == to.row_pitch();
        let bytes = if element { from.row_pitch() } else { channels.len() };
        let two = job.op == PostOp::Add;
        let step_kx = if two {
            let second = self.source(draft, index, node.inputs[1]);
            second.row(tile, need.start) as i64 - from.row(tile, need.start) as i64
        } else {
            job.window.dilation[1] as i64 * pixel
        };
        let y_start = (rows.start * job.window.stride[0]) as i64 - job.window.pads[0] as i64 - need.start as i64;
        let x_start = -(job.window.pads[1] as i64);
        Walk {
            start: from.row(tile, need.start) as i64
                + y_start * pitch
                + x_start * pixel
                + from.channel(tile, channels.start) as i64,
            out_h: rows.len() as i64,
            out_w: if element { 1 } else { to.chw[2] as i64 },
            k_h: job.window.kernel[0] as i64,
            k_w: if two { 2 } else { job.window.kernel[1] as i64 },
            segments: bytes.div_ceil(word) as i64,
            tail: ((bytes - 1) % word + 1) as i64,
            step_oy: job.window.stride[0] as i64 * pitch,
            step_ox: job.window.stride[1] as i64 * pixel,
            step_ky: job.window.dilation[0] as i64 * pitch,
            step_kx,
            y_start,
            x_start,
            y_stride: job.window.stride[0] as i64,
            x_stride: if element { 0 } else { job.window.stride[1] as i64 },
            y_dilation: job.window.dilation[0] as i64,
            x_dilation: if element || two { 0 } else { job.window.dilation[1] as i64 },
            in_h: need.len() as i64,
            in_w: if element { 1 } else { from.chw[2] as i64 },
            pad: i64::from(job.pad),
            blocks: 1,
            out_start,
            ..Walk::default()
        }
    }
}
