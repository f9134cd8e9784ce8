//! The reshape engine: beats from one tile memory to others. Beats travel through a
//! [`crate::stream::Xbar`], which is `lacuna_route`.

mod bounds;
mod engine;
mod fabric;
mod plan;
mod walker;

pub use bounds::{BOUNDS_CYCLES, out_of_bounds};
pub use engine::{Beat, Engine, Taken};
pub use fabric::{Fabric, FabricCycle, Memories};
pub use plan::Plan;
pub use walker::Walker;
