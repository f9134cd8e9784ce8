//! The reshape engine: beats from one tile memory to others. Beats travel through a
//! [`crate::stream::Xbar`], which is `lacuna_route`.

mod engine;
mod fabric;
mod walker;

pub use engine::{Beat, Engine, IN_FLIGHT, Taken};
pub use fabric::{Fabric, FabricCycle, Memories};
pub use walker::Walker;
