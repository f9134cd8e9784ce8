//! The compute-in-memory macro: recoding, row lanes, cells, reduction, and the sparsity monitor.

mod array;
mod lane;
mod macro_;
mod monitor;
mod monitor_unit;
mod recode;

pub use array::MAX_COLUMNS;
pub use lane::Activity;
pub use macro_::{Macro, MacroOut, Tally};
pub use monitor::{Decision, Measure, Monitor, MonitorSetting, compensate};
pub use monitor_unit::MonitorUnit;
pub use recode::{Recoder, SLOTS_MAX, Slots};
