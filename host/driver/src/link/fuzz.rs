//! The fuzz target of the frame decoder.

use lacuna_spec::frame::DELIMITER;

use super::{Decoder, encode};

/// More than any frame of a test has.
const LIMIT: usize = 1 << 13;

/// Runs one input through the decoder: call it from any fuzzer, with any bytes.
///
/// # Panics
/// When the decoder differs from the golden one, keeps a body that does not survive its own encoding, or does
/// not find the next frame behind the input and one delimiter.
pub fn frame_decoder(input: &[u8]) {
    let input = &input[..input.len().min(LIMIT)];
    let stream = [input, &[DELIMITER], &encode(b"the next frame")].concat();
    let mut bodies = Vec::new();
    let mut decoder = Decoder::default();
    // Cut where the input itself says, so that a fuzzer finds the cuts that matter.
    let piece = input.first().map_or(1, |&byte| usize::from(byte) + 1);
    for bytes in stream.chunks(piece) {
        bodies.extend(decoder.take(bytes));
    }
    let mut golden = lacuna_golden::link::Decoder::new(LIMIT);
    let expected: Vec<_> = stream.iter().filter_map(|&byte| golden.take(byte)).collect();
    assert_eq!(bodies, expected, "the two decoders differ");
    assert_eq!(bodies.last().map(Vec::as_slice), Some(b"the next frame".as_slice()));
    for body in bodies {
        assert_eq!(Decoder::default().take(&encode(&body)), [body]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    #[test]
    fn the_decoder_withstands_mutated_frames() {
        let seed = std::env::var("LACUNA_SEED").map_or_else(
            |_| rand::rng().random::<u32>().into(),
            |text| text.parse().expect("LACUNA_SEED is a decimal number"),
        );
        println!("seed {seed} (LACUNA_SEED={seed} runs it again)");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut sound = 0;
        for _ in 0..3000 {
            let mut input = Vec::new();
            for _ in 0..rng.random_range(1..4) {
                let density = rng.random_range(1..=256);
                let length = rng.random_range(0..700);
                let body: Vec<u8> = (0..length).map(|_| rng.random_range(0..density) as u8).collect();
                input.extend(encode(&body));
            }
            for _ in 0..rng.random_range(0..3) {
                let at = rng.random_range(0..input.len());
                match rng.random_range(0..3) {
                    0 => input[at] ^= 1 << rng.random_range(0..8),
                    1 => drop(input.remove(at)),
                    _ => input.insert(at, rng.random()),
                }
                input.push(rng.random());
            }
            frame_decoder(&input);
            sound += Decoder::default().take(&input).len();
        }
        assert!(sound > 1000, "only {sound} frames were sound: the inputs miss the point");
    }
}
