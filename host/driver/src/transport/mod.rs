//! The backends of [`Device`](crate::Device).

pub mod sim;

pub use sim::SimDevice;
