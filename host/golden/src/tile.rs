//! One tile (`lacuna_tile`): memory, feeder, macro and post unit.

use crate::{
    cim::{Macro, MonitorUnit},
    control::{Loss, Slots},
    feeder::{Doing, Feeder},
    memory::TileMemory,
    post::Post,
};
use lacuna_spec::{
    Geometry,
    instr::{Gating, Instr},
    regs::{Decisions, PROFILE_BITS},
};

/// What a tile shows in one cycle.
#[allow(clippy::struct_excessive_bools, reason = "they are wires, not states")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TileCycle {
    /// The feeder holds the read port.
    pub read_used: bool,
    /// The post unit holds the write port.
    pub write_used: bool,
    /// A read granted in the next cycle sees the job's last word.
    pub done: bool,
    /// Digits issued in the cycle before.
    pub digits: u32,
    /// Cells enabled in the cycle before.
    pub cells: u32,
    /// In the cycle before, the running array waited for its feeder.
    pub stall_feed: bool,
    /// In the cycle before, a lane waited for the reduction.
    pub stall_reduce: bool,
    /// Array and post unit start the job that was given last.
    pub begins: bool,
    /// The units had a job: the cycle is in [`Tile::take_slots`].
    pub working: bool,
}

/// A job with its offsets.
#[derive(Debug, Clone, Copy)]
struct Job {
    instr: Instr,
    input_offset: usize,
    output_offset: usize,
}

/// Everything inside one tile, cycle by cycle.
#[allow(clippy::struct_excessive_bools, reason = "they are registers")]
#[derive(Debug, Clone)]
pub struct Tile {
    columns: u32,
    lanes: u32,
    memory: TileMemory,
    feeder: Feeder,
    array: Macro,
    monitor: MonitorUnit,
    post: Post,
    /// Its feeder may start a job while array and post unit are at the one before.
    overlaps: bool,
    /// Given in this cycle; the feeder starts in the next.
    given: Option<Job>,
    starting: Option<Job>,
    /// Array and post unit are to come to it.
    pending: Option<Job>,
    /// They start it in the next cycle.
    beginning: Option<Job>,
    /// Of a `run` under way.
    gating: Option<Gating>,
    /// Array and post unit have a job.
    busy: bool,
    /// A reshape engine was refused the read port in the cycle before.
    refused: bool,
    issued: u32,
    runs: bool,
    /// Work and decisions of the last job that is done.
    ended: (u32, Decisions),
    slots: Slots,
}

impl Tile {
    /// A tile after reset, its memory and weights 0.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        let mut array = Macro::new(geometry);
        // The array has seen a cycle without work before anything can start.
        array.step(Gating::Off, None);
        Self {
            columns: geometry.columns() as u32,
            lanes: geometry.lanes as u32,
            memory: TileMemory::new(geometry),
            feeder: Feeder::new(geometry),
            array,
            monitor: MonitorUnit::new(geometry),
            post: Post::new(geometry),
            overlaps: geometry.tiles > 1,
            given: None,
            starting: None,
            pending: None,
            beginning: None,
            gating: None,
            busy: false,
            refused: false,
            issued: 0,
            runs: false,
            ended: Default::default(),
            slots: Slots::default(),
        }
    }

    /// Gives a `run` or `post` in the cycle of the next [`step`](Self::step), when the tile is not
    /// [occupied](Self::occupied).
    pub fn start(&mut self, instr: &Instr, input_offset: usize, output_offset: usize) {
        self.given = Some(Job { instr: *instr, input_offset, output_offset });
    }

    /// In the cycle of the last [`step`](Self::step) the reshape engine asked for a read in vain.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// It takes a job while array and post unit are at the one before.
    #[must_use]
    pub fn overlaps(&self) -> bool {
        self.overlaps
    }

    /// A job has not begun yet, or its feeder is not through with it.
    #[must_use]
    pub fn occupied(&self) -> bool {
        self.waits() || !self.feeder.idle()
    }

    /// A job has not begun yet: array and post unit may be at the one before.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.starting.is_some() || self.pending.is_some()
    }

    /// Array and post unit have a job.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.busy
    }

    /// Digits issued by the last `run` that is done, or words written by the last `post`, saturating.
    #[must_use]
    pub fn work(&self) -> u32 {
        self.ended.0
    }

    /// What the monitor decided in the last job that is done.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.ended.1
    }

    /// The memory; accesses belong to the cycle of the last [`step`](Self::step).
    #[must_use]
    pub fn memory(&self) -> &TileMemory {
        &self.memory
    }

    /// The memory; accesses belong to the cycle of the last [`step`](Self::step).
    pub fn memory_mut(&mut self) -> &mut TileMemory {
        &mut self.memory
    }

    /// Writes one page of one lane: a weight for each column.
    pub fn write_weights(&mut self, lane: usize, page: usize, weights: &[i8]) {
        self.array.write_page(lane, page, weights);
    }

    /// The array, for a look at where its cycles went.
    #[must_use]
    pub fn array(&self) -> &Macro {
        &self.array
    }

    /// Where the slots of the job that is done went; they start from 0 again.
    pub fn take_slots(&mut self) -> Slots {
        std::mem::take(&mut self.slots)
    }

    /// Runs one cycle. `turn`: the record of the job before is about to be written, or there is none.
    pub fn step(&mut self, turn: bool) -> TileCycle {
        self.memory.step();
        let starting = std::mem::replace(&mut self.starting, self.given.take());
        self.feeder.give_way(std::mem::take(&mut self.refused));
        let mut cycle = TileCycle::default();
        if let Some(job) = self.beginning.take() {
            self.begin(&job);
            cycle.begins = true;
        }
        if let Some(job) = starting {
            self.feeder.start(&job.instr, job.input_offset);
            if self.overlaps {
                self.pending = Some(job);
            } else {
                self.begin(&job);
            }
        }
        if !self.busy && self.pending.is_none() && self.feeder.idle() {
            return cycle;
        }
        let served = self.pending.is_none();
        self.feeder.serve(served);
        if turn {
            self.beginning = self.pending.take();
        }

        let out = *self.feeder.out();
        let room = self.array.room();
        let (mut sums, mut taken) = (None, false);
        if let Some(gating) = self.gating {
            let array = self.array.step(gating, out.word.as_ref());
            (sums, taken) = (array.sums, array.taken);
            cycle.digits = array.digits;
            cycle.cells = array.digits * self.columns;
            cycle.stall_feed = array.stall_feed && self.busy;
            cycle.stall_reduce = array.stall_reduce;
            self.issued = self.issued.saturating_add(array.digits);
        }
        self.post.set_second(self.monitor.on() && self.monitor.of(self.post.row()).second);
        let post = self.post.step(sums.as_ref(), out.tap.as_ref(), out.param.as_ref());
        let row = self.feeder.row();
        self.feeder.decide(self.monitor.of(row), self.monitor.decided());
        self.monitor.step(out.probe.as_ref(), row);
        self.feeder.step(room, taken, post.block_done, &self.memory);
        // What the feeder does for the next job costs this one nothing.
        self.account(if served { self.feeder.doing(room) } else { Doing::Done });
        if let Some(write) = &post.write {
            self.memory.write(write.addr, &write.data[..write.bytes]);
        }
        cycle.read_used = self.feeder.reading();
        cycle.write_used = post.write.is_some();
        cycle.done = post.done;
        cycle.working = true;
        if post.done {
            self.busy = false;
            let work = if self.runs { self.issued } else { self.post.written() };
            self.ended = (work.min((1 << PROFILE_BITS) - 1), *self.monitor.counts());
        }
        cycle
    }

    /// Gives every slot of this cycle its cause.
    fn account(&mut self, doing: Doing) {
        if !self.runs || !self.busy {
            let cause = match doing {
                Doing::Tap => Loss::Bound,
                Doing::Parameters => Loss::Parameters,
                _ => Loss::Post,
            };
            self.slots.add(cause, self.lanes);
            return;
        }
        let tally = self.array.tally();
        let others = if tally.issued > 0 { Some(Loss::LaneImbalance) } else { None };
        let starved = match doing {
            Doing::Window | Doing::Tap => Loss::Feed,
            Doing::Parameters => Loss::Parameters,
            Doing::Measure => Loss::Monitor,
            Doing::Queues => others.unwrap_or(Loss::Feed),
            Doing::Vectors => others.unwrap_or(Loss::Reduce),
            Doing::Post | Doing::Done => others.unwrap_or(Loss::Post),
        };
        let blocked = if tally.reducing { Loss::Reduce } else { Loss::LaneImbalance };
        self.slots.add(Loss::Bound, tally.issued - tally.zeros);
        self.slots.add(Loss::Gating, tally.zeros);
        self.slots.add(starved, tally.starved);
        self.slots.add(blocked, tally.blocked);
        // A lane between two vectors, or whose head is just being filled.
        self.slots.add(Loss::Feed, self.lanes - tally.issued - tally.starved - tally.blocked);
    }

    /// Array, monitor and post unit start a job.
    fn begin(&mut self, job: &Job) {
        self.busy = true;
        self.gating = match &job.instr {
            Instr::Run(_, _, tail) => Some(match tail.gating {
                0 => Gating::Off,
                1 => Gating::Row,
                _ => Gating::Digit,
            }),
            _ => None,
        };
        self.runs = self.gating.is_some();
        self.issued = 0;
        self.array.start();
        self.monitor.start(&job.instr);
        self.post.start(&job.instr, job.output_offset);
    }
}
