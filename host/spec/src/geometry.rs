//! The size of a chip: presets and their limits.

use serde::Serialize;

/// The parameters of one chip. RTL takes them as module parameters of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Geometry {
    /// Preset name.
    pub name: &'static str,
    /// Number of tiles, 1 to 8.
    pub tiles: usize,
    /// Row lanes a tile (R): 2, 4 or 8.
    pub lanes: usize,
    /// Weight pages a lane (P), a power of two.
    pub pages: usize,
    /// Bits of one signed digit: 2, 4 or 8.
    pub digit_bits: usize,
    /// Words of one tile memory, a power of two. A word is [`Geometry::word_bytes`] bytes.
    pub tile_words: usize,
    /// Columns that the reduction tree sums a cycle; divides `columns()`.
    pub reduce_columns: usize,
    /// Vectors that a lane can end before the reduction comes to them, 1, 2, 4 or 8: its sets of hold registers. Two lanes have 1.
    pub slack: usize,
    /// Bits of a cell's local accumulator; the compiler checks that no lane sum can exceed it.
    pub acc_bits: usize,
    /// Instructions that the program memory holds, a power of two.
    pub program_len: usize,
    /// Kernel taps that the post unit can multiply by weights: 0 for none, else a power of two, 16 to 64.
    pub depthwise_taps: usize,
    /// The reshape engine has a byte transposer, and its jobs are checked against the memory's bounds.
    pub transposer: bool,
    /// Tiles have a sparsity monitor, and biases for a second gate value.
    pub monitor: bool,
}

/// Cycles from one column group to the next of a chip with two lanes, whose post unit is serial.
pub const SERIAL_GROUP_CYCLES: usize = 4;
/// Entries of a lane's input queue where its slack is 1, else there are twice as many. A power of two; the feeder keeps
/// [`FEED_LATENCY`] free.
pub const LANE_QUEUE: usize = 16;
/// Cycles from the issue of a window read until its entry is visible in the lane queue.
pub const FEED_LATENCY: usize = 4;
/// Columns of a lane that work in step, at 2- and 4-bit digits, if no more are reduced a cycle: bytes of a block RAM.
pub const PART_COLUMNS: usize = 4;
/// The most slack of any geometry.
pub const MOST_SLACK: usize = 8;
/// Vectors between the start of their feed and that of their reduction, at most, where the slack is 1 or 2: as many as
/// there are tags.
pub const VECTORS_IN_FLIGHT: usize = 4;
/// Parameter words of one column block: 4 of biases, 4 of multipliers, 1 of shifts.
pub const PARAM_WORDS: usize = 9;
/// Parameter words of one column block of a monitored `run`: 4 more, the biases for the second gate value.
pub const MONITORED_PARAM_WORDS: usize = PARAM_WORDS + 4;
/// Index that the feeder gives the first of these four.
pub const SECOND_BIASES: usize = 12;
/// Output rows whose decisions a sparsity monitor remembers. A power of two.
pub const MONITOR_ROWS: usize = 64;

/// A geometry name or value outside the supported range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// No preset of this name.
    #[error("no geometry named {0:?}; choose one of nano, small, medium, base, wide")]
    UnknownPreset(String),
    /// Digit width outside 2, 4, 8.
    #[error("digit width {0} is not supported; choose 2, 4 or 8")]
    DigitBits(usize),
}

impl Geometry {
    /// For iCE40 UP5K.
    pub const NANO: Self = Self {
        name: "nano",
        tiles: 1,
        lanes: 2,
        pages: 256,
        digit_bits: 8,
        tile_words: 1024,
        reduce_columns: 1,
        slack: 1,
        acc_bits: 22,
        program_len: 64,
        depthwise_taps: 0,
        transposer: false,
        monitor: false,
    };
    /// For ECP5-25F.
    pub const SMALL: Self = Self {
        name: "small",
        tiles: 1,
        lanes: 8,
        pages: 256,
        digit_bits: 4,
        tile_words: 1024,
        reduce_columns: 2,
        slack: 1,
        acc_bits: 22,
        program_len: 128,
        depthwise_taps: 16,
        transposer: true,
        monitor: true,
    };
    /// For boards with an ECP5-85F: half of `base`.
    pub const MEDIUM: Self = Self { name: "medium", tiles: 2, ..Self::BASE };
    /// The default; more than an ECP5-85F holds.
    pub const BASE: Self = Self {
        name: "base",
        tiles: 4,
        lanes: 8,
        pages: 512,
        digit_bits: 4,
        tile_words: 2048,
        reduce_columns: 4,
        slack: 1,
        acc_bits: 22,
        program_len: 256,
        depthwise_taps: 16,
        transposer: true,
        monitor: true,
    };
    /// For golden, and for blocks in simulation.
    pub const WIDE: Self = Self {
        name: "wide",
        tiles: 8,
        lanes: 8,
        pages: 1024,
        digit_bits: 8,
        tile_words: 4096,
        reduce_columns: 8,
        slack: 8,
        acc_bits: 24,
        program_len: 512,
        depthwise_taps: 64,
        transposer: true,
        monitor: true,
    };
    /// All presets, smallest first.
    pub const PRESETS: [Self; 5] = [Self::NANO, Self::SMALL, Self::MEDIUM, Self::BASE, Self::WIDE];

    /// Columns a tile (C); equal to the bytes of a word, so that one vector's output is one word.
    #[must_use]
    pub const fn columns(&self) -> usize {
        2 * self.lanes
    }

    /// Bytes of a tile-memory word and of a host-bus beat: two row vectors.
    #[must_use]
    pub const fn word_bytes(&self) -> usize {
        2 * self.lanes
    }

    /// Bytes of one tile memory.
    #[must_use]
    pub const fn tile_bytes(&self) -> usize {
        self.tile_words * self.word_bytes()
    }

    /// Beats of one instruction.
    #[must_use]
    pub const fn instr_beats(&self) -> usize {
        crate::instr::INSTR_BYTES / self.word_bytes()
    }

    /// Bit planes of an int8 row in gating mode `off`: 8 / `digit_bits`.
    #[must_use]
    pub const fn planes(&self) -> usize {
        8 / self.digit_bits
    }

    /// Digit slots of one row: its planes and, below 8 bits, one more of the top plane.
    ///
    /// A gated difference of 9 bits needs more than the planes of an int8 hold; the excess is issued
    /// as a second digit of the top plane, so that no cell needs a wider shift.
    #[must_use]
    pub const fn slots(&self) -> usize {
        if self.digit_bits == 8 { 1 } else { self.planes() + 1 }
    }

    /// Column groups of a vector: [`Geometry::columns`] / `reduce_columns`.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.columns() / self.reduce_columns
    }

    /// Cycles from one column group to the next, of the reduction and of the post unit.
    #[must_use]
    pub const fn group_cycles(&self) -> usize {
        if self.lanes == 2 { SERIAL_GROUP_CYCLES } else { 1 }
    }

    /// Columns of a lane that work in step.
    #[must_use]
    pub const fn part_columns(&self) -> usize {
        if self.reduce_columns > PART_COLUMNS { self.reduce_columns } else { PART_COLUMNS }
    }

    /// The column group with whose issue a vector's hold registers are free for the next vector: the last of the first
    /// columns that work in step.
    #[must_use]
    pub const fn freeing_group(&self) -> usize {
        self.part_columns() / self.reduce_columns - 1
    }

    /// The post unit takes one column at a time.
    #[must_use]
    pub const fn serial_post(&self) -> bool {
        self.group_cycles() > 1
    }

    /// Entries of a lane's input queue.
    #[must_use]
    pub const fn lane_queue(&self) -> usize {
        if self.slack == 1 { LANE_QUEUE } else { 2 * LANE_QUEUE }
    }

    /// Vectors between the start of their feed and that of their reduction, at most; tags are numbers modulo this.
    #[must_use]
    pub const fn vectors_in_flight(&self) -> usize {
        if 2 * self.slack > VECTORS_IN_FLIGHT { 2 * self.slack } else { VECTORS_IN_FLIGHT }
    }

    /// A feeder can hand over two row words a cycle: where digits are whole rows, of which a lane issues one a cycle,
    /// so that of a word that is half zeros it can use more than it gets. Not where the post unit is serial.
    #[must_use]
    pub const fn double_feed(&self) -> bool {
        self.digit_bits == 8 && !self.serial_post()
    }

    /// The RTL module parameters, by name.
    #[must_use]
    pub const fn parameters(&self) -> [(&'static str, usize); 12] {
        [
            ("Tiles", self.tiles),
            ("Lanes", self.lanes),
            ("Pages", self.pages),
            ("DigitBits", self.digit_bits),
            ("TileWords", self.tile_words),
            ("ReduceColumns", self.reduce_columns),
            ("Slack", self.slack),
            ("AccBits", self.acc_bits),
            ("ProgramLen", self.program_len),
            ("DepthwiseTaps", self.depthwise_taps),
            ("Transposer", self.transposer as usize),
            ("Monitor", self.monitor as usize),
        ]
    }

    /// The same geometry with another digit width.
    ///
    /// # Errors
    /// [`GeometryError::DigitBits`] unless it is 2, 4 or 8.
    pub const fn with_digit_bits(mut self, digit_bits: usize) -> Result<Self, GeometryError> {
        if !matches!(digit_bits, 2 | 4 | 8) {
            return Err(GeometryError::DigitBits(digit_bits));
        }
        self.digit_bits = digit_bits;
        Ok(self)
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// [`GeometryError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, GeometryError> {
        Self::PRESETS.into_iter().find(|g| g.name == name).ok_or_else(|| GeometryError::UnknownPreset(name.to_owned()))
    }
}

impl Default for Geometry {
    fn default() -> Self {
        Self::BASE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_keeps_the_relations_that_rtl_assumes() {
        for g in Geometry::PRESETS {
            assert!(matches!(g.lanes, 2 | 4 | 8), "{}", g.name);
            assert!((1..=8).contains(&g.tiles), "{}", g.name);
            assert!(g.pages.is_power_of_two() && g.tile_words.is_power_of_two(), "{}", g.name);
            assert!(g.program_len.is_power_of_two(), "{}", g.name);
            assert_eq!(g.columns() % g.reduce_columns, 0, "{}", g.name);
            assert!(g.slack.is_power_of_two() && g.slack <= MOST_SLACK, "{}", g.name);
            assert!(g.slack == 1 || g.lanes > 2, "{}", g.name);
            assert!(matches!(g.depthwise_taps, 0 | 16 | 32 | 64), "{}", g.name);
            assert_eq!(crate::instr::INSTR_BYTES % g.word_bytes(), 0, "{}", g.name);
            assert!(!g.transposer || g.word_bytes() >= 8, "{}", g.name);
            assert!(g.transposer || g.tiles == 1, "{}", g.name);
            assert!(!g.monitor || !g.serial_post(), "{}", g.name);
        }
    }
}
