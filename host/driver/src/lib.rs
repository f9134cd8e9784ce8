//! Reaches a Lacuna chip and streams networks through it.
//!
//! [`Device`] is one trait with several backends: the golden model, the Verilated chip in this process, a
//! serial port, TCP. [`Session`] loads a compiled network on any of them and runs frames.

pub mod bare;
pub mod device;
mod error;
mod feed;
mod held;
pub mod link;
mod report;
pub mod serve;
mod session;
pub mod transport;
pub mod trial;

pub use device::{Burst, Device, Registers};
pub use error::DeviceError;
pub use report::{FrameReport, InstrProfile};
pub use session::Session;
