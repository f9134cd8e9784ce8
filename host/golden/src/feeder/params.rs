//! What a feeder issues of parameters (`lacuna_param_reader`).

use super::{Feeder, Kind, Slot};
use crate::memory::TileMemory;
use lacuna_spec::geometry::{PARAM_WORDS, SECOND_BIASES};

impl Feeder {
    /// The next word of a block's weights, of their signs, of its other parameters, or of the constants of `post`.
    pub(super) fn issue_param(&mut self, memory: &TileMemory) -> Slot {
        let new_block = self.param_index == 0 && self.weights == self.depthwise && !self.signs;
        if (self.run || self.depthwise) && new_block {
            if self.loaded == 2 {
                return Slot::default();
            }
            self.loaded += 1;
        }
        self.reading = true;
        let slot = Slot {
            kind: match (self.weights, self.signs) {
                (true, false) => Kind::Weights,
                (true, true) => Kind::Signs,
                (false, _) => Kind::Param,
            },
            index: self.param_index,
            bank: self.bank,
            window: memory.read(self.param_addr, 0),
            ..Slot::default()
        };
        self.param_addr += self.geometry.word_bytes();
        self.param_index = self.param_index.wrapping_add(1);
        if self.monitored && usize::from(self.param_index) == PARAM_WORDS {
            self.param_index = SECOND_BIASES as u8;
        }
        if self.weights && self.param_index == self.taps {
            self.param_index = 0;
            self.signs = self.wide && !self.signs;
            self.weights = self.signs;
        } else if !self.weights && self.param_index == self.params {
            self.param_index = 0;
            self.weights = self.depthwise;
            self.bank ^= u8::from(self.run || self.depthwise);
            self.state = self.row_start();
        }
        slot
    }
}
