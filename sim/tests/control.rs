//! Sequencer, scoreboard and profile: RTL against golden in every cycle, with units that take random
//! times, and both against the rules that programs rely on.

use lacuna_golden::control::{
    Cause, Dispatch, Profile, Scoreboard, Sequencer, SequencerIn, tiles_of,
};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, INSTR_BYTES, Instr, Opcode, PostTail, Reshape, RunTail, Walk},
};
use rand::Rng as _;

const LIMIT: u32 = 100_000;

/// What a program did.
#[derive(Default)]
struct Log {
    /// Cycle, instruction and tile of each start and of each done.
    starts: Vec<(u32, usize, usize)>,
    dones: Vec<(u32, usize, usize)>,
    fault: Option<(usize, Cause)>,
    stalls: u32,
    cycles: u32,
}

struct Bench {
    geometry: Geometry,
    dut: Model,
    sequencer: Sequencer,
    scoreboard: Scoreboard,
    profile: Profile,
    /// For each unit: cycles until done, and its instruction.
    running: Vec<Option<(u32, usize)>>,
    work: Vec<u32>,
}

impl Bench {
    fn new(geometry: Geometry, mut dut: Model) -> Self {
        for port in [
            "program_wr_en_i",
            "program_rd_en_i",
            "start_i",
            "phase_i",
            "cycle_i",
            "compute_done_i",
            "reshape_done_i",
            "profile_rd_en_i",
        ] {
            dut.set(port, 0);
        }
        dut.reset();
        Self {
            sequencer: Sequencer::new(&geometry),
            scoreboard: Scoreboard::default(),
            profile: Profile::new(&geometry),
            running: vec![None; 2 * geometry.tiles],
            work: vec![0; 2 * geometry.tiles],
            geometry,
            dut,
        }
    }

    fn load(&mut self, program: &[[u8; INSTR_BYTES]]) {
        let beats = self.geometry.instr_beats();
        self.dut.set("program_wr_en_i", 1);
        for (index, instr) in program.iter().enumerate() {
            for (beat, bytes) in instr.chunks(self.geometry.word_bytes()).enumerate() {
                self.dut
                    .set("program_addr_i", (index * beats + beat) as u64);
                self.dut.set_words("program_wr_data_i", &words(bytes));
                self.dut.step();
            }
            self.sequencer.program_mut()[index] = *instr;
        }
        self.dut.set("program_wr_en_i", 0);
    }

    /// Runs from `start` to the end. PHASE rises by one at random; a unit takes up to `longest` cycles.
    fn run(&mut self, rng: &mut Rng, start: usize, longest: u32) -> Log {
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
            }
            self.drive(log.cycles, phase, done);
            let busy = self.profile.busy();
            let low = (1 << tiles) - 1;
            let [compute_done, reshape_done] = [done & low, done >> tiles].map(|mask| mask as u8);
            let dispatch = self.sequencer.dispatch();
            self.compare(&dispatch, log.cycles);
            self.record(&mut log, &dispatch, done, rng, longest);

            let head = *self.sequencer.head();
            let conflict = self.sequencer.asks()
                && self.scoreboard.conflict(&head, compute_done, reshape_done);
            let index = self.sequencer.index();
            let inputs = SequencerIn {
                phase,
                compute_busy: (busy & low) as u8,
                reshape_busy: (busy >> tiles) as u8,
            };
            self.sequencer.step(inputs, conflict);
            self.scoreboard.step(
                &head,
                [dispatch.compute, dispatch.reshape],
                [compute_done, reshape_done],
            );
            let starts = u16::from(dispatch.compute) | u16::from(dispatch.reshape) << tiles;
            self.profile
                .step(log.cycles, index, starts, done, |unit| self.work[unit]);
            self.dut.step();
            log.cycles += 1;
            assert!(log.cycles < LIMIT, "the program does not end");
        }
        assert!(
            !self.dut.bit("running_o"),
            "RTL still runs after {} cycles",
            log.cycles
        );
        log
    }

    /// Units in their last cycle.
    fn finished(&self) -> u16 {
        self.running
            .iter()
            .enumerate()
            .fold(0, |mask, (unit, running)| {
                mask | u16::from(running.is_some_and(|(left, _)| left == 0)) << unit
            })
    }

    fn drive(&mut self, cycle: u32, phase: u32, done: u16) {
        let tiles = self.geometry.tiles;
        self.dut.set("cycle_i", u64::from(cycle));
        self.dut.set("phase_i", u64::from(phase));
        self.dut
            .set("compute_done_i", u64::from(done) & ((1 << tiles) - 1));
        self.dut.set("reshape_done_i", u64::from(done) >> tiles);
        for unit in 0..2 * tiles {
            self.dut
                .set_field("work_i", 24 * unit as u32, 24, u64::from(self.work[unit]));
        }
        self.dut.eval();
    }

    fn compare(&self, golden: &Dispatch, cycle: u32) {
        let fault = self
            .dut
            .bit("fault_o")
            .then(|| self.dut.get("fault_cause_o"));
        assert!(self.dut.bit("running_o"), "running_o in cycle {cycle}");
        assert_eq!(
            self.dut.get("index_o"),
            self.sequencer.index() as u64,
            "index_o in cycle {cycle}"
        );
        assert_eq!(
            self.dut.get("compute_start_o"),
            u64::from(golden.compute),
            "compute_start_o in cycle {cycle}"
        );
        assert_eq!(
            self.dut.get("reshape_start_o"),
            u64::from(golden.reshape),
            "reshape_start_o in cycle {cycle}"
        );
        assert_eq!(
            self.dut.bit("stall_hazard_o"),
            golden.stall_hazard,
            "stall_hazard_o in cycle {cycle}"
        );
        assert_eq!(
            fault,
            golden.fault.map(|cause| cause as u64),
            "fault in cycle {cycle}"
        );
        if golden.compute | golden.reshape != 0 {
            let bytes = self.sequencer.program()[self.sequencer.index()];
            assert_eq!(
                self.dut.words("instr_o"),
                words(&bytes),
                "instr_o in cycle {cycle}"
            );
        }
    }

    /// Keeps the log and the units.
    fn record(
        &mut self,
        log: &mut Log,
        dispatch: &Dispatch,
        done: u16,
        rng: &mut Rng,
        longest: u32,
    ) {
        let (tiles, index) = (self.geometry.tiles, self.sequencer.index());
        for (unit, running) in self.running.iter_mut().enumerate() {
            if done >> unit & 1 == 1 {
                let (_, index) = running.take().expect("it runs");
                log.dones.push((log.cycles, index, unit));
            } else if let Some((left, _)) = running {
                *left -= 1;
            }
        }
        for unit in
            tiles_of(dispatch.compute).chain(tiles_of(dispatch.reshape).map(|tile| tiles + tile))
        {
            self.running[unit] = Some((rng.random_range(0..longest), index));
            log.starts.push((log.cycles, index, unit));
        }
        log.stalls += u32::from(dispatch.stall_hazard);
        log.fault = log.fault.or(dispatch.fault.map(|cause| (index, cause)));
    }

    /// RTL's record of an instruction on a tile.
    fn rtl_record(&mut self, index: usize, tile: usize) -> [u32; 3] {
        [0, 1, 2].map(|field| {
            self.dut.set("profile_rd_en_i", 1);
            self.dut.set(
                "profile_addr_i",
                (index * self.geometry.tiles + tile) as u64,
            );
            self.dut.set("profile_field_i", field);
            self.dut.step();
            self.dut.set("profile_rd_en_i", 0);
            self.dut.eval();
            self.dut.get("profile_data_o") as u32
        })
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks(4)
        .map(|chunk| {
            chunk
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))
        })
        .collect()
}

fn pack(head: Head) -> [u8; INSTR_BYTES] {
    let instr = match head.opcode {
        0 => Instr::Halt(head),
        1 => Instr::Fence(head),
        2 => Instr::Load(head),
        3 => Instr::Run(head, Walk::default(), RunTail::default()),
        4 => Instr::Post(head, Walk::default(), PostTail::default()),
        _ => Instr::Reshape(head, Reshape::default()),
    };
    instr.pack().expect("the fields fit")
}

fn halt() -> [u8; INSTR_BYTES] {
    pack(Head::default())
}

fn random_head(rng: &mut Rng, g: &Geometry) -> Head {
    let opcode = [1, 2, 3, 3, 4, 4, 5, 5, 5][rng.random_range(0..9)];
    let mut range = || {
        let lo = rng.random_range(0..=g.tile_words as i64);
        (lo, (lo + rng.random_range(0..20)).min(g.tile_words as i64))
    };
    let (read, write) = (range(), range());
    let all = 1 << g.tiles;
    let reshape = opcode == Opcode::Reshape as i64;
    Head {
        opcode,
        tiles: if reshape {
            1 << rng.random_range(0..g.tiles)
        } else {
            rng.random_range(1..all)
        },
        targets: if reshape { rng.random_range(1..all) } else { 0 },
        phase: if opcode == Opcode::Load as i64 {
            rng.random_range(0..4)
        } else {
            0
        },
        read_lo: read.0,
        read_hi: read.1,
        write_lo: write.0,
        write_hi: write.1,
        ..Head::default()
    }
}

fn control(tiles: usize, lanes: usize, tile_words: usize, program_len: usize) -> Geometry {
    Geometry {
        tiles,
        lanes,
        tile_words,
        program_len,
        ..Geometry::BASE
    }
}

/// Tiles and word ranges that an instruction reads and writes.
fn touched(head: &Head) -> [(i64, i64, i64); 2] {
    let writes = if head.opcode == Opcode::Reshape as i64 {
        head.targets
    } else {
        head.tiles
    };
    [
        (head.tiles, head.read_lo, head.read_hi),
        (writes, head.write_lo, head.write_hi),
    ]
}

fn overlap(a: (i64, i64, i64), b: (i64, i64, i64)) -> bool {
    a.0 & b.0 != 0 && (a.1.max(b.1)..a.2.min(b.2)).next().is_some()
}

/// A job starts after every earlier job that touches the same words of a tile, one of them writing.
fn no_hazard(log: &Log, heads: &[Head], tiles: usize) {
    for &(done, earlier, unit) in &log.dones {
        // A compute job is several, one a tile.
        let own = if unit < tiles { 1 << unit } else { !0 };
        let [a_read, a_write] = touched(&heads[earlier]).map(|(mask, lo, hi)| (mask & own, lo, hi));
        for &(start, later, _) in log.starts.iter().filter(|entry| entry.1 > earlier) {
            let [b_read, b_write] = touched(&heads[later]);
            let meets =
                overlap(a_write, b_read) || overlap(a_read, b_write) || overlap(a_write, b_write);
            assert!(
                !meets || start > done,
                "{later} started in {start}, {earlier} was done in {done}"
            );
        }
    }
}

fn random_programs(rng: &mut Rng, g: Geometry, dut: Model) {
    let mut bench = Bench::new(g, dut);
    for round in 0..60 {
        let length = rng.random_range(1..g.program_len);
        let heads: Vec<Head> = (0..length).map(|_| random_head(rng, &g)).collect();
        let mut program: Vec<_> = heads.iter().map(|head| pack(*head)).collect();
        program.push(halt());
        bench.load(&program);
        let start = if round % 4 == 0 {
            rng.random_range(0..length)
        } else {
            0
        };
        let longest = [1, 10, 200][round % 3];
        let log = bench.run(rng, start, longest);
        assert_eq!(log.fault, None);
        no_hazard(&log, &heads, g.tiles);
        for (index, head) in heads
            .iter()
            .enumerate()
            .skip(start)
            .filter(|(_, head)| head.opcode > 2)
        {
            for tile in tiles_of(head.tiles as u8) {
                let record = bench.profile.record(index, tile);
                assert_eq!(
                    bench.rtl_record(index, tile),
                    [record.start, record.cycles, record.work]
                );
                let unit = |log: &[(u32, usize, usize)]| {
                    log.iter()
                        .find(|entry| entry.1 == index && entry.2 % g.tiles == tile)
                        .expect("it ran")
                        .0
                };
                let (start, done) = (unit(&log.starts), unit(&log.dones));
                assert_eq!((record.start, record.cycles), (start, done - start + 1));
            }
        }
    }
}

#[test]
fn random_programs_of_four_tiles_run_as_golden_and_without_hazards() {
    randomised(
        "random_programs_of_four_tiles_run_as_golden_and_without_hazards",
        |rng| {
            random_programs(rng, control(4, 8, 64, 32), tops::control_4());
        },
    );
}

#[test]
fn random_programs_of_one_tile_run_as_golden_and_without_hazards() {
    randomised(
        "random_programs_of_one_tile_run_as_golden_and_without_hazards",
        |rng| {
            random_programs(rng, control(1, 2, 256, 16), tops::control_1());
        },
    );
}

#[test]
fn a_faulty_instruction_stops_the_program_with_its_cause() {
    randomised(
        "a_faulty_instruction_stops_the_program_with_its_cause",
        |rng| {
            let g = control(4, 8, 64, 32);
            let run = Head {
                opcode: Opcode::Run as i64,
                tiles: 0b11,
                ..Head::default()
            };
            let reshape = Head {
                opcode: Opcode::Reshape as i64,
                tiles: 1,
                targets: 2,
                ..Head::default()
            };
            let transpose = Instr::Reshape(
                reshape,
                Reshape {
                    transpose: 1,
                    ..Reshape::default()
                },
            );
            let mut unknown = halt();
            unknown[0] = 6 + rng.random_range(0..10) as u8;
            let cases = [
                (unknown, Cause::Opcode),
                (transpose.pack().expect("the fields fit"), Cause::Opcode),
                (pack(Head { read_hi: 65, ..run }), Cause::Region),
                (
                    pack(Head {
                        write_lo: 3,
                        write_hi: 2,
                        ..run
                    }),
                    Cause::Region,
                ),
                (
                    pack(Head {
                        read_lo: 64,
                        read_hi: 65,
                        tiles: 0,
                        ..reshape
                    }),
                    Cause::Region,
                ),
                (
                    pack(Head {
                        write_hi: 65535,
                        ..reshape
                    }),
                    Cause::Region,
                ),
                (pack(Head { tiles: 0, ..run }), Cause::Tile),
                (
                    pack(Head {
                        tiles: 0b1_0001,
                        ..run
                    }),
                    Cause::Tile,
                ),
                (
                    pack(Head {
                        tiles: 0b11,
                        ..reshape
                    }),
                    Cause::Tile,
                ),
                (
                    pack(Head {
                        tiles: 0,
                        ..reshape
                    }),
                    Cause::Tile,
                ),
                (
                    pack(Head {
                        targets: 0,
                        ..reshape
                    }),
                    Cause::Tile,
                ),
                (
                    pack(Head {
                        targets: 0b1000_0001,
                        ..reshape
                    }),
                    Cause::Tile,
                ),
            ];
            let mut bench = Bench::new(g, tops::control_4());
            for (bad, cause) in cases {
                // A job is still running when the fault is found, and must be waited for.
                bench.load(&[pack(run), bad, pack(run), halt()]);
                let log = bench.run(rng, 0, 100);
                assert_eq!(log.fault, Some((1, cause)));
                assert_eq!(log.starts.len(), 2, "nothing after the fault starts");
                assert_eq!(log.dones.len(), 2, "the program ends when the units have");
            }
        },
    );
}

#[test]
fn a_program_without_waits_takes_seven_cycles_an_instruction() {
    randomised(
        "a_program_without_waits_takes_seven_cycles_an_instruction",
        |rng| {
            let mut bench = Bench::new(control(4, 8, 64, 32), tops::control_4());
            let fence = pack(Head {
                opcode: Opcode::Fence as i64,
                ..Head::default()
            });
            bench.load(&[fence, fence, halt()]);
            let log = bench.run(rng, 0, 1);
            assert_eq!((log.cycles, log.stalls), (3 * 7, 0));
        },
    );
}
