//! The arithmetic that every side is exact to.
//!
//! Rule A is TFLite's reference requantisation (`MultiplyByQuantizedMultiplier` of
//! `tensorflow/lite/kernels/internal/common.h`, double rounding); rule B is ONNX Runtime's
//! (`MlasRequantizeOutput`: one f32 product, rounded to even).

/// `SaturatingRoundingDoublingHighMul` of gemmlowp: the high half of `2 * a * b`, rounded.
#[must_use]
pub fn rounding_doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1i64 << 30 } else { 1 - (1i64 << 30) };
    ((product + nudge) / (1i64 << 31)) as i32
}

/// `RoundingDivideByPOT` of gemmlowp: division by `2^exponent`, halves away from zero.
#[must_use]
pub fn rounding_divide_by_pot(x: i32, exponent: u32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = x & mask;
    let threshold = (mask >> 1) + i32::from(x < 0);
    (x >> exponent) + i32::from(remainder > threshold)
}

/// Rule A: `acc * multiplier * 2^(shift - 31)` with TFLite's double rounding, plus the zero point.
///
/// `multiplier` is 0 or at least `2^30`, `shift` is -31 to 30; positive shifts left before the
/// multiplication. Where that leaves an int32, which TFLite leaves undefined, it saturates, so that
/// the result does. The sum with the zero point saturates too.
#[must_use]
pub fn requantise_a(acc: i32, multiplier: i32, shift: i32, zero: i32) -> i32 {
    let left = shift.max(0) as u32;
    let right = (-shift).max(0) as u32;
    let shifted = (i64::from(acc) << left).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    rounding_divide_by_pot(rounding_doubling_high_mul(shifted, multiplier), right).saturating_add(zero)
}

/// Rule B: `rint(f32(acc) * scale) + zero`, ties to even, saturated to 16 bits either way so that
/// no clamp to int8 can see the difference.
#[must_use]
pub fn requantise_b(acc: i32, scale: f32, zero: i32) -> i32 {
    let scaled = (acc as f32 * scale).clamp(-32768.0, 32767.0);
    scaled.round_ties_even() as i32 + zero
}

/// Residual add: `round((a * ma + b * mb + bias) / 2^shift)`, halves to even or away from zero.
///
/// The chip takes multipliers from 0 to `i32::MAX`, shifts from 17 to 40, and sums inside 48 bits.
#[must_use]
pub fn linear(a: i8, b: i8, ma: i32, mb: i32, bias: i64, shift: u32, half_even: bool) -> i64 {
    let sum = i64::from(a) * i64::from(ma) + i64::from(b) * i64::from(mb) + bias;
    if shift == 0 {
        return sum;
    }
    let floor = sum >> shift;
    let rest = sum & ((1i64 << shift) - 1);
    let half = 1i64 << (shift - 1);
    let up = if half_even {
        rest > half || (rest == half && floor & 1 == 1)
    } else {
        rest > half || (rest == half && sum >= 0)
    };
    floor + i64::from(up)
}

/// Clamps to `lo..=hi`, which lie inside int8.
#[must_use]
pub fn clamp(value: i64, lo: i8, hi: i8) -> i8 {
    value.clamp(i64::from(lo), i64::from(hi)) as i8
}

/// Clamps an int32 to `lo..=hi`, which lie inside int8.
#[must_use]
pub fn clamp_i8(value: i32, lo: i8, hi: i8) -> i8 {
    value.clamp(i32::from(lo), i32::from(hi)) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_a_rounds_twice() {
        // 0.5 * 2^-1 of 1: the first rounding gives 1, the second 1/2 -> 1; single rounding gives 0.
        assert_eq!(requantise_a(1, 1 << 30, -1, 0), 1);
        assert_eq!(requantise_a(-1, 1 << 30, -1, 0), 0);
        assert_eq!(requantise_a(1000, 1 << 30, 0, -3), 497);
    }

    #[test]
    fn rule_a_saturates_where_shifting_left_overflows() {
        assert_eq!(requantise_a(1, 1 << 30, 30, 0), 1 << 29);
        assert_eq!(requantise_a(1 << 20, 1 << 30, 20, 0), 1 << 30);
        assert_eq!(requantise_a(-(1 << 20), 1 << 30, 20, 5), -(1 << 30) + 5);
    }

    #[test]
    fn rule_b_ties_go_to_even() {
        assert_eq!(requantise_b(1, 0.5, 0), 0);
        assert_eq!(requantise_b(3, 0.5, 0), 2);
        assert_eq!(requantise_b(-3, 0.5, 7), 5);
    }

    #[test]
    fn linear_rounds_both_ways() {
        assert_eq!(linear(1, 0, 1, 0, 0, 1, true), 0);
        assert_eq!(linear(1, 0, 1, 0, 0, 1, false), 1);
        assert_eq!(linear(-1, 0, 1, 0, 0, 1, false), -1);
        assert_eq!(linear(-3, 0, 1, 0, 0, 1, true), -2);
    }
}
