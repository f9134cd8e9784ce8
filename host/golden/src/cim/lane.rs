//! One row lane (`lacuna_lane`): queue, head and the rule that ends vectors.

use lacuna_spec::{geometry::LANE_QUEUE, instr::Gating};

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

/// A row pair on its way to the head.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    pub tag: u8,
    pub page: u16,
    /// Row differences; `None` is a row that is disabled.
    pub rows: [Option<i16>; 2],
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
    /// Slots of the first row, then those of the second.
    values: [i16; 2 * SLOTS_MAX],
    next: usize,
    /// Slots of the first row.
    first: usize,
    len: usize,
}

impl Head {
    fn valid(&self) -> bool {
        self.next < self.len
    }

    fn digit(&self) -> Digit {
        Digit { page: self.page + u16::from(self.next >= self.first), value: self.values[self.next] }
    }

    fn load(&mut self, entry: &Entry, recoder: &Recoder, gating: Gating) {
        let [first, second] = entry.rows.map(|d| recoder.slots(d, gating));
        self.tag = entry.tag;
        self.page = entry.page;
        self.next = 0;
        self.first = usize::from(first.len);
        self.len = self.first + usize::from(second.len);
        // Whole arrays, because they are short: the second covers what the first does not use.
        self.values[..SLOTS_MAX].copy_from_slice(&first.values);
        self.values[self.first..self.first + SLOTS_MAX].copy_from_slice(&second.values);
    }
}

/// The registers of one lane.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    queue: [Entry; LANE_QUEUE],
    read: usize,
    count: usize,
    head: Head,
    vector: u8,
    busy: bool,
    /// Where the cycles went.
    pub activity: Activity,
}

impl Lane {
    /// The next vector has tag 0.
    pub fn start(&mut self) {
        debug_assert!(self.count == 0 && !self.head.valid() && !self.busy);
        self.vector = 0;
        self.activity = Activity::default();
    }

    /// Entries in the queue.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The hold registers keep a vector.
    pub fn busy(&self) -> bool {
        self.busy
    }

    /// One cycle without its push: `fed` whole vectors (modulo 8) were handed over before it, and
    /// `freed` says that the hold registers are freed in it. `modes`: gating by tag.
    pub fn step(&mut self, fed: u8, freed: bool, recoder: &Recoder, modes: [Gating; 4]) -> LaneCycle {
        let empty = self.count == 0;
        let valid = self.head.valid();
        let spent = if valid { self.head.tag != self.vector & 3 } else { empty && fed != self.vector };
        let retire = spent && (!self.busy || freed);
        let active = (self.vector + u8::from(retire)) & 7;
        let issue = valid && self.head.tag == active & 3;

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
            self.read = (self.read + 1) % LANE_QUEUE;
            self.count -= 1;
        }
        self.vector = active;
        self.busy = retire || (self.busy && !freed);

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
        assert!(self.count < LANE_QUEUE, "the feeder leaves room");
        self.queue[(self.read + self.count) % LANE_QUEUE] = entry;
        self.count += 1;
    }
}
