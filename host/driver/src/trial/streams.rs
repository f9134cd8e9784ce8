//! Tensors streamed over a sound line: what share of it they are.

use std::time::Duration;

use lacuna_spec::frame::{Op, Shape};
use serde::Serialize;

use super::chip::Tested;
use super::faults::{Faults, Line};
use super::rig::Rig;
use crate::link::{Endpoint, LinkError};

/// Which way tensors go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// To the chip.
    In,
    /// From it.
    Out,
    /// As many each way, in turn.
    Both,
    /// To the chip, three bytes in four at rest, compressed.
    Resting,
}

impl Way {
    /// The ways over a link of some shape.
    pub fn all(shape: &Shape) -> impl Iterator<Item = Self> {
        let resting = shape.compresses().then_some(Self::Resting);
        [Self::In, Self::Out, Self::Both].into_iter().chain(resting)
    }
}

/// What streaming tensors took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamReport {
    /// Which way they went.
    pub way: Way,
    /// Tensors, of each direction that they took.
    pub tensors: u64,
    /// Bytes of each.
    pub tensor_bytes: usize,
    /// Virtual time on a line of 3 Mbaud.
    pub seconds: f64,
    /// Their bytes of those that 8N1 carries in this time, in each direction that they took.
    pub share: f64,
    /// The share that it has to be.
    pub least: f64,
    /// Answers that were not bit-exact, or never came.
    pub wrong: u64,
}

impl StreamReport {
    /// Whether everything arrived and the line was used well.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.wrong == 0 && self.share >= self.least
    }
}

/// The share that tensors have to be. Of four slots three are under way, too few for both directions to be full.
fn least(way: Way, slots: usize) -> f64 {
    match way {
        Way::Both if slots < 8 => 0.75,
        Way::In | Way::Out | Way::Both => 0.95,
        // Six bytes of a beat of 16, and a header for 56 of them.
        Way::Resting => 2.4,
    }
}

/// Streams tensors of whole beats over a line without faults, in frames as long as the chip takes them.
///
/// # Errors
/// A link that gives up.
pub fn streamed_tensors(
    chip: &mut dyn Tested,
    way: Way,
    tensors: u64,
    tensor_bytes: usize,
    seed: u64,
) -> Result<StreamReport, LinkError> {
    let mut rig = Rig::new(chip, Faults::NONE, seed);
    let mut endpoint = rig.open().ok_or(LinkError::NoAnswer { tries: 1 })?;
    let shape = endpoint.hello().shape;
    let begin = rig.now;
    let ops: &[Op] = match way {
        Way::In => &[Op::Write],
        Way::Out => &[Op::Read],
        Way::Both => &[Op::Write, Op::Read],
        Way::Resting => &[Op::WriteCompressed],
    };
    for _ in 0..tensors {
        submit(&mut rig, &mut endpoint, ops, &shape, tensor_bytes);
    }
    // Ten times what the line needs.
    let bytes = tensors * tensor_bytes as u64;
    let end = begin + Duration::from_millis(1000 + 10 * bytes / Line::RATE as u64);
    while !rig.expected.is_empty() && rig.now < end {
        rig.step(&mut endpoint, Line::RATE)?;
    }
    let took = rig.now.saturating_sub(begin);
    Ok(StreamReport {
        way,
        tensors,
        tensor_bytes,
        seconds: took.as_secs_f64(),
        share: bytes as f64 / (took.as_secs_f64() * 1000.0 * Line::RATE as f64),
        least: least(way, shape.slots),
        wrong: rig.wrong + rig.expected.len() as u64,
    })
}

/// One tensor for each operation, a frame of each in turn.
fn submit(rig: &mut Rig, endpoint: &mut Endpoint, ops: &[Op], shape: &Shape, bytes: usize) {
    let mut left = bytes / shape.word_bytes;
    while left > 0 {
        // What beats take compressed is not known before: as many as fit in any case.
        let most = if ops.iter().any(|op| op.compressed()) { shape.max_compressed_read() } else { shape.max_beats() };
        let count = left.min(most);
        for &op in ops {
            let (token, command) = rig.command_of(op, count as u32, shape);
            endpoint.submit(token, command);
        }
        left -= count;
    }
}
