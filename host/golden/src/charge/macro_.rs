//! The charge-domain macro (`lacuna_charge_macro`), cycle by cycle.

use std::collections::VecDeque;

use lacuna_spec::{
    Geometry,
    charge::{CHARGE_QUARTER_ROWS, CHARGE_ROWS, ChargeMode},
    geometry::FEED_LATENCY,
    instr::Gating,
};

use super::{Compensation, Setting, readout::Table, rows::BlockRows};
use crate::{
    cim::{MAX_COLUMNS, MacroOut},
    feeder::RowWord,
};

/// What the registers of state say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Wait,
    Scan {
        index: usize,
    },
    Plane,
    /// Pages, readout steps, slices and the sum that are left.
    Busy {
        left: u32,
    },
    Store,
}

/// Registers and weights of one charge-domain macro.
#[derive(Debug, Clone)]
pub struct ChargeMacro {
    geometry: Geometry,
    setting: Setting,
    table: Table,
    /// `[lane][page][column]`.
    weights: Vec<Vec<[i8; MAX_COLUMNS]>>,
    words: VecDeque<RowWord>,
    lasts: usize,
    state: State,
    block: Vec<RowWord>,
    rows: BlockRows,
    last: bool,
    first: bool,
    group: usize,
    plane: u32,
    /// Sums of the block's planes so far, one a column of the group.
    sums: Vec<i32>,
    totals: Vec<i32>,
    /// Word lines that the pages of the plane drive, as they are counted; one a cycle.
    lines: VecDeque<u32>,
    out: MacroOut,
}

impl ChargeMacro {
    /// A macro after reset, all weights 0. Columns are read out `reduce_columns` at a time; a lane has its digit width for
    /// nothing.
    ///
    /// # Panics
    /// If a geometry's words are wider than a quarter.
    #[must_use]
    pub fn new(geometry: &Geometry, setting: Setting) -> Self {
        assert!(geometry.columns() <= CHARGE_QUARTER_ROWS, "a row word lies in one quarter");
        Self {
            geometry: *geometry,
            setting,
            table: Table::new(setting.readout_bits(), Compensation::Enabled),
            weights: vec![vec![[0; MAX_COLUMNS]; geometry.pages]; geometry.lanes],
            words: VecDeque::new(),
            lasts: 0,
            state: State::Wait,
            block: Vec::new(),
            rows: BlockRows::default(),
            last: false,
            first: true,
            group: 0,
            plane: 0,
            sums: vec![0; geometry.reduce_columns],
            totals: vec![0; geometry.columns()],
            lines: VecDeque::new(),
            out: MacroOut::default(),
        }
    }

    /// Writes one page of one lane: a weight for each column.
    pub fn write_page(&mut self, lane: usize, page: usize, weights: &[i8]) {
        self.weights[lane][page][..weights.len()].copy_from_slice(weights);
    }

    /// Changes mode and widths, between jobs.
    pub fn set(&mut self, setting: Setting) {
        self.setting = setting;
        self.table = Table::new(setting.readout_bits(), Compensation::Enabled);
    }

    /// Starts a job (`start_i`). All vectors have left.
    pub fn start(&mut self) {
        debug_assert!(self.words.is_empty() && self.state == State::Wait);
    }

    /// `room_o`: the feeder may issue a window in this cycle. Ask before [`ChargeMacro::step`].
    #[must_use]
    pub fn room(&self) -> bool {
        self.words.len() <= 2 * self.block_words() - FEED_LATENCY
    }

    fn block_words(&self) -> usize {
        CHARGE_ROWS / self.geometry.columns()
    }

    fn groups(&self) -> usize {
        self.geometry.columns() / self.geometry.reduce_columns
    }

    /// One cycle, in which `word` is handed over.
    pub fn step(&mut self, gating: Gating, word: Option<&RowWord>) -> MacroOut {
        let mut out = std::mem::take(&mut self.out);
        let ready = self.words.len() >= self.block_words() || self.lasts > 0;
        if let Some(word) = word {
            self.words.push_back(*word);
            self.lasts += usize::from(word.last);
        }
        self.out.digits = self.lines.pop_front().unwrap_or(0);
        match self.state {
            State::Wait => {
                self.out.stall_feed = !ready;
                if ready {
                    self.state = State::Scan { index: 0 };
                    self.block.clear();
                }
            }
            State::Scan { index } => self.scan(index, gating),
            State::Plane => self.begin_plane(),
            State::Busy { left: 1 } => {
                self.lines.clear();
                self.end_plane();
            }
            State::Busy { left } => self.state = State::Busy { left: left - 1 },
            State::Store => out.taken = self.store(),
        }
        out
    }

    fn scan(&mut self, index: usize, gating: Gating) {
        let word = self.words[index];
        self.block.push(word);
        if !word.last && index + 1 < self.block_words() {
            self.state = State::Scan { index: index + 1 };
            return;
        }
        let rows: Vec<i16> = self.block.iter().flat_map(|w| w.data[..w.count.into()].iter().copied()).collect();
        self.rows = BlockRows::new(&rows, &self.setting, gating);
        self.last = word.last;
        self.begin_group(0);
    }

    fn begin_group(&mut self, group: usize) {
        self.group = group;
        self.plane = self.setting.input_bits() - 1;
        self.sums.fill(0);
        self.state = State::Plane;
    }

    fn begin_plane(&mut self) {
        let (mask, quarters) = self.rows.enabled(self.plane);
        if quarters == 0 {
            self.end_plane();
            return;
        }
        let lanes = self.geometry.lanes;
        let pages = quarters * (CHARGE_QUARTER_ROWS / lanes) as u32;
        if self.group == 0 {
            let lines = self.rows.lines(self.plane, self.setting.mode());
            // The first page is counted in the next cycle, and shows a cycle later.
            self.lines = (0..CHARGE_ROWS / lanes)
                .filter(|page| mask >> (page * lanes) & 1 == 1)
                .map(|page| (lines >> (page * lanes) & ((1 << lanes) - 1)).count_ones())
                .collect();
        }
        let weight = self.setting.bit_weight(self.plane, self.setting.input_bits());
        for at in 0..self.sums.len() {
            let value = self.convert(self.group * self.sums.len() + at, mask, quarters);
            self.sums[at] = self.sums[at].wrapping_add(weight.wrapping_mul(value));
        }
        // Settle, the readout with its rounding, a slice a cycle, the sum.
        let left = pages + 1 + self.setting.readout_bits() + 1 + self.setting.weight_bits() + 1;
        self.state = State::Busy { left };
    }

    fn end_plane(&mut self) {
        if self.plane == 0 {
            self.state = State::Store;
        } else {
            self.plane -= 1;
            self.state = State::Plane;
        }
    }

    /// One plane of one column.
    fn convert(&self, column: usize, mask: u64, quarters: u32) -> i32 {
        let (bits, mode) = (self.setting.weight_bits(), self.setting.mode());
        let lanes = self.geometry.lanes;
        let mut ones = [0u32; 8];
        let hits = self.rows.driven & mask;
        let inputs = self.rows.planes[self.plane as usize];
        for row in (0..CHARGE_ROWS).filter(|row| hits >> row & 1 == 1) {
            let word = &self.block[row / self.geometry.columns()];
            let of_word = row % self.geometry.columns();
            let page = (usize::from(word.page) + of_word / lanes) % self.geometry.pages;
            let weight = self.weights[of_word % lanes][page][column] as u8;
            let input = inputs >> row & 1 == 1;
            for (j, ones) in ones.iter_mut().enumerate() {
                let bit = weight >> j & 1 == 1;
                *ones += u32::from(if mode == ChargeMode::And { input && bit } else { input == bit });
            }
        }
        let part = |count: u32| match mode {
            ChargeMode::And => count as i32,
            ChargeMode::Xnor => 2 * count as i32 - self.rows.driven.count_ones() as i32,
        };
        (0..bits)
            .zip(ones)
            .map(|(j, ones)| self.setting.bit_weight(j, bits) * part(self.table.read(ones, quarters)))
            .sum()
    }

    /// Adds the block to its vector; `true` with the last group of a vector.
    fn store(&mut self) -> bool {
        let first = self.group * self.sums.len();
        let spare = i32::BITS - (self.geometry.acc_bits as u32 + self.geometry.lanes.ilog2());
        let mut sums = [0; MAX_COLUMNS];
        for (at, &sum) in self.sums.iter().enumerate() {
            let before = if self.first { 0 } else { self.totals[first + at] };
            self.totals[first + at] = before.wrapping_add(sum) << spare >> spare;
            sums[at] = self.totals[first + at];
        }
        if self.last {
            self.out.sums = Some((self.group, sums));
        }
        if self.group + 1 < self.groups() {
            self.begin_group(self.group + 1);
            return false;
        }
        self.first = self.last;
        self.words.drain(..self.block.len());
        self.lasts -= usize::from(self.last);
        self.state = State::Wait;
        self.last
    }
}
