//! What the feeder issues in a cycle.

use super::MAX_WORD;

/// The kinds of slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    None,
    Weights,
    /// The highest bits of weights.
    Signs,
    Param,
    Tap,
    /// A window that is measured.
    Probe,
    /// A window that joins the bytes held and sends nothing.
    Part,
    /// A window that completes a word; what wraps round is held.
    Full,
    /// The last window of a vector, with less than a word.
    Short,
    /// No window: the bytes that the last one left over.
    Flush,
}

/// A slot on its way beside the two read cycles; the data is that of stage 2.
#[allow(clippy::struct_excessive_bools, reason = "they are wires")]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    pub kind: Kind,
    pub pad: bool,
    pub first: bool,
    pub last: bool,
    pub bank: u8,
    pub index: u8,
    pub position: u8,
    pub count: u8,
    pub tag: u8,
    pub page: u16,
    pub gated: bool,
    /// Less the second gate value.
    pub second: bool,
    pub window: [u8; MAX_WORD],
    /// The window after it, of a slot of two.
    pub next: Option<[u8; MAX_WORD]>,
}
