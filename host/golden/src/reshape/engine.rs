//! `lacuna_reshape`: the engine of one tile, cycle by cycle.

use super::{Plan, Walker};
use crate::feeder::MAX_WORD;
use lacuna_spec::{
    Geometry,
    instr::{Head, Reshape},
    regs::PROFILE_BITS,
};
use std::collections::VecDeque;

/// Without transposer: the cycle in which a job's first beat is read.
const COPY_FIRST: usize = 34;
/// From a read to the next if the innermost level goes on.
const COPY_BEAT: usize = 14;
/// What each level that begins anew adds to it.
const COPY_LEVEL: usize = 6;
/// From the last read to the end of the job.
const COPY_LAST: usize = 22;

/// A beat on its way to its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Where it goes, in each target.
    pub addr: usize,
    /// Its bytes; those from `bytes` on mean nothing.
    pub data: [u8; MAX_WORD],
    /// How many it has.
    pub bytes: usize,
}

/// What happened to an engine's requests in a cycle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// The read was granted; what it reads, two cycles before it arrives.
    pub read: Option<[u8; MAX_WORD]>,
    /// The beat that is offered leaves: all its targets have it.
    pub beat: bool,
}

/// What is sent in one go: a beat, or the columns of a block.
#[derive(Debug, Clone)]
struct Chunk {
    target: usize,
    rows: Vec<[u8; MAX_WORD]>,
    /// Bytes from the first column to the last.
    last_column: usize,
    /// Bytes of a beat.
    bytes: usize,
}

/// A read under way.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    data: [u8; MAX_WORD],
    /// The chunk is complete with it.
    ends: bool,
}

/// The reshape engine of one tile. Outputs are functions of its registers; [`Engine::step`] is the
/// clock edge.
#[derive(Debug, Clone)]
pub struct Engine {
    geometry: Geometry,
    busy: bool,
    issuing: bool,
    plan: Plan,
    /// Without transposer: cycles until the walk is at its next beat, or at its end.
    walk: usize,
    /// Cycles until the ring of a linear job is there.
    ring: usize,
    targets: u64,
    work: u32,
    /// The job was accepted in the cycle before; until now `work` was that of the one before it.
    fresh: bool,
    walker: Walker,
    /// Bytes from the block's first row to the next to be read.
    row: usize,
    /// Chunks that reads may be ahead.
    limit: usize,
    first: Option<Arrival>,
    second: Option<Arrival>,
    /// Chunks of which a read was issued, in order.
    chunks: VecDeque<Chunk>,
    /// How many of them are read in full, and how many have arrived in full.
    held: usize,
    ready: usize,
    /// Bytes from the first column of the front chunk to the one that is offered.
    column: usize,
}

impl Engine {
    /// An idle engine.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            geometry: *geometry,
            busy: false,
            issuing: false,
            plan: Plan::default(),
            walk: 0,
            ring: 0,
            targets: 0,
            work: 0,
            fresh: false,
            walker: Walker::default(),
            row: 0,
            limit: 0,
            first: None,
            second: None,
            chunks: VecDeque::new(),
            held: 0,
            ready: 0,
            column: 0,
        }
    }

    /// Accepts a job; the cycle after is its cycle 1. Call it after [`Engine::step`] of cycle 0.
    pub fn start(&mut self, head: &Head, job: &Reshape, input_offset: usize, output_offset: usize) {
        let moved = |flag: i64, offset: usize| if flag == 1 { offset } else { 0 };
        let word = self.geometry.word_bytes();
        self.plan = Plan::new(job, &self.geometry);
        self.walker = Walker::new(
            &self.plan.walk,
            self.geometry.tile_bytes(),
            moved(head.from_input, input_offset),
            moved(head.to_output, output_offset),
        );
        self.busy = true;
        self.issuing = !self.walker.is_empty();
        self.walk = job.counts().iter().position(|&count| count == 0).map_or(COPY_FIRST, |level| 2 * level + 3) - 1;
        self.limit = match (job.transpose, job.capacity as usize) {
            (1, 0) => 2,
            (1, capacity) => 1 + usize::from(capacity > word),
            (_, 0) => word,
            (_, capacity) => capacity.min(word),
        };
        self.ring = word + 1;
        self.targets = head.targets as u64;
        self.fresh = true;
    }

    /// A job is in hand.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.busy
    }

    /// The last cycle of a job: every beat was taken before.
    #[must_use]
    pub fn done(&self) -> bool {
        let left = if self.geometry.transposer { self.held > 0 } else { self.walk > 0 };
        self.busy && !self.issuing && !left
    }

    /// Beats sent by the last job, saturating; valid from its last cycle to the one in which the next is accepted.
    #[must_use]
    pub fn work(&self) -> u32 {
        self.work
    }

    fn transposes(&self) -> bool {
        self.plan.walk.transpose == 1
    }

    fn may_issue(&self) -> bool {
        let room = self.held < self.limit
            || (self.transposes() && !self.plan.linear && self.held == self.limit && self.row < self.column)
            || !self.geometry.transposer;
        let room = room && (self.geometry.transposer || self.walk == 0);
        self.issuing && room
    }

    /// The address this engine asks to read.
    #[must_use]
    pub fn read_request(&self) -> Option<usize> {
        (self.may_issue() && self.plan.walk.fill == 0).then(|| self.walker.source())
    }

    /// Targets of the beat that is offered, bit t for tile t.
    #[must_use]
    pub fn targets(&self) -> Option<u64> {
        let offered = if self.geometry.transposer {
            self.ready > 0 && (self.ring == 0 || !self.plan.linear)
        } else {
            self.second.is_some()
        };
        offered.then_some(self.targets)
    }

    /// The beat that is offered.
    #[must_use]
    pub fn beat(&self) -> Option<Beat> {
        self.targets()?;
        let chunk = self.chunks.front()?;
        if !self.transposes() {
            let data =
                self.second.filter(|_| !self.geometry.transposer).map_or_else(|| chunk.rows[0], |read| read.data);
            return Some(Beat { addr: chunk.target, data, bytes: chunk.bytes });
        }
        let (word, unit) = (self.geometry.word_bytes(), self.plan.unit);
        let mut data = [0; MAX_WORD];
        if self.plan.linear {
            for (row, to) in data.iter_mut().enumerate().take(chunk.bytes) {
                let at = row * (self.plan.tail + 1) + self.column;
                *to = chunk.rows.get(at / word).map_or(0, |row| row[at % word]);
            }
        } else {
            for (to, row) in data.chunks_mut(unit).zip(&chunk.rows) {
                to.copy_from_slice(&row[self.column..self.column + unit]);
            }
        }
        let addr = chunk.target as i64 + (self.column / unit) as i64 * self.plan.pitch;
        Some(Beat { addr: addr.rem_euclid(self.geometry.tile_bytes() as i64) as usize, data, bytes: chunk.bytes })
    }

    /// Takes note of a read that is issued; whether its chunk is complete with it.
    fn issue(&mut self) -> bool {
        let (word, unit) = (self.geometry.word_bytes(), self.plan.unit);
        if self.row == 0 {
            let rows = Vec::with_capacity(if self.transposes() { word / unit } else { 1 });
            self.chunks.push_back(Chunk { target: self.walker.target(), rows, last_column: 0, bytes: 0 });
        }
        let transposes = self.transposes();
        let [bottom, rightmost] = self.walker.ends();
        let after = self.row + unit;
        let ends = !self.transposes() || bottom || after == word;
        if let (true, Some(chunk)) = (ends, self.chunks.back_mut()) {
            (chunk.last_column, chunk.bytes) = match (transposes, self.plan.linear, rightmost) {
                (false, ..) => (0, self.plan.walk.bytes as usize),
                (_, true, _) => (self.plan.tail, self.plan.walk.bytes as usize),
                (.., true) => (self.plan.tail, after),
                _ => (word - unit, after),
            };
        }
        self.row = if ends { 0 } else { after };
        self.held += usize::from(ends);
        self.issuing = !self.walker.last();
        self.walk = self.walker.turning().map_or(COPY_LAST, |level| COPY_BEAT + COPY_LEVEL * level) - 1;
        self.walker.step();
        ends
    }

    /// A beat has left; whether its chunk is sent with it.
    fn pop(&mut self) -> bool {
        self.work = (self.work + 1).min((1 << PROFILE_BITS) - 1);
        let ends = self.chunks.front().is_some_and(|chunk| chunk.last_column == self.column);
        if ends {
            self.chunks.pop_front();
            self.column = 0;
            self.held -= 1;
        } else {
            self.column += self.plan.unit;
        }
        ends
    }

    /// One clock.
    pub fn step(&mut self, taken: &Taken) {
        if std::mem::take(&mut self.fresh) {
            self.work = 0;
        }
        let done = self.done();
        let data = match self.plan.walk.fill {
            1 => self.may_issue().then_some([self.plan.walk.value as u8; MAX_WORD]),
            _ => taken.read,
        };
        let offered = self.targets().is_some();
        self.ring = self.ring.saturating_sub(1);
        self.walk = self.walk.saturating_sub(1);
        let issued = data.map(|data| Arrival { data, ends: self.issue() });
        let arrived = self.second.take();
        self.second = self.first.take();
        self.first = issued;
        let popped = offered && (taken.beat || !self.geometry.transposer);
        let sent = popped && self.pop();
        if self.geometry.transposer {
            self.ready -= usize::from(sent);
            if let Some(arrival) = arrived {
                self.chunks[self.ready].rows.push(arrival.data);
                self.ready += usize::from(arrival.ends);
            }
        }
        if done {
            self.busy = false;
        }
    }
}
