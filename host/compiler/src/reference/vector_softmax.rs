//! ONNX Runtime's softmax of real values, and its logarithm, bit for bit as on processors with AVX-512. The runtime takes eight
//! lanes instead of sixteen where there are no more, which gives rows of more than sixteen values other last digits, and exponentials
//! below the normal numbers others.

/// Values that are added up side by side.
const LANES: usize = 16;

/// Softmax over rows of `length`.
pub fn softmax(x: &[f32], length: usize) -> Vec<f32> {
    over_rows(x, length, |row| {
        let (_, powers) = powers(row);
        let inverse = 1.0 / sum(&powers);
        powers.into_iter().map(|power| power * inverse).collect()
    })
}

/// The logarithm of the softmax over rows of `length`.
pub fn log_softmax(x: &[f32], length: usize) -> Vec<f32> {
    over_rows(x, length, |row| {
        let (max, powers) = powers(row);
        let log = sum(&powers).ln();
        row.iter().map(|value| value - max - log).collect()
    })
}

fn over_rows(x: &[f32], length: usize, of: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    x.chunks(length.max(1)).flat_map(of).collect()
}

/// The largest value, and the exponential of each less that.
fn powers(row: &[f32]) -> (f32, Vec<f32>) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (max, row.iter().map(|value| exponential(value - max)).collect())
}

/// The sum of the lanes: of both halves, then of neighbours.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for group in values.chunks(LANES) {
        for (lane, value) in lanes.iter_mut().zip(group) {
            *lane += value;
        }
    }
    let mut sums: Vec<f32> = (0..LANES / 2).map(|lane| lanes[lane] + lanes[lane + LANES / 2]).collect();
    while sums.len() > 1 {
        sums = sums.chunks(2).map(|pair| pair[0] + pair[1]).collect();
    }
    sums[0]
}

/// The exponential of what is not above 0: 2^m exp(r), where exp(r) is a polynomial, by fused operations (MLAS,
/// `MlasComputeSumExpF32Kernel`).
fn exponential(x: f32) -> f32 {
    /// Nothing is left of smaller ones.
    const LEAST: f32 = -103.972_084;
    /// Beside it a number has no fraction: 1.5 * 2^23.
    const WHOLE: f32 = 12_582_912.0;
    /// ln 2 in two parts.
    const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
    /// Coefficients of r^6 down to 1: bits of these floats.
    const TERMS: [u32; 7] = [0x3ab4_a000, 0x3c09_2f6e, 0x3d2a_adad, 0x3e2a_aa28, 0x3eff_fffb, 0x3f80_0000, 0x3f80_0000];
    // What is no number stays so.
    let x = if x < LEAST { LEAST } else { x };
    let m = x.mul_add(std::f32::consts::LOG2_E, WHOLE) - WHOLE;
    let r = m.mul_add(-LN_2[1], m.mul_add(-LN_2[0], x));
    let power = TERMS.into_iter().map(f32::from_bits).reduce(|sum, term| sum.mul_add(r, term)).unwrap_or(1.0);
    // In double precision, so that a result below the normal numbers is rounded once.
    (f64::from(power) * f64::from(m).exp2()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of a row, and of ONNX Runtime 1.32's softmax and its logarithm: a short one, one whose powers are hardly numbers, and one of
    /// more than sixteen values.
    const ROWS: [(&[u32], &[u32], &[u32]); 3] = [
        (
            &[0x3b21_3d19, 0x3f18_f52d, 0xbf0c_5bcc],
            &[0x3e97_0cbb, 0x3f08_eee2, 0x3e2e_2b02],
            &[0xbf9c_4068, 0xbf20_2ce0, 0xbfe2_beec],
        ),
        (
            &[0xc20e_7ea4, 0xc191_7ea1, 0xc21e_a9d8, 0x4019_f7b6, 0x4256_6f37],
            &[0x0013_39fd, 0x0bab_61da, 0x0000_566d, 0x1a8c_0ed4, 0x3f80_0000],
            &[0xc2b2_76ee, 0xc28f_9744, 0xc2ba_8c88, 0xc24c_cfbc, 0x0000_0000],
        ),
        (
            &[
                0xbfbd_01df,
                0xbfee_432a,
                0x3fbc_196f,
                0x3f89_0b6c,
                0x3ea1_ea92,
                0xc032_a65e,
                0xbdb3_b923,
                0x4005_7f8b,
                0xc081_0b6b,
                0xbfaf_b976,
                0xc0b6_8473,
                0xc077_975c,
                0xc0b0_ce7b,
                0xbf34_8ccc,
                0xc073_5988,
                0x3f50_54be,
                0x3ef0_c509,
                0xbf0f_901f,
                0xc0f1_9be3,
            ],
            &[
                0x3c20_a860,
                0x3bda_ae90,
                0x3e3f_1b5e,
                0x3e00_3f8e,
                0x3d71_40a2,
                0x3b2c_912b,
                0x3d21_1232,
                0x3eb0_fc5b,
                0x3a47_815b,
                0x3c32_39ab,
                0x3916_1243,
                0x3a6b_112b,
                0x3933_645f,
                0x3cad_b9aa,
                0x3a7b_2c74,
                0x3dc6_6477,
                0x3d8c_b5fc,
                0x3cc8_ba9d,
                0x37bd_6a49,
            ],
            &[
                0xc093_fe3c,
                0xc0a0_4e8f,
                0xbfd6_dda3,
                0xc004_f5d3,
                0xc035_3e37,
                0xc0be_10f3,
                0xc04f_1952,
                0xbf87_f7fc,
                0xc0e5_c92f,
                0xc090_ac22,
                0xc10d_a11c,
                0xc0e0_8973,
                0xc10a_c620,
                0xc076_9ebc,
                0xc0de_6a89,
                0xc015_665a,
                0xc02b_62e8,
                0xc06d_5f91,
                0xc12b_2cd4,
            ],
        ),
    ];

    #[test]
    fn rows_come_out_as_the_runtime_has_them() {
        for (row, powers, logarithms) in ROWS {
            let x: Vec<f32> = row.iter().copied().map(f32::from_bits).collect();
            // Two rows, each by itself.
            let twice = [x.clone(), x.clone()].concat();
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
            assert_eq!(bits(softmax(&twice, x.len())), [powers, powers].concat());
            assert_eq!(bits(log_softmax(&twice, x.len())), [logarithms, logarithms].concat());
        }
    }

    #[test]
    fn what_is_no_number_takes_its_row_along() {
        for bad in [f32::NAN, f32::INFINITY] {
            let both = softmax(&[1.0, bad, 2.0, 0.0, 0.0, 0.0], 3);
            assert!(
                both[..3].iter().all(|value| value.is_nan()) && both[3..].iter().all(|value| *value > 0.3),
                "{both:?}"
            );
        }
    }
}
