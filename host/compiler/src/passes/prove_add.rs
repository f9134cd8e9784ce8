//! Finds integer parameters with which the chip's post unit adds exactly as the model's runtime does, by rule A or B, and proves them.
//!
//! The chip computes `clamp(round((a * ma + b * mb + bias) >> shift))`. An int8 pair has 65,536 values, so equality is
//! proven by enumeration. The multipliers start at the real ratios; where rounding noise of the runtime's own arithmetic
//! puts a pair on the other side of a tie, multipliers nearby are tried: for each, every pair close to a tie bounds the
//! bias from below or above, so the search is an interval intersection, and only its result is enumerated in full.

use lacuna_spec::numerics::linear;

use crate::graph::Graph;
use crate::op::{Add, ChipAdd, Op, Rounding};
use crate::reference::add;

/// Most bits of a multiplier's magnitude.
const MULTIPLIER_BITS: i32 = 26;
/// The shifts that the chip has.
const SHIFTS: std::ops::RangeInclusive<i32> = 17..=40;
/// How far the multipliers move in the search. Noise of `f32` sums below 256 is under 2^-15 of a step, a multiplier's unit
/// times 128 is at least 2^-19: 40 of them cover the noise twice.
const RADIUS: i64 = 40;
/// Pairs closer to a tie than this, in steps, are searched; the search cannot move others across (40 * 2 * 128 / 2^25 < 2^-11).
const MARGIN: f64 = 1.0 / 1024.0;

/// Runs the pass: fills in [`Add::chip`] wherever a proof exists.
pub fn run(graph: &mut Graph) {
    for node in &mut graph.nodes {
        if let Op::Add(op) = &mut node.op {
            op.chip = prove(op);
        }
    }
}

/// Parameters proven equal to the reference on every pair, if any exist nearby.
#[must_use]
pub fn prove(op: &Add) -> Option<ChipAdd> {
    let expected = Expected::of(op);
    [Rounding::HalfEven, Rounding::HalfAway].into_iter().find_map(|rounding| search(op, &expected, rounding))
}

/// The reference's answers, indexed by `(a + 128) * 256 + b + 128`.
struct Expected {
    values: Vec<i8>,
    min: i8,
    max: i8,
}

impl Expected {
    fn of(op: &Add) -> Self {
        let values = pairs().map(|(a, b)| add(op, a as i8, b as i8)).collect();
        Self { values, min: op.clamp.min, max: op.clamp.max }
    }
}

fn pairs() -> impl Iterator<Item = (i64, i64)> {
    (-128..128).flat_map(|a| (-128..128).map(move |b| (a, b)))
}

/// A pair near a tie, with the answers' bounds in output steps: `low - 1/2` and `high + 1/2` matter, if present.
struct Tight {
    a: i64,
    b: i64,
    low: Option<i64>,
    high: Option<i64>,
}

fn search(op: &Add, expected: &Expected, rounding: Rounding) -> Option<ChipAdd> {
    let ratio_a = f64::from(op.a.scale) / f64::from(op.y.scale);
    let ratio_b = f64::from(op.b.scale) / f64::from(op.y.scale);
    let largest = ratio_a.max(ratio_b);
    // The larger multiplier fills its bits but one, which leaves room for the search.
    let shift = (f64::from(MULTIPLIER_BITS - 1) - largest.log2()).floor().min(f64::from(*SHIFTS.end())) as i32;
    let unit = 2_f64.powi(shift);
    if !SHIFTS.contains(&shift) || largest * unit >= 2_f64.powi(MULTIPLIER_BITS) {
        return None;
    }
    let (centre_a, centre_b) = ((ratio_a * unit).round() as i64, (ratio_b * unit).round() as i64);
    let zeros = f64::from(op.a.zero_point) * ratio_a + f64::from(op.b.zero_point) * ratio_b;
    let fixed = f64::from(op.y.zero_point) - zeros;
    let tight = tight_pairs(expected, |a, b| a as f64 * ratio_a + b as f64 * ratio_b + fixed)?;
    for (da, db) in nearby() {
        let (ma, mb) = (centre_a + da, centre_b + db);
        if ma < 0 || mb < 0 {
            continue;
        }
        if let Some(bias) = bias_for(&tight, ma, mb, shift, rounding, (fixed * unit) as i64) {
            let chip = ChipAdd { ma: ma as i32, mb: mb as i32, bias, shift: shift as u32, rounding };
            if equal_everywhere(&chip, expected) {
                return Some(chip);
            }
        }
    }
    None
}

/// Offsets of both multipliers, nearest first.
fn nearby() -> Vec<(i64, i64)> {
    let mut offsets: Vec<(i64, i64)> =
        (-RADIUS..=RADIUS).flat_map(|a| (-RADIUS..=RADIUS).map(move |b| (a, b))).collect();
    offsets.sort_by_key(|(a, b)| a * a + b * b);
    offsets
}

/// Every pair near a tie. `None` if some answer is further off than any noise explains.
fn tight_pairs(expected: &Expected, real: impl Fn(i64, i64) -> f64) -> Option<Vec<Tight>> {
    let mut tight = Vec::new();
    for ((a, b), &value) in pairs().zip(&expected.values) {
        let exact = real(a, b);
        let low = (value > expected.min).then_some(i64::from(value));
        let high = (value < expected.max).then_some(i64::from(value));
        let below = low.map_or(f64::INFINITY, |low| exact - (low as f64 - 0.5));
        let above = high.map_or(f64::INFINITY, |high| high as f64 + 0.5 - exact);
        let distance = below.min(above);
        if distance < -MARGIN {
            return None;
        }
        if distance < MARGIN {
            tight.push(Tight { a, b, low, high });
        }
    }
    Some(tight)
}

/// A bias that satisfies every tight pair for these multipliers, nearest to `preferred`.
fn bias_for(tight: &[Tight], ma: i64, mb: i64, shift: i32, rounding: Rounding, preferred: i64) -> Option<i64> {
    let (unit, half) = (1_i64 << shift, 1_i64 << (shift - 1));
    let (mut lowest, mut highest) = (-(1_i64 << 47), (1_i64 << 47) - 1);
    for pair in tight {
        let sum = pair.a * ma + pair.b * mb;
        if let Some(low) = pair.low {
            // The tie below `low` must round up to it; otherwise stay one unit above the tie.
            let up = match rounding {
                Rounding::HalfEven => low % 2 == 0,
                Rounding::HalfAway => low > 0,
            };
            lowest = lowest.max(low * unit - half + i64::from(!up) - sum);
        }
        if let Some(high) = pair.high {
            let down = match rounding {
                Rounding::HalfEven => high % 2 == 0,
                Rounding::HalfAway => high < 0,
            };
            highest = highest.min(high * unit + half - i64::from(!down) - sum);
        }
        if lowest > highest {
            return None;
        }
    }
    Some(preferred.clamp(lowest, highest))
}

/// What the chip's post unit computes before its clamp.
#[must_use]
pub fn chip_sum(chip: &ChipAdd, a: i8, b: i8) -> i64 {
    linear(a, b, chip.ma, chip.mb, chip.bias, chip.shift, chip.rounding == Rounding::HalfEven)
}

fn equal_everywhere(chip: &ChipAdd, expected: &Expected) -> bool {
    pairs().zip(&expected.values).all(|((a, b), &value)| {
        let sum = chip_sum(chip, a as i8, b as i8);
        sum.clamp(i64::from(expected.min), i64::from(expected.max)) == i64::from(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Quant;
    use crate::op::{AddRule, Clamp};
    use rand::{Rng, SeedableRng};

    fn op(scales: [f32; 3], zeros: [i32; 3], rule: AddRule) -> Add {
        let quant = |at: usize| Quant { scale: scales[at], zero_point: zeros[at] };
        Add { a: quant(0), b: quant(1), y: quant(2), rule, clamp: Clamp::FULL, chip: None }
    }

    #[test]
    fn adds_full_of_ties_are_proven() {
        // Ratios of one half put a quarter of all pairs exactly on a tie.
        let found = prove(&op([0.5, 0.5, 1.0], [3, -7, 1], AddRule::B { offset: 0 })).unwrap();
        assert_eq!((found.ma, found.mb, found.rounding), (1 << 25, 1 << 25, Rounding::HalfEven));
    }

    #[test]
    fn random_adds_of_rule_a_are_proven() {
        let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(11);
        println!("LACUNA_SEED={seed}");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut proven = 0;
        for _ in 0..400 {
            let y = rng.random_range(0.01..0.2_f32);
            let scales = [y * rng.random_range(0.2..1.5_f32), y * rng.random_range(0.2..1.5_f32), y];
            let zeros = std::array::from_fn(|_| rng.random_range(-128..128));
            proven += usize::from(prove(&op(scales, zeros, AddRule::A)).is_some());
        }
        assert!(proven >= 390, "only {proven} of 400 adds were proven");
    }

    #[test]
    fn adds_of_rule_a_with_simple_ratios_are_proven() {
        // Full of ties, which the runtime rounds away from zero before it adds the zero point.
        for scales in [[1.0, 1.0, 1.0], [0.5, 0.5, 1.0], [1.0, 1.0, 2.0], [1.0, 0.25, 0.5]] {
            for zeros in [[0, 0, 0], [-128, -128, -128], [3, -7, 1], [-128, 4, -128]] {
                assert!(prove(&op(scales, zeros, AddRule::A)).is_some(), "{scales:?} {zeros:?}");
            }
        }
    }

    #[test]
    fn ties_that_rule_a_breaks_by_its_inner_rounding_have_no_proof() {
        // The second multiplier is 1/3 inside, so what becomes of a tie depends on b modulo 3.
        assert_eq!(prove(&op([0.75, 0.5, 1.0], [0; 3], AddRule::A)), None);
    }

    #[test]
    fn random_adds_of_rule_b_are_proven() {
        let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(11);
        println!("LACUNA_SEED={seed}");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut proven = 0;
        for round in 0..60 {
            let y = rng.random_range(0.01..0.2_f32);
            let scales = [y * rng.random_range(0.2..1.5_f32), y * rng.random_range(0.2..1.5_f32), y];
            let zeros = std::array::from_fn(|_| rng.random_range(-128..128));
            proven += usize::from(prove(&op(scales, zeros, AddRule::B { offset: (round % 2) * 128 })).is_some());
        }
        assert!(proven >= 57, "only {proven} of 60 adds were proven");
    }

    #[test]
    fn a_wrong_bias_is_caught() {
        let op = op([0.031_57, 0.047_21, 0.060_03], [-128, 5, -20], AddRule::B { offset: 0 });
        let expected = Expected::of(&op);
        let found = prove(&op).unwrap();
        assert!(equal_everywhere(&found, &expected));
        assert!(!equal_everywhere(&ChipAdd { bias: found.bias + (1 << (found.shift - 6)), ..found }, &expected));
    }

    #[test]
    fn ratios_with_many_near_ties_and_absurd_ones_have_no_proof() {
        // 31/60 and 47/60 put one pair in sixty within f32 noise of a tie, each on a side of its own.
        assert_eq!(prove(&op([0.031, 0.047, 0.06], [-128, 5, -20], AddRule::B { offset: 0 })), None);
        assert_eq!(prove(&op([1e30, 1.0, 1e-3], [0; 3], AddRule::B { offset: 0 })), None);
    }
}
