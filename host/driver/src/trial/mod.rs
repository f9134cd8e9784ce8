//! Trials of the link on a bad line, in virtual time: what `lacuna link-test` and the tests run.
//!
//! [`Line`] is the fault injector, one direction of a line. A [`Rig`] puts the host's end of the link on two of
//! them, with a [`Tested`] chip at the other end: golden, or an RTL bridge.
//!
//! | trial | claim |
//! |---|---|
//! | [`corrupted_frames`] | no corrupted frame passes for a sound one, and the next sound one is found |
//! | [`commands_on_a_bad_line`] | each command runs once, in order, with the right answer |
//! | [`silent_cuts`] | a line that dies in any state of the protocol is a typed error, and the same chip goes on |
//! | [`streamed_tensors`] | tensors are nearly all that a line carries |
//! | [`closed_pipes`] | a pipe that closes after any byte costs and repeats no command |

mod chip;
mod closed;
mod commands;
mod cuts;
mod faults;
mod frames;
mod rig;
mod streams;

pub use chip::{Access, GoldenEnd, Memory, Tested};
pub use closed::{ClosedReport, Duplex, Watched, closed_pipes};
pub use commands::{CommandsReport, commands_on_a_bad_line};
pub use cuts::{CutReport, Recovery, silent_cuts};
pub use faults::{Damage, Faults, Line};
pub use frames::{FramesReport, Receiver, corrupted_frames};
pub use rig::Rig;
pub use streams::{StreamReport, Way, streamed_tensors};
