//! Combines the taps of an output word (`lacuna_depthwise`, `lacuna_pool`).

use crate::feeder::{MAX_WORD, Tap};
use lacuna_spec::instr::PostOp;

/// Combined taps so far, by column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pool {
    /// The sum, the maximum, or operand a.
    pub values: [i32; MAX_WORD],
    /// Operand b.
    pub second: [i8; MAX_WORD],
}

impl Pool {
    /// Takes one tap and, for `depthwise`, its weights.
    pub fn take(&mut self, op: PostOp, tap: &Tap, weights: Option<&[i16; MAX_WORD]>) {
        if tap.first {
            let none = if op == PostOp::Max { i32::from(i8::MIN) } else { 0 };
            self.values = [none; MAX_WORD];
        }
        match op {
            PostOp::Max if tap.pad => {}
            PostOp::Max => self.merge(tap, i32::max),
            PostOp::Sum => self.merge(tap, |sum, byte| sum + byte),
            PostOp::Depthwise => {
                let weights = weights.expect("depthwise has weights");
                for ((sum, d), weight) in self.values.iter_mut().zip(tap.data).zip(weights) {
                    *sum += i32::from(d) * i32::from(*weight);
                }
            }
            PostOp::Add if tap.first => self.values = tap.data.map(i32::from),
            PostOp::Add => self.second = tap.data.map(|byte| byte as i8),
        }
    }

    fn merge(&mut self, tap: &Tap, combine: impl Fn(i32, i32) -> i32) {
        for (value, byte) in self.values.iter_mut().zip(&tap.data) {
            *value = combine(*value, i32::from(*byte));
        }
    }
}
