//! What the feeder hands over: row words to the macro, taps and parameters to the post unit.

/// Bytes of the widest word of any geometry.
pub const MAX_WORD: usize = 16;

/// Up to one word of gated rows of one vector, or two whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowWord {
    /// Gated rows `d = q - gate`, -255 to 255; those from `count` on mean nothing.
    pub data: [i16; MAX_WORD],
    /// The rows of the row word after it, if that is handed over too; both are whole then.
    pub next: Option<[i16; MAX_WORD]>,
    /// Rows present, 1 to the word.
    pub count: u8,
    /// Page of the first row of each lane; its others are at the next pages.
    pub page: u16,
    /// The vector's number in its job, modulo the vectors in flight.
    pub tag: u8,
    /// The vector ends here.
    pub last: bool,
    /// The gating mode holds; else every row is live.
    pub gated: bool,
}

/// Rows of a window that is measured: each comes twice, less the first and less the second gate value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Differences, -255 to 255; those from `count` on mean nothing.
    pub data: [i16; MAX_WORD],
    /// Rows present, 1 to the word.
    pub count: u8,
    /// Differences from the second gate value.
    pub second: bool,
    /// The batch ends here.
    pub last: bool,
}

/// One window of a post operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// The bytes, for `depthwise` less the gate value; in padding all hold the pad value.
    pub data: [i16; MAX_WORD],
    /// Which tap of the kernel it is.
    pub index: u8,
    /// Lies outside the input.
    pub pad: bool,
    /// First tap of its output word.
    pub first: bool,
    /// Last tap of its output word.
    pub last: bool,
}

/// One word of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Bytes as they lie in memory.
    pub data: [u8; MAX_WORD],
    /// Holds the weights of a tap (`depthwise`).
    pub weights: bool,
    /// Or the signs of these weights, in the highest bit of each byte.
    pub signs: bool,
    /// Belongs to the columns of a block (`run`, `depthwise`), else to the constants of the rest of `post`.
    pub columns: bool,
    /// Which tap, which word of its block's (0 to 8, then from `SECOND_BIASES` on), or which of the constants.
    pub index: u8,
    /// Block modulo 2, counted from job to job.
    pub bank: u8,
}

/// Everything the feeder hands over in one cycle; at most one of them is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeederOut {
    /// To the macro.
    pub word: Option<RowWord>,
    /// To the monitor.
    pub probe: Option<Probe>,
    /// To the post unit.
    pub tap: Option<Tap>,
    /// To the post unit.
    pub param: Option<Param>,
}
