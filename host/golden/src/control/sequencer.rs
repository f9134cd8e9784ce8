//! `lacuna_sequencer`: fetches, checks, waits, dispatches.

use super::{Loss, TileMask};
use crate::reshape::{BOUNDS_CYCLES, out_of_bounds};
use lacuna_spec::{
    Geometry,
    instr::{Head, INSTR_BYTES, Instr, LINEAR, LINEAR_COLUMNS, Opcode, Reshape},
};

/// Why a program was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[repr(u8)]
pub enum Cause {
    /// Unknown opcode, or a reshape that asks for a transposer that is not there or does not take the matrix.
    Opcode = 1,
    /// A region outside the tile memory, or with `lo` above `hi`.
    Region = 2,
    /// No tile, no target, one that does not exist, or a reshape with several sources and other targets that is no `gather`.
    Tile = 3,
    /// A reshape that leaves its memories.
    Bounds = 4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// The beat that is read.
    Fetch(usize),
    Last,
    /// Cycles of it that are left.
    Check(usize),
    Issue,
    Drain,
    /// A serial chip's job runs.
    Hold,
}

/// What the sequencer looks at in a cycle.
#[derive(Debug, Clone, Copy)]
pub struct SequencerIn {
    /// Phase that the host has loaded.
    pub phase: u32,
    /// INPUT_OFFSET and OUTPUT_OFFSET of the program, in bytes.
    pub offsets: [usize; 2],
    /// Tiles that take no compute job.
    pub compute_busy: TileMask,
    /// Reshape engines that take no job.
    pub reshape_busy: TileMask,
    /// Some unit has a job, or a record that is not written.
    pub any_busy: bool,
}

/// What the sequencer does in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dispatch {
    /// Compute units that start.
    pub compute: TileMask,
    /// Reshape engines that start.
    pub reshape: TileMask,
    /// A job is held back.
    pub stall_hazard: bool,
    /// A `load` waits for its phase. Such a cycle counts for nothing if no unit is busy.
    pub stall_load: bool,
    /// An instruction is refused.
    pub fault: Option<Cause>,
}

/// The sequencer. [`Sequencer::dispatch`] is a function of its registers, [`Sequencer::step`] the
/// clock edge.
#[derive(Debug, Clone)]
pub struct Sequencer {
    geometry: Geometry,
    program: Vec<[u8; INSTR_BYTES]>,
    state: State,
    index: usize,
    head: Head,
    instr: Option<Instr>,
    cause: Option<Cause>,
    blocked: bool,
}

impl Sequencer {
    /// No program runs; the program memory holds zeros, which is `halt`.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            geometry: *geometry,
            program: vec![[0; INSTR_BYTES]; geometry.program_len],
            state: State::Idle,
            index: 0,
            head: Head::default(),
            instr: None,
            cause: None,
            blocked: false,
        }
    }

    /// The program memory.
    #[must_use]
    pub fn program(&self) -> &[[u8; INSTR_BYTES]] {
        &self.program
    }

    /// The program memory, to be written.
    pub fn program_mut(&mut self) -> &mut [[u8; INSTR_BYTES]] {
        &mut self.program
    }

    /// Starts a program in the next cycle. Ignored while one runs.
    pub fn start(&mut self, index: usize) {
        if !self.running() {
            self.index = index % self.geometry.program_len;
            self.state = State::Fetch(0);
        }
    }

    /// A program runs.
    #[must_use]
    pub fn running(&self) -> bool {
        self.state != State::Idle
    }

    /// Index of the instruction under check or dispatch.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The instruction; `None` when its opcode is unknown.
    #[must_use]
    pub fn instr(&self) -> Option<&Instr> {
        self.instr.as_ref()
    }

    /// The phase that a `load` waits for.
    #[must_use]
    pub fn waits_for_phase(&self) -> Option<u32> {
        (self.state == State::Issue && self.blocked && self.head.opcode == Opcode::Load as i64)
            .then_some(self.head.phase as u32)
    }

    /// The scoreboard is asked in this cycle.
    #[must_use]
    pub fn asks(&self) -> bool {
        matches!(self.state, State::Check(_) | State::Issue) && self.is_job()
    }

    /// What a cycle in which no unit works is spent on.
    #[must_use]
    pub fn waits_for(&self) -> Loss {
        match self.head.opcode {
            _ if self.state != State::Issue => Loss::Dispatch,
            opcode if opcode == Opcode::Load as i64 => Loss::Load,
            opcode if opcode == Opcode::Fence as i64 || opcode == Opcode::Halt as i64 => Loss::Fence,
            _ => Loss::Dispatch,
        }
    }

    /// One job at a time: see `lacuna_control`.
    fn serial(&self) -> bool {
        self.geometry.tiles == 1
    }

    fn is_reshape(&self) -> bool {
        self.head.opcode == Opcode::Reshape as i64
    }

    fn is_job(&self) -> bool {
        let opcode = self.head.opcode;
        self.is_reshape() || opcode == Opcode::Run as i64 || opcode == Opcode::Post as i64
    }

    fn goes(&self) -> bool {
        self.state == State::Issue && self.cause.is_none() && !self.blocked
    }

    /// What happens in this cycle.
    #[must_use]
    pub fn dispatch(&self) -> Dispatch {
        if self.state != State::Issue {
            return Dispatch::default();
        }
        if self.cause.is_some() {
            return Dispatch { fault: self.cause, ..Dispatch::default() };
        }
        if self.blocked {
            let stall_load = self.head.opcode == Opcode::Load as i64;
            return Dispatch { stall_hazard: self.is_job(), stall_load, ..Dispatch::default() };
        }
        let tiles = self.head.tiles as TileMask;
        match (self.is_job(), self.is_reshape()) {
            (true, true) => Dispatch { reshape: tiles, ..Dispatch::default() },
            (true, false) => Dispatch { compute: tiles, ..Dispatch::default() },
            _ => Dispatch::default(),
        }
    }

    /// One clock. `conflict` is the scoreboard's answer in a cycle in which it was asked.
    pub fn step(&mut self, inputs: SequencerIn, conflict: bool) {
        let any_busy = inputs.any_busy;
        let goes = self.goes();
        let (cause, blocked) = match self.state {
            State::Check(_) => (self.check(inputs), self.blocked(inputs, conflict, any_busy)),
            State::Issue => (self.cause, self.blocked(inputs, conflict, any_busy)),
            _ => (None, false),
        };
        self.state = match self.state {
            State::Fetch(beat) if beat + 1 == self.geometry.instr_beats() => State::Last,
            State::Fetch(beat) => State::Fetch(beat + 1),
            State::Last => {
                self.decode();
                let bounds = self.is_reshape() && self.geometry.transposer;
                State::Check(if bounds { BOUNDS_CYCLES } else { 0 })
            }
            State::Check(0) => State::Issue,
            State::Check(left) => State::Check(left - 1),
            State::Issue if self.cause.is_some() => State::Drain,
            State::Issue if !goes => State::Issue,
            State::Issue if self.head.opcode == Opcode::Halt as i64 => State::Idle,
            State::Issue if self.is_job() && self.serial() => State::Hold,
            State::Hold if any_busy => State::Hold,
            State::Issue | State::Hold => {
                self.index = (self.index + 1) % self.geometry.program_len;
                // Its first beat has been read meanwhile.
                State::Fetch(usize::from(!self.serial()))
            }
            State::Drain if any_busy => State::Drain,
            State::Idle | State::Drain => State::Idle,
        };
        self.cause = cause;
        self.blocked = blocked;
    }

    fn decode(&mut self) {
        let bytes = &self.program[self.index];
        self.head = Head::unpack(bytes);
        self.instr = Instr::unpack(bytes).ok();
    }

    fn blocked(&self, inputs: SequencerIn, conflict: bool, any_busy: bool) -> bool {
        let units = if self.is_reshape() { inputs.reshape_busy } else { inputs.compute_busy };
        if self.is_job() {
            conflict || self.head.tiles as TileMask & units != 0
        } else if self.head.opcode == Opcode::Load as i64 {
            i64::from(inputs.phase) < self.head.phase
        } else {
            any_busy
        }
    }

    fn bad_linear(&self, job: &Reshape) -> bool {
        let word = self.geometry.word_bytes() as i64;
        job.element == LINEAR
            && (job.count_0 % 2 == 0
                || job.count_0 > LINEAR_COLUMNS
                || job.count_1 > word
                || !(1..=word).contains(&job.bytes))
    }

    fn check(&self, inputs: SequencerIn) -> Option<Cause> {
        let head = &self.head;
        let refused = match self.instr {
            Some(Instr::Reshape(_, job)) if job.transpose == 1 => !self.geometry.transposer || self.bad_linear(&job),
            _ => self.instr.is_none(),
        };
        if refused {
            return Some(Cause::Opcode);
        }
        if !self.is_job() {
            return None;
        }
        let words = self.geometry.tile_words as i64;
        let bad = |lo: i64, hi: i64| lo > hi || hi > words;
        if bad(head.read_lo, head.read_hi) || bad(head.write_lo, head.write_hi) {
            return Some(Cause::Region);
        }
        let missing = |mask: i64| mask == 0 || mask >> self.geometry.tiles != 0;
        let several = head.tiles & (head.tiles - 1) != 0;
        let gathers = matches!(self.instr, Some(Instr::Reshape(_, job)) if job.gather == 1);
        let others = several && !gathers && head.targets != head.tiles;
        let bad_reshape = self.is_reshape() && (missing(head.targets) || others);
        if missing(head.tiles) || bad_reshape {
            return Some(Cause::Tile);
        }
        let leaves = match &self.instr {
            Some(Instr::Reshape(head, job)) if self.geometry.transposer => {
                out_of_bounds(head, job, &self.geometry, inputs.offsets)
            }
            _ => false,
        };
        leaves.then_some(Cause::Bounds)
    }
}
