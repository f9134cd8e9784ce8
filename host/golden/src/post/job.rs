//! What an instruction asks of the post unit.

use super::{
    params::{Block, Constants},
    pool::Pool,
    walk::Loops,
};
use lacuna_spec::{
    Geometry,
    instr::{Instr, PostConstants, PostOp, Rule, Walk},
    numerics,
};

/// Where the values of a job come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Sums of the array.
    Run,
    /// Taps.
    Post(PostOp),
}

/// One job, unpacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub source: Source,
    rule: Rule,
    zero: i32,
    clamp_lo: i8,
    clamp_hi: i8,
    /// Vectors, or words, of a column block; 0 without blocks.
    pub vectors: u64,
    /// Vectors of an output row.
    pub row_vectors: u64,
    /// Bytes of the last word of the loop that can be ragged.
    pub last_bytes: usize,
    /// That loop's level.
    pub ragged_level: usize,
    pub loops: Loops,
}

impl Job {
    /// The job of `run` or `post`; nothing for the others.
    pub fn new(instr: &Instr, geometry: &Geometry, output_offset: i64) -> Option<Self> {
        let word_bytes = geometry.word_bytes() as i64;
        let (Instr::Run(head, walk, _) | Instr::Post(head, walk, _)) = instr else {
            return None;
        };
        let origin = walk.out_start + if head.to_output == 1 { output_offset } else { 0 };
        let rule = |bit| if bit == 0 { Rule::A } else { Rule::B };
        Some(match instr {
            Instr::Run(_, _, tail) => Self {
                source: Source::Run,
                rule: rule(tail.rule),
                zero: tail.zero as i32,
                clamp_lo: tail.clamp_lo as i8,
                clamp_hi: tail.clamp_hi as i8,
                vectors: (walk.out_h * walk.out_w) as u64,
                row_vectors: walk.out_w as u64,
                last_bytes: tail.last_columns as usize,
                ragged_level: 2,
                loops: block_loops(walk, [tail.out_step_x, tail.out_step_y, word_bytes], origin),
            },
            Instr::Post(_, _, tail) if tail.depthwise(geometry) => Self {
                source: Source::Post(PostOp::Depthwise),
                rule: rule(tail.rule),
                zero: tail.zero as i32,
                clamp_lo: tail.clamp_lo as i8,
                clamp_hi: tail.clamp_hi as i8,
                vectors: (walk.out_h * walk.out_w) as u64,
                row_vectors: walk.out_w as u64,
                last_bytes: walk.tail as usize,
                ragged_level: 2,
                loops: block_loops(walk, [tail.out_step_x, tail.out_step_y, word_bytes], origin),
            },
            Instr::Post(_, _, tail) => Self {
                source: Source::Post(match tail.op {
                    0 => PostOp::Max,
                    2 => PostOp::Add,
                    _ => PostOp::Sum,
                }),
                rule: rule(tail.rule),
                zero: tail.zero as i32,
                clamp_lo: tail.clamp_lo as i8,
                clamp_hi: tail.clamp_hi as i8,
                vectors: 0,
                row_vectors: 0,
                last_bytes: walk.tail as usize,
                ragged_level: 0,
                loops: Loops {
                    origin,
                    counts: [walk.segments, walk.out_w, walk.out_h],
                    steps: [word_bytes, tail.out_step_x, tail.out_step_y],
                },
            },
            _ => return None,
        })
    }

    /// The output of a column of `run` or `depthwise`; `second`: its sum is by the second gate value.
    pub fn requantise(&self, block: &Block, column: usize, sum: i32, second: bool) -> i8 {
        let acc = sum.wrapping_add(block.biases[usize::from(second)][column]);
        self.rescale(acc, block.multipliers[column], i32::from(block.shifts[column]))
    }

    /// The output of a column of the rest of `post`.
    pub fn combine(&self, op: PostOp, constants: &Constants, pool: &Pool, column: usize) -> i8 {
        let value = pool.values[column];
        match op {
            PostOp::Max => numerics::clamp(value.into(), self.clamp_lo, self.clamp_hi),
            PostOp::Sum | PostOp::Depthwise => {
                self.rescale(value.wrapping_add(constants.mb()), constants.ma(), constants.shift())
            }
            PostOp::Add => {
                let sum = numerics::linear(
                    value as i8,
                    pool.second[column],
                    constants.ma(),
                    constants.mb(),
                    PostConstants::add_bias(constants.ma().into(), constants.mb().into(), constants.bias()),
                    constants.shift() as u32,
                    self.rule == Rule::B,
                );
                numerics::clamp(sum, self.clamp_lo, self.clamp_hi)
            }
        }
    }

    fn rescale(&self, acc: i32, multiplier: i32, shift: i32) -> i8 {
        let value = match self.rule {
            Rule::A => numerics::requantise_a(acc, multiplier, shift, self.zero),
            Rule::B => numerics::requantise_b(acc, f32::from_bits(multiplier as u32), self.zero),
        };
        numerics::clamp(value.into(), self.clamp_lo, self.clamp_hi)
    }
}

fn block_loops(walk: &Walk, steps: [i64; 3], origin: i64) -> Loops {
    Loops { origin, counts: [walk.out_w, walk.out_h, walk.blocks], steps }
}
