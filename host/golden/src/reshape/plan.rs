//! `lacuna_reshape_plan`: from a descriptor to the walk that an engine steps through.

use lacuna_spec::{
    Geometry,
    instr::{LINEAR, Reshape},
};

/// What an engine is told of a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// The descriptor, with counts and steps of levels 0 and 1 as the walker takes them: one step a read.
    pub walk: Reshape,
    /// Bytes of an element.
    pub unit: usize,
    /// Matrices without gaps, read word by word.
    pub linear: bool,
    /// Bytes from the first column of a block to the last of the rightmost one.
    pub tail: usize,
    /// Bytes from a target row to the next.
    pub pitch: i64,
}

impl Plan {
    /// The plan of a descriptor that the sequencer has accepted.
    #[must_use]
    pub fn new(job: &Reshape, geometry: &Geometry) -> Self {
        let word = geometry.word_bytes() as i64;
        if job.transpose == 0 {
            return Self { walk: *job, unit: 1, ..Self::default() };
        }
        if job.element == LINEAR {
            let walk = Reshape {
                count_0: job.bytes,
                source_step_0: word,
                target_step_0: 0,
                count_1: i64::from(job.count_0 != 0 && job.count_1 != 0),
                bytes: job.count_1,
                ..*job
            };
            return Self { walk, unit: 1, linear: true, tail: job.count_0 as usize - 1, pitch: job.target_step_0 };
        }
        let unit = 1 << job.element;
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
        let tail = (row - unit).rem_euclid(word) as usize;
        Self { walk, unit: unit as usize, linear: false, tail, pitch: job.target_step_0 }
    }
}
