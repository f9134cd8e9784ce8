//! What a feeder issues of `post`.

use super::{Feeder, Kind, Slot};
use crate::memory::TileMemory;

impl Feeder {
    /// The next tap of `post`, or a word that its next tap is multiplied by.
    pub(super) fn issue_tap(&mut self, memory: &TileMemory) -> Slot {
        let (last, serial) = (self.walker.last(), self.geometry.serial_post());
        if self.gives_way || ((last || serial) && self.gap != 0) {
            return Slot::default();
        }
        if last {
            self.gap = (self.geometry.groups() * self.geometry.group_cycles()) as u8;
        } else if serial {
            self.gap = self.geometry.groups() as u8;
        }
        let window = self.window(memory, 0);
        let first = self.walker.first();
        let slot = if self.product && !self.tap_next {
            Slot { kind: Kind::Weights, index: self.taps - 1, bank: self.bank, window, ..Slot::default() }
        } else {
            let first = if self.product { self.first } else { first };
            Slot {
                kind: Kind::Tap,
                index: self.tap_index(),
                pad: self.walker.pad(),
                first,
                last,
                window,
                ..Slot::default()
            }
        };
        self.tap_next = self.product && !self.tap_next;
        self.first = first;
        self.end_window();
        slot
    }

    /// Whose weights meet the current window; of a product it is every second one.
    fn tap_index(&self) -> u8 {
        let taps = self.geometry.depthwise_taps.max(1) as u8;
        (self.walker.tap() >> u8::from(self.product)) & (taps - 1)
    }
}
