//! Output rows that are measured before they are fed.

use super::{Feeder, Kind, Slot, State};
use crate::memory::TileMemory;

impl Feeder {
    /// The output row that the feeder stands at, modulo those that the monitor remembers; the first is 1.
    #[must_use]
    pub fn row(&self) -> usize {
        self.row.into()
    }

    /// What comes first in an output row.
    pub(super) fn row_start(&self) -> State {
        if self.monitored && self.first_block { State::Probe } else { State::Windows }
    }

    /// Each window of an output row twice, for the two gate values; then the walker goes back.
    pub(super) fn issue_probe(&mut self, memory: &TileMemory) -> Slot {
        let second = self.probe_second;
        let last = second && self.walker.row_end();
        let slot = Slot {
            kind: Kind::Probe,
            pad: self.walker.pad(),
            last,
            count: self.walker.bytes(),
            second,
            window: self.window(memory, 0),
            ..Slot::default()
        };
        self.probe_second = !second;
        if last {
            self.walker.again();
            self.state = State::Settle;
        } else if second {
            self.walker.advance();
        }
        slot
    }
}
