//! What vectors add up to in the columns of a charge-domain array: the function, without its cycles.

use lacuna_spec::{
    charge::{CHARGE_QUARTER_ROWS, CHARGE_ROWS, ChargeMode},
    instr::Gating,
};

use super::{
    Compensation, Noise, Setting,
    readout::{self, Table},
    rows::BlockRows,
};

/// The weights of one column: bit slices of 64 rows a block.
#[derive(Debug, Clone)]
pub struct Column {
    slices: Vec<[u64; 8]>,
}

impl Column {
    /// Takes the weights of all rows.
    #[must_use]
    pub fn new(weights: &[i8]) -> Self {
        let slices = |rows: &[i8]| {
            let bit = |j: usize| (0..).zip(rows).map(|(r, &w)| u64::from(w as u8 >> j & 1) << r).sum();
            std::array::from_fn(bit)
        };
        Self { slices: weights.chunks(CHARGE_ROWS).map(slices).collect() }
    }
}

/// What conversions took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Conversions {
    /// Readouts of bit columns.
    pub conversions: u64,
    /// Rows enabled in them, summed: capacitors that take part.
    pub enabled_rows: u64,
    /// Cells whose word line is driven, summed.
    pub active_cells: u64,
    /// Bit planes that were skipped because no quarter was enabled, times blocks.
    pub skipped_planes: u64,
    /// Readouts by enabled quarters, 1 to 4.
    pub by_quarters: [u64; 4],
}

/// An array with its setting, gates and imperfections.
#[derive(Debug, Clone)]
pub struct Array {
    setting: Setting,
    gating: Gating,
    compensation: Compensation,
    table: Table,
    noise: Option<Noise>,
    counts: Conversions,
}

impl Array {
    /// An ideal array: every conversion is the nearest code.
    #[must_use]
    pub fn new(setting: Setting, gating: Gating, compensation: Compensation) -> Self {
        let table = Table::new(setting.readout_bits(), compensation);
        Self { setting, gating, compensation, table, noise: None, counts: Conversions::default() }
    }

    /// The same array with noise and offsets.
    #[must_use]
    pub fn with_noise(mut self, noise: Noise) -> Self {
        self.noise = Some(noise);
        self
    }

    /// What all conversions so far took.
    #[must_use]
    pub fn counts(&self) -> &Conversions {
        &self.counts
    }

    /// The sums of one vector in all columns, wrapping at 32 bits. Columns hold as many rows as the vector.
    ///
    /// # Panics
    /// If a column has fewer blocks of 64 rows than the vector.
    pub fn run(&mut self, rows: &[i16], columns: &[Column]) -> Vec<i32> {
        let mut sums = vec![0i32; columns.len()];
        for (at, rows) in rows.chunks(CHARGE_ROWS).enumerate() {
            let block = BlockRows::new(rows, &self.setting, self.gating);
            for plane in 0..self.setting.input_bits() {
                let (mask, quarters) = block.enabled(plane);
                if quarters == 0 {
                    self.counts.skipped_planes += 1;
                    continue;
                }
                let slices = columns.len() as u64 * u64::from(self.setting.weight_bits());
                self.counts.conversions += slices;
                self.counts.by_quarters[quarters as usize - 1] += slices;
                self.counts.enabled_rows += slices * u64::from(quarters) * CHARGE_QUARTER_ROWS as u64;
                let lines = block.lines(plane, self.setting.mode()) & mask;
                self.counts.active_cells += slices * u64::from(lines.count_ones());
                let weight = self.setting.bit_weight(plane, self.setting.input_bits());
                for (c, (sum, column)) in sums.iter_mut().zip(columns).enumerate() {
                    let value = self.plane(&block, plane, (mask, quarters), &column.slices[at], c);
                    *sum = sum.wrapping_add(weight.wrapping_mul(value));
                }
            }
        }
        sums
    }

    /// One bit plane in one column: all its slices.
    fn plane(
        &mut self,
        block: &BlockRows,
        plane: u32,
        (mask, quarters): (u64, u32),
        slices: &[u64; 8],
        c: usize,
    ) -> i32 {
        let (bits, mode) = (self.setting.weight_bits(), self.setting.mode());
        let inputs = block.planes[plane as usize];
        let mut value = 0;
        for (j, slice) in (0..bits).zip(slices) {
            let hits = match mode {
                ChargeMode::And => inputs & slice,
                ChargeMode::Xnor => !(inputs ^ slice) & block.driven,
            };
            let ones = (hits & mask).count_ones();
            let count = self.convert(ones, quarters, c * bits as usize + j as usize) as i32;
            let part = match mode {
                ChargeMode::And => count,
                ChargeMode::Xnor => 2 * count - block.driven.count_ones() as i32,
            };
            value += self.setting.bit_weight(j, bits) * part;
        }
        value
    }

    fn convert(&mut self, ones: u32, quarters: u32, at: usize) -> u32 {
        let Some(noise) = &mut self.noise else { return self.table.read(ones, quarters) };
        let rows = CHARGE_QUARTER_ROWS as u32;
        let bits = self.setting.readout_bits();
        let scale = if self.compensation == Compensation::Enabled { quarters * rows } else { CHARGE_ROWS as u32 };
        readout::count(noise.code(ones, quarters * rows, bits, at), scale, bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::NoiseLevels;
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn seed() -> u64 {
        let seed = std::env::var("LACUNA_SEED").map_or_else(|_| rand::random(), |text| text.parse().unwrap());
        println!("seed {seed} (LACUNA_SEED={seed} runs it again)");
        seed
    }

    /// Rows that fit `bits` bits, many of them 0, and columns.
    fn random(rng: &mut ChaCha8Rng, bits: u32) -> (Vec<i16>, Vec<Vec<i8>>) {
        let length = rng.random_range(1..=200);
        let density = rng.random_range(0.0..1.0);
        let (lo, hi) = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
        let row = |rng: &mut ChaCha8Rng| if rng.random_bool(density) { rng.random_range(lo..=hi) } else { 0 };
        let rows = (0..length).map(|_| row(rng)).collect();
        (rows, (0..3).map(|_| (0..length).map(|_| rng.random()).collect()).collect())
    }

    fn exact(setting: &Setting, rows: &[i16], weights: &[i8]) -> i32 {
        let product = |(&d, &w): (&i16, &i8)| {
            setting.value(d.into(), setting.input_bits()) * setting.value(w.into(), setting.weight_bits())
        };
        rows.iter().zip(weights).map(product).sum()
    }

    #[test]
    fn seven_bits_of_readout_are_exact_whatever_is_gated() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed());
        for _ in 0..200 {
            let mode = if rng.random_bool(0.5) { ChargeMode::And } else { ChargeMode::Xnor };
            let bits = (rng.random_range(1..=9), rng.random_range(1..=8), rng.random_range(7..=8));
            let setting = Setting::new(mode, bits.0, bits.1, bits.2).unwrap();
            let (rows, weights) = random(&mut rng, bits.0);
            let columns: Vec<_> = weights.iter().map(|w| Column::new(w)).collect();
            let expected: Vec<_> = weights.iter().map(|w| exact(&setting, &rows, w)).collect();
            for gating in [Gating::Off, Gating::Row, Gating::Digit] {
                let mut array = Array::new(setting, gating, Compensation::Enabled);
                assert_eq!(array.run(&rows, &columns), expected, "{setting:?} {gating:?}");
            }
        }
    }

    #[test]
    fn fewer_enabled_rows_need_fewer_bits_to_be_exact() {
        let setting = Setting::new(ChargeMode::And, 8, 8, 5).unwrap();
        // Rows in one quarter only: 16 enabled, 31 codes.
        let rows: Vec<i16> = (0..64).map(|r| if r / 16 == 2 { r * 3 - 120 } else { 0 }).collect();
        let weights: Vec<i8> = (0..64).map(|r| (r * 37 % 251) as i8).collect();
        let columns = [Column::new(&weights)];
        let run = |gating| Array::new(setting, gating, Compensation::Enabled).run(&rows, &columns);
        let expected = exact(&setting, &rows, &weights);
        assert_eq!(run(Gating::Digit), [expected]);
        assert_ne!(run(Gating::Off), [expected], "64 enabled rows need more than 31 codes");
    }

    #[test]
    fn every_conversion_is_off_by_a_step_at_most() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed());
        for _ in 0..200 {
            let setting = Setting::new(ChargeMode::And, 1, 1, rng.random_range(3..=6)).unwrap();
            let (rows, weights) = random(&mut rng, 1);
            let rows = &rows[..rows.len().min(64)];
            let columns = [Column::new(&weights[0][..rows.len()])];
            for gating in [Gating::Off, Gating::Row, Gating::Digit] {
                let mut array = Array::new(setting, gating, Compensation::Enabled);
                let sum = array.run(rows, &columns)[0];
                // One plane, one slice: the sum is one conversion.
                let full = f64::from(readout::full_scale(setting.readout_bits()));
                let step = (array.counts().enabled_rows as f64 / full).max(1.0);
                let expected = exact(&setting, rows, &weights[0]);
                assert!(f64::from((sum - expected).abs()) <= step, "{sum} {expected} {step}");
            }
        }
    }

    #[test]
    fn gates_save_conversions_and_cells() {
        let setting = Setting::new(ChargeMode::And, 8, 8, 8).unwrap();
        let rows: Vec<i16> = (0..64).map(|r| i16::from(r == 5)).collect();
        let columns = [Column::new(&[1; 64])];
        let counts = |gating| {
            let mut array = Array::new(setting, gating, Compensation::Enabled);
            array.run(&rows, &columns);
            *array.counts()
        };
        let (off, row, digit) = (counts(Gating::Off), counts(Gating::Row), counts(Gating::Digit));
        assert_eq!((off.conversions, row.conversions, digit.conversions), (64, 64, 8));
        assert_eq!((off.enabled_rows, row.enabled_rows, digit.enabled_rows), (64 * 64, 64 * 16, 8 * 16));
        assert_eq!((off.active_cells, digit.active_cells), (8, 8));
        assert_eq!((off.by_quarters, digit.by_quarters), ([0, 0, 0, 64], [8, 0, 0, 0]));
    }

    #[test]
    fn noise_moves_sums_and_its_seed_repeats_them() {
        let setting = Setting::new(ChargeMode::And, 8, 8, 8).unwrap();
        let rows: Vec<i16> = (0..64).collect();
        let columns = [Column::new(&[99; 64])];
        let run = |levels, seed| {
            let noise = Noise::new(levels, 8, seed);
            Array::new(setting, Gating::Digit, Compensation::Enabled).with_noise(noise).run(&rows, &columns)[0]
        };
        let quiet = run(NoiseLevels::default(), 1);
        let noisy = NoiseLevels { conversion: 0.01, offset: 0.005 };
        assert_eq!(quiet, 99 * (63 * 64 / 2));
        assert_ne!(run(noisy, 1), quiet);
        assert_eq!(run(noisy, 1), run(noisy, 1));
        assert_ne!(run(noisy, 1), run(noisy, 2));
    }
}
