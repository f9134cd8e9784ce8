//! Control in RTL and golden side by side, with units that take random times. Tiles take a job while they are at the
//! one before, as `lacuna_tile` does.

use lacuna_golden::control::{Cause, Dispatch, Profile, Scoreboard, Sequencer, SequencerIn, tiles_of};
use lacuna_sim::{Model, testing::Rng};
use lacuna_spec::{Geometry, instr::INSTR_BYTES, regs::Decisions};
use rand::Rng as _;

const LIMIT: u32 = 100_000;

/// What a program did.
#[derive(Default)]
pub struct Log {
    /// Cycle, instruction and tile of each start and of each done.
    pub starts: Vec<(u32, usize, usize)>,
    pub dones: Vec<(u32, usize, usize)>,
    pub fault: Option<(usize, Cause)>,
    pub stalls: u32,
    pub cycles: u32,
}

pub struct Bench {
    geometry: Geometry,
    dut: Model,
    sequencer: Sequencer,
    scoreboard: Scoreboard,
    pub profile: Profile,
    /// For each unit: cycles until done, and its instruction.
    running: Vec<Option<(u32, usize)>>,
    /// For each tile, unless the chip is serial: the job that it was given, and cycles for which it takes no other.
    given: Vec<usize>,
    occupied: Vec<u32>,
    /// Tiles that have not begun what they were given, and those that begin it.
    waits: u8,
    begins: u8,
    work: Vec<u32>,
    /// Of each tile's last job.
    decisions: Vec<Decisions>,
    /// Work of this cycle, of the job of a serial chip.
    worked: u32,
    /// The sum of its cycles.
    counted: u32,
    /// Of input and output.
    pub offsets: [usize; 2],
}

impl Bench {
    pub fn new(geometry: Geometry, mut dut: Model) -> Self {
        for port in [
            "program_wr_en_i",
            "program_rd_en_i",
            "start_i",
            "phase_i",
            "cycle_i",
            "compute_occupied_i",
            "compute_waits_i",
            "compute_begin_i",
            "compute_done_i",
            "reshape_done_i",
            "profile_rd_en_i",
            "mem_en_i",
            "mem_wr_i",
        ] {
            dut.set(port, 0);
        }
        dut.reset();
        Self {
            sequencer: Sequencer::new(&geometry),
            scoreboard: Scoreboard::default(),
            profile: Profile::new(&geometry),
            running: vec![None; 2 * geometry.tiles],
            given: vec![0; geometry.tiles],
            occupied: vec![0; geometry.tiles],
            waits: 0,
            begins: 0,
            work: vec![0; 2 * geometry.tiles],
            decisions: vec![Decisions::default(); geometry.tiles],
            worked: 0,
            counted: 0,
            offsets: [0; 2],
            geometry,
            dut,
        }
    }

    pub fn load(&mut self, program: &[[u8; INSTR_BYTES]]) {
        let beats = self.geometry.instr_beats();
        self.dut.set("program_wr_en_i", 1);
        for (index, instr) in program.iter().enumerate() {
            for (beat, bytes) in instr.chunks(self.geometry.word_bytes()).enumerate() {
                self.dut.set("program_addr_i", (index * beats + beat) as u64);
                self.dut.set_words("program_wr_data_i", &words(bytes));
                self.dut.step();
            }
            self.sequencer.program_mut()[index] = *instr;
        }
        self.dut.set("program_wr_en_i", 0);
    }

    /// Runs from `start` to the end. PHASE rises by one at random; a unit takes up to `longest` cycles.
    pub fn run(&mut self, rng: &mut Rng, start: usize, longest: u32) -> Log {
        let tiles = self.geometry.tiles;
        let mut log = Log::default();
        let mut phase = 0;
        self.dut.set("start_i", 1);
        self.dut.set("start_index_i", start as u64);
        self.dut.step();
        self.dut.set("start_i", 0);
        self.sequencer.start(start);
        while self.sequencer.running() {
            phase += u32::from(rng.random_bool(0.02));
            let done = self.finished();
            for unit in (0..2 * tiles).filter(|unit| done >> unit & 1 == 1) {
                self.work[unit] = rng.random_range(0..1 << 24);
                if let Some(decisions) = self.decisions.get_mut(unit) {
                    *decisions = Decisions::unpack(rng.random());
                }
            }
            self.count_work(rng);
            let waits = self.waits;
            let feeding = (0..tiles).fold(0, |mask, tile| mask | u8::from(self.occupied[tile] > 0) << tile);
            let occupied = waits | self.begins | feeding;
            self.drive(log.cycles, phase, done, [occupied, waits]);
            let records = self.profile.busy();
            let low = (1 << tiles) - 1;
            let [compute_done, reshape_done] = [done & low, done >> tiles].map(|mask| mask as u8);
            let dispatch = self.sequencer.dispatch();
            let any_busy = records != 0 || occupied != 0;
            self.compare(dispatch, any_busy, log.cycles);
            let begins = if tiles == 1 { dispatch.compute } else { self.begins };
            self.record(&mut log, dispatch, begins, done, rng, longest);

            let head = *self.sequencer.head();
            let conflict = self.sequencer.asks() && self.scoreboard.conflict(&head, waits, compute_done, reshape_done);
            let inputs = SequencerIn {
                phase,
                offsets: self.offsets,
                compute_busy: if tiles == 1 { records as u8 } else { occupied },
                reshape_busy: (records >> tiles) as u8,
                any_busy,
            };
            self.sequencer.step(inputs, conflict);
            self.scoreboard.step(&head, waits, [dispatch.compute, dispatch.reshape], [compute_done, reshape_done]);
            let starts = u16::from(begins) | u16::from(dispatch.reshape) << tiles;
            let indices: Vec<usize> = self.running.iter().map(|job| job.map_or(0, |(_, index)| index)).collect();
            self.profile.step(log.cycles, &indices, starts, done, |unit| {
                (self.work[unit], self.decisions.get(unit).copied().unwrap_or_default())
            });
            self.dut.step();
            log.cycles += 1;
            assert!(log.cycles < LIMIT, "the program does not end");
        }
        assert!(!self.dut.bit("running_o"), "RTL still runs after {} cycles", log.cycles);
        log
    }

    /// Units in their last cycle.
    fn finished(&self) -> u16 {
        self.running
            .iter()
            .enumerate()
            .fold(0, |mask, (unit, running)| mask | u16::from(running.is_some_and(|(left, _)| left == 0)) << unit)
    }

    /// The job of a serial chip works; elsewhere units state their work when they are done.
    fn count_work(&mut self, rng: &mut Rng) {
        if self.geometry.tiles > 1 {
            return;
        }
        self.worked = 0;
        if self.running.iter().any(Option::is_some) {
            self.worked = rng.random_range(0..=self.geometry.lanes as u32);
            self.counted += self.worked;
        }
        self.work.fill(self.counted);
    }

    fn drive(&mut self, cycle: u32, phase: u32, done: u16, [occupied, waits]: [u8; 2]) {
        let tiles = self.geometry.tiles;
        self.dut.set("cycle_i", u64::from(cycle));
        self.dut.set("phase_i", u64::from(phase));
        self.dut.set("input_offset_i", self.offsets[0] as u64);
        self.dut.set("output_offset_i", self.offsets[1] as u64);
        self.dut.set("compute_occupied_i", occupied.into());
        self.dut.set("compute_waits_i", waits.into());
        self.dut.set("compute_begin_i", self.begins.into());
        self.dut.set("compute_done_i", u64::from(done) & ((1 << tiles) - 1));
        self.dut.set("reshape_done_i", u64::from(done) >> tiles);
        for unit in 0..2 * tiles {
            self.dut.set_field("work_i", 24 * unit as u32, 24, u64::from(self.work[unit]));
        }
        for (tile, decisions) in self.decisions.iter().enumerate() {
            self.dut.set_field("decisions_i", 24 * tile as u32, 24, u64::from(decisions.pack()));
        }
        self.dut.set("worked_i", u64::from(self.worked));
        self.dut.eval();
    }

    fn compare(&self, golden: Dispatch, any_busy: bool, cycle: u32) {
        let fault = self.dut.bit("fault_o").then(|| self.dut.get("fault_cause_o"));
        assert!(self.dut.bit("running_o"), "running_o in cycle {cycle}");
        assert_eq!(self.dut.get("index_o"), self.sequencer.index() as u64, "index_o in cycle {cycle}");
        assert_eq!(self.dut.get("compute_start_o"), u64::from(golden.compute), "compute_start_o in cycle {cycle}");
        assert_eq!(self.dut.get("reshape_start_o"), u64::from(golden.reshape), "reshape_start_o in cycle {cycle}");
        assert_eq!(self.dut.bit("stall_hazard_o"), golden.stall_hazard, "stall_hazard_o in cycle {cycle}");
        let turn = !u64::from(self.profile.busy()) & ((1 << self.geometry.tiles) - 1);
        let seen = self.dut.get("compute_turn_o");
        assert!(self.geometry.tiles == 1 || seen == turn, "compute_turn_o is {seen:b} in cycle {cycle}");
        let waits = golden.stall_load && !any_busy;
        assert_eq!(self.dut.bit("stall_load_o"), waits, "stall_load_o in cycle {cycle}");
        assert_eq!(fault, golden.fault.map(|cause| cause as u64), "fault in cycle {cycle}");
        if golden.compute | golden.reshape != 0 {
            let bytes = self.sequencer.program()[self.sequencer.index()];
            assert_eq!(self.dut.words("instr_o"), words(&bytes), "instr_o in cycle {cycle}");
        }
    }

    /// Keeps the log and the units.
    fn record(&mut self, log: &mut Log, dispatch: Dispatch, begins: u8, done: u16, rng: &mut Rng, longest: u32) {
        let (tiles, index) = (self.geometry.tiles, self.sequencer.index());
        let turns = !self.profile.busy() as u8;
        self.occupied.iter_mut().for_each(|left| *left = left.saturating_sub(1));
        for (unit, running) in self.running.iter_mut().enumerate() {
            if done >> unit & 1 == 1 {
                let (_, index) = running.take().expect("it runs");
                log.dones.push((log.cycles, index, unit));
            } else if let Some((left, _)) = running {
                *left -= 1;
            }
        }
        for unit in tiles_of(begins).chain(tiles_of(dispatch.reshape).map(|tile| tiles + tile)) {
            self.counted = 0;
            let left = rng.random_range(0..longest);
            let index = if tiles > 1 && unit < tiles { self.given[unit] } else { index };
            self.running[unit] = Some((left, index));
            log.starts.push((log.cycles, index, unit));
            if tiles > 1 && unit < tiles {
                self.occupied[unit] = rng.random_range(0..=left);
            }
        }
        if tiles > 1 {
            self.begins = self.waits & turns;
            self.waits = self.waits & !turns | dispatch.compute;
            tiles_of(dispatch.compute).for_each(|tile| self.given[tile] = index);
        }
        log.stalls += u32::from(dispatch.stall_hazard);
        log.fault = log.fault.or(dispatch.fault.map(|cause| (index, cause)));
    }

    /// RTL's record of an instruction on a tile.
    pub fn rtl_record(&mut self, index: usize, tile: usize) -> [u32; 3] {
        [0, 1, 2].map(|field| {
            self.dut.set("profile_rd_en_i", 1);
            self.dut.set("profile_addr_i", (index * self.geometry.tiles + tile) as u64);
            self.dut.set("profile_field_i", field);
            self.dut.step();
            self.dut.set("profile_rd_en_i", 0);
            self.dut.eval();
            self.dut.get("profile_data_o") as u32
        })
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|chunk| chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect()
}
