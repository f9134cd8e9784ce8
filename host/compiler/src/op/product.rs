//! Products of two tensors, as the chip multiplies them.

use super::{Clamp, Linear, Op, Requantise, Weights};
use crate::reference;

/// Exact parameters with which the chip's post unit multiplies two tensors: `(a - za) * (b - zb)`, requantised.
#[derive(Debug, Clone, PartialEq)]
pub struct ChipProduct {
    a_zero_point: i32,
    b_zero_point: i32,
    y_zero_point: i32,
    clamp: Clamp,
    /// Of one channel.
    requantise: Requantise,
}

impl ChipProduct {
    /// The product that an operator is; `None` if it is another one, or if the chip would round any of its
    /// 65,536 pairs otherwise.
    #[must_use]
    pub fn of(op: &Op) -> Option<Self> {
        let (product, runtime) = match op {
            // The reference's own arithmetic.
            Op::Mul(mul) => {
                return Some(Self {
                    a_zero_point: mul.a_zero_point,
                    b_zero_point: mul.b_zero_point,
                    y_zero_point: mul.y_zero_point,
                    clamp: mul.clamp,
                    requantise: Requantise::A { multipliers: vec![mul.multiplier], shifts: vec![mul.shift] },
                });
            }
            Op::Product(product) => (
                Self {
                    a_zero_point: product.a.zero_point,
                    b_zero_point: product.b.zero_point,
                    y_zero_point: product.y.zero_point,
                    clamp: product.clamp,
                    requantise: Requantise::B { scales: vec![product.scale()] },
                },
                product,
            ),
            _ => return None,
        };
        let pairs = || (i8::MIN..=i8::MAX).flat_map(|a| (i8::MIN..=i8::MAX).map(move |b| (a, b)));
        let exact = product.requantise.on_chip()
            && pairs().all(|(a, b)| product.apply(a, b) == reference::product(runtime, a, b));
        exact.then_some(product)
    }

    /// What the chip makes of two values.
    #[must_use]
    pub fn apply(&self, a: i8, b: i8) -> i8 {
        let product = (i32::from(a) - self.a_zero_point) * (i32::from(b) - self.b_zero_point);
        self.clamp.apply(self.requantise.apply(0, product, self.y_zero_point))
    }

    /// The depthwise layer over a that it is, of so many channels: `(a - za) * -zb` in all taps but the last, whose
    /// weights are b.
    #[must_use]
    pub fn layer(&self, channels: usize) -> Linear {
        // 128 is no weight.
        let constant: &[i8] = match i8::try_from(-self.b_zero_point) {
            Ok(weight) => &[weight, 0],
            Err(_) => &[64, 64, 0],
        };
        let weights = Weights {
            data: constant.repeat(channels),
            shape: [channels, 1, constant.len(), 1],
            zero_points: vec![0; channels],
        };
        let requantise = match &self.requantise {
            Requantise::A { multipliers, shifts } => {
                Requantise::A { multipliers: vec![multipliers[0]; channels], shifts: vec![shifts[0]; channels] }
            }
            Requantise::B { scales } => Requantise::B { scales: vec![scales[0]; channels] },
        };
        Linear::unbiased(weights, channels, [self.a_zero_point, self.y_zero_point], requantise, self.clamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Quant;
    use crate::op::{Mul, Product};
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn mul(b_zero_point: i32) -> Op {
        let zeros = [-7, b_zero_point, 5];
        let clamp = Clamp { min: -100, max: 90 };
        let [a_zero_point, b_zero_point, y_zero_point] = zeros;
        Op::Mul(Mul { a_zero_point, b_zero_point, y_zero_point, multiplier: 1_500_000_000, shift: -7, clamp })
    }

    #[test]
    fn a_layer_whose_last_weights_are_b_is_the_product() {
        for b_zero_point in [-128, -127, 0, 3, 127] {
            let product = ChipProduct::of(&mul(b_zero_point)).unwrap();
            let layer = product.layer(3);
            let taps = layer.rows();
            for (a, b) in [(-128_i8, -128_i8), (-128, 127), (127, -128), (127, 127), (3, -9)] {
                let weights = &layer.weights.data[taps..2 * taps];
                let constant: i32 = weights[..taps - 1].iter().map(|&weight| i32::from(weight)).sum();
                let sum = (i32::from(a) - layer.gate) * (constant + i32::from(b));
                let value = layer.clamp.apply(layer.requantise.apply(1, sum, layer.y_zero_point));
                assert_eq!(value, product.apply(a, b), "{a} times {b}, whose zero is {b_zero_point}");
            }
        }
    }

    #[test]
    fn a_rounding_that_the_chip_has_not_is_refused() {
        let quant = |scale, zero_point| Quant { scale, zero_point };
        // Every second product ends in one half, which goes to the even sum with an odd zero point, not to the even product.
        let of = |y_zero_point| {
            let y = quant(2.0, y_zero_point);
            ChipProduct::of(&Op::Product(Product {
                a: quant(1.0, 0),
                b: quant(1.0, 0),
                y,
                offset: 0,
                clamp: Clamp::FULL,
            }))
        };
        assert!(of(0).is_some());
        assert!(of(1).is_none());
        let tiny = Requantise::B { scales: vec![1.0, f32::MIN_POSITIVE / 2.0] };
        assert!(!tiny.on_chip());
    }

    #[test]
    fn nearly_every_product_of_trained_scales_is_exact() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut quant = || Quant { scale: rng.random_range(1e-4..1e-1), zero_point: rng.random_range(-128..128) };
        let trial = |_: i32| {
            let (a, b, y) = (quant(), quant(), quant());
            ChipProduct::of(&Op::Product(Product { a, b, y, offset: 128, clamp: Clamp::FULL })).is_some()
        };
        let exact = (0..40).map(trial).filter(|&exact| exact).count();
        assert!(exact >= 36, "{exact} of 40");
    }
}
