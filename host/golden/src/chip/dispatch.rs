//! From the sequencer to the units, and the clock edge of control.

use super::{Chip, Fault};
use crate::control::{Dispatch, SequencerIn, TileMask, tiles_of};
use crate::reshape::FabricCycle;
use crate::tile::Tile;
use lacuna_spec::instr::{Head, Instr, Reshape};
use lacuna_spec::regs::Decisions;

impl Chip {
    /// Some unit has a job, or a record that is not written.
    pub(super) fn any_busy(&self) -> bool {
        self.profile.busy() != 0 || self.geometry.tiles > 1 && self.tiles_that(Tile::occupied) != 0
    }

    pub(super) fn tiles_that(&self, state: impl Fn(&Tile) -> bool) -> TileMask {
        self.tiles.iter().enumerate().map(|(number, tile)| TileMask::from(state(tile)) << number).sum()
    }

    pub(super) fn start_compute(&mut self, mask: TileMask) {
        let Some(instr) = self.sequencer.instr() else {
            return;
        };
        for tile in tiles_of(mask) {
            self.tiles[tile].start(instr, self.sampled[0], self.sampled[1]);
            self.given[tile] = self.sequencer.index();
            if !self.tiles[tile].busy() {
                self.jobs[tile] = self.given[tile];
            }
        }
    }

    pub(super) fn start_reshape(&mut self, mask: TileMask) {
        let Some(Instr::Reshape(head, job)) = self.sequencer.instr() else {
            return;
        };
        let several = mask & (mask - 1) != 0;
        for tile in tiles_of(mask) {
            let targets = if several && job.gather == 0 { 1 << tile } else { head.targets };
            let job = Reshape { target: job.target + job.tiles_ahead(tile), ..*job };
            self.fabric.start(tile, &Head { targets, ..*head }, &job, self.sampled[0], self.sampled[1]);
            self.jobs[self.geometry.tiles + tile] = self.sequencer.index();
        }
    }

    /// The clock edge of control.
    pub(super) fn control(
        &mut self,
        inputs: SequencerIn,
        pending: TileMask,
        dispatch: Dispatch,
        begins: TileMask,
        compute_done: TileMask,
        fabric: FabricCycle,
    ) {
        let tiles = self.geometry.tiles;
        let (head, index) = (*self.sequencer.head(), self.sequencer.index());
        let conflict = self.sequencer.asks() && self.scoreboard.conflict(&head, pending, compute_done, fabric.done);
        self.sequencer.step(inputs, conflict);
        self.scoreboard.step(&head, pending, [dispatch.compute, dispatch.reshape], [compute_done, fabric.done]);
        // The only tile of a serial chip begins what it is given.
        let begins = if tiles == 1 { dispatch.compute } else { begins };
        let starts = u16::from(begins) | u16::from(dispatch.reshape) << tiles;
        let dones = u16::from(compute_done) | u16::from(fabric.done) << tiles;
        let work = |unit: usize| match unit.checked_sub(tiles) {
            None => (self.tiles[unit].work(), *self.tiles[unit].decisions()),
            Some(engine) => (self.fabric.engine(engine).work(), Decisions::default()),
        };
        self.profile.step(self.counters.cycles, &self.jobs, starts, dones, work);
        // A program ends as soon as no unit is busy; records that are not written by then follow.
        while !self.sequencer.running() && self.profile.waits() {
            self.profile.step(self.counters.cycles, &self.jobs, 0, 0, work);
        }
        if let Some(cause) = dispatch.fault {
            self.fault = Some(Fault { instruction: index, cause });
        }
        if !self.sequencer.running() {
            self.runs = self.runs.wrapping_add(1);
        }
    }
}
