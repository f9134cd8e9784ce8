//! The backends of [`Device`](crate::Device).

mod linked;
pub mod serial;
pub mod sim;
pub mod tcp;

pub use linked::LinkDevice;
pub use sim::SimDevice;
