//! `lacuna_reshape_walker`: five nested loops over two addresses in step.

use lacuna_spec::instr::{RESHAPE_LEVELS, Reshape};

/// Where a beat is read and where it goes.
#[derive(Debug, Clone, Default)]
pub struct Walker {
    mask: i64,
    count: [i64; RESHAPE_LEVELS],
    left: [i64; RESHAPE_LEVELS],
    step: [(i64, i64); RESHAPE_LEVELS],
    /// Source and target at which the present iteration of each level began; level 0: the beat.
    at: [(i64, i64); RESHAPE_LEVELS],
}

impl Walker {
    /// A walk over memories of `tile_bytes`, a power of two, with both start addresses moved.
    #[must_use]
    pub fn new(job: &Reshape, tile_bytes: usize, input_offset: usize, output_offset: usize) -> Self {
        let mask = tile_bytes as i64 - 1;
        let count = job.counts();
        let step = [
            (job.source_step_0, job.target_step_0),
            (job.source_step_1, job.target_step_1),
            (job.source_step_2, job.target_step_2),
            (job.source_step_3, job.target_step_3),
            (job.source_step_4, job.target_step_4),
        ];
        let start = ((job.source + input_offset as i64) & mask, (job.target + output_offset as i64) & mask);
        Self { mask, count, left: count, step, at: [start; RESHAPE_LEVELS] }
    }

    /// A count is 0: there is no beat.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.contains(&0)
    }

    /// The present beat is the last.
    #[must_use]
    pub fn last(&self) -> bool {
        self.left.iter().all(|&left| left == 1)
    }

    /// Levels 0 and 1 are in their last iteration.
    #[must_use]
    pub fn ends(&self) -> [bool; 2] {
        [self.left[0] == 1, self.left[1] == 1]
    }

    /// Where the present beat is read.
    #[must_use]
    pub fn source(&self) -> usize {
        self.at[0].0 as usize
    }

    /// Where the present beat goes.
    #[must_use]
    pub fn target(&self) -> usize {
        self.at[0].1 as usize
    }

    /// The level that goes on to its next iteration after the present beat; none after the last.
    #[must_use]
    pub fn turning(&self) -> Option<usize> {
        self.left.iter().position(|&left| left != 1)
    }

    /// Moves to the next beat; after the last one it stays.
    pub fn step(&mut self) {
        let Some(level) = self.turning() else {
            return;
        };
        let next =
            ((self.at[level].0 + self.step[level].0) & self.mask, (self.at[level].1 + self.step[level].1) & self.mask);
        self.left[level] -= 1;
        self.left[..level].copy_from_slice(&self.count[..level]);
        self.at[..=level].fill(next);
    }
}
