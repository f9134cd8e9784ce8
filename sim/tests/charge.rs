//! The charge-domain macro against golden in every cycle, and both against the sums of its function.
//!
//! `LACUNA_COLUMNS=1000000 cargo test --release -p lacuna-sim --test charge random_columns -- --nocapture` compares a million
//! random columns; without the variable it is a sample of them.

use lacuna_golden::charge::readout;
use lacuna_sim::{Model, testing::randomised, tops};
use lacuna_spec::Geometry;

#[path = "charge/bench.rs"]
mod bench;

use bench::{Bench, Job, Seen};

/// Runs random jobs until that many columns were compared.
fn agrees(name: &str, geometry: Geometry, top: fn() -> Model, columns: usize) {
    randomised(name, |rng| {
        let mut bench = Bench::new(geometry, top(), rng);
        let mut seen = Seen::default();
        while seen.columns < columns {
            seen.add(&bench.run(&Job::random(&geometry, rng), rng));
        }
        println!("{name}: {seen}, 0 mismatches");
        assert!(seen.inexact > 0 && seen.skipped > 0 && seen.full > 0, "rare cases must occur: {seen}");
    });
}

#[test]
fn random_columns_equal_golden_in_every_cycle() {
    let columns = std::env::var("LACUNA_COLUMNS").map_or(3_000, |text| text.parse().expect("a number of columns"));
    let geometry = Geometry { pages: 64, reduce_columns: 8, ..Geometry::BASE };
    agrees("random_columns_equal_golden_in_every_cycle", geometry, tops::charge_wide, columns);
}

#[test]
fn an_array_of_two_lanes_equals_golden_in_every_cycle() {
    let geometry = Geometry { pages: 64, reduce_columns: 1, ..Geometry::NANO };
    agrees("an_array_of_two_lanes_equals_golden_in_every_cycle", geometry, tops::charge_nano, 200);
}

#[test]
fn readout_equals_golden_for_every_charge() {
    let mut dut = tops::charge_readout();
    for bits in 3..=8 {
        for quarters in 1..=4 {
            for count in 0..=16 * quarters {
                dut.set("count_i", count);
                dut.set("quarters_i", quarters);
                for step in 0..=bits {
                    dut.set("shift_i", u64::from(step < bits));
                    dut.set("first_i", u64::from(step == 0));
                    dut.set("round_i", u64::from(step == bits));
                    dut.step();
                }
                let code = readout::code(count as u32, 16 * quarters as u32, bits);
                assert_eq!(dut.get("code_o"), code.into(), "{count} of {} rows, {bits} bits", 16 * quarters);
            }
        }
    }
}

#[test]
fn scale_equals_golden_for_every_code() {
    let mut dut = tops::charge_scale();
    for bits in 3..=8 {
        for quarters in 0..=4 {
            for code in 0..1 << bits {
                dut.set("code_i", code);
                dut.set("bits_i", bits);
                dut.set("quarters_i", quarters);
                dut.eval();
                let count = readout::count(code as u32, 16 * quarters as u32, bits as u32);
                assert_eq!(dut.get("count_o"), count.into(), "{code}, {quarters} quarters, {bits} bits");
            }
        }
    }
}
