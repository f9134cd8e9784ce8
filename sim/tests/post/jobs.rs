//! Random jobs of the post unit, and what the feeder and the array hand over for them.

use lacuna_golden::feeder::{MAX_WORD, Param, Tap};
use lacuna_sim::testing::Rng;
use lacuna_spec::Geometry;
use lacuna_spec::geometry::{PARAM_WORDS, SECOND_BIASES};
use lacuna_spec::instr::{Head, Instr, Opcode, PostConstants, PostOp, PostTail, RunTail, Walk};
use rand::Rng as _;

/// Cycles after a block's last group until its bank may be loaded again: after `block_done`.
const BLOCK_GAP: usize = 6;
/// The same for `depthwise` after a block's last tap, without its groups.
const TAP_GAP: usize = 10;
/// Cycles from the last input of a job until it is certainly done.
pub const DRAIN: usize = 30;
/// Cycles before the end of a job in which the next one's parameters may come.
const EARLY: usize = DRAIN - 3;

/// What is handed over in one cycle.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    pub sums: Option<(usize, [i32; 16])>,
    /// The sums are by the second gate value.
    pub second: bool,
    pub tap: Option<Tap>,
    pub param: Option<Param>,
}

/// The inputs of a job by cycle, from the cycle of its start.
#[derive(Default)]
pub struct Schedule(pub Vec<Inputs>);

impl Schedule {
    /// Leaves the first parameters of columns to the job before, as many as fit behind its inputs, one a cycle.
    pub fn give_early(&mut self, rng: &mut Rng, before: &mut Self) {
        let from = before.0.len() - EARLY;
        let columns = |inputs: &Inputs| inputs.param.is_some_and(|param| param.columns);
        let until = self.0.iter().position(|inputs| {
            inputs.sums.is_some() || inputs.tap.is_some() || inputs.param.is_some() && !columns(inputs)
        });
        let early = self.0[..until.unwrap_or(0)].iter_mut().filter(|inputs| columns(inputs));
        for (inputs, earlier) in early.take(rng.random_range(0..EARLY)).zip(&mut before.0[from..]) {
            earlier.param = inputs.param.take();
        }
    }

    pub fn at(&mut self, cycle: usize) -> &mut Inputs {
        if self.0.len() <= cycle {
            self.0.resize_with(cycle + 1, Inputs::default);
        }
        &mut self.0[cycle]
    }
}

fn idle(rng: &mut Rng) -> usize {
    if rng.random_bool(0.7) { 0 } else { rng.random_range(0..10) }
}

/// A multiplier of a rule, mostly one that keeps accumulators of 2^`bits` inside int8.
fn multiplier(rng: &mut Rng, rule: i64, bits: u32) -> (i32, i8) {
    let shift =
        if rng.random_bool(0.9) { 7 - bits as i32 + rng.random_range(-1..3) } else { rng.random_range(-31..=30) };
    if rule == 0 {
        (rng.random_range(1 << 30..=i32::MAX), shift.clamp(-31, 30) as i8)
    } else {
        let exponent = (127 + shift).clamp(1, 254);
        (exponent << 23 | rng.random_range(0..1 << 23), rng.random())
    }
}

fn limits(rng: &mut Rng) -> (i64, i64) {
    let (a, b) = (rng.random_range(-128..=127), rng.random_range(-128..=127));
    if rng.random_bool(0.5) { (-128, 127) } else { (a.min(b), a.max(b)) }
}

fn head(rng: &mut Rng, opcode: Opcode) -> Head {
    Head {
        opcode: opcode as i64,
        to_output: rng.random_range(0..2),
        from_input: rng.random_range(0..2),
        ..Head::default()
    }
}

fn walk(rng: &mut Rng) -> Walk {
    let mut side = || {
        let most = [1, 3, 6][rng.random_range(0..3)];
        rng.random_range(1..=most)
    };
    let (out_h, out_w, segments, blocks) = (side(), side(), side(), side());
    Walk { out_h, out_w, segments, blocks, out_start: rng.random_range(-(1 << 19)..1 << 19), ..Walk::default() }
}

fn param(rng: &mut Rng, bytes: &[u8], weights: bool, index: usize, bank: usize) -> Param {
    let mut data = [0; MAX_WORD].map(|_: u8| rng.random());
    data[..bytes.len()].copy_from_slice(bytes);
    Param { data, weights, signs: false, columns: true, index: index as u8, bank: bank as u8 }
}

/// The nine words of a block whose accumulators have `bits` bits.
fn block_words(rng: &mut Rng, word: usize, rule: i64, bits: u32) -> Vec<u8> {
    let scales: Vec<_> = (0..word).map(|_| multiplier(rng, rule, bits)).collect();
    let biases = (0..word).map(|_| rng.random_range(-(1i32 << bits)..1 << bits));
    biases
        .chain(scales.iter().map(|scale| scale.0))
        .flat_map(i32::to_le_bytes)
        .chain(scales.iter().map(|scale| scale.1 as u8))
        .collect()
}

/// A random `run` with its sums and parameters.
pub fn run_job(rng: &mut Rng, geometry: &Geometry) -> (Instr, Schedule) {
    let (word, columns) = (geometry.word_bytes(), geometry.reduce_columns);
    let walk = walk(rng);
    let (clamp_lo, clamp_hi) = limits(rng);
    let tail = RunTail {
        out_step_y: rng.random_range(-(1 << 19)..1 << 19),
        out_step_x: rng.random_range(-(1 << 11)..1 << 11),
        last_columns: rng.random_range(1..=word as i64),
        rule: rng.random_range(0..2),
        zero: rng.random_range(-128..=127),
        clamp_lo,
        clamp_hi,
        ..RunTail::default()
    };
    let monitored = geometry.monitor && rng.random();
    let sum_bits = geometry.acc_bits as u32 + geometry.lanes.ilog2();
    let mut schedule = Schedule::default();
    let (mut params_end, mut sums_end, mut previous_end) = (1, 1, 0);
    for block in 0..walk.blocks as usize {
        let bits = rng.random_range(8..sum_bits);
        let mut bytes = block_words(rng, word, tail.rule, bits);
        if monitored {
            // Biases for the second gate value.
            let biases = (0..word).map(|_| rng.random_range(-(1i32 << bits)..1 << bits));
            bytes.extend(biases.flat_map(i32::to_le_bytes));
        }
        let mut cycle = params_end.max(previous_end + BLOCK_GAP);
        for (index, bytes) in bytes.chunks(word).enumerate() {
            let index = if index < PARAM_WORDS { index } else { index - PARAM_WORDS + SECOND_BIASES };
            cycle += idle(rng);
            schedule.at(cycle).param = Some(param(rng, bytes, false, index, block % 2));
            cycle += 1;
        }
        params_end = cycle;
        previous_end = sums_end;
        sums_end = sums_end.max(params_end + word / columns + 1);
        for _ in 0..walk.out_h * walk.out_w {
            sums_end += idle(rng);
            let second = monitored && rng.random();
            for group in 0..word / columns {
                let mut sums = [0; 16];
                for sum in &mut sums[..columns] {
                    *sum = rng.random_range(-(1i32 << (bits - 1))..1 << (bits - 1));
                }
                schedule.at(sums_end).sums = Some((group, sums));
                schedule.at(sums_end).second = second;
                sums_end += geometry.group_cycles();
            }
        }
    }
    (Instr::Run(head(rng, Opcode::Run), walk, tail), schedule)
}

fn constants(rng: &mut Rng, op: PostOp, rule: i64, taps: usize) -> PostConstants {
    if op == PostOp::Sum {
        let bits = 7 + taps.ilog2();
        let (ma, shift) = multiplier(rng, rule, bits);
        let bias = rng.random_range(-(1i64 << bits)..1 << bits);
        return PostConstants { ma: ma.into(), mb: bias, bias: rng.random_range(-100..100), shift: shift.into() };
    }
    let shift = rng.random_range(17..=40);
    let top = 1i64 << (shift + 1).min(31);
    let coarse = if rng.random() { (shift - 1).min(28) } else { 0 };
    let mut scale = || (rng.random_range(0..top) >> coarse) << coarse;
    let (ma, mb) = (scale(), scale());
    PostConstants::add(ma, mb, rng.random_range(-(100i64 << shift)..100 << shift) >> coarse << coarse, shift)
}

/// A random `post` with its taps and constants.
pub fn post_job(rng: &mut Rng, geometry: &Geometry) -> (Instr, Schedule) {
    let (word, groups) = (geometry.word_bytes(), geometry.columns() / geometry.reduce_columns);
    let walk = Walk { blocks: 1, tail: rng.random_range(1..=word as i64), ..walk(rng) };
    let op = [PostOp::Max, PostOp::Sum, PostOp::Add][rng.random_range(0..3)];
    let taps = if op == PostOp::Add { 2 } else { rng.random_range(1..12) };
    let (clamp_lo, clamp_hi) = limits(rng);
    let tail = PostTail {
        out_step_y: rng.random_range(-(1 << 19)..1 << 19),
        out_step_x: rng.random_range(-(1 << 11)..1 << 11),
        op: op as i64,
        rule: rng.random_range(0..2),
        zero: rng.random_range(-128..=127),
        clamp_lo,
        clamp_hi,
        ..PostTail::default()
    };
    let mut schedule = Schedule::default();
    let mut cycle = 1;
    if op != PostOp::Max {
        let bytes = constants(rng, op, tail.rule, taps).pack().expect("inside the layout");
        for (index, bytes) in bytes.chunks(word).enumerate() {
            cycle += idle(rng);
            let columns = false;
            schedule.at(cycle).param = Some(Param { columns, ..param(rng, bytes, false, index, 0) });
            cycle += 1;
        }
    }
    let mut next_last = 0;
    for _ in 0..walk.out_h * walk.out_w * walk.segments {
        for tap in 0..taps {
            cycle += idle(rng);
            if geometry.serial_post() {
                cycle = cycle.max(next_last);
                next_last = cycle + groups * if tap + 1 == taps { geometry.group_cycles() } else { 1 };
            } else if tap + 1 == taps {
                cycle = cycle.max(next_last);
                next_last = cycle + groups;
            }
            let data = [0; MAX_WORD].map(|_: i16| rng.random_range(-128..128));
            let pad = op != PostOp::Add && rng.random_bool(0.3);
            schedule.at(cycle).tap = Some(Tap { data, index: 0, pad, first: tap == 0, last: tap + 1 == taps });
            cycle += 1;
        }
    }
    (Instr::Post(head(rng, Opcode::Post), walk, tail), schedule)
}

/// A random depthwise `post`: for each block its weights, parameters and taps.
pub fn depthwise_job(rng: &mut Rng, geometry: &Geometry) -> (Instr, Schedule) {
    let (word, groups) = (geometry.word_bytes(), geometry.columns() / geometry.reduce_columns);
    let taps = [1, rng.random_range(1..10), rng.random_range(1..=geometry.depthwise_taps)][rng.random_range(0..3)];
    let walk = Walk { segments: 1, tail: rng.random_range(1..=word as i64), ..walk(rng) };
    let (clamp_lo, clamp_hi) = limits(rng);
    let tail = PostTail {
        out_step_y: rng.random_range(-(1 << 19)..1 << 19),
        out_step_x: rng.random_range(-(1 << 11)..1 << 11),
        rule: rng.random_range(0..2),
        zero: rng.random_range(-128..=127),
        clamp_lo,
        clamp_hi,
        gate: rng.random_range(-128..=127),
        op: PostOp::Depthwise as i64,
        taps: taps as i64,
        product: 0,
        wide: rng.random_range(0..2),
        ..PostTail::default()
    };
    let mut schedule = Schedule::default();
    let (mut cycle, mut next_last, mut ends) = (1, 0, [0; 2]);
    for block in 0..walk.blocks as usize {
        // Extremes, so that the sums' width is needed.
        let extreme = rng.random_bool(0.3);
        cycle = cycle.max(ends[block % 2]);
        for tap in 0..taps * (1 + tail.wide as usize) {
            cycle += idle(rng);
            let (index, signs) = (tap % taps, tap >= taps);
            let least = if tail.wide == 1 && !signs { 0x01 } else { 0x80 };
            let bytes: Vec<u8> = (0..word).map(|_| if extreme { least } else { rng.random() }).collect();
            schedule.at(cycle).param = Some(Param { signs, ..param(rng, &bytes, true, index, block % 2) });
            cycle += 1;
        }
        let bits = 15 + tail.wide as u32 + taps.ilog2();
        let bytes = block_words(rng, word, tail.rule, bits);
        for (index, bytes) in bytes.chunks(word).enumerate() {
            cycle += idle(rng);
            schedule.at(cycle).param = Some(param(rng, bytes, false, index, block % 2));
            cycle += 1;
        }
        for at in 0..walk.out_h as usize * walk.out_w as usize * taps {
            let (first, last) = (at % taps == 0, at % taps == taps - 1);
            cycle += idle(rng);
            if last {
                cycle = cycle.max(next_last);
                next_last = cycle + groups;
            }
            let data = [0; MAX_WORD].map(|_: i16| if extreme { -255 } else { rng.random_range(-255..=255) });
            // In any order: a kernel's taps that are padding are left out.
            let index = rng.random_range(0..taps) as u8;
            schedule.at(cycle).tap = Some(Tap { data, index, pad: rng.random_bool(0.3), first, last });
            cycle += 1;
        }
        ends[block % 2] = cycle + groups + TAP_GAP;
    }
    (Instr::Post(head(rng, Opcode::Post), walk, tail), schedule)
}
