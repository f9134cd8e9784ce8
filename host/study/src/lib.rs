//! A study of sparsity, layer by layer: what the data leaves to do, what each gating mode makes of it, and how many bits of
//! readout a charge-domain array needs. Nothing here runs on a chip: arrays are stepped by themselves in the golden model.
//!
//! [`study`] makes a [`Report`]; [`page`] turns it into one HTML file.

mod array;
mod charge;
mod energy;
mod layers;
mod monitor;
mod page;
mod plots;
mod report;

pub use array::{ArrayModel, ArrayRun, Slots};
pub use charge::{ChargeNetwork, ChargeResult, Variant};
pub use energy::{Energy, EnergyError, EnergyTable};
pub use layers::{LayerRows, collect, layer_rows};
pub use monitor::MonitorResult;
pub use page::page;
pub use report::{ChargeOptions, LayerReport, Options, Report, WidthReport, study};
