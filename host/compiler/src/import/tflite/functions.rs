//! Functions of one value, which become clamps or tables.

use super::importer::{Importer, Node};
use super::windows::{activation, step};
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::op::{Clamp, Op};
use crate::reference::{inverse_root, quantise_multiplier};
use lacuna_spec::numerics::{requantise_a, rounding_divide_by_pot};

/// A real factor as the runtime quantises it.
pub fn multiplier(node: &Node, real: f64) -> Result<(i32, i32), Error> {
    if !(real.is_finite() && real > 0.0 && real < 2_f64.powi(30)) {
        return Err(node.unsupported(format!("its scales give the factor {real}: quantise the model again")));
    }
    Ok(quantise_multiplier(real))
}

/// Emits a function of one int8 as a clamp where it is one, else as a table.
pub fn function(importer: &mut Importer, node: &Node, input: TensorId, of: impl Fn(i32) -> i32) -> Result<(), Error> {
    let table: Box<[i8; 256]> = Box::new(std::array::from_fn(|at| of(at as i32 - 128).clamp(-128, 127) as i8));
    let clamp = Clamp { min: table[0], max: table[255] };
    let clamps = clamp.min <= clamp.max && table.iter().zip(-128..).all(|(&to, from)| to == clamp.apply(from));
    let op = if clamps { Op::Clamp(clamp) } else { Op::Table(table) };
    let shape = importer.graph.tensor(input).shape.clone();
    importer.emit(node, op, vec![input], 0, shape)
}

/// The step from one quantisation to another by the runtime's integer rule, `ratio` being that of the scales as the runtime rounds it.
pub fn rescale(node: &Node, ratio: f64, x: Quant, y: Quant, clamp: Clamp) -> Result<impl Fn(i32) -> i32, Error> {
    let (multiplier, shift) = multiplier(node, ratio)?;
    // What the runtime shifts out of an int32 is undefined.
    if shift > i32::BITS as i32 - 1 - u8::BITS as i32 {
        return Err(node.unsupported(format!("its scales give the factor {ratio}: quantise the model again")));
    }
    Ok(move |q: i32| i32::from(clamp.apply(requantise_a(q - x.zero_point, multiplier, shift, y.zero_point))))
}

/// `RELU`, `RELU_N1_TO_1`, `RELU6`.
pub fn relu(importer: &mut Importer, node: &Node, which: i8) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let of = rescale(node, f64::from(x.scale / y.scale), x, y, activation(node, which, y)?)?;
    function(importer, node, input, of)
}

/// `RELU_0_TO_1`.
pub fn relu_0_to_1(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let clamp = Clamp { min: step(0.0, y), max: step(1.0, y) };
    let of = rescale(node, f64::from(x.scale / y.scale), x, y, clamp)?;
    function(importer, node, input, of)
}

/// What the runtime looks up: each entry computed in `f32`.
fn looked_up(importer: &mut Importer, node: &Node, real: impl Fn(f32) -> f32) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let inverse = 1.0 / y.scale;
    let steps = |q: i32| (real(x.scale * (q - x.zero_point) as f32) * inverse).round();
    // Beyond, what the runtime's conversion gives depends on the processor.
    if !(-128..=127).map(steps).all(|steps| steps.abs() < 2_f32.powi(30)) {
        return Err(node.unsupported("its results leave the runtime's integers: quantise the model again"));
    }
    function(importer, node, input, |q| (steps(q) as i32).saturating_add(y.zero_point))
}

/// `LOGISTIC`.
pub fn logistic(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    looked_up(importer, node, |real| 1.0 / (1.0 + (-real).exp()))
}

/// `TANH`.
pub fn tanh(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    looked_up(importer, node, f32::tanh)
}

/// `EXP`.
pub fn exp(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, _) = importer.quantised(node, 0)?;
    signed(importer, node, input)?;
    looked_up(importer, node, f32::exp)
}

/// `GELU`, by the error function or by a hyperbolic tangent.
pub fn gelu(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
    if node.option(0, false)? {
        let inner = |x: f32| FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (x + 0.044_715 * x * x * x);
        return looked_up(importer, node, |x| 0.5 * x * (1.0 + inner(x).tanh()));
    }
    looked_up(importer, node, |x| 0.5 * x * libm::erfcf(x * -FRAC_1_SQRT_2))
}

/// Refuses uint8, for which the runtime has no such kernel.
pub fn signed(importer: &Importer, node: &Node, input: TensorId) -> Result<(), Error> {
    if importer.graph.tensor(input).unsigned || importer.declared(node.output(0)?)?.unsigned() {
        return Err(
            node.unsupported("its values are uint8, which the runtime does not take: quantise the model to int8")
        );
    }
    Ok(())
}

/// `RSQRT` of values none of which can be negative, at which the runtime stops.
pub fn rsqrt(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    /// Fractional bits between the root and the scale.
    const FRACTION: i32 = 20;
    let (input, x) = importer.quantised(node, 0)?;
    signed(importer, node, input)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    if x.zero_point != -128 {
        return Err(node.unsupported("its input may be negative: quantise it from 0, with the zero point -128"));
    }
    let factor = (1.0 / f64::from(x.scale.sqrt() * y.scale)) as f32;
    let (mantissa, shift) = multiplier(node, f64::from(factor))?;
    if !(-31..=10).contains(&(shift - FRACTION)) {
        return Err(node.unsupported(format!("its scales give the factor {factor}: quantise the model again")));
    }
    function(importer, node, input, |q| {
        if q == x.zero_point {
            return 127;
        }
        let (root, left) = inverse_root(q - x.zero_point);
        requantise_a(requantise_a(1, root, left + FRACTION, 0), mantissa, shift - FRACTION, y.zero_point)
    })
}

/// `ABS`.
pub fn abs(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let (mantissa, shift) = multiplier(node, f64::from(x.scale / y.scale))?;
    let of = |q: i32| {
        let distance = (q - x.zero_point).abs();
        // The runtime spares the multiplication between equal scales, and with it the roundings.
        let same = x.scale.to_bits() == y.scale.to_bits();
        if same { distance + y.zero_point } else { requantise_a(distance, mantissa, shift, y.zero_point) }
    };
    function(importer, node, input, of)
}

/// `HARD_SWISH`: `x * min(max(x + 3, 0), 6) / 6` in 16-bit fixed point.
pub fn hard_swish(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let fine = x.scale * (1.0 / 128.0);
    let output = multiplier(node, f64::from(fine / y.scale))?;
    let gate = multiplier(node, f64::from(fine / (3.0 / 32768.0)))?;
    if output.1 > 0 {
        return Err(node.unsupported("its output's scale is less than 1/128 of its input's: quantise the model again"));
    }
    function(importer, node, input, |q| hard_swish_of(q - x.zero_point, output, gate).saturating_add(y.zero_point))
}

/// The function of a value less its zero point; mantissas are Q31.
fn hard_swish_of(q: i32, output: (i32, i32), gate: (i32, i32)) -> i32 {
    let fine = q << 7;
    let value = high_half_rounded(fine, halved(output.0));
    let exponent = gate.1;
    let mut open = if exponent > 0 { saturated_left(fine, exponent - 1) } else { fine };
    open = high_half_rounded(open, halved(gate.0));
    if exponent > 0 {
        open = saturated_left(open, 1);
    } else {
        open = rounding_divide_by_pot(open, exponent.unsigned_abs());
    }
    let open = (open + (1 << 15)) >> 1;
    // Towards zero here, which takes the roundings before it back.
    let product = (open * value / (1 << 15)).min(i32::from(i16::MAX));
    rounding_divide_by_pot(product, output.1.unsigned_abs())
}

/// The upper 16 bits of a Q31 mantissa, rounded.
fn halved(mantissa: i32) -> i32 {
    if mantissa >= i32::MAX - (1 << 15) { i32::from(i16::MAX) } else { (mantissa + (1 << 15)) >> 16 }
}

/// `SaturatingRoundingDoublingHighMul` of gemmlowp on 16 bits.
fn high_half_rounded(a: i32, b: i32) -> i32 {
    let product = a * b;
    let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    ((product + nudge) / (1 << 15)).min(i32::from(i16::MAX))
}

fn saturated_left(value: i32, amount: i32) -> i32 {
    let shifted = i64::from(value) << amount.min(31);
    shifted.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_swish_is_close_to_the_real_function() {
        let (scale_x, scale_y) = (0.05_f64, 0.04);
        let output = quantise_multiplier(scale_x / 128.0 / scale_y);
        let gate = quantise_multiplier(scale_x / 128.0 * 32768.0 / 3.0);
        for q in -128..=127 {
            let real = f64::from(q) * scale_x;
            let wanted = real * (real + 3.0).clamp(0.0, 6.0) / 6.0 / scale_y;
            let found = f64::from(hard_swish_of(q, output, gate));
            assert!((found - wanted).abs() < 1.0, "{real}: {found}, not {wanted}");
        }
    }
}
