//! `cargo +nightly fuzz run frame` from `host/driver/fuzz`: no bytes of a line may panic the frame decoder.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lacuna_driver::link::fuzz::frame_decoder(bytes));
