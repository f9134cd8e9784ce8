//! Bit-exact and cycle-exact model of the chip: one module for each RTL block.

pub mod charge;
pub mod chip;
pub mod cim;
pub mod control;
pub mod feeder;
pub mod link;
pub mod memory;
pub mod post;
pub mod reshape;
pub mod stream;
pub mod tile;

pub use chip::{Chip, Fault, RunError, RunReport};
