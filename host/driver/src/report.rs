//! What a frame gave and cost.

use lacuna_compiler::reference::Value;
use lacuna_spec::regs::Decisions;

/// What one frame gave and cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrameReport {
    /// The model's outputs, in its order.
    pub outputs: Vec<Value>,
    /// Chip cycles from start to halt, summed over the programs of the frame; of frames that pass together, those of all of them.
    pub cycles: u64,
    /// Digits that the lanes issued, for as many frames.
    pub digits: u64,
    /// Profile records, if asked for; of frames that pass together the first has those of all.
    pub profile: Vec<InstrProfile>,
}

/// The chip's record of one instruction on one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct InstrProfile {
    /// Index among the instructions of the network; of a program without one, in program memory.
    pub instruction: usize,
    /// Tile.
    pub tile: usize,
    /// Cycle of the program in which the unit accepted it.
    pub start: u32,
    /// Cycles until its last write.
    pub cycles: u32,
    /// Digits (`run`), words (`post`) or beats (`reshape`).
    pub work: u32,
    /// What the sparsity monitor decided, on a chip that has one.
    pub decisions: Decisions,
}
