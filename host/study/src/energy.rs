//! Energy, modelled: counts of events times a table of energies that the user can replace.

use lacuna_golden::charge::Conversions;
use serde::{Deserialize, Serialize};

use crate::array::ArrayRun;

/// Energies of single events, in picojoules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyTable {
    /// Where the numbers come from.
    pub source: String,
    /// A cell multiplies by a 2-bit digit and accumulates.
    pub cell_digit_2: f64,
    /// By a 4-bit digit.
    pub cell_digit_4: f64,
    /// By an 8-bit digit.
    pub cell_digit_8: f64,
    /// One byte of weights is read.
    pub weight_byte: f64,
    /// One byte of activations is read.
    pub activation_byte: f64,
    /// One capacitor of the charge-domain array takes part in a conversion.
    pub charge_cell: f64,
    /// A readout of B bits takes `2^B` of these.
    pub conversion_step: f64,
    /// A code is compensated and added.
    pub code_add: f64,
}

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("is no energy table: {0}")]
pub struct EnergyError(#[from] toml::de::Error);

const DEFAULT: &str = include_str!("energy.toml");

impl Default for EnergyTable {
    fn default() -> Self {
        Self::parse(DEFAULT).expect("the default table is one")
    }
}

/// Modelled energy of the array over all frames, in nanojoules.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Energy {
    /// Cells, or capacitors and readouts.
    pub compute: f64,
    /// Weights read.
    pub weights: f64,
    /// Activations read.
    pub activations: f64,
}

impl Energy {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.compute + self.weights + self.activations
    }
}

impl EnergyTable {
    /// Reads a table in TOML; every field is required.
    ///
    /// # Errors
    /// [`EnergyError`] with the place.
    pub fn parse(text: &str) -> Result<Self, EnergyError> {
        Ok(toml::from_str(text)?)
    }

    /// Of the digital array: each digit enables all columns of a lane and reads their weights.
    ///
    /// # Panics
    /// If the width is not 2, 4 or 8.
    #[must_use]
    pub fn digital(&self, run: &ArrayRun, rows: u64, columns: usize, digit_bits: usize) -> Energy {
        let cell = match digit_bits {
            2 => self.cell_digit_2,
            4 => self.cell_digit_4,
            8 => self.cell_digit_8,
            other => panic!("digits have 2, 4 or 8 bits, not {other}"),
        };
        let cells = run.digits as f64 * columns as f64;
        Energy {
            compute: cells * cell / 1000.0,
            weights: cells * self.weight_byte / 1000.0,
            activations: rows as f64 * self.activation_byte / 1000.0,
        }
    }

    /// Of the charge-domain array, whose weights stay in its cells.
    #[must_use]
    pub fn charge(&self, counts: &Conversions, rows: u64, readout_bits: u32) -> Energy {
        let conversion = f64::from(1u32 << readout_bits) * self.conversion_step + self.code_add;
        let compute = counts.enabled_rows as f64 * self.charge_cell + counts.conversions as f64 * conversion;
        Energy { compute: compute / 1000.0, weights: 0.0, activations: rows as f64 * self.activation_byte / 1000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_table_names_its_source_and_unknown_fields_are_refused() {
        assert!(EnergyTable::default().source.contains("Horowitz"));
        let error = EnergyTable::parse(&format!("{DEFAULT}\nwatts = 3")).unwrap_err().to_string();
        assert!(error.contains("watts"), "{error}");
        assert!(EnergyTable::parse("source = \"none\"").is_err());
    }

    #[test]
    fn energies_are_counts_times_the_table() {
        let table = EnergyTable { cell_digit_4: 2.0, weight_byte: 3.0, activation_byte: 5.0, ..EnergyTable::default() };
        let run = ArrayRun { digits: 1000, ..ArrayRun::default() };
        let energy = table.digital(&run, 200, 16, 4);
        assert_eq!((energy.compute, energy.weights, energy.activations), (32.0, 48.0, 1.0));
        let table = EnergyTable { charge_cell: 0.5, conversion_step: 0.25, code_add: 1.0, ..table };
        let counts = Conversions { conversions: 10, enabled_rows: 640, ..Conversions::default() };
        // 640 capacitors and ten readouts of 16 steps and an addition.
        assert!((table.charge(&counts, 200, 4).compute - 0.37).abs() < 1e-12);
    }
}
