//! The requantise lane against the contract's arithmetic, one value a cycle.

use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::numerics;
use rand::Rng as _;
use std::collections::VecDeque;

/// Cycles from a sum to its value, and to its multiplier.
const LATENCY: usize = 13;
const MULTIPLIER_DELAY: usize = 3;

/// What is held during a job.
struct Mode {
    zero: i8,
    lo: i8,
    hi: i8,
}

/// One value on its way: what goes in and what must come out.
struct Case {
    sum: i32,
    bias: i32,
    multiplier: u32,
    shift: i32,
    expected: i8,
}

fn mode(rng: &mut Rng) -> Mode {
    if rng.random_bool(0.5) {
        return Mode { zero: rng.random(), lo: -128, hi: 127 };
    }
    let (a, b) = (rng.random::<i8>(), rng.random::<i8>());
    Mode { zero: rng.random(), lo: a.min(b), hi: a.max(b) }
}

/// Streams `count` cases through the lane and compares each value.
fn stream(dut: &mut Model, mode: &Mode, count: usize, mut make: impl FnMut() -> Case) {
    dut.set_signed("zero_i", mode.zero.into());
    dut.set_signed("clamp_lo_i", mode.lo.into());
    dut.set_signed("clamp_hi_i", mode.hi.into());
    let [step, sum, bias, shift, multiplier, value] =
        ["step_i", "sum_i", "bias_i", "shift_i", "multiplier_i", "value_o"].map(|name| dut.port(name));
    // The lane has no reset; the very first clock of a model only settles it.
    dut.step();
    // What came in each of the last cycles; in some nothing does.
    let mut under_way: VecDeque<Option<Case>> = VecDeque::new();
    for cycle in 0..count + LATENCY {
        if cycle >= LATENCY
            && let Some(case) = under_way.pop_front().expect("one entry a cycle")
        {
            assert_eq!(
                dut.get_signed(value) as i8,
                case.expected,
                "cycle {cycle}: sum {} + bias {}, multiplier {:#x}, shift {}, zero {}, limits {} to {}",
                case.sum,
                case.bias,
                case.multiplier,
                case.shift,
                mode.zero,
                mode.lo,
                mode.hi,
            );
        }
        let case = make();
        dut.set_signed(sum, case.sum.into());
        dut.set_signed(bias, case.bias.into());
        dut.set(shift, (case.shift & 63) as u64);
        under_way.push_back((cycle % 5 != 3).then_some(case));
        let delayed = under_way.len().checked_sub(1 + MULTIPLIER_DELAY).and_then(|at| under_way[at].as_ref());
        dut.set(multiplier, delayed.map_or(0, |case| case.multiplier.into()));
        let steps = under_way.iter().rev().enumerate();
        dut.set(step, steps.fold(0, |bits, (cycle, case)| bits | u64::from(case.is_some()) << cycle));
        dut.step();
    }
}

/// An accumulator of any magnitude, often beside a power of two.
fn accumulator(rng: &mut Rng) -> i32 {
    let bits = rng.random_range(0..=32);
    let any = if bits == 0 { 0 } else { rng.random::<u32>() >> (32 - bits) };
    let near = if bits == 0 { 0 } else { 1u32 << (bits - 1) }.wrapping_add_signed(rng.random_range(-2..=2));
    let magnitude = if rng.random_bool(0.2) { near } else { any } as i32;
    if rng.random() { magnitude } else { magnitude.wrapping_neg() }
}

/// A ratio that takes `acc` beside a half or an integer of the int8 range or a bit beyond.
fn ratio(rng: &mut Rng, acc: i32) -> f64 {
    let halves = f64::from(rng.random_range(1..=600)) / 2.0;
    (halves / f64::from(acc).abs().max(1.0)).max(1e-30)
}

fn split(rng: &mut Rng, acc: i32) -> (i32, i32) {
    let sum = rng.random_range(-(1 << 24)..1 << 24);
    (sum, acc.wrapping_sub(sum))
}

fn rule_a(rng: &mut Rng, mode: &Mode) -> Case {
    let acc = accumulator(rng);
    let (multiplier, shift) = match rng.random_range(0..8) {
        0 => (0, rng.random_range(-31..=30)),
        1 | 2 => (rng.random_range(1 << 30..=i32::MAX), rng.random_range(-31..=30)),
        3 => (1 << 30, rng.random_range(-31..=30)),
        _ => {
            let ratio = ratio(rng, acc);
            let shift = (ratio.log2().floor() as i32 + 1).clamp(-31, 30);
            let scaled = (ratio * f64::from(31 - shift).exp2()).round() as i64 + rng.random_range(-1..=1);
            (scaled.clamp(1 << 30, i32::MAX.into()) as i32, shift)
        }
    };
    let exact = numerics::requantise_a(acc, multiplier, shift, mode.zero.into());
    let (sum, bias) = split(rng, acc);
    Case { sum, bias, multiplier: multiplier as u32, shift, expected: numerics::clamp(exact.into(), mode.lo, mode.hi) }
}

fn rule_b(rng: &mut Rng, mode: &Mode) -> Case {
    let acc = accumulator(rng);
    let bits = match rng.random_range(0..8) {
        0 => rng.random_range(1u32 << 23..0x7f80_0000),
        1 => rng.random_range(80u32..140) << 23 | rng.random_range(0..1 << 23),
        2 => rng.random_range(80u32..140) << 23,
        _ => (ratio(rng, acc) as f32).to_bits().wrapping_add_signed(rng.random_range(-2..=2)),
    };
    let exact = numerics::requantise_b(acc, f32::from_bits(bits), mode.zero.into());
    let (sum, bias) = split(rng, acc);
    // Rule B ignores the shift.
    Case {
        sum,
        bias,
        multiplier: bits,
        shift: rng.random_range(-32..32),
        expected: numerics::clamp(exact.into(), mode.lo, mode.hi),
    }
}

#[test]
fn rule_a_equals_the_contract() {
    randomised("rule_a_equals_the_contract", |rng| {
        let mut dut = tops::requantise();
        for held in ["pair_i", "pair_mb_i", "pair_bias_i", "rule_i"] {
            dut.set(held, 0);
        }
        for _ in 0..40 {
            let mode = mode(rng);
            stream(&mut dut, &mode, 10_000, || rule_a(rng, &mode));
        }
    });
}

#[test]
fn rule_b_equals_f32_arithmetic() {
    randomised("rule_b_equals_f32_arithmetic", |rng| {
        let mut dut = tops::requantise();
        for held in ["pair_i", "pair_mb_i", "pair_bias_i"] {
            dut.set(held, 0);
        }
        dut.set("rule_i", 1);
        for _ in 0..40 {
            let mode = mode(rng);
            stream(&mut dut, &mode, 10_000, || rule_b(rng, &mode));
        }
    });
}

#[test]
fn residual_add_equals_the_contract() {
    randomised("residual_add_equals_the_contract", |rng| {
        let mut dut = tops::requantise();
        dut.set("pair_i", 1);
        for _ in 0..200 {
            let mode = Mode { zero: 0, ..mode(rng) };
            let half_even: bool = rng.random();
            let shift = rng.random_range(17..=40u32);
            // Half the jobs have few significant bits, so that ties are common.
            let coarse = if rng.random() { (shift - 1).min(28) } else { 0 };
            let width = rng.random_range(coarse..31);
            let ma = rng.random_range(0..=(2i64 << width) - 1).min(i32::MAX.into()) >> coarse << coarse;
            let mb = rng.random_range(0..=(2i64 << width) - 1).min(i32::MAX.into()) >> coarse << coarse;
            let bias = (rng.random_range(-(1i64 << 46)..1 << 46) >> rng.random_range(0..30)) >> coarse << coarse;
            dut.set("rule_i", half_even.into());
            dut.set("pair_mb_i", mb as u64);
            dut.set_signed("pair_bias_i", bias - 128 * (ma + mb));
            stream(&mut dut, &mode, 1_000, || {
                let (a, b) = (rng.random::<i8>(), rng.random::<i8>());
                let exact = numerics::linear(a, b, ma as i32, mb as i32, bias, shift, half_even);
                let unsigned = |byte: i8| i32::from((byte as u8) ^ 0x80);
                Case {
                    sum: unsigned(b) << 16 | unsigned(a),
                    bias: 0,
                    multiplier: ma as u32,
                    shift: shift as i32,
                    expected: numerics::clamp(exact, mode.lo, mode.hi),
                }
            });
        }
    });
}
