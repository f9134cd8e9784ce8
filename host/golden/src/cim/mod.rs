//! The compute-in-memory macro: recoding, row lanes, cells and reduction.

mod array;
mod lane;
mod macro_;
mod recode;

pub use array::MAX_COLUMNS;
pub use lane::Activity;
pub use macro_::{Macro, MacroOut, Tally};
pub use recode::{Recoder, SLOTS_MAX, Slots};
