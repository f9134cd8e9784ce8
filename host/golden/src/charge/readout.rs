//! One conversion: from charge to code (`lacuna_charge_readout`), and back to a count (`lacuna_charge_scale`).

use lacuna_spec::charge::CHARGE_QUARTER_ROWS;

/// By what a code is turned back into a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compensation {
    /// By the rows that were enabled, as the chip does.
    Enabled,
    /// By all 64 rows, as an array would that does not know its own gates.
    Full,
}

/// Largest code of a readout.
#[must_use]
pub const fn full_scale(bits: u32) -> u32 {
    (1 << bits) - 1
}

/// The code of `count` ones among `enabled` rows: `count / enabled` of full scale, to the nearest, halves up.
///
/// # Panics
/// If no row is enabled.
#[must_use]
pub fn code(count: u32, enabled: u32, bits: u32) -> u32 {
    (2 * count * full_scale(bits) + enabled) / (2 * enabled)
}

/// The count that a code stands for: `code / (2^bits - 1)` of `enabled` rows, to the nearest. Halves do not occur.
#[must_use]
pub fn count(code: u32, enabled: u32, bits: u32) -> u32 {
    (2 * code * enabled + full_scale(bits)) / (2 * full_scale(bits))
}

/// Counts after readout and compensation, of every count with 1 to 4 enabled quarters.
#[derive(Debug, Clone)]
pub struct Table {
    read: Vec<u8>,
}

impl Table {
    /// The table of a readout.
    #[must_use]
    pub fn new(bits: u32, compensation: Compensation) -> Self {
        let rows = CHARGE_QUARTER_ROWS as u32;
        let of = |quarters: u32, ones: u32| {
            let enabled = quarters * rows;
            let scale = if compensation == Compensation::Enabled { enabled } else { 4 * rows };
            if ones > enabled { 0 } else { count(code(ones, enabled, bits), scale, bits) as u8 }
        };
        Self { read: (1..=4).flat_map(|quarters| (0..128).map(move |ones| of(quarters, ones))).collect() }
    }

    /// What comes back for `ones` among `quarters` quarters (1 to 4).
    #[must_use]
    pub fn read(&self, ones: u32, quarters: u32) -> u32 {
        u32::from(self.read[(quarters as usize - 1) * 128 + ones as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_exact_with_codes_enough_and_else_within_a_step() {
        for bits in 3..=8 {
            for enabled in 1..=64 {
                for ones in 0..=enabled {
                    let back = count(code(ones, enabled, bits), enabled, bits);
                    let off = back.abs_diff(ones);
                    if full_scale(bits) >= enabled {
                        assert_eq!(off, 0, "{ones} of {enabled}, {bits} bits");
                    }
                    // A step is enabled / (2^bits - 1) rows.
                    assert!(off * full_scale(bits) <= enabled || off == 0, "{ones} of {enabled}, {bits} bits");
                }
            }
        }
    }

    #[test]
    fn codes_reach_full_scale_whatever_is_enabled() {
        for bits in 3..=8 {
            for enabled in [16, 32, 48, 64] {
                assert_eq!((code(0, enabled, bits), code(enabled, enabled, bits)), (0, full_scale(bits)));
            }
        }
    }

    #[test]
    fn without_compensation_a_gated_column_reads_too_much() {
        let (with, without) = (Table::new(8, Compensation::Enabled), Table::new(8, Compensation::Full));
        assert_eq!((with.read(8, 1), without.read(8, 1)), (8, 32));
        assert_eq!((with.read(8, 4), without.read(8, 4)), (8, 8));
    }
}
