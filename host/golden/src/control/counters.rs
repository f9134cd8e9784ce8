//! The counters of `lacuna_registers`.

/// What happened in one cycle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Events {
    /// Digits issued by all lanes.
    pub digits: u32,
    /// Cells enabled.
    pub cells: u32,
    /// Tiles whose array waited for its feeder.
    pub stall_feed: u32,
    /// Tiles in which a lane waited for the reduction.
    pub stall_reduce: u32,
    /// The sequencer held a job back.
    pub stall_hazard: bool,
    /// Reshape beats that left.
    pub beats: u32,
}

/// Sums over the cycles of the last or running program, modulo 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counters {
    /// Cycles from the start to the halt, without those that only wait for pages.
    pub cycles: u32,
    /// Digits issued.
    pub digits: u32,
    /// Cells enabled, summed over cycles.
    pub cells: u32,
    /// Tile-cycles in which a running array waited for its feeder.
    pub stall_feed: u32,
    /// Tile-cycles in which a lane waited for the reduction.
    pub stall_reduce: u32,
    /// Cycles in which the sequencer held an instruction back.
    pub stall_hazard: u32,
    /// Beats moved by the reshape engines.
    pub reshape_beats: u32,
}

impl Counters {
    /// Counts one running cycle, but for CYCLES if it only waits for pages.
    pub fn add(&mut self, events: &Events, counts: bool) {
        self.cycles = self.cycles.wrapping_add(u32::from(counts));
        self.digits = self.digits.wrapping_add(events.digits);
        self.cells = self.cells.wrapping_add(events.cells);
        self.stall_feed = self.stall_feed.wrapping_add(events.stall_feed);
        self.stall_reduce = self.stall_reduce.wrapping_add(events.stall_reduce);
        self.stall_hazard = self.stall_hazard.wrapping_add(u32::from(events.stall_hazard));
        self.reshape_beats = self.reshape_beats.wrapping_add(events.beats);
    }
}
