//! The back end: from a placed graph to programs, weight pages and constants.
//!
//! Data flows one way: [`steps`](crate::backend::steps) cuts the graph into chip programs and host
//! nodes, [`split`] deals each layer over the tiles, [`layout`] and [`memory`] place tensors,
//! [`phases`] lets weights take turns where pages are short, [`weights`] lays rows over lanes and pages, [`emit`] writes
//! instructions. What does not fit runs apart, in bands (`bands`), or on the host (`fallback`); frames that pass together
//! become one network first (`together`).
//!
//! A tensor is kept NHWC without gaps. With *rows* split, a tile holds the output rows it computes
//! and those its next layers read (halo); with *blocks* split, a tile computes some blocks of
//! columns for every row. Whatever a tile then lacks is moved there by the reshape engine.

mod bands;
mod budgets;
pub mod emit;
pub mod error;
mod fallback;
pub mod io;
pub mod layout;
pub mod memory;
pub mod phases;
#[cfg(test)]
mod room_tests;
pub mod split;
pub mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod together;
#[cfg(test)]
mod turns_tests;
pub mod weights;
#[cfg(test)]
mod wide_tests;
mod widen;

pub use error::BackendError;
pub use fallback::compile;
pub use io::{Transfer, pack_input, unpack_output};
pub use layout::TensorLayout;
pub use steps::{Compiled, Layer, PageImage, Phase, Program, Step};
pub use together::compile_batch;
