//! Decides whether the chip's average pool, an integer sum requantised by rule B, equals the model's runtime.
//!
//! TensorFlow Lite's is an integer division of the sum, so every possible sum is tried. ONNX Runtime sums dequantised taps in `f32`, so its answer depends on the taps' order and rounding, not on their sum alone. For each
//! possible sum the real answer is computed, with a bound on what rounding can do to it: if no sum comes that close to a tie, every order
//! gives the same int8, and it only remains to check that the chip's own formula gives it too.

use lacuna_spec::numerics::requantise_b;

use crate::graph::Graph;
use crate::op::{AveragePool, ChipSum, MeanRule, Op};
use crate::reference::rounded_mean;

/// Largest window that is enumerated; the sums of larger ones are too many.
const MAX_TAPS: usize = 256;
/// The same for rule A, whose check is cheaper; above it the sum may leave the integers that `f32` holds.
const MAX_TAPS_A: i32 = 1 << 14;
/// Scales tried from `1 / taps` upwards.
const SCALES_TRIED: usize = 16;

/// Runs the pass: fills in [`AveragePool::chip`] wherever a proof exists.
pub fn run(graph: &mut Graph) {
    for node in &mut graph.nodes {
        if let Op::AveragePool(op) = &mut node.op {
            op.chip = prove(op);
        }
    }
}

/// The chip's parameters for the pool, if they are proven to give the runtime's answer for every input.
#[must_use]
pub fn prove(op: &AveragePool) -> Option<ChipSum> {
    let taps = op.window.kernel[0] * op.window.kernel[1];
    // A window that overlaps the edge has another divisor, unless padding counts.
    if !(op.window.unpadded() || op.count_include_pad) {
        return None;
    }
    match op.rule {
        MeanRule::A => prove_a(op, i32::try_from(taps).ok().filter(|&taps| taps <= MAX_TAPS_A)?),
        MeanRule::B => prove_b(op, taps),
    }
}

/// The rule B form of a pool of `taps` values of which `zero_point` means 0.
fn scaled(scale: f32, zero_point: i32, taps: i32, zero: i32) -> ChipSum {
    let bias = -zero_point * taps;
    ChipSum { bias, multiplier: scale.to_bits() as i32, shift: 0, rule_b: true, zero, pad: zero_point }
}

/// Rule A divides integers, so each possible sum has one answer. A scale just above `1 / taps` sends halves away from zero as the division
/// does, and a scale too far above sends other sums astray: the first that every sum accepts is taken.
fn prove_a(op: &AveragePool, taps: i32) -> Option<ChipSum> {
    let zero = -op.offset;
    let mut scale = 1.0 / taps as f32;
    for _ in 0..SCALES_TRIED {
        let chip = scaled(scale, zero, taps, zero);
        let equal = |sum: i32| chip.apply(sum) == rounded_mean(sum + op.offset * taps, taps) - op.offset;
        if (-128 * taps..=127 * taps).all(equal) {
            return Some(chip);
        }
        scale = scale.next_up();
    }
    None
}

/// The rule B scale of the integer sum, if it gives the runtime's answer for every sum.
fn prove_b(op: &AveragePool, taps: usize) -> Option<ChipSum> {
    if taps > MAX_TAPS {
        return None;
    }
    let scale = op.x.scale / (op.y.scale * taps as f32);
    let exact = f64::from(op.x.scale) / (f64::from(op.y.scale) * taps as f64);
    let zero = f64::from(op.y.zero_point + op.offset);
    let lowest = (-128 - op.x.zero_point) * taps as i32;
    let highest = (127 - op.x.zero_point) * taps as i32;
    for sum in lowest..=highest {
        let steps = f64::from(sum) * exact;
        let noise = sum_noise(sum, taps as i32, op) * exact + UNIT * (3.0 * steps.abs() + zero.abs() + 1.0);
        // Clamping is monotone, so only values inside the range (and its edges) can go wrong.
        let value = steps + zero;
        let sure = |value: f64| op.clamp.apply((value.round_ties_even() as i32).saturating_sub(op.offset));
        let answer = sure(value);
        if sure(value - noise) != answer || sure(value + noise) != answer {
            return None;
        }
        if op.clamp.apply(requantise_b(sum, scale, op.y.zero_point)) != answer {
            return None;
        }
    }
    Some(scaled(scale, op.x.zero_point, taps as i32, op.y.zero_point))
}

/// The unit roundoff of `f32`, and a percent for products of rounding errors.
const UNIT: f64 = 1.01 * 5.960_464_477_539_063e-8;

/// A bound on the rounding error of an `f32` sum of `taps` scaled differences that add up to `sum`, in units of the scale: one roundoff of each
/// product and of each partial sum.
fn sum_noise(sum: i32, taps: i32, op: &AveragePool) -> f64 {
    let (low, high) = (-128 - op.x.zero_point, 127 - op.x.zero_point);
    // What the taps below zero can add up to, given the sum.
    let negative = (-low * taps).min(high * taps - sum).max(0);
    let products = if low >= 0 { sum } else { sum + 2 * negative };
    let partials: i64 = (2..=taps)
        .map(|count| {
            let rest = taps - count;
            let least = (count * low).max(sum - rest * high);
            let most = (count * high).min(sum - rest * low);
            i64::from(least.abs().max(most.abs()))
        })
        .sum();
    UNIT * (f64::from(products) + partials as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Quant;
    use crate::op::{Clamp, Window};

    fn pool(x: f32, y: f32) -> AveragePool {
        AveragePool {
            window: Window { stride: [2, 2], ..Window::of([2, 2]) },
            count_include_pad: false,
            rule: MeanRule::B,
            x: Quant { scale: x, zero_point: -128 },
            y: Quant { scale: y, zero_point: -128 },
            offset: 0,
            clamp: Clamp::FULL,
            chip: None,
        }
    }

    #[test]
    fn equal_scales_hit_ties_and_stay_on_the_host() {
        assert_eq!(prove(&pool(0.1, 0.1)), None);
    }

    #[test]
    fn unequal_scales_without_near_ties_run_on_the_chip() {
        let op = pool(0.1, 0.097_3);
        let chip = prove(&op).expect("this pool has no near tie");
        for sum in 0..=1020 {
            let real = f64::from(sum) * 0.1 / (0.097_3 * 4.0) - 128.0;
            assert_eq!(chip.apply(sum - 512).clamp(-128, 127), (real.round() as i32).clamp(-128, 127), "sum {sum}");
        }
    }

    #[test]
    fn proven_pools_equal_the_reference_in_any_order() {
        use crate::reference::average;
        use rand::{Rng, SeedableRng};
        let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(5);
        println!("LACUNA_SEED={seed}");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut proven = 0;
        for _ in 0..40 {
            let mut op = pool(rng.random_range(0.02..0.2), rng.random_range(0.02..0.2));
            op.window.kernel = [rng.random_range(1..4), rng.random_range(2..4)];
            (op.x.zero_point, op.y.zero_point) = (rng.random_range(-128..128), rng.random_range(-128..128));
            op.offset = if rng.random() { 128 } else { 0 };
            let Some(chip) = prove(&op) else { continue };
            proven += 1;
            let taps = op.window.kernel[0] * op.window.kernel[1];
            for _ in 0..500 {
                let x: Vec<i8> = (0..taps).map(|_| rng.random()).collect();
                let sum = x.iter().map(|&q| i32::from(q)).sum();
                let found = op.clamp.apply(chip.apply(sum));
                assert_eq!(average(&op, &x, [1, op.window.kernel[0], op.window.kernel[1]]), [found], "{op:?} {x:?}");
            }
        }
        assert!(proven >= 10, "only {proven} of 40 pools were proven");
    }

    #[test]
    fn integer_pools_are_proven_for_every_window() {
        for taps in (1..200).chain([256, 1024, 4096]) {
            for offset in [0, 128] {
                let mut op = pool(1.0, 1.0);
                (op.rule, op.offset, op.window) = (MeanRule::A, offset, Window::of([1, taps]));
                let chip = prove(&op).unwrap_or_else(|| panic!("{taps} taps with offset {offset} have no scale"));
                // An even window has ties; a scale of 1/taps alone would send them to the even neighbour.
                if taps == 2 {
                    let half = |raw: i32| rounded_mean(raw + 2 * offset, 2) - offset;
                    assert_eq!([1, 5, -3].map(|raw| chip.apply(raw)), [1, 5, -3].map(half));
                }
            }
        }
    }

    #[test]
    fn ragged_edges_stay_on_the_host() {
        let mut op = pool(0.1, 0.097_3);
        op.window.pads = [1, 1, 0, 0];
        assert_eq!(prove(&op), None);
        op.count_include_pad = true;
        assert!(prove(&op).is_some());
    }
}
