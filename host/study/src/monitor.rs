//! What the sparsity monitor would decide, threshold by threshold.

use lacuna_golden::cim::{Decision, Monitor, MonitorSetting};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;
use serde::Serialize;

use crate::array::{ArrayModel, ArrayRun};
use crate::layers::LayerRows;

/// Decisions and their cost over all batches of one layer, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MonitorResult {
    /// Share of rows, in sixteenths, from which on the array is gated.
    pub threshold: u8,
    /// Batches measured.
    pub batches: u64,
    /// Of these, processed gated.
    pub gated: u64,
    /// Of these, by the second gate value.
    pub second: u64,
    /// Decisions that differed from the one before.
    pub crossings: u64,
    /// Array cycles, all column blocks.
    pub cycles: u64,
    /// Digit slots issued, all lanes and column blocks.
    pub digits: u64,
}

impl MonitorResult {
    /// Adds another layer's.
    pub fn merge(&mut self, other: &Self) {
        self.batches += other.batches;
        self.gated += other.gated;
        self.second += other.second;
        self.crossings += other.crossings;
        self.cycles += other.cycles;
        self.digits += other.digits;
    }
}

/// The second gate value of a layer, less the first: the most frequent row that is not 0 (0 if there is none).
pub(crate) fn second_gate(layer: &LayerRows) -> i16 {
    let mut counts = [0u64; 511];
    for &d in layer.vectors.iter().filter(|&&d| d != 0) {
        counts[(d + 255) as usize] += 1;
    }
    let (least, most) = (-128 - layer.gate, 127 - layer.gate);
    let seen = |d: &i16| counts[(d + 255) as usize];
    (least..=most).filter(|d| seen(d) > 0).max_by_key(seen).unwrap_or(0)
}

/// Measures a layer in batches of `batch` vectors; neighbours with one decision run as one job.
pub(crate) fn sweep(layer: &LayerRows, geometry: Geometry, setting: MonitorSetting, batch: usize) -> MonitorResult {
    let mut monitor = Monitor::new(geometry.digit_bits, setting);
    let mut model = ArrayModel::new(geometry);
    let mut result = MonitorResult { threshold: setting.threshold, ..MonitorResult::default() };
    let mut total = ArrayRun::default();
    let (mut job, mut of_job) = (Vec::new(), Decision::default());
    for rows in layer.vectors.chunks(batch * layer.rows) {
        let measure = monitor.measure(rows);
        let decision = monitor.decide(&measure);
        result.batches += 1;
        result.gated += u64::from(decision.gated);
        result.second += u64::from(decision.second);
        if decision != of_job {
            total.add(&run(&mut model, layer, of_job, setting, &job), 1);
            job.clear();
            of_job = decision;
        }
        job.extend_from_slice(rows);
    }
    total.add(&run(&mut model, layer, of_job, setting, &job), 1);
    let blocks = layer.outputs.div_ceil(geometry.columns()) as u64;
    result.crossings = monitor.crossings().into();
    result.cycles = blocks * total.cycles;
    result.digits = blocks * total.digits;
    result
}

fn run(model: &mut ArrayModel, layer: &LayerRows, by: Decision, setting: MonitorSetting, rows: &[i16]) -> ArrayRun {
    if rows.is_empty() {
        return ArrayRun::default();
    }
    let gating = if by.gated { Gating::Digit } else { Gating::Off };
    let shift = if by.second { setting.delta } else { 0 };
    let shifted: Vec<i16> = rows.iter().map(|d| d - shift).collect();
    model.run(gating, [layer.rows, layer.channels], &shifted)
}
