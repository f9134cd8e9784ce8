//! The feeder: walks the windows of an operator and hands over row words, taps and parameters.

mod assemble;
mod doing;
mod measure;
mod params;
mod slot;
mod taps;
mod token;
mod walker;

pub use doing::Doing;
pub use token::{FeederOut, MAX_WORD, Param, Probe, RowWord, Tap};

use crate::{cim::Decision, memory::TileMemory};
use lacuna_spec::{
    Geometry,
    geometry::{MONITOR_ROWS, PARAM_WORDS, SECOND_BIASES},
    instr::{Instr, PostConstants, PostOp},
};
use slot::{Kind, Slot};
use walker::Walker;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Idle,
    /// The cycle of `start_i`.
    Start,
    Params,
    /// An output row is measured.
    Probe,
    /// Its decision is awaited.
    Settle,
    Windows,
    Flush,
}

/// The feeder of one tile.
#[allow(clippy::struct_excessive_bools, reason = "they are registers and wires")]
#[derive(Debug, Clone)]
pub struct Feeder {
    geometry: Geometry,
    run: bool,
    /// Two windows a slot.
    doubled: bool,
    depthwise: bool,
    product: bool,
    wide: bool,
    has_params: bool,
    pad: u8,
    gates: [i16; 2],
    monitored: bool,
    vector_pages: u16,
    /// The index after the last parameter word.
    params: u8,
    taps: u8,
    walker: Walker,

    state: State,
    param_addr: usize,
    /// The next parameter word holds weights.
    weights: bool,
    /// Or their signs.
    signs: bool,
    param_index: u8,
    bank: u8,
    loaded: u8,
    in_flight: u8,
    gap: u8,
    fill: u8,
    /// Row words of the vector before this one, modulo the word.
    turn: u8,
    tag: u8,
    page: u16,
    block_page: u16,
    /// The output row, the first is 1.
    row: u8,
    /// Rows are measured in the first block; later ones go by its decisions.
    first_block: bool,
    /// The window at hand has been measured less the first gate value.
    probe_second: bool,
    /// `product`: the next window is a tap.
    tap_next: bool,
    /// The window before was its word's first.
    first: bool,
    /// What holds for the present output row.
    decision: Decision,
    decided: bool,
    gives_way: bool,
    /// Array and post unit serve this job; before, only parameters of columns are read.
    served: bool,
    /// No job was under way in the cycle before.
    rested: bool,
    held: [u8; MAX_WORD],
    stages: [Slot; 2],
    out: FeederOut,
    reading: bool,
}

impl Feeder {
    /// An idle feeder.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            geometry: *geometry,
            run: false,
            doubled: false,
            depthwise: false,
            product: false,
            wide: false,
            has_params: false,
            pad: 0,
            gates: [0; 2],
            monitored: false,
            vector_pages: 0,
            params: 0,
            taps: 0,
            walker: Walker::default(),
            state: State::Idle,
            param_addr: 0,
            weights: false,
            signs: false,
            param_index: 0,
            bank: 0,
            loaded: 0,
            in_flight: 0,
            gap: 0,
            fill: 0,
            turn: 0,
            tag: 0,
            page: 0,
            block_page: 0,
            row: 0,
            first_block: false,
            probe_second: false,
            tap_next: false,
            first: false,
            decision: Decision::default(),
            decided: false,
            gives_way: false,
            served: true,
            rested: true,
            held: [0; MAX_WORD],
            stages: [Slot::default(); 2],
            out: FeederOut::default(),
            reading: false,
        }
    }

    /// Starts a job in the cycle of the next [`step`](Self::step). Only `run` and `post` have windows;
    /// any other instruction is ignored.
    pub fn start(&mut self, instr: &Instr, input_offset: usize) {
        let (head, walk, run, params) = match instr {
            Instr::Run(head, walk, tail) => (head, walk, true, tail.params),
            Instr::Post(head, walk, tail) => (head, walk, false, tail.params),
            _ => return,
        };
        let word = self.geometry.word_bytes();
        let offset = if head.from_input == 1 { input_offset } else { 0 };
        self.run = run;
        self.depthwise = matches!(instr, Instr::Post(_, _, tail) if tail.depthwise(&self.geometry));
        self.product = matches!(instr, Instr::Post(_, _, tail) if tail.product(&self.geometry));
        self.wide = matches!(instr, Instr::Post(_, _, tail) if tail.wide(&self.geometry));
        self.doubled = matches!(instr, Instr::Run(_, walk, tail) if walk.doubled(tail, offset, &self.geometry));
        self.walker = Walker::new(&self.geometry, walk, run, self.doubled, self.depthwise, offset);
        self.pad = walk.pad as u8;
        self.has_params = true;
        self.monitored = false;
        self.params = PARAM_WORDS as u8;
        match instr {
            Instr::Run(_, _, tail) => {
                self.gates = [tail.gate, tail.second].map(|gate| gate as i16);
                self.monitored = tail.monitored(&self.geometry);
                self.params = if self.monitored { SECOND_BIASES + 4 } else { PARAM_WORDS } as u8;
                self.vector_pages = tail.vector_pages as u16;
                self.page = tail.page as u16 & self.page_mask();
                self.block_page = self.page;
            }
            Instr::Post(_, _, tail) if self.depthwise => {
                self.gates[0] = tail.gate as i16;
                self.taps = tail.taps as u8;
            }
            Instr::Post(_, _, tail) => {
                self.gates[0] = 0;
                self.has_params = tail.op != PostOp::Max as i64;
                self.params = (PostConstants::LAYOUT.bits as usize / 8).div_ceil(word) as u8;
            }
            _ => {}
        }
        self.param_addr = params as usize;
        self.weights = self.depthwise;
        self.signs = false;
        self.param_index = 0;
        self.gap = 0;
        self.fill = 0;
        self.turn = 0;
        self.tag = 0;
        self.row = 1;
        self.first_block = true;
        self.probe_second = false;
        self.tap_next = false;
        self.state = State::Start;
    }

    /// What is handed over in the coming cycle.
    #[must_use]
    pub fn out(&self) -> &FeederOut {
        &self.out
    }

    /// The last cycle used the read port.
    #[must_use]
    pub fn reading(&self) -> bool {
        self.reading
    }

    /// Says how the present output row is processed, before the [`step`](Self::step) of that cycle;
    /// `decided`: the monitor decides just now.
    pub fn decide(&mut self, decision: Decision, decided: bool) {
        self.decision = decision;
        self.decided = decided;
    }

    /// Says, before the [`step`](Self::step) of a cycle, whether array and post unit have come to this job, or still
    /// are at the one before.
    pub const fn serve(&mut self, served: bool) {
        self.served = served;
    }

    /// No job is under way, or all of it is issued, and handed over when another one starts.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.rested && self.state == State::Idle
    }

    /// Says, before the [`step`](Self::step) of a cycle, whether the reshape engine was refused the read port in
    /// the one before: no tap of `post` is issued then.
    pub fn give_way(&mut self, refused: bool) {
        self.gives_way = refused && !self.geometry.serial_post();
    }

    /// Runs one cycle and returns what is handed over in it. `room`: every lane can take what is on its
    /// way; `taken`: the reduction takes a vector; `block_done`: post freed a bank of parameters.
    pub fn step(&mut self, room: bool, taken: bool, block_done: bool, memory: &TileMemory) -> FeederOut {
        let out = self.out;
        self.out = self.assemble();
        self.stages[1] = self.stages[0];
        self.reading = false;
        self.rested = self.state == State::Idle;
        self.stages[0] = self.issue(room, memory);
        self.in_flight -= u8::from(taken);
        self.loaded -= u8::from(block_done);
        out
    }

    fn page_mask(&self) -> u16 {
        self.geometry.pages as u16 - 1
    }

    fn issue(&mut self, room: bool, memory: &TileMemory) -> Slot {
        self.gap = self.gap.saturating_sub(1);
        match self.state {
            State::Start => {
                self.state = if self.has_params { State::Params } else { State::Windows };
                Slot::default()
            }
            State::Params | State::Probe | State::Windows if self.waits_for_service() => Slot::default(),
            State::Params => self.issue_param(memory),
            State::Probe => self.issue_probe(memory),
            State::Settle => {
                if self.decided {
                    self.state = State::Windows;
                }
                Slot::default()
            }
            State::Windows if self.run => self.issue_rows(room, memory),
            State::Windows => self.issue_tap(memory),
            State::Flush if room => {
                let slot = Slot { kind: Kind::Flush, count: self.fill, last: true, ..self.slot() };
                self.end_vector();
                slot
            }
            State::Idle | State::Flush => Slot::default(),
        }
    }

    /// Constants of `post`, of which there is one set, and windows wait for array and post unit.
    fn waits_for_service(&self) -> bool {
        !self.served && !(self.state == State::Params && (self.run || self.depthwise))
    }

    /// The next window of `run` and how it lies in its row word (`lacuna_row_words`).
    fn issue_rows(&mut self, room: bool, memory: &TileMemory) -> Slot {
        if !room || (self.walker.first() && usize::from(self.in_flight) == self.geometry.vectors_in_flight()) {
            return Slot::default();
        }
        self.in_flight += u8::from(self.walker.first());
        let word = self.geometry.word_bytes() as u8;
        let filled = self.fill + self.walker.bytes();
        let full = filled >= word;
        let rest = filled & (word - 1);
        let (last, left_over) = (self.walker.last(), full && rest != 0);
        let words = 1 + u8::from(self.doubled);
        // A window that makes a row word by itself is turned, so that its bytes meet other lanes than those before.
        let position = if filled == word && self.fill == 0 { self.turn } else { self.fill };
        let addr = self.walker.addr();
        let slot = Slot {
            kind: match (full, last) {
                (true, _) => Kind::Full,
                (false, true) => Kind::Short,
                (false, false) => Kind::Part,
            },
            pad: self.walker.pad(),
            last: last && !left_over,
            position: self.fill,
            count: if full { word } else { filled },
            window: self.window(memory, position),
            next: self.doubled.then(|| self.window_at(addr + usize::from(word), memory, (position + 1) & (word - 1))),
            ..self.slot()
        };
        self.fill = rest;
        if full {
            self.turn = (self.turn + words) & (word - 1);
        }
        if last && left_over {
            self.page = (self.page + 2) & self.page_mask();
            self.state = State::Flush;
        } else if last {
            self.end_vector();
        } else {
            if full {
                self.page = (self.page + 2 * u16::from(words)) & self.page_mask();
            }
            self.walker.advance();
        }
        slot
    }

    /// A slot of the current vector.
    fn slot(&self) -> Slot {
        let Decision { gated, second } = self.decision;
        Slot { page: self.page, tag: self.tag, gated, second, ..Slot::default() }
    }

    fn window(&mut self, memory: &TileMemory, position: u8) -> [u8; MAX_WORD] {
        self.window_at(self.walker.addr(), memory, position)
    }

    fn window_at(&mut self, addr: usize, memory: &TileMemory, position: u8) -> [u8; MAX_WORD] {
        if self.walker.pad() {
            return [self.pad; MAX_WORD];
        }
        self.reading = true;
        memory.read(addr, position as usize)
    }

    fn end_vector(&mut self) {
        if self.walker.block_end() {
            (self.row, self.first_block) = (1, false);
            self.block_page = (self.block_page + self.vector_pages) & self.page_mask();
        } else if self.walker.row_end() {
            self.row = (self.row + 1) % MONITOR_ROWS as u8;
        }
        self.page = self.block_page;
        self.fill = 0;
        self.turn = 0;
        self.tag = (self.tag + 1) & (self.geometry.vectors_in_flight() as u8 - 1);
        self.end_window();
    }

    /// Leaves a window after which a block may be over.
    fn end_window(&mut self) {
        self.state = match (self.walker.job_end(), self.walker.block_end()) {
            (true, _) => State::Idle,
            (false, true) => State::Params,
            (false, false) if self.walker.row_end() => self.row_start(),
            (false, false) => State::Windows,
        };
        self.walker.advance();
    }
}
