//! The unit, cycle by cycle.

use super::{
    job::{Job, Source},
    params::{Block, Constants, Weights},
    pool::Pool,
    walk::OutputWalk,
};
use crate::{
    cim::MAX_COLUMNS,
    feeder::{MAX_WORD, Param, Tap},
};
use lacuna_spec::{
    Geometry,
    instr::{Instr, PostOp},
};
use std::collections::VecDeque;

/// Cycles from the last group of a word to its write: a register and the lane.
const WRITE_DELAY: u64 = 14;
/// The same of a serial unit.
const WRITE_DELAY_SERIAL: u64 = 15;
/// Cycles from the last tap of a word to its first group, without the multipliers.
const POOL_DELAY: u64 = 2;
/// The same of a serial unit.
const POOL_DELAY_SERIAL: u64 = 1;
/// Cycles from the last group of a block to `block_done`: its multipliers are read one before.
const BLOCK_DELAY: u32 = 5;

/// One word on its way to the tile memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostWrite {
    /// Byte address.
    pub addr: usize,
    /// Bytes written, 1 to the word.
    pub bytes: usize,
    /// The bytes; those from `bytes` on are not written.
    pub data: [u8; MAX_WORD],
}

/// What the unit shows in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PostOut {
    /// The write port.
    pub write: Option<PostWrite>,
    /// The parameters of a block are no longer needed.
    pub block_done: bool,
    /// A read issued in the next cycle sees the job's last word.
    pub done: bool,
}

/// The post unit of one tile.
#[derive(Debug, Clone)]
pub struct Post {
    geometry: Geometry,
    word_bytes: usize,
    reduce_columns: usize,
    address_mask: i64,
    job: Option<Job>,
    blocks: [Block; 2],
    weights: Weights,
    /// Cycles from the last tap of a word to its last group.
    pool_delay: u64,
    write_delay: u64,
    constants: Constants,
    pool: Pool,
    /// The word that `run` is collecting.
    collected: [u8; MAX_WORD],
    bank: usize,
    vector: u64,
    second: bool,
    walk: OutputWalk,
    cycle: u64,
    /// Words not yet written, by cycle.
    writes: VecDeque<(u64, [u8; MAX_WORD])>,
    /// Bit k: `block_done` in k cycles.
    block_ends: u32,
    done: bool,
    written: u32,
}

impl Post {
    /// A unit after reset.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            geometry: *geometry,
            word_bytes: geometry.word_bytes(),
            reduce_columns: geometry.reduce_columns,
            address_mask: geometry.tile_bytes() as i64 - 1,
            job: None,
            blocks: [Block::default(); 2],
            weights: Weights::new(geometry.depthwise_taps),
            pool_delay: if geometry.serial_post() { POOL_DELAY_SERIAL } else { POOL_DELAY }
                + u64::from(geometry.depthwise_taps > 0)
                + ((geometry.groups() - 1) * geometry.group_cycles()) as u64,
            write_delay: if geometry.serial_post() { WRITE_DELAY_SERIAL } else { WRITE_DELAY },
            constants: Constants::default(),
            pool: Pool::default(),
            collected: [0; MAX_WORD],
            bank: 0,
            vector: 0,
            second: false,
            walk: OutputWalk::default(),
            cycle: 0,
            writes: VecDeque::with_capacity(WRITE_DELAY_SERIAL as usize + MAX_WORD),
            block_ends: 0,
            done: false,
            written: 0,
        }
    }

    /// Takes a `run` or `post`, before the step of the cycle of `start_i`; other instructions are
    /// not the unit's.
    pub fn start(&mut self, instr: &Instr, output_offset: usize) {
        let Some(job) = Job::new(instr, &self.geometry, output_offset as i64) else {
            return;
        };
        self.walk = OutputWalk::new(job.loops);
        self.job = Some(job);
        self.vector = 0;
        self.written = 0;
    }

    /// The output row of the next sums of `run`; the first is 1.
    #[must_use]
    pub fn row(&self) -> usize {
        self.job.map_or(0, |job| (self.vector / job.row_vectors.max(1)) as usize) + 1
    }

    /// Says whether the sums of the next [`step`](Self::step) are by the second gate value.
    pub const fn set_second(&mut self, second: bool) {
        self.second = second;
    }

    /// Words written by the present or last job.
    #[must_use]
    pub const fn written(&self) -> u32 {
        self.written
    }

    /// One cycle: what the unit shows in it, with the group of sums, the tap and the parameter word
    /// that are handed over in it.
    pub fn step(
        &mut self,
        sums: Option<&(usize, [i32; MAX_COLUMNS])>,
        tap: Option<&Tap>,
        param: Option<&Param>,
    ) -> PostOut {
        let mut out = PostOut { write: None, block_done: self.block_ends & 1 == 1, done: self.done };
        self.block_ends >>= 1;
        self.done = false;
        if let Some(job) = self.job {
            out.write = self.write(&job);
            if let Some((group, sums)) = sums {
                self.take_sums(&job, *group, sums);
            }
            if let Some(tap) = tap {
                self.take_tap(&job, tap);
            }
            if let Some(param) = param {
                if param.weights {
                    self.weights.load(param);
                } else if param.columns {
                    self.blocks[usize::from(param.bank)].load(param, self.word_bytes);
                } else {
                    self.constants.load(param, self.word_bytes);
                }
            }
        }
        self.cycle += 1;
        out
    }

    /// The write that is due.
    fn write(&mut self, job: &Job) -> Option<PostWrite> {
        let &(due, data) = self.writes.front()?;
        if due != self.cycle {
            return None;
        }
        self.writes.pop_front();
        let bytes = if self.walk.last(job.ragged_level) { job.last_bytes } else { self.word_bytes };
        let addr = (self.walk.addr() & self.address_mask) as usize;
        self.done = !self.walk.advance();
        self.written += 1;
        Some(PostWrite { addr, bytes, data })
    }

    fn take_sums(&mut self, job: &Job, group: usize, sums: &[i32; MAX_COLUMNS]) {
        let first = group * self.reduce_columns;
        for (lane, sum) in sums[..self.reduce_columns].iter().enumerate() {
            let column = first + lane;
            self.collected[column] = job.requantise(&self.blocks[self.bank], column, *sum, self.second) as u8;
        }
        if first + self.reduce_columns < self.word_bytes {
            return;
        }
        self.writes.push_back((self.cycle + self.write_delay, self.collected));
        self.end_vector(job, BLOCK_DELAY - 1);
    }

    /// Counts a word of a block, whose last one ends the block `delay` cycles after the next.
    fn end_vector(&mut self, job: &Job, delay: u32) {
        self.vector += 1;
        if self.vector == job.vectors {
            self.vector = 0;
            self.bank ^= 1;
            self.block_ends |= 1 << delay;
        }
    }

    fn take_tap(&mut self, job: &Job, tap: &Tap) {
        let Source::Post(op) = job.source else { return };
        let depthwise = op == PostOp::Depthwise;
        let weights = if depthwise { Some(self.weights.of(tap.index)) } else { None };
        self.pool.take(op, tap, weights);
        if !tap.last {
            return;
        }
        let mut data = [0; MAX_WORD];
        for (column, byte) in data[..self.word_bytes].iter_mut().enumerate() {
            *byte = if depthwise {
                job.requantise(&self.blocks[self.bank], column, self.pool.values[column], false)
            } else {
                job.combine(op, &self.constants, &self.pool, column)
            } as u8;
        }
        self.writes.push_back((self.cycle + self.pool_delay + self.write_delay, data));
        if depthwise {
            self.end_vector(job, self.pool_delay as u32 + BLOCK_DELAY - 1);
        }
    }
}
