//! Where output words go (`lacuna_post_walk`).

/// Three nested loops over byte addresses; level 0 is the innermost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Loops {
    /// First address.
    pub origin: i64,
    /// Turns of each level, at least 1.
    pub counts: [i64; 3],
    /// Address step of each level.
    pub steps: [i64; 3],
}

/// A place in the loops.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OutputWalk {
    loops: Loops,
    at: [i64; 3],
}

impl OutputWalk {
    /// At the first address.
    pub const fn new(loops: Loops) -> Self {
        Self { loops, at: [0; 3] }
    }

    /// The address, not yet wrapped at the end of the memory.
    pub fn addr(&self) -> i64 {
        self.loops.origin + (0..3).map(|level| self.at[level] * self.loops.steps[level]).sum::<i64>()
    }

    /// Whether `level` is in its last turn.
    pub const fn last(&self, level: usize) -> bool {
        self.at[level] + 1 == self.loops.counts[level]
    }

    /// On to the next address; false after the last one.
    pub fn advance(&mut self) -> bool {
        for level in 0..3 {
            if !self.last(level) {
                self.at[level] += 1;
                return true;
            }
            self.at[level] = 0;
        }
        false
    }
}
