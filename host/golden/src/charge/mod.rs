//! The charge-domain macro (`hdl/charge`): an analog array in integers, with a readout of few bits.
//!
//! [`readout`] holds the arithmetic of one conversion, [`Array`] what whole vectors add up to, with or without noise, and
//! [`ChargeMacro`] the registers of `lacuna_charge_macro`, cycle by cycle.

mod array;
mod macro_;
mod noise;
pub mod readout;
mod rows;
mod setting;

pub use array::{Array, Column, Conversions};
pub use macro_::ChargeMacro;
pub use noise::{Noise, NoiseLevels};
pub use readout::Compensation;
pub use setting::{Setting, SettingError};
