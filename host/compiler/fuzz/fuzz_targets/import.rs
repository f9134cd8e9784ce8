//! `cargo +nightly fuzz run import ../tests/models ../tests/tflite` from `host/compiler/fuzz`: no file may panic the importer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lacuna_compiler::import::survives(bytes);
});
