//! The compute-in-memory macro and its recoder against golden, and both against plain sums.

use lacuna_golden::cim::{Macro, Recoder};
use lacuna_sim::{Model, testing::randomised, tops};
use lacuna_spec::{Geometry, instr::Gating};

#[path = "cim/bench.rs"]
mod bench;

use bench::{Bench, Job};

/// Runs jobs of every gating mode through RTL and golden side by side.
fn agrees(name: &str, geometry: Geometry, top: fn() -> Model) {
    randomised(name, |rng| {
        let mut bench = Bench::new(geometry, top(), Macro::new(&geometry), rng);
        let mut seen = bench::Seen::default();
        for round in 0..4 {
            for gating in [Gating::Off, Gating::Row, Gating::Digit] {
                let job = Job::random(&geometry, gating, round, rng);
                seen.add(&bench.run(&job, rng));
            }
        }
        for gating in [Gating::Row, Gating::Digit] {
            seen.add(&bench.run(&Job::of_one_lane(&geometry, gating, rng), rng));
        }
        assert!(seen.stall_feed && seen.stall_reduce, "stalls must occur: {seen:?}");
        assert!(seen.full, "some queue must fill up");
    });
}

#[test]
fn macro_nano_equals_golden_in_every_cycle() {
    agrees("macro_nano_equals_golden_in_every_cycle", Geometry::NANO, tops::macro_nano);
}

#[test]
fn macro_base_equals_golden_in_every_cycle() {
    agrees("macro_base_equals_golden_in_every_cycle", Geometry::BASE, tops::macro_base);
}

/// Two column groups work in step.
#[test]
fn macro_small_equals_golden_in_every_cycle() {
    agrees("macro_small_equals_golden_in_every_cycle", Geometry::SMALL, tops::macro_small);
}

#[test]
fn macro_base_with_2_bit_digits_equals_golden_in_every_cycle() {
    let geometry = Geometry::BASE.with_digit_bits(2).unwrap();
    agrees("macro_base_with_2_bit_digits_equals_golden_in_every_cycle", geometry, tops::macro_base_2);
}

#[test]
fn macro_wide_equals_golden_in_every_cycle() {
    agrees("macro_wide_equals_golden_in_every_cycle", Geometry::WIDE, tops::macro_wide);
}

#[test]
fn macro_that_reduces_all_columns_at_once_equals_golden_in_every_cycle() {
    let geometry = Geometry { lanes: 4, pages: 64, reduce_columns: 8, ..Geometry::BASE };
    agrees("macro_that_reduces_all_columns_at_once_equals_golden_in_every_cycle", geometry, tops::macro_one_group);
}

/// Lanes end up to four vectors ahead of the slowest.
#[test]
fn macro_with_four_sets_of_holds_equals_golden_in_every_cycle() {
    let geometry =
        Geometry { lanes: 4, pages: 256, digit_bits: 2, reduce_columns: 4, slack: 4, monitor: false, ..Geometry::BASE };
    agrees("macro_with_four_sets_of_holds_equals_golden_in_every_cycle", geometry, tops::macro_slack_2_bits);
}

/// Parts are looked at twice.
#[test]
fn macro_with_two_sets_of_holds_equals_golden_in_every_cycle() {
    let geometry = Geometry { pages: 256, reduce_columns: 2, slack: 2, ..Geometry::BASE };
    agrees("macro_with_two_sets_of_holds_equals_golden_in_every_cycle", geometry, tops::macro_slack_4_bits);
}

/// Macros whose toggles are counted, by digit width.
const COUNTED: [(usize, fn() -> Model); 3] =
    [(2, tops::macro_toggles_2), (4, tops::macro_toggles_4), (8, tops::macro_toggles_8)];

fn counted(digit_bits: usize) -> Geometry {
    let geometry = if digit_bits == 8 { Geometry::WIDE } else { Geometry::BASE };
    Geometry { pages: 64, ..geometry.with_digit_bits(digit_bits).unwrap() }
}

#[test]
fn disabled_cells_do_not_toggle() {
    randomised("disabled_cells_do_not_toggle", |rng| {
        for (digit_bits, top) in COUNTED {
            let geometry = counted(digit_bits);
            let mut bench = Bench::new(geometry, top(), Macro::new(&geometry), rng);
            for gating in [Gating::Row, Gating::Digit] {
                let before = bench.toggles();
                bench.run(&Job::of_density(gating, 0.5, rng), rng);
                let live = bench.toggles();
                assert!(live.all > before.all, "live cells toggle");
                bench.run(&Job::of_density(gating, 0.0, rng), rng);
                assert_eq!(bench.toggles(), live, "{digit_bits}-bit digits, {gating:?}");
            }
        }
    });
}

/// So digits, which the energy report counts, stand for what cells do.
#[test]
fn cells_toggle_in_proportion_to_their_digits() {
    randomised("cells_toggle_in_proportion_to_their_digits", |rng| {
        for (digit_bits, top) in COUNTED {
            let geometry = counted(digit_bits);
            let mut bench = Bench::new(geometry, top(), Macro::new(&geometry), rng);
            let (mut dense, mut before) = (None, bench.toggles().first);
            let mut each = Vec::new();
            for density in [1.0, 0.5, 0.25, 0.1] {
                let job = Job::of_density(Gating::Off, density, rng);
                let [(off, _), (row, _), (digit, digits)] = [Gating::Off, Gating::Row, Gating::Digit].map(|gating| {
                    let (toggles, digits) = (before, bench.digits);
                    bench.run(&job.in_mode(gating), rng);
                    before = bench.toggles().first;
                    ((before - toggles) as f64, (bench.digits - digits) as f64)
                });
                let dense = *dense.get_or_insert(off);
                each.push(digit / digits);
                println!(
                    "{digit_bits}-bit digits, {density} of the rows live: {:.2}, {:.2}, {:.2} of dense in off, row, digit; {:.1} toggles a cell and digit",
                    off / dense,
                    row / dense,
                    digit / dense,
                    digit / digits
                );
                // A digit that is 0 takes a cycle and nothing else, but where the whole value is one digit.
                assert!(row < 1.1 * digit && (off < 1.1 * digit || digit_bits == 8), "{off}, {row}, {digit}");
            }
            let most = each.iter().copied().fold(0.0, f64::max);
            assert!(each.iter().all(|each| most / each < 1.2), "toggles a digit: {each:?}");
        }
    });
}

/// The slots that the recoder's outputs stand for: value with its plane's weight, and whether used.
fn slots_of(dut: &Model, digit_bits: usize) -> Vec<(i32, bool)> {
    let (terms_of_slot, slots) = (digit_bits / 2, 8 / digit_bits + 1);
    let used = dut.get("used_o");
    (0..slots)
        .map(|slot| {
            let plane = slot.min(8 / digit_bits - 1);
            let value: i32 = (0..terms_of_slot)
                .map(|t| {
                    let term = dut.field("terms_o", 3 * (slot * terms_of_slot + t) as u32, 3);
                    assert!(term & 3 != 3, "a term is one or two, not both");
                    let magnitude = ((term & 3) as i32) << (2 * t);
                    if term & 4 != 0 { -magnitude } else { magnitude }
                })
                .sum();
            (value << (digit_bits * plane), used >> slot & 1 == 1)
        })
        .collect()
}

#[test]
fn recoder_equals_golden_for_every_difference() {
    for (digit_bits, top) in [(2, tops::recode_2 as fn() -> Model), (4, tops::recode_4)] {
        let recoder = Recoder::new(digit_bits);
        let mut dut = top();
        dut.set("en_i", 1);
        for d in -255..=255i16 {
            dut.set_signed("d_i", d.into());
            dut.eval();
            let slots = slots_of(&dut, digit_bits);
            let essential: Vec<i32> = slots.iter().filter(|s| s.1).map(|s| s.0).collect();
            let golden: Vec<i32> = recoder.essential(d).values().iter().map(|&v| v.into()).collect();
            assert_eq!(essential, golden, "{d} in {digit_bits}-bit digits");
            let planes = &slots[..8 / digit_bits];
            assert!(planes.iter().all(|s| s.1 == (s.0 != 0)), "used means not 0");
        }
    }
}
