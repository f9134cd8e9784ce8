//! The handles themselves: ports, instances, threads, waveforms.

use lacuna_sim::{
    Model, session,
    testing::{randomised, with_waves_on_failure},
    tops,
};
use rand::Rng as _;
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
};

fn filled(value: u64) -> Model {
    let mut dut = tops::fifo_5();
    dut.set("valid_i", 0);
    dut.set("ready_i", 0);
    dut.reset();
    dut.set("valid_i", 1);
    dut.set("data_i", value);
    dut.step();
    dut.set("valid_i", 0);
    dut
}

fn panic_text(action: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(action)).expect_err("it panics");
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

fn waveforms(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).collect()
}

#[test]
fn instances_in_threads_do_not_disturb_each_other() {
    thread::scope(|scope| {
        for value in 0..8 {
            let mut moved = filled(value);
            scope.spawn(move || {
                for count in 1..=1_000 {
                    assert_eq!(moved.get("data_o"), value);
                    moved.step();
                    assert_eq!(moved.cycle(), 3 + count);
                }
            });
        }
    });
}

#[test]
fn wide_ports_keep_every_bit() {
    randomised("wide_ports_keep_every_bit", |rng| {
        let mut dut = tops::spill();
        let value = rng.random::<u128>() >> 58;
        dut.set_u128("data_i", value);
        assert_eq!(dut.get_u128("data_i"), value);
        let (lsb, element) = (rng.random_range(0..50), rng.random_range(0..1 << 20));
        dut.set_field("data_i", lsb, 20, element);
        assert_eq!(dut.field("data_i", lsb, 20), element);
        let outside = !(0xf_ffff_u128 << lsb);
        assert_eq!(dut.get_u128("data_i") & outside, value & outside);
        let words = dut.words("data_i");
        dut.set_u128("data_i", 0);
        dut.set_words("data_i", &words);
        assert_eq!(dut.words("data_i"), words);
    });
}

#[test]
fn misuse_is_named() {
    let mut dut = filled(1);
    let text = panic_text(|| dut.set("data_i", 1 << 32));
    assert!(text.contains("0x100000000 does not fit the 32 bits of fifo_5.data_i"), "{text}");
    let text = panic_text(|| dut.set("date_i", 1));
    assert!(text.contains("no port date_i") && text.contains("data_i"), "{text}");
    let text = panic_text(|| dut.set("data_o", 1));
    assert!(text.contains("data_o is an output"), "{text}");
    let text = panic_text(|| dut.set_signed("count_o", 1));
    assert!(text.contains("count_o is an output"), "{text}");
}

#[test]
fn initial_contents_follow_the_seed() {
    let contents = |seed| {
        session::randomise_initial_state(seed);
        let mut dut = tops::fifo_16();
        dut.eval();
        dut.get("data_o")
    };
    assert_eq!(contents(7), contents(7));
    assert!((0..8).any(|seed| contents(2 * seed + 1) != contents(7)));
}

#[test]
fn run_until_stops_at_the_port() {
    let mut dut = filled(3);
    dut.set("ready_i", 1);
    assert!(!dut.run_until("valid_o", 10).expect("nothing stops it"));
    dut.set("valid_i", 1);
    let before = dut.cycle();
    assert!(dut.run_until("valid_o", 10).expect("nothing stops it"));
    assert_eq!(dut.cycle(), before + 1);
}

#[test]
fn waveform_is_written_on_request() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("waveform_is_written_on_request");
    let _ = fs::remove_dir_all(&folder);
    session::record_waves(Some(folder.clone()));
    filled(5).run(100);
    session::record_waves(None);
    filled(6).run(100);
    let sizes = waveforms(&folder);
    assert!(sizes.len() == 1 && sizes[0] > 200, "{sizes:?}");
}

#[test]
fn failed_test_runs_again_with_a_waveform() {
    let mut runs = 0;
    let text = panic_text(|| {
        with_waves_on_failure("failed_test_runs_again_with_a_waveform", || {
            runs += 1;
            filled(9).run(10);
            panic!("run {runs}");
        });
    });
    assert_eq!((runs, text.as_str()), (2, "run 1"));
    let folder = session::waves_folder("failed_test_runs_again_with_a_waveform");
    let sizes = waveforms(&folder);
    assert!(sizes.len() == 1 && sizes[0] > 200, "{sizes:?}");
}

#[cfg(feature = "coverage")]
#[test]
fn coverage_is_written() {
    let folder = session::coverage_folder();
    let before = waveforms(&folder).len();
    drop(filled(1));
    assert!(waveforms(&folder).len() > before);
}
