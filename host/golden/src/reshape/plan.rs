//! `lacuna_reshape_plan`: from a descriptor to the walk that an engine steps through.

use lacuna_spec::{Geometry, instr::Reshape};

/// What an engine is told of a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// The descriptor, with counts and steps of levels 0 and 1 as the walker takes them: one step a read.
    pub walk: Reshape,
    /// Bytes from the first column of a block to the last of the rightmost one.
    pub tail: usize,
    /// Bytes from a target row to the next.
    pub pitch: i64,
}

impl Plan {
    /// The plan of a descriptor that the sequencer has accepted.
    #[must_use]
    pub fn new(job: &Reshape, geometry: &Geometry) -> Self {
        let (word, unit) = (geometry.word_bytes() as i64, 1 << job.element);
        if job.transpose == 0 {
            return Self { walk: *job, tail: 0, pitch: 0 };
        }
        let row = job.count_0 * unit;
        let walk = Reshape {
            count_0: job.count_1,
            source_step_0: job.source_step_1,
            target_step_0: unit,
            count_1: (row + word - 1) / word,
            source_step_1: word,
            target_step_1: job.target_step_0 * (word / unit),
            ..*job
        };
        Self { walk, tail: (row - unit).rem_euclid(word) as usize, pitch: job.target_step_0 }
    }
}
