//! A whole tile against its golden counterpart in every cycle, and both against plain integers.

mod jobs;

use jobs::{Job, SCRATCH};
use lacuna_golden::tile::Tile;
use lacuna_sim::{Model, testing::Rng, testing::randomised, tops};
use lacuna_spec::{Geometry, instr::Instr, regs::Decisions};
use rand::Rng as _;
use std::collections::VecDeque;

struct Bench {
    geometry: Geometry,
    dut: Model,
    golden: Tile,
    /// Of all jobs.
    decided: Decisions,
    /// Cycles in which a job waited for the one before.
    overlapped: u32,
}

impl Bench {
    fn new(geometry: Geometry, mut dut: Model) -> Self {
        dut.set("turn_i", 1);
        for port in ["start_i", "weight_en_i", "reshape_req_i", "host_rd_req_i", "route_req_i", "host_wr_req_i"] {
            dut.set(port, 0);
        }
        dut.reset();
        Self { geometry, dut, golden: Tile::new(&geometry), decided: Decisions::default(), overlapped: 0 }
    }

    fn word(&self, bytes: &[u8]) -> u128 {
        bytes.iter().take(self.geometry.word_bytes()).rev().fold(0, |value, byte| value << 8 | u128::from(*byte))
    }

    /// Loads memory and weights through the ports.
    fn load(&mut self, job: &Job) {
        let word = self.geometry.word_bytes();
        for (at, bytes) in job.before.chunks(word).enumerate() {
            self.dut.set("host_wr_req_i", 1);
            self.dut.set("host_wr_addr_i", (at * word) as u64);
            self.dut.set("host_wr_bytes_i", word as u64);
            self.dut.set_u128("host_wr_data_i", self.word(bytes));
            self.cycle();
        }
        self.dut.set("host_wr_req_i", 0);
        self.golden.memory_mut().put(0, &job.before);
        for (lane, page, weights) in &job.weights {
            let bytes: Vec<u8> = weights.iter().map(|&weight| weight as u8).collect();
            self.dut.set("weight_en_i", 1);
            self.dut.set("weight_lane_i", *lane as u64);
            self.dut.set("weight_page_i", *page as u64);
            self.dut.set_u128("weight_data_i", self.word(&bytes));
            self.golden.write_weights(*lane, *page, weights);
            self.cycle();
        }
        self.dut.set("weight_en_i", 0);
        self.cycle();
        self.cycle();
    }

    fn cycle(&mut self) {
        self.golden.step(true);
        self.dut.step();
    }

    /// Runs the job beside other traffic and compares every cycle; a second time while the first one still drains, if
    /// the tile takes it.
    #[allow(clippy::too_many_lines, reason = "one cycle of both, port by port")]
    fn run(&mut self, rng: &mut Rng, job: &Job) {
        let beats: Vec<u32> =
            job.instr.pack().unwrap().chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect();
        let word = self.geometry.word_bytes();
        let size = self.geometry.tile_bytes();
        self.dut.set_words("instr_i", &beats);
        self.dut.set("input_offset_i", job.input_offset as u64);
        self.dut.set("output_offset_i", job.output_offset as u64);
        self.dut.set("start_i", 1);
        self.golden.start(&job.instr, job.input_offset, job.output_offset);
        let traffic = rng.random_range(0.0..0.7);
        let mut reads = VecDeque::from([None; 2]);
        let (mut digits, mut jobs) = (0, 1);
        let (mut dones, mut overlapped) = (0, 0);
        loop {
            let ask: [bool; 4] = [(); 4].map(|()| rng.random_bool(traffic));
            let at = [(); 4].map(|()| size - rng.random_range(word..SCRATCH));
            let bytes: Vec<u8> = (0..word).map(|_| rng.random()).collect();
            let count = rng.random_range(1..=word);
            let turned = [(); 2].map(|()| rng.random_range(0..word));
            for (client, port) in ["reshape_", "host_rd_", "route_", "host_wr_"].into_iter().enumerate() {
                self.dut.set(&*format!("{port}req_i"), ask[client].into());
                self.dut.set(&*format!("{port}addr_i"), at[client] as u64);
                if client > 1 {
                    self.dut.set(&*format!("{port}bytes_i"), count as u64);
                    self.dut.set_u128(&*format!("{port}data_i"), self.word(&bytes));
                }
                if client % 2 == 0 {
                    self.dut.set(&*format!("{port}position_i"), turned[client / 2] as u64);
                }
            }
            let turn = !self.golden.busy() && rng.random_bool(0.7);
            self.dut.set("turn_i", turn.into());
            self.dut.eval();
            let now = self.dut.cycle();
            if self.golden.overlaps() {
                let [occupied, waits] = [self.golden.occupied(), self.golden.waits()];
                assert_eq!(self.dut.bit("occupied_o"), occupied, "occupied_o in cycle {now} of {:?}", job.instr);
                assert_eq!(self.dut.bit("waits_o"), waits, "waits_o in cycle {now} of {:?}", job.instr);
                overlapped += u32::from(waits && dones < jobs - 1);
            }
            let cycle = self.golden.step(turn);
            if self.golden.overlaps() {
                assert_eq!(self.dut.bit("begin_o"), cycle.begins, "begin_o in cycle {now} of {:?}", job.instr);
            }
            if cycle.begins {
                digits = 0;
            }

            let free = [!cycle.read_used, !cycle.read_used && !ask[0], !cycle.write_used, !cycle.write_used && !ask[2]];
            let granted =
                ["reshape_gnt_o", "host_rd_gnt_o", "route_gnt_o", "host_wr_gnt_o"].map(|port| self.dut.bit(port));
            assert_eq!(granted, free, "grants in cycle {now} of {:?}", job.instr);
            let events = (
                self.dut.bit("done_o"),
                self.dut.get("digits_o") as u32,
                self.dut.bit("stall_feed_o"),
                self.dut.bit("stall_reduce_o"),
            );
            let wanted = (cycle.done, cycle.digits, cycle.stall_feed, cycle.stall_reduce);
            assert_eq!(events, wanted, "left: chip, right: golden, in cycle {now} of {:?}", job.instr);
            if let Some(data) = reads.pop_front().unwrap() {
                assert_eq!(self.dut.get_u128("rd_data_o"), data, "data in cycle {now}");
            }
            let reader = (0..2).find(|&client| ask[client] && free[client]);
            reads.push_back(reader.map(|client| {
                self.word(&self.golden.memory().read(at[client], if client == 0 { turned[0] } else { 0 }))
            }));
            if let Some(client) = (2..4).find(|&client| ask[client] && free[client]) {
                let mut data = bytes.clone();
                data.rotate_left(if client == 2 { turned[1] } else { 0 });
                self.golden.memory_mut().write(at[client], &data[..count]);
            }
            if ask[0] && cycle.read_used {
                self.golden.refuse();
            }
            digits += cycle.digits;
            self.dut.step();
            self.dut.set("start_i", 0);
            dones += u32::from(cycle.done);
            // The same again: its output is not its input.
            if jobs == 1 && self.golden.overlaps() && !self.golden.occupied() && rng.random_bool(0.3) {
                self.dut.set("start_i", 1);
                self.golden.start(&job.instr, job.input_offset, job.output_offset);
                jobs = 2;
            }
            if dones == jobs {
                break;
            }
        }
        self.overlapped += overlapped;
        for port in ["reshape_req_i", "host_rd_req_i", "route_req_i", "host_wr_req_i"] {
            self.dut.set(port, 0);
        }
        let decisions = *self.golden.decisions();
        assert_eq!(Decisions::unpack(self.dut.get("decisions_o") as u32), decisions, "{:?}", job.instr);
        self.decided.batches += decisions.batches;
        self.decided.gated += decisions.gated;
        self.decided.second += decisions.second;
        self.decided.crossings += decisions.crossings;
        let work = self.golden.work();
        if self.golden.overlaps() {
            assert_eq!(self.dut.get("work_o") as u32, work);
        }
        if matches!(job.instr, Instr::Run(..)) {
            assert_eq!(work, digits);
        }
    }

    /// Reads the whole memory back.
    fn check(&mut self, job: &Job) {
        let word = self.geometry.word_bytes();
        let size = self.geometry.tile_bytes();
        let mut chip = Vec::new();
        for at in (0..size + 2 * word).step_by(word) {
            if at >= 2 * word {
                let data = self.dut.get_u128("rd_data_o").to_le_bytes();
                chip.extend_from_slice(&data[..word]);
            }
            self.dut.set("host_rd_req_i", 1);
            self.dut.set("host_rd_addr_i", (at % size) as u64);
            self.cycle();
        }
        self.dut.set("host_rd_req_i", 0);
        for (at, want) in job.after[..size - SCRATCH].iter().enumerate() {
            assert_eq!(chip[at] as i8, *want as i8, "left: chip, right: integers, byte {at} after {:?}", job.instr);
        }
        let golden = self.golden.memory().bytes();
        for at in 0..size {
            assert_eq!(chip[at], golden[at], "left: chip, right: golden, byte {at} after {:?}", job.instr);
        }
    }

    /// Runs random jobs; returns what was decided in all of them.
    fn sweep(&mut self, rng: &mut Rng, jobs: usize) -> Decisions {
        for _ in 0..jobs {
            let depthwise = self.geometry.depthwise_taps > 0;
            let job = match rng.random_range(0..10) {
                0..5 => jobs::convolution(rng, &self.geometry),
                5 if depthwise => jobs::depthwise(rng, &self.geometry, false),
                6 if depthwise => jobs::product(rng, &self.geometry, false),
                _ => jobs::elementwise(rng, &self.geometry),
            };
            self.load(&job);
            self.run(rng, &job);
            self.check(&job);
        }
        assert!(!self.golden.overlaps() || self.overlapped > 100, "{} cycles", self.overlapped);
        self.decided
    }
}

#[test]
fn a_base_tile_runs_layers_like_integers_and_in_the_golden_cycles() {
    randomised("a_base_tile_runs_layers_like_integers_and_in_the_golden_cycles", |rng| {
        let seen = Bench::new(Geometry::BASE, tops::tile_base()).sweep(rng, 50);
        let Decisions { batches, gated, second, crossings } = seen;
        assert!(0 < gated && gated < batches && 0 < second && second < batches && crossings > 2, "{seen:?}");
    });
}

#[test]
fn a_nano_tile_runs_layers_like_integers_and_in_the_golden_cycles() {
    randomised("a_nano_tile_runs_layers_like_integers_and_in_the_golden_cycles", |rng| {
        let seen = Bench::new(Geometry::NANO, tops::tile_nano()).sweep(rng, 60);
        assert_eq!(seen, Decisions::default(), "it has no monitor");
    });
}

/// Its feeder reads two words at a time.
#[test]
fn a_base_tile_of_8_bit_digits_runs_layers_like_integers_and_in_the_golden_cycles() {
    randomised("a_base_tile_of_8_bit_digits_runs_layers_like_integers_and_in_the_golden_cycles", |rng| {
        Bench::new(Geometry::BASE.with_digit_bits(8).unwrap(), tops::tile_base_8()).sweep(rng, 50);
    });
}

#[test]
fn a_wide_tile_runs_layers_like_integers_and_in_the_golden_cycles() {
    randomised("a_wide_tile_runs_layers_like_integers_and_in_the_golden_cycles", |rng| {
        Bench::new(Geometry::WIDE, tops::tile_wide()).sweep(rng, 12);
    });
}
