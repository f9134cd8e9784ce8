//! The fixed-point functions of gemmlowp that TensorFlow Lite's reference softmax is made of.
//!
//! A number with `n` integer bits is an int32 in units of `2^(n - 31)`.

use lacuna_spec::numerics::{rounding_divide_by_pot, rounding_doubling_high_mul};

/// `exp(-1/8)` without integer bits.
pub(super) const EXP_OF_MINUS_EIGHTH: i32 = 1_895_147_668;
/// A third without integer bits.
pub(super) const THIRD: i32 = 715_827_883;
/// `exp(-2^(k - 2))` without integer bits.
pub(super) const POWERS: [i32; 7] = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
/// 48/17 and -32/17 with 2 integer bits: the line that Newton's steps towards a reciprocal start from.
pub(super) const RECIPROCAL_LINE: [i32; 2] = [1_515_870_810, -1_010_580_540];

/// `x * 2^exponent`, saturating to the left, rounding to the right.
fn scaled(x: i32, exponent: i32) -> i32 {
    if exponent < 0 {
        return rounding_divide_by_pot(x, exponent.unsigned_abs());
    }
    (i64::from(x) << exponent).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// `exp(a)` for `a` in `[-1/4, 0)` without integer bits: a Taylor series around -1/8.
fn exp_small(a: i32) -> i32 {
    let x = a + (1 << 28);
    let x2 = rounding_doubling_high_mul(x, x);
    let x3 = rounding_doubling_high_mul(x2, x);
    let x4 = rounding_doubling_high_mul(x2, x2);
    let high = rounding_doubling_high_mul(scaled(x4, -2) + x3, THIRD);
    let series = x + scaled(high + x2, -1);
    EXP_OF_MINUS_EIGHTH + rounding_doubling_high_mul(EXP_OF_MINUS_EIGHTH, series)
}

/// `exp(a)` without integer bits, for `a` of at most 0 with 5 integer bits.
#[must_use]
pub fn exp(a: i32) -> i32 {
    const FRACTION: i32 = 26;
    if a == 0 {
        return i32::MAX;
    }
    let quarter = 1 << (FRACTION - 2);
    let rest = (a & (quarter - 1)) - quarter;
    let mut result = exp_small(scaled(rest, 5));
    let whole = rest.wrapping_sub(a);
    for (k, power) in POWERS.into_iter().enumerate() {
        if whole >> (FRACTION - 2 + k as i32) & 1 == 1 {
            result = rounding_doubling_high_mul(result, power);
        }
    }
    result
}

/// `1 / (1 + a)` without integer bits, for `a` in `[0, 1)`: three Newton steps.
fn one_over_one_plus(a: i32) -> i32 {
    let sum = i64::from(a) + i64::from(i32::MAX);
    let half = ((sum + 1) / 2) as i32;
    let mut x = RECIPROCAL_LINE[0] + rounding_doubling_high_mul(half, RECIPROCAL_LINE[1]);
    for _ in 0..3 {
        let rest = (1 << 29) - rounding_doubling_high_mul(half, x);
        x += scaled(rounding_doubling_high_mul(x, rest), 2);
    }
    scaled(x, 1)
}

/// `1 / x` for a positive `x` with 12 integer bits: a mantissa without integer bits and how far it goes right.
#[must_use]
pub fn reciprocal(x: i32) -> (i32, i32) {
    let zeros = x.leading_zeros();
    let mantissa = ((x as u32) << zeros).wrapping_sub(1 << 31) as i32;
    (one_over_one_plus(mantissa), 12 - zeros as i32)
}

/// The natural logarithm, with 5 integer bits, of an `x` of 12 integer bits that is at least 1: `x` is brought near a power of two, times
/// the root of one half or not, and a rational function gives the rest.
#[must_use]
pub fn log(x: i32) -> i32 {
    const LOG_2: i32 = 1_488_522_236;
    /// Roots of one half, square and fourth.
    const ROOT: i32 = 1_518_500_250;
    const FOURTH_ROOT: i32 = 1_805_811_301;
    /// Coefficients of the numerator and of the denominator.
    const ALPHA: [i32; 4] = [117_049_297, 127_690_142, 1_057_819_769, 638_450_708];
    const QUARTER: i32 = 1 << 23;
    let times = rounding_doubling_high_mul;
    let zeros = x.leading_zeros() as i32;
    let first = scaled(times(scaled(x, zeros - 1), ROOT), 1);
    let first_power = scaled(12 - zeros, 25).saturating_add(QUARTER);
    let room = times(x, ROOT).leading_zeros() as i32 - 1;
    let second = scaled(x, room);
    let second_power = scaled(12 - room, 25).saturating_sub(QUARTER);
    let (rest, power) = (first.min(second), first_power.max(second_power));
    let middle = ((i64::from(rest) + i64::from(FOURTH_ROOT) + 1) / 2) as i32;
    let off = 2 * (rest - FOURTH_ROOT);
    let square = times(off, off);
    let numerator = times(off, rest) + times(times(off, square), ALPHA[0]);
    let denominator = times(middle, ALPHA[2] + off + times(ALPHA[1], square)) + times(ALPHA[3], off);
    scaled(times(power, LOG_2) + times(scaled(numerator, -6), one_over_one_plus(denominator)), 1)
}

/// `1 / sqrt(x)` as a mantissa without integer bits and a left shift: five Newton steps with 3 integer bits. 0 counts as 1.
#[must_use]
pub fn inverse_root(x: i32) -> (i32, i32) {
    const HALF_ROOT_OF_TWO: i32 = 1_518_500_250;
    const ONE: i32 = 1 << 28;
    if x <= 1 {
        return (i32::MAX, 0);
    }
    let (mut x, mut right) = (x, 11);
    while x >= 1 << 29 {
        x /= 4;
        right += 1;
    }
    // From 2^27 on, and below 2^29.
    let pairs = (x.leading_zeros() as i32 - 1) / 2 - 1;
    right -= pairs;
    let half = rounding_divide_by_pot((x << (2 * pairs)) >> 1, 1);
    let mut root = ONE;
    for _ in 0..5 {
        let square = rounding_doubling_high_mul(root, root);
        let cube = scaled(rounding_doubling_high_mul(square, root), 6);
        let next = rounding_doubling_high_mul(ONE + ONE / 2, root).wrapping_sub(rounding_doubling_high_mul(half, cube));
        root = scaled(next, 3);
    }
    let mantissa = rounding_doubling_high_mul(root, HALF_ROOT_OF_TWO);
    if right < 0 { (mantissa.wrapping_shl(right.unsigned_abs()), 0) } else { (mantissa, -right) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_and_reciprocals_are_close_to_the_real_ones() {
        let unit = 2_f64.powi(-31);
        // The series around -1/8 ends with the fourth power: at most (1/8)^5 / 5! is missing.
        let missing = 0.125_f64.powi(5) / 120.0;
        for a in (-(1_i64 << 31)..=0).step_by(9_999_991) {
            let real = (a as f64 * 2_f64.powi(-26)).exp();
            let error = (f64::from(exp(a as i32)) * unit - real).abs();
            assert!(error < missing, "exp of {a} is {error:e} off");
        }
        for x in (1 << 18..i32::MAX).step_by(7_777_777) {
            let (mantissa, right) = reciprocal(x);
            let found = f64::from(mantissa) * unit * 2_f64.powi(-right);
            let real = 2_f64.powi(19) / f64::from(x);
            assert!((found - real).abs() < real * 1e-8, "1 / {x} is {real}, not {found}");
        }
    }

    #[test]
    fn logarithms_are_close_to_the_real_ones() {
        for x in (1 << 19..i32::MAX).step_by(777_777) {
            let real = (f64::from(x) * 2_f64.powi(-19)).ln();
            let found = f64::from(log(x)) * 2_f64.powi(-26);
            assert!((found - real).abs() < 1e-5, "log of {x} is {real}, not {found}");
        }
    }

    #[test]
    fn inverse_roots_are_close_to_the_real_ones() {
        // The guess 1 is furthest from the root of 1/4, which 2 is brought to; five steps leave 1.3e-6 there.
        for x in (2..2000).chain((2000..i32::MAX).step_by(7_777_777)) {
            let (mantissa, left) = inverse_root(x);
            let found = f64::from(mantissa) * 2_f64.powi(left - 31);
            let real = 1.0 / f64::from(x).sqrt();
            assert!((found - real).abs() < real * 1.3e-6, "1 / sqrt({x}) is {real}, not {found}");
        }
    }
}
