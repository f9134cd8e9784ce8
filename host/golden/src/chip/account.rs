//! What the cycles of a program were spent on, and whether anything moves: what no register shows.

use super::Chip;
use crate::control::{Dispatch, Loss, TileMask, tiles_of};
use crate::reshape::FabricCycle;

impl Chip {
    /// Gives the slots of tiles without a job their cause, and the instruction that they waited for.
    pub(super) fn account_idle(&mut self, working: TileMask) {
        let tiles = self.geometry.tiles;
        let idle = !working & (((1u16 << tiles) - 1) as TileMask);
        if idle == 0 {
            return;
        }
        let moving = || (0..tiles).find(|&tile| self.fabric.engine(tile).busy());
        let (cause, instruction) = if working != 0 {
            (Loss::TileImbalance, self.jobs[working.trailing_zeros() as usize])
        } else if let Some(tile) = moving() {
            (Loss::Reshape, self.jobs[tiles + tile])
        } else {
            (self.sequencer.waits_for(), self.sequencer.index())
        };
        for tile in tiles_of(idle) {
            self.slots[instruction * tiles + tile].add(cause, self.geometry.lanes as u32);
        }
    }

    /// Keeps the list of jobs, the attribution and the watch over progress.
    pub(super) fn watch(&mut self, dispatch: Dispatch, fabric: FabricCycle, done: u16, working: bool) {
        let tiles = self.geometry.tiles;
        self.attribution[self.sequencer.index()].hazard += u32::from(dispatch.stall_hazard);
        if done != 0 {
            let ended = (0..2 * tiles).filter(|unit| done >> unit & 1 == 1).map(|unit| (self.jobs[unit], unit % tiles));
            self.ended.extend(ended);
        }
        let moved = working || done != 0 || dispatch.compute | dispatch.reshape | fabric.read | fabric.written != 0;
        self.still = if moved { 0 } else { self.still + 1 };
    }
}
