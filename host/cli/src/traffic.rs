//! What a network that exceeds the chip costs the line.

use std::fmt;

use lacuna_compiler::backend::Compiled;
use serde::Serialize;

/// What the host sends and takes for each batch because something takes turns on the chip.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Traffic {
    /// Frames that pass through the chip together: 1 unless asked for.
    pub batch: usize,
    /// Programs of a batch.
    pub programs: usize,
    /// Bytes of instructions, where not all programs fit program memory.
    pub program_bytes: usize,
    /// Bytes of tensors that travel in bands.
    pub band_bytes: usize,
    /// Bytes of parameters that take turns.
    pub parameter_bytes: usize,
    /// Phases in which weights take turns.
    pub phases: usize,
    /// Bytes of weights that take turns.
    pub reload_bytes: usize,
}

impl Traffic {
    /// Of a network.
    #[must_use]
    pub fn of(compiled: &Compiled) -> Self {
        Self {
            batch: compiled.batch,
            programs: compiled.programs().count(),
            program_bytes: compiled.program_bytes(),
            band_bytes: compiled.band_bytes(),
            parameter_bytes: compiled.parameter_bytes(),
            phases: compiled.phases.len(),
            reload_bytes: compiled.reload_bytes(),
        }
    }

    /// Bytes of all of it for a frame.
    #[must_use]
    pub fn bytes_a_frame(&self) -> usize {
        (self.program_bytes + self.band_bytes + self.parameter_bytes + self.reload_bytes).div_ceil(self.batch)
    }

    /// How often all of this is sent.
    #[must_use]
    pub const fn every(&self) -> Every {
        Every(self.batch)
    }

    /// What is there of it, for people: what takes turns, and what that costs.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, String)> {
        let Self { programs, phases, .. } = self;
        let every = self.every();
        let lines = [
            (self.program_bytes, "programs that take turns", format!("{programs} programs, "), " of instructions"),
            (self.band_bytes, "tensors in bands", String::new(), ""),
            (self.parameter_bytes, "parameters that take turns", String::new(), ""),
            (self.reload_bytes, "weights that take turns", format!("{phases} phases, "), " reloaded"),
        ];
        let line = |(bytes, what, parts, how)| (String::from(what), format!("{parts}{bytes} bytes{how} {every}"));
        lines.into_iter().filter(|&(bytes, ..)| bytes > 0).map(line).collect()
    }
}

/// Prints as `a frame`, or as `a batch of 8`.
#[derive(Debug, Clone, Copy)]
pub struct Every(usize);

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("a frame"),
            batch => write!(f, "a batch of {batch}"),
        }
    }
}
