//! What can go wrong on a link.

use std::time::Duration;

/// Why a link failed. Once it has, every later call gives the same error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing on the line answered `hello`.
    #[error("no chip answered {tries} greetings; check the port, its speed and that the bitstream is loaded")]
    NoAnswer {
        /// Greetings sent.
        tries: u32,
    },
    /// A request stayed unanswered.
    #[error(
        "request {sequence} stayed unanswered after {tries} tries in {waited:.1?}; check the cable, then open the device again"
    )]
    Timeout {
        /// Sequence number of the oldest open request.
        sequence: u8,
        /// Times it was sent.
        tries: u32,
        /// Since it was sent first.
        waited: Duration,
    },
    /// The byte pipe ended or broke: a pseudo-terminal whose peer died shows either.
    #[error("the line is gone ({reason}); reconnect the device and run again")]
    Disconnected {
        /// What the operating system said.
        reason: String,
    },
    /// The line came back, but the chip was reset meanwhile, or another host opened a session.
    #[error("the chip has forgotten the session: it was reset, or another host took it; open the device again")]
    SessionLost,
    /// The chip was built from another contract.
    #[error(
        "the chip has layout hash {found:#010x}, this program {expected:#010x}; rebuild the bitstream or the host from the same source"
    )]
    StaleLayout {
        /// The chip's hash.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// The chip's link follows other rules.
    #[error(
        "the chip speaks link version {found}, this program {expected}; rebuild the bitstream or the host from the same source"
    )]
    Version {
        /// The chip's version.
        found: u8,
        /// Ours.
        expected: u8,
    },
    /// A frame with a right checksum that no chip sends.
    #[error("the chip's answer to request {sequence} contradicts it ({what}); this is a defect: please report it")]
    Protocol {
        /// Sequence number of the request.
        sequence: u8,
        /// The contradiction.
        what: &'static str,
    },
    /// A beat that is on no host bus.
    #[error(
        "at least one of the {beats} beats from {address:#010x} on is not mapped on this chip; compile for its geometry"
    )]
    Unmapped {
        /// First beat of the burst.
        address: u32,
        /// Beats of the burst.
        beats: usize,
    },
    /// Bytes that are not whole beats.
    #[error("{bytes} bytes are not whole beats of {word} bytes; pad the transfer")]
    Ragged {
        /// Bytes given.
        bytes: usize,
        /// Bytes of a beat.
        word: usize,
    },
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> Self {
        Self::Disconnected { reason: error.to_string() }
    }
}
