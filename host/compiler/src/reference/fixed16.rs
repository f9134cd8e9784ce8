//! gemmlowp's logistic function and hyperbolic tangent of 16-bit numbers, of which TensorFlow Lite's integer LSTM is made.
//!
//! A number with `n` integer bits is an int16 in units of `2^(n - 15)`. The functions are those of `fixedpoint.h` for `std::int16_t`; sums
//! wrap and shifts to the left saturate as there.

use lacuna_spec::numerics::rounding_divide_by_pot;

use super::fixed::{EXP_OF_MINUS_EIGHTH, POWERS, RECIPROCAL_LINE, THIRD};

/// 1 without integer bits, as near as it goes.
const ONE: i16 = i16::MAX;
/// 1 with 2 integer bits.
const TWO_BIT_ONE: i16 = 1 << 13;

/// A constant that gemmlowp gives with 32 bits.
fn constant(wide: i32) -> i16 {
    saturated(rounding_divide_by_pot(wide, 16))
}

/// The nearest number of 16 bits.
pub fn saturated(x: i32) -> i16 {
    x.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// `SaturatingRoundingDoublingHighMul`: the high half of `2 * a * b`, rounded.
fn times(a: i16, b: i16) -> i16 {
    let product = i32::from(a) * i32::from(b);
    let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    saturated((product + nudge) / (1 << 15))
}

/// `x * 2^exponent`, saturating to the left, rounding to the right.
fn scaled(x: i16, exponent: i32) -> i16 {
    if exponent < 0 {
        return rounding_divide_by_pot(i32::from(x), exponent.unsigned_abs()) as i16;
    }
    saturated(i32::from(x) << exponent)
}

/// `exp(a)` for `a` in `[-1/4, 0)` without integer bits: a Taylor series around -1/8.
fn exp_small(a: i16) -> i16 {
    let (middle, third) = (constant(EXP_OF_MINUS_EIGHTH), constant(THIRD));
    let x = a.wrapping_add(1 << 12);
    let x2 = times(x, x);
    let x3 = times(x2, x);
    let x4 = times(x2, x2);
    let high = times(scaled(x4, -2).wrapping_add(x3), third);
    let series = x.wrapping_add(scaled(high.wrapping_add(x2), -1));
    middle.saturating_add(times(middle, series))
}

/// `exp(a)` without integer bits, for `a` of at most 0 with `bits` integer bits, 0 to 7.
fn exp(a: i16, bits: i32) -> i16 {
    if a == 0 {
        return ONE;
    }
    // Below -32 nothing is left.
    if bits > 5 && i32::from(a) < -(1 << (20 - bits)) {
        return 0;
    }
    let quarter = 1 << (13 - bits);
    let rest = (a & (quarter - 1)) - quarter;
    let mut result = exp_small(scaled(rest, bits));
    let whole = rest.wrapping_sub(a);
    for (power, k) in POWERS.into_iter().zip(-2..bits) {
        if whole >> (15 - bits + k) & 1 == 1 {
            result = times(result, constant(power));
        }
    }
    result
}

/// `2 / (1 + a)` with 2 integer bits, for `a` in `[0, 1]` without integer bits: three Newton steps.
fn two_over_one_plus(a: i16) -> i16 {
    let half = ((i32::from(a) + i32::from(ONE) + 1) / 2) as i16;
    let mut x = constant(RECIPROCAL_LINE[0]).wrapping_add(times(half, constant(RECIPROCAL_LINE[1])));
    for _ in 0..3 {
        let rest = TWO_BIT_ONE.wrapping_sub(times(half, x));
        x = x.wrapping_add(scaled(times(x, rest), 2));
    }
    x
}

/// `1 / (1 + exp(-a))` without integer bits, for `a` with 3 integer bits.
#[must_use]
pub fn logistic(a: i16) -> i16 {
    if a == 0 {
        return constant(1 << 30);
    }
    let below = if a > 0 { -a } else { a };
    let positive = scaled(two_over_one_plus(exp(below, 3)), 1);
    if a > 0 { positive } else { ONE - positive }
}

/// The hyperbolic tangent, without integer bits, of a number with `bits` integer bits, 0 to 6.
#[must_use]
pub fn tanh(a: i16, bits: u32) -> i16 {
    if a == 0 {
        return 0;
    }
    let below = if a > 0 { -a } else { a };
    // Twice a number is the same one with one integer bit more.
    let positive = scaled(two_over_one_plus(exp(below, bits as i32 + 1)).wrapping_sub(TWO_BIT_ONE), 2);
    if a > 0 { positive } else { positive.wrapping_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_functions_are_close_to_the_real_ones_everywhere() {
        let unit = 2_f64.powi(-15);
        for a in i16::MIN..=i16::MAX {
            let real = f64::from(a) * 2_f64.powi(-12);
            let error = f64::from(logistic(a)) * unit - 1.0 / (1.0 + (-real).exp());
            assert!(error.abs() < 1e-3, "logistic of {a} is {error:e} off");
            for bits in 0..=6 {
                let real = f64::from(a) * 2_f64.powi(bits - 15);
                let error = f64::from(tanh(a, bits as u32)) * unit - real.tanh();
                assert!(error.abs() < 1e-3, "tanh of {a} with {bits} integer bits is {error:e} off");
            }
        }
    }
}
