//! `lacuna_core`: the whole chip behind its host bus.
//!
//! ```
//! use lacuna_golden::Chip;
//! use lacuna_spec::{Geometry, map, regs};
//!
//! let mut chip = Chip::new(Geometry::NANO);
//! chip.write_beat(map::tile_word(0, 3), &[1, 2, 3, 4])?;
//! let report = chip.run(0)?; // the program memory holds zeros: `halt`
//! assert_eq!(chip.register(regs::CYCLES), Some(report.counters.cycles));
//! assert_eq!(chip.read_beat(map::tile_word(0, 3))?, [1, 2, 3, 4]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod bus;
mod dispatch;

pub use bus::BusError;

use crate::{
    control::{
        Cause, Counters, Events, Profile, Record, Scoreboard, Sequencer, SequencerIn, Slots, TileMask, tiles_of,
    },
    feeder::MAX_WORD,
    reshape::{Fabric, Memories},
    tile::Tile,
};
use lacuna_spec::Geometry;

/// Cycles without any progress after which a program counts as hung: no instruction dispatched, no
/// job done, no digit, no beat, no use of a memory port. The chip's longest pipeline is shorter than 100 cycles.
pub const HANG_LIMIT: u32 = 4096;

/// The instruction that stopped a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("instruction {instruction} is refused ({cause:?}); see the FAULT register for the causes")]
pub struct Fault {
    /// Its index.
    pub instruction: usize,
    /// What is wrong with it.
    pub cause: Cause,
}

/// Why a program did not reach its halt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// An instruction was refused.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A `load` waits for pages that only the host can bring; load them, write PHASE and resume.
    #[error("instruction {instruction} waits for phase {phase}; load its pages, write PHASE and resume")]
    Phase {
        /// The waiting instruction.
        instruction: usize,
        /// The phase it waits for.
        phase: u32,
    },
    /// A program already runs.
    #[error("a program already runs; resume it to its end before the next start")]
    Running,
    /// Nothing moved for [`HANG_LIMIT`] cycles.
    #[error(
        "instruction {instruction} made no progress for {HANG_LIMIT} cycles, in cycle {cycle}; the program is not valid"
    )]
    Hang {
        /// The instruction under dispatch.
        instruction: usize,
        /// The program's cycle.
        cycle: u32,
    },
}

/// Where the cycles of one instruction went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Attribution {
    /// Tile-cycles in which its array waited for the feeder.
    pub feed: u32,
    /// Tile-cycles in which a lane waited for the reduction.
    pub reduce: u32,
    /// Cycles in which it was held back for the scoreboard or a busy unit.
    pub hazard: u32,
}

/// What a finished program did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RunReport {
    /// The chip's counters.
    pub counters: Counters,
    /// Jobs in the order in which they ended, with the instruction and the tile.
    pub jobs: Vec<Job>,
    /// For each instruction of the program memory.
    pub attribution: Vec<Attribution>,
    /// For each instruction of the program memory and tile, at `instruction * tiles + tile`: the slots spent on it.
    /// All together they are `cycles * tiles * lanes`.
    #[serde(skip)]
    pub slots: Vec<Slots>,
}

/// One instruction on one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Job {
    /// Index of the instruction.
    pub instruction: usize,
    /// The tile; of a reshape, its source.
    pub tile: usize,
    /// Its profile record.
    pub record: Record,
}

/// The chip.
#[derive(Debug, Clone)]
pub struct Chip {
    geometry: Geometry,
    tiles: Vec<Tile>,
    fabric: Fabric,
    sequencer: Sequencer,
    scoreboard: Scoreboard,
    profile: Profile,
    counters: Counters,
    fault: Option<Fault>,
    runs: u32,
    phase: u32,
    /// Offsets of input and output, and their values at the last start.
    offsets: [usize; 2],
    sampled: [usize; 2],
    /// Instruction of the last job that each unit has begun; compute units first.
    jobs: Vec<usize>,
    /// Instruction of the last job that each tile was given.
    given: Vec<usize>,
    ended: Vec<(usize, usize)>,
    attribution: Vec<Attribution>,
    slots: Vec<Slots>,
    still: u32,
}

impl Memories for [Tile] {
    fn read(&self, tile: usize, addr: usize) -> [u8; MAX_WORD] {
        self[tile].memory().read(addr, 0)
    }

    fn write(&mut self, tile: usize, addr: usize, bytes: &[u8]) {
        self[tile].memory_mut().write(addr, bytes);
    }
}

impl Chip {
    /// A chip after reset, its memories 0.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        Self {
            tiles: vec![Tile::new(&geometry); geometry.tiles],
            fabric: Fabric::new(&geometry),
            sequencer: Sequencer::new(&geometry),
            scoreboard: Scoreboard::default(),
            profile: Profile::new(&geometry),
            counters: Counters::default(),
            fault: None,
            runs: 0,
            phase: 0,
            offsets: [0; 2],
            sampled: [0; 2],
            jobs: vec![0; 2 * geometry.tiles],
            given: vec![0; geometry.tiles],
            ended: Vec::new(),
            attribution: vec![Attribution::default(); geometry.program_len],
            slots: vec![Slots::default(); geometry.program_len * geometry.tiles],
            still: 0,
            geometry,
        }
    }

    /// The chip's size.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// A program runs.
    #[must_use]
    pub fn running(&self) -> bool {
        self.sequencer.running()
    }

    /// Cycles of the last or running program.
    #[must_use]
    pub fn cycles(&self) -> u32 {
        self.counters.cycles
    }

    /// The chip's counters.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Why the last program stopped, unless at its halt.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The profile record of an instruction on a tile.
    #[must_use]
    pub fn record(&self, instruction: usize, tile: usize) -> Record {
        self.profile.record(instruction, tile)
    }

    /// A tile, to look into.
    #[must_use]
    pub fn tile(&self, tile: usize) -> &Tile {
        &self.tiles[tile]
    }

    /// What a write of START does: ignored while a program runs.
    pub fn start(&mut self, instruction: usize) {
        if self.running() {
            return;
        }
        self.sequencer.start(instruction);
        self.sampled = self.offsets;
        self.counters = Counters::default();
        self.fault = None;
        self.still = 0;
        self.ended.clear();
        self.attribution.fill(Attribution::default());
        self.slots.fill(Slots::default());
    }

    /// Starts a program and runs it to its halt.
    ///
    /// # Errors
    /// [`RunError`]; after [`RunError::Phase`] the program can be [resumed](Self::resume).
    pub fn run(&mut self, instruction: usize) -> Result<RunReport, RunError> {
        if self.running() {
            return Err(RunError::Running);
        }
        self.start(instruction);
        self.resume()
    }

    /// Runs the program in hand to its halt.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn resume(&mut self) -> Result<RunReport, RunError> {
        self.advance(None)?;
        match self.fault {
            Some(fault) => Err(fault.into()),
            None => Ok(self.report()),
        }
    }

    /// Runs the program in hand until it has come to an instruction, those before it having had their turn, or has ended.
    ///
    /// # Errors
    /// [`RunError::Phase`] or [`RunError::Hang`] before that.
    pub fn advance(&mut self, to: Option<usize>) -> Result<(), RunError> {
        while self.running() && to.is_none_or(|instruction| self.sequencer.index() < instruction) {
            if let Some(phase) = self.sequencer.waits_for_phase()
                && !self.any_busy()
                && phase > self.phase
            {
                return Err(RunError::Phase { instruction: self.sequencer.index(), phase });
            }
            if self.still >= HANG_LIMIT {
                return Err(RunError::Hang { instruction: self.sequencer.index(), cycle: self.counters.cycles });
            }
            self.step();
        }
        Ok(())
    }

    /// What the last program did.
    #[must_use]
    pub fn report(&self) -> RunReport {
        let job = |&(instruction, tile)| Job { instruction, tile, record: self.record(instruction, tile) };
        RunReport {
            counters: self.counters,
            jobs: self.ended.iter().map(job).collect(),
            attribution: self.attribution.clone(),
            slots: self.slots.clone(),
        }
    }

    /// Runs one cycle. Without a program nothing happens.
    pub fn step(&mut self) {
        if !self.running() {
            return;
        }
        let tiles = self.geometry.tiles;
        let dispatch = self.sequencer.dispatch();
        let any_busy = self.any_busy();
        let records = self.profile.busy();
        let [occupied, pending] = [Tile::occupied, Tile::waits].map(|state| self.tiles_that(state));
        if dispatch.compute != 0 {
            self.start_compute(dispatch.compute);
        }
        let waits = dispatch.stall_load && !any_busy;
        let mut events = Events { stall_hazard: dispatch.stall_hazard, ..Events::default() };
        let [mut feeding, mut posting, mut compute_done, mut working, mut begins]: [TileMask; 5] = [0; 5];
        for (number, tile) in self.tiles.iter_mut().enumerate() {
            let cycle = tile.step(records >> number & 1 == 0);
            if cycle.begins {
                begins |= 1 << number;
                self.jobs[number] = self.given[number];
            }
            feeding |= TileMask::from(cycle.read_used) << number;
            posting |= TileMask::from(cycle.write_used) << number;
            compute_done |= TileMask::from(cycle.done) << number;
            working |= TileMask::from(cycle.working) << number;
            events.digits += cycle.digits;
            events.cells += cycle.cells;
            events.stall_feed += u32::from(cycle.stall_feed);
            events.stall_reduce += u32::from(cycle.stall_reduce);
            let of = &mut self.attribution[self.jobs[number]];
            of.feed += u32::from(cycle.stall_feed);
            of.reduce += u32::from(cycle.stall_reduce);
            if cycle.done {
                self.slots[self.jobs[number] * tiles + number].merge(&tile.take_slots());
            }
        }
        if !waits {
            self.account_idle(working);
        }
        let fabric = self.fabric.step(feeding, posting, self.tiles.as_mut_slice());
        for tile in tiles_of(fabric.refused) {
            self.tiles[tile].refuse();
        }
        events.beats = fabric.sent.count_ones();
        if dispatch.reshape != 0 {
            self.start_reshape(dispatch.reshape);
        }
        let done = u16::from(compute_done) | u16::from(fabric.done) << tiles;
        self.watch(dispatch, fabric, done, waits || feeding | posting != 0 || events.digits != 0);
        let inputs = SequencerIn {
            phase: self.phase,
            offsets: self.sampled,
            compute_busy: if tiles == 1 { records as TileMask } else { occupied },
            reshape_busy: (records >> tiles) as TileMask,
            any_busy,
        };
        self.control(inputs, pending, dispatch, begins, compute_done, fabric);
        self.counters.add(&events, !waits);
    }
}
