//! Weights, accumulators and hold registers of a macro (`lacuna_cells`), without their pipeline.

/// Columns of the widest geometry.
pub const MAX_COLUMNS: usize = 16;

/// Cells of one lane.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    /// `MAX_COLUMNS` a page.
    weights: Vec<[i8; MAX_COLUMNS]>,
    sums: [i32; MAX_COLUMNS],
    hold: [i32; MAX_COLUMNS],
}

impl Cells {
    pub fn new(pages: usize) -> Self {
        Self { weights: vec![[0; MAX_COLUMNS]; pages], sums: [0; MAX_COLUMNS], hold: [0; MAX_COLUMNS] }
    }

    pub fn write_page(&mut self, page: usize, weights: &[i8]) {
        self.weights[page][..weights.len()].copy_from_slice(weights);
    }

    /// Multiplies one page by one digit.
    pub fn accumulate(&mut self, page: usize, digit: i16) {
        let weights = &self.weights[page & (self.weights.len() - 1)];
        for (sum, &weight) in self.sums.iter_mut().zip(weights) {
            // At most 255 * 128: 16 bits are enough, and vectorise twice as wide.
            *sum = sum.wrapping_add(i32::from(digit.wrapping_mul(i16::from(weight))));
        }
    }

    /// Ends a vector.
    pub fn retire(&mut self) {
        self.hold = self.sums;
        self.sums = [0; MAX_COLUMNS];
    }

    /// What the last retired vector added up to.
    pub fn hold(&self) -> &[i32; MAX_COLUMNS] {
        &self.hold
    }
}
