//! Feeds one macro in RTL and golden as the feeder would, and compares them in every cycle.

use std::collections::VecDeque;

use lacuna_golden::{
    cim::{Macro, MacroOut},
    feeder::{MAX_WORD, RowWord},
};
use lacuna_sim::{Model, testing::Rng};
use lacuna_spec::{Geometry, geometry::FEED_LATENCY, instr::Gating};
use rand::Rng as _;

/// Rows a lane that cannot exceed 22-bit accumulators whatever the data.
const ROWS_A_LANE: usize = 64;

/// A run of vectors with one row count, over one or more column blocks.
#[derive(Clone)]
pub struct Job {
    gating: Gating,
    page: usize,
    vector_pages: usize,
    blocks: usize,
    /// Block by block.
    vectors: Vec<Vec<i16>>,
    /// What the monitor decided for each of them.
    gated: Vec<bool>,
    /// Chance that the feeder does nothing though it could.
    pause: f64,
    /// Two whole row words come at once.
    doubled: bool,
}

impl Job {
    /// `round` 0 is short vectors, 1 long ones, 2 a slow feeder, 3 anything.
    pub fn random(geometry: &Geometry, gating: Gating, round: usize, rng: &mut Rng) -> Self {
        let most = ROWS_A_LANE.min(geometry.pages / 4) * geometry.lanes;
        let rows = match round {
            0 => rng.random_range(1..=3 * geometry.columns()),
            1 => rng.random_range(most / 2..=most),
            _ => rng.random_range(1..=most),
        };
        let vector_pages = rows.div_ceil(geometry.lanes);
        let blocks = rng.random_range(1..=3);
        let page = rng.random_range(0..=geometry.pages - blocks * vector_pages);
        let count = blocks * (1 + 1500 / rows.max(40));
        let extreme = rng.random_bool(0.2);
        let vectors = (0..count)
            .map(|_| {
                // Some vectors have no live row at all.
                let density = *[0.0, 0.05, 0.3, 0.7, 1.0].get(rng.random_range(0..5)).unwrap();
                let narrow = rng.random_bool(0.3);
                (0..rows)
                    .map(|_| match (rng.random_bool(density), extreme, narrow) {
                        (false, ..) => 0,
                        (_, true, _) => {
                            if rng.random_bool(0.9) {
                                -255
                            } else {
                                255
                            }
                        }
                        (_, _, true) => rng.random_range(-12..=12),
                        _ => rng.random_range(-255..=255),
                    })
                    .collect()
            })
            .collect();
        let pause = match round {
            2 => 0.9,
            3 => rng.random_range(0.0..0.5),
            _ => 0.0,
        };
        let gated = (0..count).map(|_| !geometry.monitor || rng.random_bool(0.6)).collect();
        let doubled = geometry.double_feed() && rng.random_bool(0.6);
        Self { gating, page, vector_pages, blocks, vectors, gated, pause, doubled }
    }

    /// Vectors of 64 rows of which a share differs from the gate value.
    pub fn of_density(gating: Gating, density: f64, rng: &mut Rng) -> Self {
        const VECTORS: usize = 24;
        const ROWS: usize = 64;
        let mut row = || {
            let (live, d) = (rng.random_bool(density), rng.random_range(1..=255));
            if !live {
                0
            } else if rng.random() {
                d
            } else {
                -d
            }
        };
        let vectors = (0..VECTORS).map(|_| (0..ROWS).map(|_| row()).collect()).collect();
        let gated = vec![true; VECTORS];
        Self { gating, page: 0, vector_pages: 8, blocks: 1, vectors, gated, pause: 0.0, doubled: false }
    }

    /// Vectors whose live rows are all one lane's, so that the others run ahead until their holds are full.
    pub fn of_one_lane(geometry: &Geometry, gating: Gating, rng: &mut Rng) -> Self {
        const VECTORS: usize = 24;
        const ROWS_A_LANE: usize = 16;
        let busy = rng.random_range(0..geometry.lanes);
        let mut row = |row: usize| if row % geometry.lanes == busy { rng.random_range(1..=255) } else { 0 };
        let vectors = (0..VECTORS).map(|_| (0..ROWS_A_LANE * geometry.lanes).map(&mut row).collect()).collect();
        let (gated, doubled) = (vec![true; VECTORS], geometry.double_feed());
        Self { gating, page: 0, vector_pages: ROWS_A_LANE, blocks: 1, vectors, gated, pause: 0.0, doubled }
    }

    /// The same vectors in another gating mode.
    pub fn in_mode(&self, gating: Gating) -> Self {
        Self { gating, ..self.clone() }
    }

    fn block_of(&self, vector: usize) -> usize {
        vector * self.blocks / self.vectors.len()
    }

    fn words(&self, geometry: &Geometry) -> VecDeque<RowWord> {
        let columns = geometry.columns();
        let mut words = VecDeque::new();
        for (v, rows) in self.vectors.iter().enumerate() {
            let mut page = self.page + self.block_of(v) * self.vector_pages;
            let mut rest = &rows[..];
            while !rest.is_empty() {
                let two = self.doubled && rest.len() >= 2 * columns;
                let (first, others) = rest.split_at(rest.len().min(columns));
                let (second, others) = others.split_at(if two { columns } else { 0 });
                rest = others;
                let word = |rows: &[i16]| {
                    // Rows that are not there hold anything.
                    let mut data = [77; MAX_WORD];
                    data[..rows.len()].copy_from_slice(rows);
                    data
                };
                words.push_back(RowWord {
                    data: word(first),
                    next: two.then(|| word(second)),
                    count: first.len() as u8,
                    page: page as u16,
                    tag: (v % geometry.vectors_in_flight()) as u8,
                    last: rest.is_empty(),
                    gated: self.gated[v],
                });
                page += if two { 4 } else { 2 };
            }
        }
        words
    }
}

/// Which rare conditions a job met.
#[derive(Debug, Default)]
pub struct Seen {
    pub stall_feed: bool,
    pub stall_reduce: bool,
    pub full: bool,
}

impl Seen {
    pub fn add(&mut self, other: &Self) {
        self.stall_feed |= other.stall_feed;
        self.stall_reduce |= other.stall_reduce;
        self.full |= other.full;
    }
}

/// Toggles of the registers of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Toggles {
    /// Of all cells. Verilator 5.048 counts those of word k of a wide register k + 1 times, so this tells whether, not how many.
    pub all: u64,
    /// Of the cells of the first column, all lanes.
    pub first: u64,
}

/// RTL, golden and the weights both hold.
pub struct Bench {
    geometry: Geometry,
    dut: Model,
    golden: Macro,
    /// Digit slots issued, all lanes and jobs.
    pub digits: u64,
    /// `[lane][page][column]`.
    weights: Vec<Vec<Vec<i8>>>,
}

impl Bench {
    pub fn new(geometry: Geometry, mut dut: Model, golden: Macro, rng: &mut Rng) -> Self {
        for port in ["start_i", "word_valid_i", "weight_we_i", "gating_i"] {
            dut.set(port, 0);
        }
        dut.reset();
        let weights = vec![vec![vec![0; geometry.columns()]; geometry.pages]; geometry.lanes];
        let mut bench = Self { geometry, dut, golden, digits: 0, weights };
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

    /// How often the registers of cells have toggled: of the weights they read, their products and their sums.
    pub fn toggles(&self) -> Toggles {
        let registers: &[(&str, u32)] = match self.geometry.digit_bits {
            2 => &[
                ("lacuna_cell_part.sv:weights_q[", 8),
                ("lacuna_cell_row.sv:gen_2.products_q[", 9),
                ("lacuna_accumulate.sv:sums_o[", 32),
            ],
            4 => &[
                ("lacuna_cell_part.sv:weights_q[", 8),
                ("lacuna_cell_part.sv:highs_q[", 8),
                ("lacuna_digit_products.sv:above_o[", 32),
                ("lacuna_digit_products.sv:below_o[", 32),
                ("lacuna_accumulate.sv:sums_o[", 32),
            ],
            _ => &[
                ("lacuna_products.sv:gen_column[0].weight_q[", 8),
                ("lacuna_products.sv:products_o[", 16),
                ("lacuna_cell_part_whole.sv:sums_q[", self.geometry.acc_bits as u32 + self.geometry.lanes.ilog2()),
            ],
        };
        let counts = self.dut.toggles().unwrap();
        let mut toggles = Toggles::default();
        for (register, column) in registers {
            let bits = counts.iter().filter_map(|(name, count)| {
                Some((name.rsplit_once(register)?.1.strip_suffix(']')?.parse::<u32>().ok()?, count))
            });
            let mut found = false;
            for (bit, count) in bits {
                found = true;
                toggles.all += count;
                toggles.first += if bit < *column { *count } else { 0 };
            }
            assert!(found, "nobody counts {register}");
        }
        // Each part of a lane's columns has a first one.
        toggles.first /= (self.geometry.columns() / self.geometry.part_columns()) as u64;
        toggles
    }

    /// Drives one write into both; the clock edge is the caller's.
    fn write_page(&mut self, lane: usize, page: usize, rng: &mut Rng) {
        let extreme = rng.random_bool(0.05);
        let page_weights: Vec<i8> =
            (0..self.geometry.columns()).map(|_| if extreme { -128 } else { rng.random() }).collect();
        self.dut.set("weight_we_i", 1);
        self.dut.set("weight_lane_i", lane as u64);
        self.dut.set("weight_page_i", page as u64);
        for (column, &weight) in (0..).zip(&page_weights) {
            self.dut.set_field("weight_data_i", 8 * column, 8, u64::from(weight as u8));
        }
        self.golden.write_page(lane, page, &page_weights);
        self.weights[lane][page] = page_weights;
    }

    /// What vector `v` of a job must add up to, column by column.
    fn expected(&self, job: &Job, v: usize) -> Vec<i32> {
        let base = job.page + job.block_of(v) * job.vector_pages;
        (0..self.geometry.columns())
            .map(|column| {
                (job.vectors[v].iter().enumerate())
                    .map(|(row, &d)| {
                        let (lane, page) = (row % self.geometry.lanes, row / self.geometry.lanes);
                        i32::from(d) * i32::from(self.weights[lane][base + page][column])
                    })
                    .sum()
            })
            .collect()
    }

    /// Runs one job to its last sum and a little longer.
    pub fn run(&mut self, job: &Job, rng: &mut Rng) -> Seen {
        let columns = self.geometry.columns();
        let expected: Vec<_> = (0..job.vectors.len()).map(|v| self.expected(job, v)).collect();
        let used = job.page..job.page + job.blocks * job.vector_pages;
        let mut words = job.words(&self.geometry);
        let mut flight = VecDeque::from([None; FEED_LATENCY - 1]);
        let mut sums: Vec<i32> = Vec::new();
        let mut seen = Seen::default();
        let (mut started, mut taken, mut fresh, mut rest) = (0, 0, true, 20);

        self.dut.set("gating_i", job.gating as u64);
        self.golden.start();
        for cycle in 0.. {
            assert!(cycle < 500_000, "the job must end");
            self.dut.set("start_i", u64::from(cycle == 0));
            let word: Option<RowWord> = flight.pop_front().expect("as deep as the feeder");
            self.drive(word.as_ref());
            self.rewrite_an_idle_page(&used, rng);

            self.dut.eval();
            let room = self.golden.room();
            assert_eq!(self.dut.bit("room_o"), room, "room_o in cycle {cycle}");
            let out = self.golden.step(job.gating, word.as_ref());
            self.compare(&out, cycle);
            seen.stall_feed |= out.stall_feed;
            seen.stall_reduce |= out.stall_reduce;
            seen.full |= !room;
            self.digits += u64::from(out.digits);
            if let Some((_, group)) = out.sums {
                sums.extend(&group[..self.geometry.reduce_columns]);
            }

            let may = cycle > 0
                && room
                && !rng.random_bool(job.pause)
                && (!fresh || started - taken < self.geometry.vectors_in_flight());
            let issued = if may { words.pop_front() } else { None };
            if let Some(word) = &issued {
                started += usize::from(fresh);
                fresh = word.last;
            }
            flight.push_back(issued);
            taken += usize::from(out.taken);
            self.dut.step();

            if sums.len() == expected.len() * columns {
                rest -= 1;
                if rest == 0 {
                    break;
                }
            }
        }
        for (v, (sums, expected)) in sums.chunks(columns).zip(&expected).enumerate() {
            assert_eq!(sums, expected, "vector {v}");
        }
        assert_eq!(taken, job.vectors.len());
        seen
    }

    fn drive(&mut self, word: Option<&RowWord>) {
        self.dut.set("word_valid_i", u64::from(word.is_some()));
        let Some(word) = word else { return };
        for (row, &d) in (0..).zip(&word.data[..self.geometry.columns()]) {
            self.dut.set_field("word_data_i", 9 * row, 9, (d as u64) & 0x1ff);
        }
        self.dut.set("word_double_i", word.next.is_some().into());
        for (row, &d) in (0..).zip(&word.next.unwrap_or_default()[..self.geometry.columns()]) {
            self.dut.set_field("word_next_i", 9 * row, 9, (d as u64) & 0x1ff);
        }
        self.dut.set("word_count_i", word.count.into());
        self.dut.set("word_page_i", u64::from(word.page));
        self.dut.set("word_tag_i", word.tag.into());
        self.dut.set("word_last_i", word.last.into());
        self.dut.set("word_gated_i", word.gated.into());
    }

    fn rewrite_an_idle_page(&mut self, used: &std::ops::Range<usize>, rng: &mut Rng) {
        self.dut.set("weight_we_i", 0);
        let (lane, page) = (rng.random_range(0..self.geometry.lanes), rng.random_range(0..self.geometry.pages));
        if !used.contains(&page) && rng.random_bool(0.5) {
            self.write_page(lane, page, rng);
        }
    }

    fn compare(&self, out: &MacroOut, cycle: u32) {
        let width = (self.geometry.acc_bits as u32) + self.geometry.lanes.ilog2();
        let sums = self.dut.bit("sum_valid_o").then(|| {
            let mut sums = [0; 16];
            for (column, sum) in (0..).zip(&mut sums[..self.geometry.reduce_columns]) {
                let raw = self.dut.field("sums_o", column * width, width) as u32;
                *sum = ((raw << (32 - width)) as i32) >> (32 - width);
            }
            (self.dut.get("sum_group_o") as usize, sums)
        });
        let rtl = MacroOut {
            sums,
            taken: self.dut.bit("taken_o"),
            digits: self.dut.get("digits_o") as u32,
            stall_feed: self.dut.bit("stall_feed_o"),
            stall_reduce: self.dut.bit("stall_reduce_o"),
        };
        assert_eq!(&rtl, out, "RTL, golden in cycle {cycle}");
    }
}
