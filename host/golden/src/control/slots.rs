//! Where the lane-cycles of a program went: one slot a lane, tile and cycle, each with one cause.

/// What became of a slot. A cycle of one tile is as many slots as it has lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(usize)]
pub enum Loss {
    /// None: an essential digit was issued, or (for all lanes) a tap of a post operator.
    Bound,
    /// A digit that is 0 was issued, because of the gating mode.
    Gating,
    /// The lane waited for other lanes of its tile.
    LaneImbalance,
    /// The lane waited for windows.
    Feed,
    /// The lane waited while parameters were read.
    Parameters,
    /// The lane waited while a batch was measured.
    Monitor,
    /// The vector was complete, but the reduction was not through with the last one.
    Reduce,
    /// Nothing was left to feed: reduction and post unit finished, or the post unit had taps enough.
    Post,
    /// The tile had no job while another computed.
    TileImbalance,
    /// No tile computed, and a tensor moved.
    Reshape,
    /// No unit worked, and the sequencer waited for pages.
    Load,
    /// No unit worked, and the sequencer was at a fence or halt.
    Fence,
    /// No unit worked, and the sequencer fetched, checked or started an instruction.
    Dispatch,
}

impl Loss {
    /// Every cause, in the order of [`Slots`].
    pub const ALL: [Self; 13] = [
        Self::Bound,
        Self::Gating,
        Self::LaneImbalance,
        Self::Feed,
        Self::Parameters,
        Self::Monitor,
        Self::Reduce,
        Self::Post,
        Self::TileImbalance,
        Self::Reshape,
        Self::Load,
        Self::Fence,
        Self::Dispatch,
    ];
}

/// Slots by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slots([u32; Loss::ALL.len()]);

impl Slots {
    /// Counts slots of a cause.
    pub fn add(&mut self, cause: Loss, slots: u32) {
        self.0[cause as usize] += slots;
    }

    /// Counts what another record holds.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, slots)| *sum += slots);
    }

    /// Slots of a cause.
    #[must_use]
    pub const fn of(&self, cause: Loss) -> u32 {
        self.0[cause as usize]
    }

    /// All slots.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|&slots| u64::from(slots)).sum()
    }
}
