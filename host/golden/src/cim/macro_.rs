//! The macro (`lacuna_macro`, `lacuna_reduce`), cycle by cycle.

use lacuna_spec::{Geometry, geometry::FEED_LATENCY, instr::Gating};

use super::{
    Activity, Recoder,
    array::{Cells, MAX_COLUMNS},
    lane::{Entry, Lane, ROWS, TAGS},
};
use crate::feeder::RowWord;

/// Cycles from the issue of a column group until its holds are read (`ShowDelay`).
const SHOW_DELAY: usize = 4;
/// Longest way from a group's issue to its sums.
const SUM_DELAY_MAX: usize = sum_delay(8);

/// Cycles from the issue of a column group to its sums: tree and difference.
const fn sum_delay(lanes: usize) -> usize {
    SHOW_DELAY + lanes.ilog2() as usize + 1
}

/// What leaves the macro in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MacroOut {
    /// A column group and its sums, lowest column first; those beyond the group are 0.
    pub sums: Option<(usize, [i32; MAX_COLUMNS])>,
    /// The first group of a vector is issued to the reduction in this cycle: no lane needs its tag any more.
    pub taken: bool,
    /// Digit slots issued in the cycle before, all lanes.
    pub digits: u32,
    /// In the cycle before, no lane issued and at least one waited for the feeder.
    pub stall_feed: bool,
    /// In the cycle before, at least one lane could have retired but for its hold registers.
    pub stall_reduce: bool,
}

/// What the lanes did in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lanes that issued a digit.
    pub issued: u32,
    /// Of these, digits that are 0.
    pub zeros: u32,
    /// Lanes that had nothing to do until the feeder brings more.
    pub starved: u32,
    /// Lanes whose hold registers were not free.
    pub blocked: u32,
    /// The reduction took a column group.
    pub reducing: bool,
}

/// Registers and weights of one macro.
#[derive(Debug, Clone)]
pub struct Macro {
    recoder: Recoder,
    lanes: Vec<Lane>,
    cells: Vec<Cells>,
    reduce_columns: usize,
    groups: usize,
    /// With its issue the holds are free.
    freeing_group: usize,
    group_cycles: usize,
    /// Cycles until a group may be issued.
    group_wait: usize,
    /// Bits of `i32` above the sums' width.
    spare_bits: u32,
    /// Entries of a lane's queue with which there is room for what is on its way.
    most_queued: usize,
    /// Vectors handed over whole, modulo twice the tags.
    fed: u8,
    fed_mask: u8,
    /// The gating mode of each vector in flight, by its tag.
    modes: [Gating; TAGS],
    group: usize,
    /// Of the vector that is reduced.
    sums: [i32; MAX_COLUMNS],
    pipeline: [Option<(usize, [i32; MAX_COLUMNS])>; SUM_DELAY_MAX],
    sum_delay: usize,
    at: usize,
    /// Counter registers: `digits`, `stall_feed` and `stall_reduce` of the cycle before.
    counted: (u32, bool, bool),
    tally: Tally,
}

impl Macro {
    /// A macro after reset, all weights 0.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        let levels = geometry.lanes.ilog2();
        Self {
            recoder: Recoder::new(geometry.digit_bits),
            lanes: vec![Lane::new(geometry); geometry.lanes],
            cells: vec![Cells::new(geometry); geometry.lanes],
            reduce_columns: geometry.reduce_columns,
            groups: geometry.groups(),
            freeing_group: geometry.freeing_group(),
            group_cycles: geometry.group_cycles(),
            group_wait: 0,
            spare_bits: i32::BITS - (geometry.acc_bits as u32 + levels),
            most_queued: geometry.lane_queue() - FEED_LATENCY,
            fed: 0,
            fed_mask: 2 * geometry.vectors_in_flight() as u8 - 1,
            modes: [Gating::Off; TAGS],
            group: 0,
            sums: [0; MAX_COLUMNS],
            pipeline: [None; SUM_DELAY_MAX],
            sum_delay: sum_delay(geometry.lanes),
            at: 0,
            counted: (0, false, false),
            tally: Tally::default(),
        }
    }

    /// Writes one page of one lane: a weight for each column.
    pub fn write_page(&mut self, lane: usize, page: usize, weights: &[i8]) {
        self.cells[lane].write_page(page, weights);
    }

    /// Starts a job (`start_i`): the next vector has tag 0. All vectors have left.
    pub fn start(&mut self) {
        self.fed = 0;
        self.lanes.iter_mut().for_each(Lane::start);
    }

    /// `room_o`: the feeder may issue a window in this cycle. Ask before [`Macro::step`].
    #[must_use]
    pub fn room(&self) -> bool {
        self.lanes.iter().all(|lane| lane.count() <= self.most_queued)
    }

    /// Where each lane's cycles went since [`Macro::start`].
    pub fn activity(&self) -> impl Iterator<Item = Activity> + '_ {
        self.lanes.iter().map(|lane| lane.activity)
    }

    /// What the lanes did in the last cycle.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// One cycle, in which `word` is handed over.
    pub fn step(&mut self, gating: Gating, word: Option<&RowWord>) -> MacroOut {
        let issue = self.group_wait == 0 && (self.group > 0 || self.lanes.iter().all(Lane::busy));
        self.group_wait = if issue { self.group_cycles - 1 } else { self.group_wait.saturating_sub(1) };
        let taken = issue && self.group == 0;
        let freed = issue && self.group == self.freeing_group;
        let out = MacroOut {
            sums: self.pipeline[self.at],
            taken,
            digits: self.counted.0,
            stall_feed: self.counted.1,
            stall_reduce: self.counted.2,
        };

        if taken {
            self.reduce();
        }
        self.pipeline[self.at] = issue.then(|| (self.group, self.shown()));
        self.at = if self.at + 1 == self.sum_delay { 0 } else { self.at + 1 };
        if issue {
            self.group = (self.group + 1) % self.groups;
        }

        let mut tally = Tally { reducing: issue, ..Tally::default() };
        for (lane, cells) in self.lanes.iter_mut().zip(&mut self.cells) {
            let cycle = lane.step(self.fed, freed, &self.recoder, &self.modes);
            if cycle.retire {
                cells.retire();
            }
            if let Some(digit) = cycle.issue {
                cells.accumulate(usize::from(digit.page), digit.value);
                tally.issued += 1;
                tally.zeros += u32::from(digit.value == 0);
            }
            tally.starved += u32::from(cycle.starved);
            tally.blocked += u32::from(cycle.blocked);
        }
        self.counted = (tally.issued, tally.issued == 0 && tally.starved > 0, tally.blocked > 0);
        self.tally = tally;

        if let Some(word) = word {
            self.push(gating, word);
        }
        out
    }

    /// Sums all columns over the lanes, as wide as the tree: later the holds may be another vector's.
    fn reduce(&mut self) {
        let mut sums = [0i32; MAX_COLUMNS];
        for cells in &mut self.cells {
            for (sum, hold) in sums.iter_mut().zip(cells.take()) {
                *sum = sum.wrapping_add(*hold);
            }
        }
        self.sums = sums.map(|sum| (sum << self.spare_bits) >> self.spare_bits);
    }

    /// The sums of the current column group.
    fn shown(&self) -> [i32; MAX_COLUMNS] {
        let mut group = [0; MAX_COLUMNS];
        let first = self.group * self.reduce_columns;
        group[..self.reduce_columns].copy_from_slice(&self.sums[first..first + self.reduce_columns]);
        group
    }

    fn push(&mut self, gating: Gating, word: &RowWord) {
        let gating = if word.gated { gating } else { Gating::Off };
        self.modes[usize::from(word.tag)] = gating;
        let lanes = self.lanes.len();
        for (l, lane) in self.lanes.iter_mut().enumerate() {
            let live = |d: i16| (d != 0 || gating == Gating::Off).then_some(d);
            let row = |row: usize| if row < usize::from(word.count) { live(word.data[row]) } else { None };
            let next = |row: usize| word.next.and_then(|data| live(data[row]));
            let rows = [row(l), row(l + lanes), next(l), next(l + lanes)];
            if rows != [None; ROWS] {
                lane.push(Entry { tag: word.tag, page: word.page, rows });
            }
        }
        self.fed = (self.fed + u8::from(word.last)) & self.fed_mask;
    }
}
