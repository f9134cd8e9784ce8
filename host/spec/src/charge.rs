//! The charge-domain macro: the shape of its array and of its readout.
//!
//! A conversion shares the charge of the enabled rows of one bit column: `count` ones of `enabled` rows give the voltage
//! `count / enabled` of full scale, which a readout of B bits turns into the code nearest to
//! `count / enabled * (2^B - 1)`.

/// Rows of one bit column.
pub const CHARGE_ROWS: usize = 64;
/// Parts of a column that are gated independently.
pub const CHARGE_QUARTERS: usize = 4;
/// Rows of a quarter.
pub const CHARGE_QUARTER_ROWS: usize = CHARGE_ROWS / CHARGE_QUARTERS;
/// Narrowest readout.
pub const READOUT_BITS_MIN: u32 = 3;
/// Widest readout.
pub const READOUT_BITS_MAX: u32 = 8;
/// Most bits of an input: those of a gated difference.
pub const CHARGE_INPUT_BITS_MAX: u32 = 9;
/// Most bits of a weight: bit slices of a column.
pub const CHARGE_WEIGHT_BITS_MAX: u32 = 8;

/// What a cell does with its input bit and its weight bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum ChargeMode {
    /// Both are 1. Operands are two's complement: the top bit plane and the top slice count negative.
    And = 0,
    /// Both are equal. Each bit stands for -1 or +1, so that an operand of n bits is the sum of `+-2^i`, i < n.
    Xnor = 1,
}

impl ChargeMode {
    /// Both modes with their RTL names.
    pub const ALL: [(Self, &'static str); 2] = [(Self::And, "And"), (Self::Xnor, "Xnor")];
}
