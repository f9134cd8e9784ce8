//! The chip's end of the link, byte in and byte out: `hdl/link/lacuna_bridge`.
//!
//! [`Bridge`] answers with the same bytes as the RTL in the same order of events; it has no notion of
//! cycles, since nothing that a layer computes depends on when its link bytes arrive.

mod bridge;
mod chip;
mod codec;

pub use bridge::{Bridge, Bus};
pub use codec::{Decoder, crc32c, encode};
