//! The host's end of the link: frames, window, retransmission, over any pipe of bytes.
//!
//! [`Link`] runs over anything that tokio can read and write. Below it [`Greeting`] and [`Endpoint`] hold
//! the protocol itself without I/O, so that tests put them on a simulated line. The rules of the window
//! are in [`lacuna_spec::frame`].

mod bursts;
mod codec;
mod endpoint;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod greeting;
mod pacer;
mod redial;
mod runner;

pub use codec::{Decoder, encode};
pub use endpoint::{Command, Endpoint, Reply, Token};
pub use error::LinkError;
pub use greeting::Greeting;
pub use redial::{Dial, PATIENCE};
pub use runner::{Link, Pipe};

/// Traffic of an endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Requests sent, repeats included.
    pub sent: u64,
    /// Repeats among them.
    pub repeated: u64,
    /// Requests answered.
    pub answered: u64,
    /// Sound responses to nothing that is open: answers to repeats.
    pub stale: u64,
    /// Frames dropped for their coding or checksum.
    pub rejected: u64,
}
