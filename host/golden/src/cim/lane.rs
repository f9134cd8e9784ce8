//! One row lane (`lacuna_lane`): queue, head and the rule that ends vectors.

use lacuna_spec::{
    Geometry,
    geometry::{LANE_QUEUE, MOST_SLACK},
    instr::Gating,
};

use super::{Recoder, SLOTS_MAX};

/// What a lane's cycles went into; every cycle of a lane is exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// A digit slot was issued.
    pub issued: u64,
    /// Nothing to do until the feeder brings more.
    pub starved: u64,
    /// The vector is complete, but the hold registers are not free.
    pub blocked: u64,
    /// A vector was retired and no digit of the next was there.
    pub retired: u64,
    /// The head was empty while the queue was not.
    pub filling: u64,
}

/// Rows that the feeder hands a lane at once, at most: two of each of two row words.
pub(super) const ROWS: usize = 4;
/// Digits of an entry, at most. Where there are four rows a row is one digit.
const DIGITS: usize = 2 * SLOTS_MAX;
/// Entries of the deepest queue.
const QUEUE: usize = 2 * LANE_QUEUE;
/// Tags of the most vectors in flight.
pub(super) const TAGS: usize = 2 * MOST_SLACK;

/// Rows on their way to the head.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    pub tag: u8,
    pub page: u16,
    /// Row differences, a page each; `None` is a row that is disabled or not there.
    pub rows: [Option<i16>; ROWS],
}

/// One digit slot on its way to the cells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Digit {
    pub page: u16,
    pub value: i16,
}

/// What one lane does in one cycle.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LaneCycle {
    pub retire: bool,
    pub issue: Option<Digit>,
    pub starved: bool,
    pub blocked: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Head {
    tag: u8,
    page: u16,
    /// Slots of the rows, one after the other.
    values: [i16; DIGITS],
    next: usize,
    /// The slots of each row end here.
    ends: [usize; ROWS],
}

impl Head {
    fn valid(&self) -> bool {
        self.next < self.ends[ROWS - 1]
    }

    fn digit(&self) -> Digit {
        let row: u16 = self.ends[..ROWS - 1].iter().map(|&end| u16::from(self.next >= end)).sum();
        Digit { page: self.page + row, value: self.values[self.next] }
    }

    fn load(&mut self, entry: &Entry, recoder: &Recoder, gating: Gating) {
        self.tag = entry.tag;
        self.page = entry.page;
        self.next = 0;
        let mut len = 0;
        for (row, end) in entry.rows.iter().zip(&mut self.ends) {
            if row.is_some() {
                let slots = recoder.slots(*row, gating);
                // A whole array, because it is short: the next row covers what this one does not use.
                self.values[len..len + SLOTS_MAX].copy_from_slice(&slots.values);
                len += usize::from(slots.len);
            }
            *end = len;
        }
    }
}

/// The registers of one lane.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    queue: [Entry; QUEUE],
    read: usize,
    count: usize,
    head: Head,
    vector: u8,
    /// Vectors in the hold registers.
    held: usize,
    slack: usize,
    /// A vector's number modulo twice the tags, and its tag, are these bits of it.
    number_mask: u8,
    tag_mask: u8,
    /// Where the cycles went.
    pub activity: Activity,
}

impl Lane {
    /// A lane after reset.
    pub fn new(geometry: &Geometry) -> Self {
        let tags = geometry.vectors_in_flight() as u8;
        Self { slack: geometry.slack, number_mask: 2 * tags - 1, tag_mask: tags - 1, ..Self::default() }
    }

    /// The next vector has tag 0.
    pub fn start(&mut self) {
        debug_assert!(self.count == 0 && !self.head.valid() && self.held == 0);
        self.vector = 0;
        self.activity = Activity::default();
    }

    /// Entries in the queue.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The hold registers keep a vector that the reduction has not come to.
    pub fn busy(&self) -> bool {
        self.held > 0
    }

    /// One cycle without its push: `fed` whole vectors (modulo twice the tags) were handed over before it, and
    /// `freed` says that a vector's hold registers are freed in it. `modes`: gating by tag.
    pub fn step(&mut self, fed: u8, freed: bool, recoder: &Recoder, modes: &[Gating; TAGS]) -> LaneCycle {
        let empty = self.count == 0;
        let valid = self.head.valid();
        let spent = if valid { self.head.tag != self.vector & self.tag_mask } else { empty && fed != self.vector };
        let retire = spent && (self.held < self.slack || freed);
        let active = (self.vector + u8::from(retire)) & self.number_mask;
        let issue = valid && self.head.tag == active & self.tag_mask;

        let out = LaneCycle {
            retire,
            issue: issue.then(|| self.head.digit()),
            starved: !valid && empty && fed == self.vector,
            blocked: spent && !retire,
        };

        self.head.next += usize::from(issue);
        if !empty && !self.head.valid() {
            let entry = &self.queue[self.read];
            self.head.load(entry, recoder, modes[usize::from(entry.tag)]);
            self.read = (self.read + 1) % QUEUE;
            self.count -= 1;
        }
        self.vector = active;
        self.held = self.held + usize::from(retire) - usize::from(freed);

        let activity = &mut self.activity;
        *match (issue, retire, out.starved, out.blocked) {
            (true, ..) => &mut activity.issued,
            (_, true, ..) => &mut activity.retired,
            (_, _, true, _) => &mut activity.starved,
            (_, _, _, true) => &mut activity.blocked,
            _ => &mut activity.filling,
        } += 1;
        out
    }

    /// The push of the cycle whose [`Lane::step`] has just run.
    pub fn push(&mut self, entry: Entry) {
        assert!(self.count < QUEUE, "the feeder leaves room");
        self.queue[(self.read + self.count) % QUEUE] = entry;
        self.count += 1;
    }
}
