//! Bit-exact and cycle-exact model of the chip: one module for each RTL block.

pub mod feeder;
pub mod stream;
