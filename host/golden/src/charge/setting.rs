//! How the array is driven and read.

use lacuna_spec::charge::{
    CHARGE_INPUT_BITS_MAX, CHARGE_WEIGHT_BITS_MAX, ChargeMode, READOUT_BITS_MAX, READOUT_BITS_MIN,
};

/// Mode and widths of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    mode: ChargeMode,
    input_bits: u32,
    weight_bits: u32,
    readout_bits: u32,
}

/// A width outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} of {bits} bits are not supported; choose {least} to {most}")]
pub struct SettingError {
    what: &'static str,
    bits: u32,
    least: u32,
    most: u32,
}

impl Setting {
    /// Inputs of 1 to 9 bits, weights of 1 to 8, readouts of 3 to 8.
    ///
    /// # Errors
    /// [`SettingError`] names the first width outside its range.
    pub fn new(mode: ChargeMode, input_bits: u32, weight_bits: u32, readout_bits: u32) -> Result<Self, SettingError> {
        let check = |what, bits, least, most| {
            if (least..=most).contains(&bits) { Ok(()) } else { Err(SettingError { what, bits, least, most }) }
        };
        check("inputs", input_bits, 1, CHARGE_INPUT_BITS_MAX)?;
        check("weights", weight_bits, 1, CHARGE_WEIGHT_BITS_MAX)?;
        check("readouts", readout_bits, READOUT_BITS_MIN, READOUT_BITS_MAX)?;
        Ok(Self { mode, input_bits, weight_bits, readout_bits })
    }

    /// What a cell does with its bits.
    #[must_use]
    pub const fn mode(&self) -> ChargeMode {
        self.mode
    }

    /// Bits of an input.
    #[must_use]
    pub const fn input_bits(&self) -> u32 {
        self.input_bits
    }

    /// Bits of a weight.
    #[must_use]
    pub const fn weight_bits(&self) -> u32 {
        self.weight_bits
    }

    /// Bits of a readout.
    #[must_use]
    pub const fn readout_bits(&self) -> u32 {
        self.readout_bits
    }

    /// What the low `bits` bits of an operand stand for.
    #[must_use]
    pub fn value(&self, operand: i32, bits: u32) -> i32 {
        let low = operand & ((1 << bits) - 1);
        match self.mode {
            ChargeMode::And => low - ((low >> (bits - 1)) << bits),
            ChargeMode::Xnor => 2 * low - ((1 << bits) - 1),
        }
    }

    /// The bit weight of a plane or slice out of `bits`.
    pub(super) fn bit_weight(&self, bit: u32, bits: u32) -> i32 {
        if self.mode == ChargeMode::And && bit + 1 == bits { -(1 << bit) } else { 1 << bit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_outside_their_range_are_refused_by_name() {
        let error = Setting::new(ChargeMode::And, 10, 8, 8).unwrap_err().to_string();
        assert_eq!(error, "inputs of 10 bits are not supported; choose 1 to 9");
        assert!(Setting::new(ChargeMode::And, 9, 9, 8).is_err());
        assert!(Setting::new(ChargeMode::And, 9, 8, 2).is_err());
    }

    #[test]
    fn operands_are_the_sums_of_their_bit_weights() {
        for mode in [ChargeMode::And, ChargeMode::Xnor] {
            let setting = Setting::new(mode, 5, 8, 8).unwrap();
            for operand in -16..16 {
                let bit = |i: u32| operand >> i & 1;
                let sum: i32 = (0..5)
                    .map(|i| setting.bit_weight(i, 5) * if mode == ChargeMode::And { bit(i) } else { 2 * bit(i) - 1 })
                    .sum();
                assert_eq!(sum, setting.value(operand, 5), "{operand}");
                assert!(mode == ChargeMode::Xnor || sum == operand);
            }
        }
    }
}
