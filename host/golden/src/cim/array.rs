//! Weights, accumulators and hold registers of a macro (`lacuna_cells`, `lacuna_holds`), without their pipeline.

use lacuna_spec::{Geometry, geometry::MOST_SLACK};

/// Columns of the widest geometry.
pub const MAX_COLUMNS: usize = 16;

/// Cells of one lane.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    /// `MAX_COLUMNS` a page.
    weights: Vec<[i8; MAX_COLUMNS]>,
    sums: [i32; MAX_COLUMNS],
    holds: [[i32; MAX_COLUMNS]; MOST_SLACK],
    /// Where the next vector's sums go, and the oldest ones are.
    write: usize,
    read: usize,
}

impl Cells {
    pub fn new(geometry: &Geometry) -> Self {
        let weights = vec![[0; MAX_COLUMNS]; geometry.pages];
        Self { weights, sums: [0; MAX_COLUMNS], holds: [[0; MAX_COLUMNS]; MOST_SLACK], write: 0, read: 0 }
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
        self.holds[self.write] = self.sums;
        self.write = (self.write + 1) % MOST_SLACK;
        self.sums = [0; MAX_COLUMNS];
    }

    /// What the vector that was retired first added up to; the next is the one after.
    pub fn take(&mut self) -> &[i32; MAX_COLUMNS] {
        let hold = &self.holds[self.read];
        self.read = (self.read + 1) % MOST_SLACK;
        hold
    }
}
