//! Corrupted frames: none may pass for a sound one.

use lacuna_spec::frame::DELIMITER;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::faults::{Faults, Line};
use crate::link::encode;

/// Where headers of requests and responses have their session, which is never 0.
const SESSION: usize = 2;

/// A frame decoder under trial.
pub trait Receiver {
    /// Takes bytes from the line; gives the bodies that it finds sound.
    fn receive(&mut self, bytes: &[u8]) -> Vec<Vec<u8>>;
}

impl Receiver for crate::link::Decoder {
    fn receive(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.take(bytes)
    }
}

impl Receiver for lacuna_golden::link::Decoder {
    fn receive(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        bytes.iter().filter_map(|&byte| self.take(byte)).collect()
    }
}

/// What one decoder made of corrupted frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FramesReport {
    /// How the frames were corrupted.
    pub kind: &'static str,
    /// Frames corrupted.
    pub frames: u64,
    /// Of these, frames that passed for sound with another body than was sent.
    pub undetected: u64,
    /// Times that the next sound frame, behind one delimiter, was not found.
    pub out_of_step: u64,
    /// Further frames that the line spoiled around, not in: they were received as they were sent.
    pub unharmed: u64,
}

impl FramesReport {
    /// Whether every corrupted frame was found out.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.undetected == 0 && self.out_of_step == 0
    }
}

/// A way to corrupt frames: its name, and the faults for a frame of so many bytes.
type Kind = (&'static str, fn(f64) -> Faults);

/// One to three events a frame on average, whatever its length.
const KINDS: [Kind; 6] = [
    ("bits flipped", |bytes| Faults { flip: (3.0 / (8.0 * bytes)).min(1.0), ..Faults::NONE }),
    ("bursts", |bytes| Faults { burst: (1.0 / bytes).min(1.0), ..Faults::NONE }),
    ("bytes lost", |bytes| Faults { lose: (2.0 / bytes).min(1.0), ..Faults::NONE }),
    ("bytes inserted", |bytes| Faults { insert: (1.0 / bytes).min(1.0), ..Faults::NONE }),
    ("pieces repeated", |bytes| Faults { echo: (0.5 / bytes).min(1.0), ..Faults::NONE }),
    ("all of these", |bytes| Faults {
        flip: (1.0 / (8.0 * bytes)).min(1.0),
        burst: (0.5 / bytes).min(1.0),
        lose: (0.5 / bytes).min(1.0),
        insert: (0.5 / bytes).min(1.0),
        ..Faults::NONE
    }),
];

/// Sends `frames` corrupted frames, of bodies of up to `longest` bytes, to a decoder, about as many of each kind; one
/// report a kind. `done` learns how many are through.
pub fn corrupted_frames(
    receiver: &mut dyn Receiver,
    frames: u64,
    longest: usize,
    seed: u64,
    mut done: impl FnMut(u64),
) -> Vec<FramesReport> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let kinds = KINDS.len() as u64;
    let mut through = 0u64;
    let mut reports = Vec::new();
    for (index, (kind, faults)) in KINDS.into_iter().enumerate() {
        let share = frames / kinds + u64::from((index as u64) < frames % kinds);
        let mut report = FramesReport { kind, frames: 0, undetected: 0, out_of_step: 0, unharmed: 0 };
        while report.frames < share {
            let body = random_body(longest, &mut rng);
            let wire = encode(&body);
            // A line of its own: nothing of an earlier frame can come again.
            let mut line = Line::new(faults(wire.len() as f64), rng.random());
            line.send(&wire);
            let arrived = line.pass(usize::MAX);
            if arrived == wire {
                continue;
            }
            let found = receiver.receive(&arrived);
            let probe = random_body(longest, &mut rng);
            let behind = receiver.receive(&[&[DELIMITER], encode(&probe).as_slice()].concat());
            report.out_of_step += u64::from(behind.last() != Some(&probe));
            // The delimiter before the probe may end what the line left open.
            let mut found = found.iter().chain(&behind[..behind.len().saturating_sub(1)]).peekable();
            if found.peek().is_some() && found.clone().all(|body_found| *body_found == body) {
                report.unharmed += 1;
                continue;
            }
            report.frames += 1;
            report.undetected += u64::from(found.peek().is_some());
            through += 1;
            if through.is_multiple_of(1000) {
                done(through);
            }
        }
        reports.push(report);
    }
    reports
}

/// The body of some frame: mostly short, as long as the longest now and then, of any density of zeros.
///
/// It has a session, as all bodies of the link have. The checksum register is the same behind a sound frame and behind
/// four zeros, so that a body of zeros alone, its checksum and a piece of the same frame may together be sound.
fn random_body(longest: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let longest = if rng.random_range(0..8) == 0 { longest } else { 100 };
    let length = rng.random_range(8..=longest);
    let density = rng.random_range(1..=256u16);
    let mut body: Vec<u8> = (0..length).map(|_| rng.random_range(0..density) as u8).collect();
    body[SESSION] |= 1;
    body
}
