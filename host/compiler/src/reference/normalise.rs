//! TensorFlow Lite's 8-bit normalisation, in fixed point.

use lacuna_spec::numerics::requantise_a;

use super::fixed::inverse_root;
use super::movement::over_channels;
use crate::op::L2Normalise;

/// Divides the channels of each position by the root of their squares.
pub fn l2(op: L2Normalise, x: &[i8], shape: &[usize]) -> Vec<i8> {
    /// An output step is 2^-7.
    const FRACTION: i32 = 7;
    let centred = |q: i8| i32::from(q) - op.x_zero_point;
    let row = |row: &[i8]| {
        let squares = row.iter().fold(0_i32, |sum, &q| sum.wrapping_add(centred(q) * centred(q)));
        let (mantissa, shift) = inverse_root(squares);
        let of = |&q: &i8| {
            let (value, left) = if op.unsigned { (centred(q) << FRACTION, 0) } else { (centred(q), FRACTION) };
            requantise_a(value, mantissa, shift + left, 0).clamp(-128, 127) as i8
        };
        row.iter().map(of).collect::<Vec<_>>()
    };
    over_channels(x, shape, row)
}
