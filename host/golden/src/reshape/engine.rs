//! `lacuna_reshape`: the engine of one tile, cycle by cycle.

use super::Walker;
use crate::{feeder::MAX_WORD, stream::Fifo};
use lacuna_spec::{
    Geometry,
    instr::{Head, Reshape},
    regs::PROFILE_BITS,
};

/// Beats on the way: issue, two cycles of read, one of queue.
pub const IN_FLIGHT: usize = 4;

/// A beat on its way to its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Where it goes, in each target.
    pub addr: usize,
    /// The bytes; those from [`Engine::bytes`] on mean nothing.
    pub data: [u8; MAX_WORD],
}

/// What happened to an engine's requests in a cycle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// The read was granted; what it reads, two cycles before it arrives.
    pub read: Option<[u8; MAX_WORD]>,
    /// The beat that is offered leaves: all its targets have it.
    pub beat: bool,
}

/// The reshape engine of one tile. Outputs are functions of its registers; [`Engine::step`] is the
/// clock edge.
#[derive(Debug, Clone)]
pub struct Engine {
    tile_bytes: usize,
    /// Nothing else runs while its job does: beats leave as they arrive, without a queue.
    serial: bool,
    busy: bool,
    issuing: bool,
    fill: Option<u8>,
    bytes: usize,
    targets: u64,
    work: u32,
    credit: usize,
    walker: Walker,
    first: Option<Beat>,
    second: Option<Beat>,
    queue: Fifo<Beat>,
}

impl Engine {
    /// An idle engine.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            tile_bytes: geometry.tile_bytes(),
            serial: geometry.tiles == 1,
            busy: false,
            issuing: false,
            fill: None,
            bytes: 0,
            targets: 0,
            work: 0,
            credit: IN_FLIGHT,
            walker: Walker::default(),
            first: None,
            second: None,
            queue: Fifo::new(IN_FLIGHT),
        }
    }

    /// Accepts a job; the cycle after is its cycle 1. Call it after [`Engine::step`] of cycle 0.
    pub fn start(&mut self, head: &Head, job: &Reshape, input_offset: usize, output_offset: usize) {
        let moved = |flag: i64, offset: usize| if flag == 1 { offset } else { 0 };
        self.walker = Walker::new(
            job,
            self.tile_bytes,
            moved(head.from_input, input_offset),
            moved(head.to_output, output_offset),
        );
        self.busy = true;
        self.issuing = !self.walker.is_empty();
        self.fill = (job.fill == 1).then_some(job.value as u8);
        self.bytes = job.bytes as usize;
        self.targets = head.targets as u64;
        self.work = 0;
    }

    /// A job is in hand.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.busy
    }

    /// The last cycle of a job: every beat was taken before.
    #[must_use]
    pub fn done(&self) -> bool {
        self.busy && !self.issuing && self.credit == IN_FLIGHT
    }

    /// Beats sent by the last job, saturating; valid from its last cycle on.
    #[must_use]
    pub fn work(&self) -> u32 {
        self.work
    }

    /// The address this engine asks to read.
    #[must_use]
    pub fn read_request(&self) -> Option<usize> {
        (self.issuing && self.credit > 0 && self.fill.is_none()).then(|| self.walker.source())
    }

    /// The beat that is offered.
    #[must_use]
    pub fn beat(&self) -> Option<&Beat> {
        if self.serial { self.second.as_ref() } else { self.queue.front() }
    }

    /// Targets of the beat that is offered, bit t for tile t.
    #[must_use]
    pub fn targets(&self) -> Option<u64> {
        self.beat().map(|_| self.targets)
    }

    /// Bytes of every beat of the job.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// One clock.
    pub fn step(&mut self, taken: &Taken) {
        let done = self.done();
        let data = match self.fill {
            Some(value) => (self.issuing && self.credit > 0).then_some([value; MAX_WORD]),
            None => taken.read,
        };
        let issued = data.map(|data| Beat { addr: self.walker.target(), data });
        let arrived = self.second.take();
        self.second = self.first.take();
        self.first = issued;
        if issued.is_some() {
            self.credit -= 1;
            self.issuing = !self.walker.last();
            self.walker.step();
        }
        let left = if self.serial { arrived } else { self.queue.step(arrived, taken.beat) };
        if left.is_some() {
            self.credit += 1;
            self.work = (self.work + 1).min((1 << PROFILE_BITS) - 1);
        }
        if done {
            self.busy = false;
        }
    }
}
