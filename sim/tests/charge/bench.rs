//! Feeds one charge-domain macro in RTL and golden as the feeder would, and compares them in every cycle.

use std::collections::VecDeque;
use std::fmt;

use lacuna_golden::{
    charge::{Array, ChargeMacro, Column, Compensation, Setting},
    cim::MacroOut,
    feeder::{MAX_WORD, RowWord},
};
use lacuna_sim::{Model, Port, testing::Rng};
use lacuna_spec::{
    Geometry,
    charge::ChargeMode,
    geometry::{FEED_LATENCY, VECTORS_IN_FLIGHT},
    instr::Gating,
};
use rand::Rng as _;

/// Vectors of one setting, over one column block.
pub struct Job {
    setting: Setting,
    gating: Gating,
    page: usize,
    vectors: Vec<Vec<i16>>,
    /// Chance that the feeder does nothing though it could.
    pause: f64,
}

impl Job {
    pub fn random(geometry: &Geometry, rng: &mut Rng) -> Self {
        let mode = if rng.random_bool(0.7) { ChargeMode::And } else { ChargeMode::Xnor };
        // A job in four is binary, or as wide as differences are.
        let input_bits = [1, 9, rng.random_range(1..=8), rng.random_range(1..=8)][rng.random_range(0..4)];
        let weight_bits = [1, 8, rng.random_range(1..=8), 8][rng.random_range(0..4)];
        let setting = Setting::new(mode, input_bits, weight_bits, rng.random_range(3..=8)).expect("in range");
        let gating = [Gating::Off, Gating::Row, Gating::Digit][rng.random_range(0..3)];
        let most = geometry.pages / 2 * geometry.lanes;
        let rows = if rng.random_bool(0.7) { rng.random_range(1..=64) } else { rng.random_range(1..=most.min(160)) };
        let page = rng.random_range(0..=geometry.pages - 2 * rows.div_ceil(geometry.columns()));
        let vectors = (0..rng.random_range(1..=8)).map(|_| vector(rows, input_bits, rng)).collect();
        Self { setting, gating, page, vectors, pause: *[0.0, 0.0, 0.3, 0.9].get(rng.random_range(0..4)).unwrap() }
    }

    fn words(&self, columns: usize) -> VecDeque<RowWord> {
        let mut words = VecDeque::new();
        for (v, rows) in self.vectors.iter().enumerate() {
            let chunks = rows.len().div_ceil(columns);
            for (j, chunk) in rows.chunks(columns).enumerate() {
                // Rows that are not there hold anything.
                let mut data = [-77; MAX_WORD];
                data[..chunk.len()].copy_from_slice(chunk);
                let (count, page) = (chunk.len() as u8, (self.page + 2 * j) as u16);
                words.push_back(RowWord {
                    data,
                    next: None,
                    count,
                    page,
                    tag: (v % 4) as u8,
                    last: j + 1 == chunks,
                    gated: true,
                });
            }
        }
        words
    }
}

/// Rows of one vector: some quarters empty, some planes empty, some values outside the width.
fn vector(rows: usize, bits: u32, rng: &mut Rng) -> Vec<i16> {
    let density = *[0.0, 0.03, 0.3, 1.0].get(rng.random_range(0..4)).unwrap();
    let empty: u8 = if rng.random_bool(0.5) { rng.random() } else { 0 };
    let narrow = rng.random_bool(0.3);
    let outside = rng.random_bool(0.1);
    let half = 1 << (bits - 1);
    (0..rows)
        .map(|row| match (empty >> (row / 16 % 8) & 1 == 0 && rng.random_bool(density), outside, narrow) {
            (false, ..) => 0,
            (_, true, _) => rng.random_range(-255..=255),
            (_, _, true) => rng.random_range(0..half.min(4)),
            _ => rng.random_range(-half..half).clamp(-255, 255),
        })
        .collect()
}

/// What was compared, and which rare conditions were met.
#[derive(Debug, Default)]
pub struct Seen {
    pub columns: usize,
    pub cycles: usize,
    /// Columns whose readout had too few codes.
    pub inexact: usize,
    /// Planes that no quarter enabled.
    pub skipped: u64,
    /// Cycles without room for more rows.
    pub full: usize,
}

impl Seen {
    pub fn add(&mut self, other: &Self) {
        self.columns += other.columns;
        self.cycles += other.cycles;
        self.inexact += other.inexact;
        self.skipped += other.skipped;
        self.full += other.full;
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { columns, cycles, inexact, skipped, full } = self;
        write!(
            f,
            "{columns} columns in {cycles} cycles ({inexact} inexact, {skipped} planes skipped, {full} cycles full)"
        )
    }
}

/// Outputs that are looked at in every cycle.
struct Outputs {
    room: Port,
    taken: Port,
    valid: Port,
    digits: Port,
    stall: Port,
}

/// RTL, golden and the weights both hold.
pub struct Bench {
    geometry: Geometry,
    dut: Model,
    outputs: Outputs,
    golden: ChargeMacro,
    /// `[lane][page][column]`.
    weights: Vec<Vec<Vec<i8>>>,
}

impl Bench {
    pub fn new(geometry: Geometry, mut dut: Model, rng: &mut Rng) -> Self {
        for port in ["start_i", "word_valid_i", "weight_we_i", "gating_i", "mode_i"] {
            dut.set(port, 0);
        }
        dut.set("input_bits_i", 8);
        dut.set("weight_bits_i", 8);
        dut.set("readout_bits_i", 8);
        dut.reset();
        let setting = Setting::new(ChargeMode::And, 8, 8, 8).expect("in range");
        let weights = vec![vec![vec![0; geometry.columns()]; geometry.pages]; geometry.lanes];
        let outputs = Outputs {
            room: dut.port("room_o"),
            taken: dut.port("taken_o"),
            valid: dut.port("sum_valid_o"),
            digits: dut.port("digits_o"),
            stall: dut.port("stall_feed_o"),
        };
        let mut bench = Self { geometry, dut, outputs, golden: ChargeMacro::new(&geometry, setting), weights };
        for lane in 0..geometry.lanes {
            for page in 0..geometry.pages {
                bench.write_page(lane, page, rng);
                bench.dut.step();
                bench.golden.step(Gating::Off, None);
            }
        }
        bench.dut.set("weight_we_i", 0);
        bench
    }

    /// Drives one write into both; the clock edge is the caller's.
    fn write_page(&mut self, lane: usize, page: usize, rng: &mut Rng) {
        let extreme = rng.random_bool(0.1);
        let random = |rng: &mut Rng| if extreme { [-128, -1, 127, 0][rng.random_range(0..4)] } else { rng.random() };
        let weights: Vec<i8> = (0..self.geometry.columns()).map(|_| random(rng)).collect();
        self.dut.set("weight_we_i", 1);
        self.dut.set("weight_lane_i", lane as u64);
        self.dut.set("weight_page_i", page as u64);
        for (column, &weight) in (0..).zip(&weights) {
            self.dut.set_field("weight_data_i", 8 * column, 8, u64::from(weight as u8));
        }
        self.golden.write_page(lane, page, &weights);
        self.weights[lane][page] = weights;
    }

    /// Sums of every vector, by the function of the array, and how many of them its readout rounds.
    fn expected(&self, job: &Job, seen: &mut Seen) -> Vec<i32> {
        let lanes = self.geometry.lanes;
        let weights = |column: usize| -> Vec<i8> {
            let rows = 0..job.vectors[0].len();
            rows.map(|row| self.weights[row % lanes][job.page + row / lanes][column]).collect()
        };
        let of_column: Vec<Vec<i8>> = (0..self.geometry.columns()).map(weights).collect();
        let columns: Vec<Column> = of_column.iter().map(|w| Column::new(w)).collect();
        let mut array = Array::new(job.setting, job.gating, Compensation::Enabled);
        let spare = i32::BITS - (self.geometry.acc_bits as u32 + lanes.ilog2());
        let sums = job.vectors.iter().flat_map(|rows| array.run(rows, &columns)).map(|sum| sum << spare >> spare);
        let sums: Vec<i32> = sums.collect();
        seen.skipped = array.counts().skipped_planes;
        let value = |operand: i32, bits| job.setting.value(operand, bits);
        let exact = job.vectors.iter().flat_map(|rows| {
            of_column.iter().map(move |weights| {
                let pairs = rows.iter().zip(weights);
                let product = |(&d, &w): (&i16, &i8)| {
                    value(d.into(), job.setting.input_bits()) * value(w.into(), job.setting.weight_bits())
                };
                pairs.map(product).sum::<i32>() << spare >> spare
            })
        });
        seen.inexact = sums.iter().zip(exact).filter(|(sum, exact)| *sum != exact).count();
        assert!(seen.inexact == 0 || job.setting.readout_bits() < 7, "7 bits are enough for 64 rows");
        seen.columns = sums.len();
        sums
    }

    /// Runs one job to its last sum and a little longer.
    pub fn run(&mut self, job: &Job, rng: &mut Rng) -> Seen {
        let mut seen = Seen::default();
        let expected = self.expected(job, &mut seen);
        let mut words = job.words(self.geometry.columns());
        let mut flight = VecDeque::from([None; FEED_LATENCY - 1]);
        let mut sums: Vec<i32> = Vec::new();
        let (mut started, mut taken, mut fresh, mut rest) = (0, 0, true, rng.random_range(1..20));

        self.dut.set("gating_i", job.gating as u64);
        self.dut.set("mode_i", job.setting.mode() as u64);
        self.dut.set("input_bits_i", job.setting.input_bits().into());
        self.dut.set("weight_bits_i", job.setting.weight_bits().into());
        self.dut.set("readout_bits_i", job.setting.readout_bits().into());
        self.golden.set(job.setting);
        self.golden.start();
        let used = job.page..job.page + 2 * job.vectors[0].len().div_ceil(self.geometry.columns());
        for cycle in 0.. {
            assert!(cycle < 500_000, "the job must end");
            self.dut.set("start_i", u64::from(cycle == 0));
            let word: Option<RowWord> = flight.pop_front().expect("as deep as the feeder");
            self.drive(word.as_ref());
            self.rewrite_an_idle_page(&used, rng);

            self.dut.eval();
            let room = self.golden.room();
            assert_eq!(self.dut.bit(self.outputs.room), room, "room_o in cycle {cycle}");
            let out = self.golden.step(job.gating, word.as_ref());
            self.compare(&out, cycle);
            seen.full += usize::from(!room);
            if let Some((group, of_group)) = out.sums {
                assert_eq!(sums.len() % self.geometry.columns(), group * self.geometry.reduce_columns);
                sums.extend(&of_group[..self.geometry.reduce_columns]);
            }

            let may =
                cycle > 0 && room && !rng.random_bool(job.pause) && (!fresh || started - taken < VECTORS_IN_FLIGHT);
            let issued = if may { words.pop_front() } else { None };
            if let Some(word) = &issued {
                started += usize::from(fresh);
                fresh = word.last;
            }
            flight.push_back(issued);
            taken += usize::from(out.taken);
            self.dut.step();
            seen.cycles += 1;

            if sums.len() == expected.len() {
                rest -= 1;
                if rest == 0 {
                    break;
                }
            }
        }
        assert_eq!(sums, expected, "{:?} {:?}", job.setting, job.gating);
        assert_eq!(taken, job.vectors.len());
        seen
    }

    fn drive(&mut self, word: Option<&RowWord>) {
        self.dut.set("word_valid_i", u64::from(word.is_some()));
        let Some(word) = word else { return };
        for (row, &d) in (0..).zip(&word.data[..self.geometry.columns()]) {
            self.dut.set_field("word_data_i", 9 * row, 9, (d as u64) & 0x1ff);
        }
        self.dut.set("word_count_i", word.count.into());
        self.dut.set("word_page_i", u64::from(word.page));
        self.dut.set("word_last_i", word.last.into());
    }

    fn rewrite_an_idle_page(&mut self, used: &std::ops::Range<usize>, rng: &mut Rng) {
        self.dut.set("weight_we_i", 0);
        if rng.random_bool(0.05) {
            let (lane, page) = (rng.random_range(0..self.geometry.lanes), rng.random_range(0..self.geometry.pages));
            if !used.contains(&page) {
                self.write_page(lane, page, rng);
            }
        }
    }

    fn compare(&self, out: &MacroOut, cycle: u32) {
        let width = (self.geometry.acc_bits as u32) + self.geometry.lanes.ilog2();
        let sums = self.dut.bit(self.outputs.valid).then(|| {
            let mut sums = [0; 16];
            for (column, sum) in (0..).zip(&mut sums[..self.geometry.reduce_columns]) {
                let raw = self.dut.field("sums_o", column * width, width) as u32;
                *sum = ((raw << (32 - width)) as i32) >> (32 - width);
            }
            (self.dut.get("sum_group_o") as usize, sums)
        });
        let rtl = MacroOut {
            sums,
            taken: self.dut.bit(self.outputs.taken),
            digits: self.dut.get(self.outputs.digits) as u32,
            stall_feed: self.dut.bit(self.outputs.stall),
            stall_reduce: self.dut.bit("stall_reduce_o"),
        };
        assert_eq!(&rtl, out, "RTL, golden in cycle {cycle}");
    }
}
