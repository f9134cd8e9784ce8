//! What a real array adds: noise of each conversion and an offset of each readout.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Normal};

use super::readout::full_scale;

/// How much an array is off, as shares of its full scale (standard deviations, 0 or more).
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct NoiseLevels {
    /// Of each conversion anew.
    pub conversion: f64,
    /// Of each bit column, once.
    pub offset: f64,
}

/// Seeded noise of one array.
#[derive(Debug, Clone)]
pub struct Noise {
    rng: ChaCha8Rng,
    conversion: Normal<f64>,
    offsets: Vec<f64>,
}

impl Noise {
    /// Draws the offsets of `bit_columns` readouts; the same seed gives the same array and the same noise.
    ///
    /// # Panics
    /// If a level is negative or no number.
    #[must_use]
    pub fn new(levels: NoiseLevels, bit_columns: usize, seed: u64) -> Self {
        let normal = |deviation| Normal::new(0.0, deviation).expect("levels are finite and not negative");
        assert!(levels.conversion >= 0.0 && levels.offset >= 0.0, "levels are 0 or more");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let offset = normal(levels.offset);
        let offsets = (0..bit_columns).map(|_| offset.sample(&mut rng)).collect();
        Self { rng, conversion: normal(levels.conversion), offsets }
    }

    /// The code of `count` ones among `enabled` rows, read by bit column `at` (modulo their number).
    pub fn code(&mut self, count: u32, enabled: u32, bits: u32, at: usize) -> u32 {
        let offset = if self.offsets.is_empty() { 0.0 } else { self.offsets[at % self.offsets.len()] };
        let level = f64::from(count) / f64::from(enabled) + offset + self.conversion.sample(&mut self.rng);
        let full = f64::from(full_scale(bits));
        // Halves up, as the converter without noise.
        (level * full + 0.5).floor().clamp(0.0, full) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::super::readout::code;
    use super::*;

    #[test]
    fn without_levels_noise_changes_nothing() {
        let mut noise = Noise::new(NoiseLevels::default(), 8, 1);
        for bits in 3..=8 {
            for enabled in [16, 32, 48, 64] {
                for ones in 0..=enabled {
                    assert_eq!(noise.code(ones, enabled, bits, 3), code(ones, enabled, bits));
                }
            }
        }
    }

    #[test]
    fn seeds_repeat_and_levels_are_those_asked_for() {
        let levels = NoiseLevels { conversion: 0.02, offset: 0.0 };
        let codes = |seed| {
            let mut noise = Noise::new(levels, 4, seed);
            (0..4000).map(|_| f64::from(noise.code(32, 64, 8, 0)) / 255.0).collect::<Vec<_>>()
        };
        let sample = codes(5);
        assert_eq!(sample, codes(5));
        assert_ne!(sample, codes(6));
        let mean = sample.iter().sum::<f64>() / 4000.0;
        let deviation = (sample.iter().map(|level| (level - mean).powi(2)).sum::<f64>() / 4000.0).sqrt();
        assert!((mean - 0.5).abs() < 0.003 && (deviation - 0.02).abs() < 0.002, "{mean} {deviation}");
    }
}
