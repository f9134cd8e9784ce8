//! Control: the sequencer, the scoreboard, the profile and the counters.

mod counters;
mod profile;
mod scoreboard;
mod sequencer;
mod slots;

pub use counters::{Counters, Events};
pub use profile::{Profile, Record};
pub use scoreboard::Scoreboard;
pub use sequencer::{Cause, Dispatch, Sequencer, SequencerIn};
pub use slots::{Loss, Slots};

/// One bit a tile.
pub type TileMask = u8;

/// Tiles of a mask, ascending.
pub fn tiles_of(mask: TileMask) -> impl Iterator<Item = usize> {
    (0..8).filter(move |tile| mask >> tile & 1 == 1)
}
