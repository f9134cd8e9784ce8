//! The backends of [`Device`](crate::Device).

mod golden;
mod linked;
pub mod serial;
pub mod sim;
pub mod tcp;

pub use golden::GoldenDevice;
pub use linked::LinkDevice;
pub use sim::SimDevice;
