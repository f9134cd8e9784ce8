//! Helpers for tests of RTL: seeds that reproduce a run, waveforms of a run that failed.

use crate::session;
use rand::{RngCore as _, SeedableRng as _};
use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

/// The generator that randomised tests draw from.
pub type Rng = rand_chacha::ChaCha8Rng;

/// Runs a test; should it panic, runs it a second time with waveforms on and says where they are.
///
/// `name` becomes the folder: `target/waves/<name>/<top>-<n>.fst`.
///
/// # Panics
/// As `test` does.
pub fn with_waves_on_failure(name: &str, mut test: impl FnMut()) {
    let Err(first) = catch_unwind(AssertUnwindSafe(&mut test)) else {
        return;
    };
    let folder = session::waves_folder(name);
    let _ = std::fs::remove_dir_all(&folder);
    session::record_waves(Some(folder.clone()));
    let second = catch_unwind(AssertUnwindSafe(&mut test));
    session::record_waves(None);
    match second {
        Err(_) if !folder.is_dir() => eprintln!("waveforms of this top need `--features waves`"),
        Err(_) => eprintln!("waveforms of the failed run: {}/*.fst", folder.display()),
        Ok(()) => {
            eprintln!("the second run passed: the test depends on something besides its seed");
        }
    }
    resume_unwind(first)
}

/// Runs a randomised test on a fresh seed, or on `$LACUNA_SEED`, and prints the seed if it fails.
/// The seed also decides the initial contents of registers and memories.
///
/// # Panics
/// As `test` does, or when `LACUNA_SEED` is no number.
pub fn randomised(name: &str, test: impl Fn(&mut Rng)) {
    let seed = env::var("LACUNA_SEED").map_or_else(
        |_| rand::rng().next_u64() >> 16,
        |text| text.parse().unwrap_or_else(|_| panic!("LACUNA_SEED is {text:?}; give a decimal number")),
    );
    println!("{name}: seed {seed} (LACUNA_SEED={seed} runs it again)");
    with_waves_on_failure(name, || {
        session::randomise_initial_state(seed as u32);
        test(&mut Rng::seed_from_u64(seed));
    });
}
