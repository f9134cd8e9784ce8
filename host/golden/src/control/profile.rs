//! `lacuna_profile` and, with one tile, `lacuna_profile_serial`: times jobs and keeps a record for
//! each instruction and tile.

use lacuna_spec::{
    Geometry,
    regs::{Decisions, PROFILE_BITS},
};

const LIMIT: u32 = (1 << PROFILE_BITS) - 1;

/// What one instruction did on one tile; fields saturate at 24 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Record {
    /// Cycle of the program in which the unit started.
    pub start: u32,
    /// Cycles from then to its last, inclusive.
    pub cycles: u32,
    /// Digits issued, words written or beats sent.
    pub work: u32,
    /// What the sparsity monitor decided.
    pub decisions: Decisions,
}

#[derive(Debug, Clone, Copy, Default)]
struct Unit {
    index: usize,
    record: Record,
}

/// The units' clocks and the records. Units 0 to `tiles - 1` compute, the others reshape.
#[derive(Debug, Clone)]
pub struct Profile {
    tiles: usize,
    busy: u16,
    waits: u16,
    /// The unit whose record is written next, if one was waiting behind another: it keeps its turn, for it is not busy any more.
    next: u16,
    /// Fields of the record in hand that are written, in a serial chip.
    fields: u8,
    units: Vec<Unit>,
    records: Vec<Record>,
}

impl Profile {
    /// No unit is busy and no instruction has run.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            tiles: geometry.tiles,
            busy: 0,
            waits: 0,
            next: 0,
            fields: 0,
            units: vec![Unit::default(); 2 * geometry.tiles],
            records: vec![Record::default(); geometry.tiles * geometry.program_len],
        }
    }

    /// Units that may not be started in the next cycle: they run, or their record will not be written by then.
    #[must_use]
    pub fn busy(&self) -> u16 {
        if self.tiles == 1 {
            return self.busy;
        }
        let writes = self.turn();
        self.busy & !writes & !lowest(self.waits & !writes)
    }

    /// The unit whose record is written in this cycle, unless the chip is serial.
    fn turn(&self) -> u16 {
        if self.next != 0 { self.next } else { lowest(self.waits) }
    }

    /// A record is not written yet.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.waits != 0
    }

    /// The record of an instruction on a tile; zeros if it has not run there.
    #[must_use]
    pub fn record(&self, instruction: usize, tile: usize) -> Record {
        self.records[instruction * self.tiles + tile]
    }

    /// One clock: `cycle` is the program's, `indices` the instruction of each unit that starts, `work` that of each unit that is done or waits, and its decisions.
    pub fn step(
        &mut self,
        cycle: u32,
        indices: &[usize],
        start: u16,
        done: u16,
        work: impl Fn(usize) -> (u32, Decisions),
    ) {
        if self.busy == 0 && start == 0 {
            return;
        }
        let written = self.written();
        if written != 0 {
            let unit = written.trailing_zeros() as usize;
            let Unit { index, record } = self.units[unit];
            let (work, decisions) = work(unit);
            self.records[index * self.tiles + unit % self.tiles] = Record { work, decisions, ..record };
        }
        for (number, unit) in self.units.iter_mut().enumerate() {
            if start >> number & 1 == 1 {
                *unit = Unit {
                    index: indices[number],
                    record: Record { start: cycle.min(LIMIT), cycles: 1, ..Record::default() },
                };
            } else if self.waits >> number & 1 == 0 {
                unit.record.cycles = (unit.record.cycles + 1).min(LIMIT);
            }
        }
        self.busy = self.busy & !written | start;
        self.next = if self.tiles == 1 { 0 } else { lowest(self.waits & !written) };
        self.waits = self.waits & !written | done;
    }

    /// The unit whose record is complete with this cycle's write, one-hot.
    fn written(&mut self) -> u16 {
        if self.tiles == 1 && self.waits != 0 {
            self.fields = (self.fields + 1) % 3;
            if self.fields != 0 {
                return 0;
            }
        }
        self.turn()
    }
}

/// The lowest bit of a set.
const fn lowest(units: u16) -> u16 {
    units & units.wrapping_neg()
}
