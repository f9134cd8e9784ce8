//! Damaged and hostile TensorFlow Lite files: typed errors that name the value, never a panic, a hang or an absurd allocation.

use std::path::Path;
use std::time::{Duration, Instant};

use lacuna_compiler::error::Error;
use lacuna_compiler::import::{model, survives};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The committed cases, all of which run.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tflite");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "tflite"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 30, "only {} seeds", files.len());
    for (name, file) in &files {
        assert!(survives(file), "the seed {name} does not even run");
    }
    files
}

fn rng(default: u64) -> ChaCha8Rng {
    let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(default);
    println!("LACUNA_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

/// Runs the importer on one damaged file; panics if it takes longer than any honest file of that size.
fn check(bytes: &[u8]) -> bool {
    let start = Instant::now();
    let ran = survives(bytes);
    assert!(start.elapsed() < Duration::from_secs(20), "{} bytes took {:?}", bytes.len(), start.elapsed());
    ran
}

#[test]
fn mutated_models_never_panic() {
    let mut rng = rng(1);
    let (mut ran, mut tried) = (0, 0);
    for (_, file) in seeds() {
        for _ in 0..200 {
            let mut bytes = file.clone();
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(8..bytes.len());
                match rng.random_range(0..4) {
                    0 => bytes[at] = rng.random(),
                    1 => bytes[at] ^= 1 << rng.random_range(0..8),
                    2 => bytes[at] = [0x00, 0x01, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
                    _ => {
                        let from = rng.random_range(8..bytes.len());
                        let count = rng.random_range(1..17).min(bytes.len() - at.max(from));
                        bytes.copy_within(from..from + count, at);
                    }
                }
            }
            tried += 1;
            ran += usize::from(check(&bytes));
        }
    }
    assert!(ran > tried / 20, "only {ran} of {tried} mutants still ran: the mutations are too coarse to reach deep");
}

#[test]
fn mutated_words_never_panic() {
    // Aligned words are what shapes, offsets, indices and options are made of.
    let odd = [i32::MIN, -2, -1, 0, 1, 2, 3, 5, 7, 255, 65_535, 65_536, 1 << 20, 1 << 30, i32::MAX];
    let mut rng = rng(2);
    for (_, file) in seeds() {
        for _ in 0..300 {
            let mut bytes = file.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = 4 * rng.random_range(2..bytes.len() / 4);
                let old = i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
                let value = match rng.random_range(0..3) {
                    0 => odd[rng.random_range(0..odd.len())],
                    1 => old.wrapping_add(rng.random_range(-4..5)),
                    _ => old.wrapping_mul(4),
                };
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            check(&bytes);
        }
    }
}

#[test]
fn truncated_models_are_refused() {
    for (name, file) in seeds() {
        for length in (0..file.len() / 2).step_by(file.len() / 40 + 1) {
            assert!(!check(&file[..length]), "{length} of the {} bytes of {name} ran", file.len());
        }
    }
}

fn text(bytes: &[u8]) -> String {
    model(bytes).expect_err("the file was accepted").to_string()
}

/// A committed case with every aligned word `old` replaced.
fn with_words(name: &str, old: i32, new: i32) -> Vec<u8> {
    let (_, mut bytes) = seeds().into_iter().find(|(seed, _)| seed == name).unwrap();
    let mut found = 0;
    for word in bytes.chunks_exact_mut(4).skip(2).filter(|word| **word == old.to_le_bytes()) {
        word.copy_from_slice(&new.to_le_bytes());
        found += 1;
    }
    assert!(found > 0, "{name} has no word {old}");
    bytes
}

#[test]
fn an_unknown_operator_is_refused_by_its_name() {
    // RESIZE_NEAREST_NEIGHBOR (97) becomes COS (108), which no importer has.
    let mut bytes = with_words("resize_nearest_neighbor_0", 97, 108);
    for at in 0..bytes.len() {
        // The short field that old readers look at.
        if bytes[at] == 97
            && !bytes[at.saturating_sub(1)].is_ascii_lowercase()
            && !bytes[(at + 1).min(bytes.len() - 1)].is_ascii_lowercase()
        {
            bytes[at] = 108;
        }
    }
    let found = text(&bytes);
    assert!(found.contains("uses COS: this compiler has no such operator"), "{found}");
}

#[test]
fn a_state_that_does_not_fit_is_refused_by_its_shape() {
    // 5 filters keep 10 values each.
    let found = text(&with_words("svdf_39", 50, 60));
    assert!(found.contains("the state [1, filters * values]"), "{found}");
}

#[test]
fn files_that_only_look_like_models_are_refused() {
    let cases: [(&[u8], &str); 3] = [
        (b"\0\0\0\0TFL3", "not a readable TFLite file ("),
        (b"\x10\0\0\0TFL3\0\0\0\0\0\0\0\0", "not a readable TFLite file ("),
        (b"TFL3TFL3TFL3", "not a readable TFLite file (its root"),
    ];
    for (bytes, expected) in cases {
        let found = text(bytes);
        assert!(found.starts_with(expected), "'{found}' does not start with '{expected}'");
    }
}

#[test]
fn an_absurd_shape_is_refused_before_memory_is_taken() {
    let (_, file) = seeds().into_iter().find(|(name, _)| name == "dequantize_0").unwrap();
    let honest = model(&file).unwrap();
    let height = honest.tensor(honest.inputs[0]).shape[1] as i32;
    let error = model(&with_words("dequantize_0", height, 1 << 27)).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit, .. } if limit == 1 << 25), "{error}");
    let found = text(&with_words("dequantize_0", height, 0));
    assert!(found.contains("which is empty: remove what computes it"), "{found}");
}
