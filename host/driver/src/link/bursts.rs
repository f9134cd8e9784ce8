//! How beats become commands: as long as a slot allows, compressed where that is shorter.

use std::collections::HashMap;
use std::sync::Mutex;

use lacuna_spec::frame::{CRC_BYTES, Op, REQUEST_BYTES, RESPONSE_BYTES, Shape, best_fill, compress, compressed_len};

use super::endpoint::{Command, all_lanes};

/// Bytes on the line of a command besides its beats: headers, checksums, stuffing and delimiters of request and answer.
const OVERHEAD: usize = REQUEST_BYTES + RESPONSE_BYTES + 2 * (CRC_BYTES + 2);
/// A frame's `count` is a byte.
const MOST_BEATS: usize = 255;
/// Reads that are remembered; a stream asks for the same few again and again.
const REMEMBERED: usize = 4096;

/// The next command of a write of `bytes`, whole beats and at least one.
fn next_write(address: u32, bytes: &[u8], shape: &Shape) -> Command {
    let word = shape.word_bytes;
    let beats = bytes.len() / word;
    let plain = beats.min(shape.max_beats());
    if let Some((fill, count, length)) = shape.compresses().then(|| densest(bytes, shape)).flatten() {
        // Bytes a beat, of whole frames.
        if (length + OVERHEAD) * plain < (plain * word + OVERHEAD) * count {
            let mut payload = Vec::with_capacity(length);
            compress(&bytes[..count * word], fill, &mut payload);
            return Command { op: Op::WriteCompressed, address, count: count as u8, strobe: fill.into(), payload };
        }
    }
    let payload = bytes[..plain * word].to_vec();
    Command { op: Op::Write, address, count: plain as u8, strobe: all_lanes(shape), payload }
}

/// As many beats as one compressed write holds: its fill value, beats, and bytes.
fn densest(bytes: &[u8], shape: &Shape) -> Option<(u8, usize, usize)> {
    let reach = &bytes[..bytes.len().min(MOST_BEATS * shape.word_bytes)];
    let fill = best_fill(reach);
    let (mut count, mut length) = (0, 0);
    for beat in reach.chunks_exact(shape.word_bytes) {
        let longer = length + compressed_len(beat, fill);
        if longer > shape.compressed_room() {
            break;
        }
        (count, length) = (count + 1, longer);
    }
    (count > 0).then_some((fill, count, length))
}

/// The commands of a write of whole beats.
pub(super) fn writes<'a>(address: u32, bytes: &'a [u8], shape: &'a Shape) -> impl Iterator<Item = Command> + 'a {
    let (mut address, mut rest) = (address, bytes);
    std::iter::from_fn(move || {
        let command = (!rest.is_empty()).then(|| next_write(address, rest, shape))?;
        rest = &rest[usize::from(command.count) * shape.word_bytes..];
        address = address.wrapping_add(command.count.into());
        Some(command)
    })
}

/// The commands of a read, of beats in which `fill` was frequent last time.
pub(super) fn reads(address: u32, beats: usize, fill: Option<u8>, shape: &Shape) -> impl Iterator<Item = Command> {
    let (op, longest) = match fill {
        Some(_) => (Op::ReadCompressed, shape.max_compressed_read()),
        None => (Op::Read, shape.max_beats()),
    };
    (0..beats.div_ceil(longest)).map(move |i| {
        let start = i * longest;
        Command {
            op,
            address: address.wrapping_add(start as u32),
            count: longest.min(beats - start) as u8,
            strobe: fill.unwrap_or(0).into(),
            payload: Vec::new(),
        }
    })
}

/// What reads brought: the next of the same address is asked for in the form that would have been shorter. What a tensor
/// holds cannot be known before, but layers whose outputs were half zeros have such outputs again.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<HashMap<u32, u8>>);

impl History {
    /// The fill value to ask with.
    pub fn fill(&self, address: u32) -> Option<u8> {
        self.lock().get(&address).copied()
    }

    /// Takes note of what a read brought.
    pub fn learn(&self, address: u32, bytes: &[u8], shape: &Shape) {
        if !shape.compresses() || bytes.is_empty() {
            return;
        }
        let fill = best_fill(bytes);
        let mut fills = self.lock();
        if fills.len() == REMEMBERED {
            fills.clear();
        }
        if compressed_len(bytes, fill) < bytes.len() {
            fills.insert(address, fill);
        } else {
            fills.remove(&address);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, u8>> {
        self.0.lock().expect("nothing panics with it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lacuna_spec::{Geometry, frame::Request};
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    /// Bytes of beats of which `share` are -128.
    fn beats(count: usize, share: f64, rng: &mut ChaCha8Rng) -> Vec<u8> {
        (0..16 * count).map(|_| if rng.random_bool(share) { 0x80 } else { rng.random() }).collect()
    }

    #[test]
    fn commands_are_sound_and_write_every_beat_once() {
        let seed = rand::random();
        println!("seed {seed}");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for geometry in [Geometry::BASE, Geometry::NANO] {
            let shape = Shape::of(&geometry);
            for _ in 0..200 {
                let share = rng.random_range(0.0..1.0);
                let count = rng.random_range(1..200) * 16 / shape.word_bytes;
                let bytes = beats(count * shape.word_bytes / 16, share, &mut rng);
                let mut at = 7;
                let mut written = Vec::new();
                for command in writes(7, &bytes, &shape) {
                    let Command { op, address, count, strobe, payload } = command;
                    assert_eq!(address, at);
                    at += u32::from(count);
                    let request = Request { sequence: 0, ack: 0, session: 1, op, count, strobe, address };
                    let body = [&request.to_bytes()[..], &payload].concat();
                    assert!(body.len() + CRC_BYTES <= shape.slot_bytes);
                    assert!(Request::parse(&body, &shape).is_some(), "{request:?}");
                    if op == Op::Write {
                        written.extend(payload);
                    } else {
                        let halves = shape.halves(count.into());
                        written.extend(lacuna_spec::frame::expand(&payload, request.fill(), halves).unwrap().0);
                    }
                }
                assert_eq!(written, bytes);
            }
        }
    }

    #[test]
    fn beats_travel_compressed_where_that_is_shorter() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let shape = Shape::of(&Geometry::BASE);
        let bytes_of = |bytes: &[u8]| writes(0, bytes, &shape).map(|c| c.payload.len() + OVERHEAD).sum::<usize>();
        let dense = beats(192, 0.0, &mut rng);
        assert!(writes(0, &dense, &shape).all(|command| command.op == Op::Write));
        let half = beats(192, 0.5, &mut rng);
        assert!(writes(0, &half, &shape).all(|command| command.op == Op::WriteCompressed));
        assert!(bytes_of(&half) * 100 < bytes_of(&dense) * 65);
        // 8,160 bytes in one frame of the two masks a beat.
        assert_eq!(
            writes(0, &[0x80; 16 * 255], &shape).map(|c| (c.count, c.payload.len())).collect::<Vec<_>>(),
            [(255, 510)]
        );
        assert!(writes(0, &[0; 64], &Shape::of(&Geometry::NANO)).all(|command| command.op == Op::Write));
    }

    #[test]
    fn a_read_is_asked_for_as_the_last_one_would_have_been_shorter() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let shape = Shape::of(&Geometry::BASE);
        let history = History::default();
        let ops =
            |history: &History| reads(9, 100, history.fill(9), &shape).map(|c| (c.op, c.count)).collect::<Vec<_>>();
        assert_eq!(ops(&history), [(Op::Read, 63), (Op::Read, 37)]);
        history.learn(9, &beats(100, 0.5, &mut rng), &shape);
        assert_eq!(history.fill(9), Some(0x80));
        assert_eq!(ops(&history), [(Op::ReadCompressed, 56), (Op::ReadCompressed, 44)]);
        assert_eq!(history.fill(10), None);
        history.learn(9, &beats(100, 0.0, &mut rng), &shape);
        assert_eq!(history.fill(9), None);
    }
}
