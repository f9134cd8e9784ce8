#![doc = include_str!("../README.md")]

mod error;
mod ffi;
mod model;
mod port;
pub mod session;
pub mod testing;

pub use error::SimError;
pub use model::{Model, Top};
pub use port::{Port, PortInfo, PortRef};

use {libz_sys as _, lz4_sys as _};

/// One constructor for each entry of `sim/tops/*.toml`.
#[allow(unsafe_code, reason = "declares the function table of each C++ model; see `ffi`")]
#[allow(clippy::too_many_lines, reason = "a constructor lists every port of its top")]
pub mod tops {
    include!(concat!(env!("OUT_DIR"), "/tops.rs"));
}

/// The netlist of a board that this was built with, if `LACUNA_NETLIST` named one.
#[must_use]
pub fn netlist() -> Option<Model> {
    #[cfg(netlist)]
    return Some(tops::uart_netlist());
    #[cfg(not(netlist))]
    None
}
