//! Registers: 32 bits each, one a beat, in the order of [`REGISTERS`].

/// Who may write a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only; writes are ignored.
    Ro,
    /// Read and write.
    Rw,
    /// Writing acts; reads give 0.
    Wo,
}

/// One register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Name, the same in Rust and RTL.
    pub name: &'static str,
    /// Index, which is also its beat address.
    pub index: u32,
    /// Who may write.
    pub access: Access,
    /// What it means; what misuse does.
    pub doc: &'static str,
}

macro_rules! registers {
    ($($name:ident = $index:literal $access:ident $doc:literal;)+) => {
        $(#[doc = $doc] pub const $name: u32 = $index;)+
        /// Every register, by index.
        pub const REGISTERS: &[Register] = &[$(Register {
            name: stringify!($name), index: $index, access: Access::$access, doc: $doc,
        }),+];
    };
}

registers! {
    MAGIC = 0 Ro "Always 0x4C41_4355 (\"LACU\").";
    LAYOUT_HASH = 1 Ro "Hash of every table of the contract; a driver refuses a chip whose hash is not its own.";
    TILES = 2 Ro "Number of tiles.";
    LANES = 3 Ro "Row lanes a tile; columns and word bytes are twice that.";
    PAGES = 4 Ro "Weight pages a lane.";
    DIGIT_BITS = 5 Ro "Bits of one signed digit.";
    TILE_WORDS = 6 Ro "Words of one tile memory.";
    PROGRAM_LEN = 7 Ro "Instructions that the program memory holds.";
    ACC_BITS = 8 Ro "Bits of a cell's local accumulator.";
    REDUCE_COLUMNS = 9 Ro "Columns that the reduction tree sums a cycle.";
    DEPTHWISE_TAPS = 10 Ro "Kernel taps that the post unit can multiply by weights; 0 if it cannot.";
    TRANSPOSER = 11 Ro "1 if the reshape engine can transpose and checks its jobs against the memory's bounds, else 0.";
    MONITOR = 12 Ro "1 if tiles have a sparsity monitor and biases for a second gate value, else 0.";
    SLACK = 13 Ro "Vectors that a lane can end before the reduction comes to them.";
    START = 16 Wo "Writing starts the program at that instruction. Ignored while STATUS.running is 1.";
    STATUS = 17 Ro "Bit 0: running. Bit 1: fault; FAULT tells why. A start clears the fault.";
    RUNS = 18 Ro "Programs finished since reset, modulo 2^32.";
    INPUT_OFFSET = 19 Rw "Bytes added to the read addresses of instructions with `from_input`; sampled at start.";
    OUTPUT_OFFSET = 20 Rw "Bytes added to the write addresses of instructions with `to_output`; sampled at start.";
    PHASE = 21 Rw "Page phase that the host has loaded; `load` waits until it is at least its own. A start does not clear it.";
    FAULT = 22 Ro "Instruction index in bits 15:0, cause in bits 19:16 (1 unknown opcode, 2 region outside the tile memory, 3 no such tile, 4 a reshape that leaves its memories).";
    CYCLES = 23 Ro "Cycles of the last or running program, from the start to the halt, without those in which no unit is busy and a `load` waits for its phase.";
    DIGITS = 24 Ro "Digits issued by all lanes in the last or running program, modulo 2^32.";
    CELLS = 25 Ro "Cells enabled, summed over cycles, in the last or running program, modulo 2^32.";
    STALL_FEED = 26 Ro "Tile-cycles in which a running array waited for its feeder.";
    STALL_REDUCE = 27 Ro "Tile-cycles in which a lane waited for the reduction.";
    STALL_HAZARD = 28 Ro "Cycles in which the sequencer held an instruction back for the scoreboard or a busy unit.";
    RESHAPE_BEATS = 29 Ro "Beats moved by the reshape engine in the last or running program.";
    INSTRUCTION = 30 Ro "Index of the instruction that the sequencer fetches or holds: those before it have had their turn. 0 while no program runs.";
}

/// Value of [`MAGIC`].
pub const MAGIC_VALUE: u32 = 0x4C41_4355;

/// Bits of one field of a profile record; it saturates at `2^24 - 1`.
pub const PROFILE_BITS: u32 = 24;

/// The fields of a profile record, which the chip writes when an instruction finishes on a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ProfileField {
    /// Cycle of the program in which the unit accepted the instruction.
    Start = 0,
    /// Cycles from then until its last write, inclusive.
    Cycles = 1,
    /// Digits issued (`run`), words written (`post`) or beats sent (`reshape`).
    Work = 2,
    /// Decisions of the sparsity monitor, in a chip that has one: see [`Decisions`].
    Monitor = 3,
}

/// Bits of one count of [`Decisions`].
pub const DECISION_BITS: u32 = 6;

/// What a sparsity monitor decided during one `run`: counts that saturate at 63. 0 for what is not monitored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Decisions {
    /// Batches measured.
    pub batches: u32,
    /// Of these, processed gated.
    pub gated: u32,
    /// Of these, by the second gate value.
    pub second: u32,
    /// Decisions that differed from the one before; the first counts if it is not ungated by the first gate value.
    pub crossings: u32,
}

impl Decisions {
    /// As the profile holds them, `batches` lowest.
    #[must_use]
    pub const fn pack(&self) -> u32 {
        self.batches
            | self.gated << DECISION_BITS
            | self.second << (2 * DECISION_BITS)
            | self.crossings << (3 * DECISION_BITS)
    }

    /// From the profile.
    #[must_use]
    pub const fn unpack(word: u32) -> Self {
        let mask = (1 << DECISION_BITS) - 1;
        Self {
            batches: word & mask,
            gated: word >> DECISION_BITS & mask,
            second: word >> (2 * DECISION_BITS) & mask,
            crossings: word >> (3 * DECISION_BITS) & mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_unique_and_ascend() {
        assert!(REGISTERS.windows(2).all(|w| w[0].index < w[1].index));
    }

    #[test]
    fn decisions_survive_packing_and_fill_a_field() {
        let most = Decisions { batches: 63, gated: 63, second: 63, crossings: 63 };
        assert_eq!(most.pack(), (1 << PROFILE_BITS) - 1);
        let some = Decisions { batches: 50, gated: 33, second: 4, crossings: 11 };
        assert_eq!(Decisions::unpack(some.pack()), some);
    }
}
