//! The sparsity monitor: measures a batch of rows before it is processed and decides how.
//!
//! A decision has two parts. *Which gate value*: the layer states two, and the one that leaves fewer essential digits wins once
//! it saves more than the hysteresis. *Gated or not*: the share of rows that equal the winning gate value is compared with the
//! layer's threshold; a gated array stays so until the share falls below the threshold by the hysteresis.

use lacuna_spec::instr::RunTail;

use super::Recoder;

/// What a layer programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MonitorSetting {
    /// Share of rows, in sixteenths, from which on the array is gated; 0 gates always, 17 never.
    pub threshold: u8,
    /// How far, in sixteenths, a measure must cross back before a decision is taken back.
    pub hysteresis: u8,
    /// The second gate value less the first.
    pub delta: i16,
}

impl MonitorSetting {
    /// What an instruction programs; `None` without a monitor.
    #[must_use]
    pub const fn of(tail: &RunTail) -> Option<Self> {
        if tail.threshold == 0 {
            return None;
        }
        Some(Self {
            threshold: tail.threshold as u8 - 1,
            hysteresis: tail.hysteresis as u8,
            delta: (tail.second - tail.gate) as i16,
        })
    }
}

/// What one batch measured, for the first and the second gate value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Measure {
    /// Rows of the batch.
    pub rows: u32,
    /// Rows that equal the gate value.
    pub zeros: [u32; 2],
    /// Essential digits.
    pub digits: [u32; 2],
}

/// How a batch is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Decision {
    /// Rows and digits that are 0 are disabled.
    pub gated: bool,
    /// By the second gate value.
    pub second: bool,
}

/// The monitor of one tile.
#[derive(Debug, Clone)]
pub struct Monitor {
    recoder: Recoder,
    setting: MonitorSetting,
    decision: Decision,
    crossings: u32,
}

impl Monitor {
    /// A monitor that has decided nothing yet: ungated, first gate value.
    #[must_use]
    pub fn new(digit_bits: usize, setting: MonitorSetting) -> Self {
        Self { recoder: Recoder::new(digit_bits), setting, decision: Decision::default(), crossings: 0 }
    }

    /// How often a decision differed from the one before.
    #[must_use]
    pub fn crossings(&self) -> u32 {
        self.crossings
    }

    /// Essential digits of a difference.
    #[must_use]
    pub fn essential(&self, d: i16) -> u32 {
        self.recoder.essential(d).len.into()
    }

    /// Counts the rows of a batch: differences from the first gate value.
    ///
    /// # Panics
    /// If a difference from either gate value is beyond 255.
    #[must_use]
    pub fn measure(&self, rows: &[i16]) -> Measure {
        let mut measure = Measure { rows: rows.len() as u32, ..Measure::default() };
        for &d in rows {
            for (gate, d) in [d, d - self.setting.delta].into_iter().enumerate() {
                measure.zeros[gate] += u32::from(d == 0);
                measure.digits[gate] += self.essential(d);
            }
        }
        measure
    }

    /// Decides how a batch is processed.
    pub fn decide(&mut self, measure: &Measure) -> Decision {
        let before = self.decision;
        let [first, second] = measure.digits.map(u64::from);
        let margin = |digits: u64| digits * (16 - u64::from(self.setting.hysteresis.min(16)));
        // The other gate value wins if it beats the present one by the hysteresis.
        let (present, other) = if before.second { (second, first) } else { (first, second) };
        let second = before.second != (16 * other < margin(present));
        let share = 16 * u64::from(measure.zeros[usize::from(second)]);
        let held = if before.gated { self.setting.hysteresis } else { 0 };
        let threshold = u64::from(self.setting.threshold.saturating_sub(held));
        self.decision = Decision { gated: share >= threshold * u64::from(measure.rows), second };
        self.crossings += u32::from(self.decision != before);
        self.decision
    }
}

/// The compensation unit: what a sum over `q - gate` lacks of the sum over `q - zero`, where `shift` is `gate - zero` and
/// `weights` the sum of the column's weights over all rows, padding included. Wraps as accumulators do.
#[must_use]
pub fn compensate(sum: i32, shift: i32, weights: i32) -> i32 {
    sum.wrapping_add(shift.wrapping_mul(weights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn monitor(threshold: u8, hysteresis: u8, delta: i16) -> Monitor {
        Monitor::new(4, MonitorSetting { threshold, hysteresis, delta })
    }

    fn batch(zeros: usize, of: usize) -> Vec<i16> {
        (0..of).map(|row| i16::from(row >= zeros)).collect()
    }

    #[test]
    fn measures_are_those_of_the_rows() {
        let measure = monitor(0, 0, 16).measure(&[0, 16, 16, 17, -3]);
        assert_eq!(measure, Measure { rows: 5, zeros: [1, 2], digits: [5, 4] });
    }

    #[test]
    fn a_gated_array_stays_gated_within_the_hysteresis() {
        let mut monitor = monitor(8, 2, 0);
        let mut gated = |zeros| {
            let measure = monitor.measure(&batch(zeros, 256));
            monitor.decide(&measure).gated
        };
        assert_eq!(
            [127, 128, 110, 96, 95, 110, 127, 128].map(&mut gated),
            [false, true, true, true, false, false, false, true]
        );
        assert_eq!(monitor.crossings(), 3);
    }

    #[test]
    fn thresholds_at_the_ends_gate_always_and_never() {
        for zeros in [0, 5, 256] {
            let rows = batch(zeros, 256);
            let decide = |threshold| {
                let mut monitor = monitor(threshold, 1, 0);
                let measure = monitor.measure(&rows);
                monitor.decide(&measure).gated
            };
            assert!(decide(0) && !decide(17));
        }
    }

    #[test]
    fn the_gate_value_with_fewer_digits_is_taken() {
        let mut monitor = monitor(8, 1, 40);
        let mut second = |rows: &[i16]| {
            let measure = monitor.measure(rows);
            monitor.decide(&measure)
        };
        assert_eq!(second(&[40; 64]), Decision { gated: true, second: true });
        assert_eq!(second(&[0; 64]), Decision { gated: true, second: false });
        assert!(!second(&[7; 64]).second, "both leave digits: nothing is gained by a change");
    }

    #[test]
    fn compensation_is_exact_for_every_gate_and_padding() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..500 {
            let length = rng.random_range(1..100);
            let zero = rng.random_range(-128..=127);
            // Some rows are padding, which holds the zero point.
            let rows: Vec<i32> =
                (0..length).map(|_| if rng.random_bool(0.2) { zero } else { rng.random_range(-128..=127) }).collect();
            let weights: Vec<i32> = (0..length).map(|_| rng.random_range(-128..=127)).collect();
            let sum = |gate: i32| rows.iter().zip(&weights).map(|(q, w)| (q - gate) * w).sum::<i32>();
            let gate = rng.random_range(-128..=127);
            assert_eq!(compensate(sum(gate), gate - zero, weights.iter().sum()), sum(zero));
        }
    }
}
