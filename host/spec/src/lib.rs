//! The contract between the chip and the host: geometry, memory map, registers, instructions,
//! frames and numerics. No I/O.
//!
//! Everything that RTL and Rust share is declared here once. `cargo xtask gen` turns the tables of
//! [`tables`] into `hdl/pkg/lacuna_spec_pkg.sv` and `hdl/pkg/REGISTERS.md`; nothing is generated on
//! the Rust side, so go-to-definition lands on the real text.

pub mod charge;
pub mod frame;
pub mod geometry;
pub mod instr;
pub mod map;
pub mod numerics;
pub mod packed;
pub mod regs;
pub mod tables;

pub use geometry::{Geometry, GeometryError};
pub use packed::{Field, Layout};
