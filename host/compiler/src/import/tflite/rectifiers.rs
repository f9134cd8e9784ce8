//! Rectifiers that let through what is negative too, scaled.
//!
//! On a picture they become what the chip has: the half above zero and the half below are depthwise layers of one tap, each clamped at
//! the output's zero, and their sum is exact, because one of the two is that zero.

use super::elementwise::factors;
use super::functions::{function, multiplier, rescale};
use super::importer::{Importer, Meaning, Node};
use super::pairs;
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::op::{Add, AddRule, Clamp, Linear, Op, Requantise, Weights};
use lacuna_spec::numerics::requantise_a;

/// What a value less its zero point is multiplied by: a factor a channel, then a Q31 mantissa with its left shift.
struct Slope {
    factors: Vec<i8>,
    multiplier: (i32, i32),
}

/// `LEAKY_RELU`: both halves by the integer rule.
pub fn leaky(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    let alpha: f32 = node.option(0, 0.0)?;
    let factor = x.scale * alpha / y.scale;
    let ratio = f64::from(x.scale / y.scale);
    if let Some(channels) = channels(importer, input)
        && factor > 0.0
    {
        let slopes = [ratio, f64::from(factor)]
            .map(|real| Ok(Slope { factors: vec![1; channels], multiplier: multiplier(node, real)? }));
        let [above, below] = slopes;
        return halves(importer, node, input, [x, y], [above?, below?]);
    }
    let (mantissa, shift) = if factor == 0.0 { (0, 0) } else { multiplier(node, f64::from(factor))? };
    let above = rescale(node, ratio, x, y, Clamp::FULL)?;
    let below = |q: i32| requantise_a(q - x.zero_point, mantissa, shift, y.zero_point);
    function(importer, node, input, |q| if q >= x.zero_point { above(q) } else { below(q) })
}

/// `PRELU`, of which only constant factors from 0 on are halves.
pub fn parametric(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let Some(alpha) = factors(importer, node)?.filter(|alpha| alpha.other == 0) else {
        return pairs::prelu(importer, node);
    };
    let factor =
        |value: &i8| i8::try_from(i32::from(*value) - alpha.quant.zero_point).ok().filter(|factor| *factor >= 0);
    let below: Option<Vec<i8>> = alpha.values.iter().map(factor).collect();
    let (Some(channels), Some(mut below)) = (channels(importer, input), below) else {
        return pairs::prelu(importer, node);
    };
    if below.len() == 1 {
        below = vec![below[0]; channels];
    }
    if below.len() != channels {
        return Err(
            node.misshapen(format!("has {} factors for {channels} channels: convert the model again", below.len()))
        );
    }
    let y = importer.declared(node.output(0)?)?.quant()?;
    let above = Slope { factors: vec![1; channels], multiplier: multiplier(node, f64::from(x.scale / y.scale))? };
    let real = f64::from(x.scale * alpha.quant.scale / y.scale);
    let below = Slope { factors: below, multiplier: multiplier(node, real)? };
    halves(importer, node, input, [x, y], [above, below])
}

/// Channels of a tensor that is one picture.
fn channels(importer: &Importer, input: TensorId) -> Option<usize> {
    let shape = importer.file_shape(input);
    (shape.len() == 4 && shape[0] == 1).then(|| shape[3])
}

/// Emits what lies above zero, what lies below, and their sum.
fn halves(
    importer: &mut Importer,
    node: &Node,
    input: TensorId,
    [x, y]: [Quant; 2],
    [above, below]: [Slope; 2],
) -> Result<(), Error> {
    let zero = y.zero_point as i8;
    let shape = importer.graph.tensor(input).shape.clone();
    let meaning = Meaning { quant: Some(y), ..Meaning::of(importer.graph.tensor(input)) };
    let mut half = |slope: Slope, clamp| {
        let channels = slope.factors.len();
        let (multiplier, shift) = slope.multiplier;
        let weights = Weights { data: slope.factors, shape: [channels, 1, 1, 1], zero_points: vec![0; channels] };
        let requantise = Requantise::A { multipliers: vec![multiplier; channels], shifts: vec![shift; channels] };
        let layer = Linear::unbiased(weights, channels, [x.zero_point, y.zero_point], requantise, clamp);
        importer.step(node, Op::Conv(Box::new(layer)), vec![input], shape.clone(), meaning)
    };
    let above = half(above, Clamp { min: zero, max: i8::MAX })?;
    let below = half(below, Clamp { min: i8::MIN, max: zero })?;
    let sum = Add { a: y, b: y, y, rule: AddRule::A, clamp: Clamp::FULL, chip: None };
    importer.emit(node, Op::Add(sum), vec![above, below], 0, shape)
}
