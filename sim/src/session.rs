//! What applies to every model that a thread makes: where waveforms and coverage go, and the seed.

use std::{
    cell::{Cell, RefCell},
    env,
    ffi::CString,
    fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

thread_local! {
    static WAVES: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
    static SEED: Cell<u32> = const { Cell::new(1) };
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Cargo's target folder.
pub(crate) fn output_dir() -> &'static Path {
    Path::new(env!("LACUNA_OUTPUT_DIR"))
}

/// Where a test that failed leaves its waveforms.
#[must_use]
pub fn waves_folder(test: &str) -> PathBuf {
    output_dir().join("waves").join(test)
}

/// Where coverage goes: `$LACUNA_COVERAGE`, else `target/coverage`.
#[must_use]
pub fn coverage_folder() -> PathBuf {
    env::var_os("LACUNA_COVERAGE").map_or_else(|| output_dir().join("coverage"), PathBuf::from)
}

/// Sends the waveform of every model this thread makes from now on to `folder`, or stops that.
pub fn record_waves(folder: Option<PathBuf>) {
    WAVES.set(folder);
}

/// Sets what registers and memories hold before they are written, in models this thread makes.
pub fn randomise_initial_state(seed: u32) {
    SEED.set(seed);
}

pub(crate) fn initial_seed() -> u32 {
    SEED.get()
}

/// The file for a new model's waveform: in the thread's folder, else in `$LACUNA_WAVES`.
pub(crate) fn waveform_of(top: &str) -> Option<PathBuf> {
    let folder = WAVES.with_borrow(Clone::clone).or_else(|| env::var_os("LACUNA_WAVES").map(PathBuf::from))?;
    Some(folder.join(format!("{top}-{}.fst", COUNT.fetch_add(1, Ordering::Relaxed))))
}

/// The file for a model's coverage, in a build that counts it.
pub(crate) fn coverage_of(top: &str) -> Option<CString> {
    if !cfg!(feature = "coverage") {
        return None;
    }
    let folder = coverage_folder();
    fs::create_dir_all(&folder).ok()?;
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    CString::new(folder.join(format!("{top}-{}-{number}.dat", process::id())).display().to_string()).ok()
}

/// A file of nobody else's, for what a model writes to be read at once.
pub(crate) fn scratch(top: &str) -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("{top}-{}-{number}.toggles", process::id()))
}
