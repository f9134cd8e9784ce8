//! `UNIDIRECTIONAL_SEQUENCE_LSTM` of int8 with a cell of 16 bits.

use std::sync::Arc;

use super::functions::{multiplier, signed};
use super::importer::{Importer, Meaning, Node};
use super::layers::{bias, matrix};
use super::schema::kind;
use super::states::{held, hold};
use crate::error::Error;
use crate::graph::Quant;
use crate::op::{Gate, Lstm, Op, Recurrent, Rows, Slice};

/// Where operands stand, by gate (input, forget, cell, output) where there are four.
mod at {
    pub const INPUT_WEIGHTS: usize = 1;
    pub const HIDDEN_WEIGHTS: usize = 5;
    pub const PEEPHOLES: std::ops::Range<usize> = 9..12;
    pub const BIASES: usize = 12;
    pub const PROJECTION: std::ops::Range<usize> = 16..18;
    pub const HIDDEN: usize = 18;
    pub const CELL: usize = 19;
    pub const NORMS: std::ops::Range<usize> = 20..24;
    /// Among the intermediates: what the output is before a projection.
    pub const SHOWN: usize = 4;
}

/// Scales and sizes that all gates share.
struct Common {
    /// The input's and the output state's meaning.
    x: Quant,
    hidden: Quant,
    features: usize,
    units: usize,
}

/// The operator, as converters write it for a full-integer network.
pub fn sequence(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    refuse(node)?;
    let (x, qx) = importer.quantised(node, 0)?;
    signed(importer, node, x)?;
    importer.declared(node.output(0)?)?.quant()?;
    let time_major = node.option(3, false)?;
    let file = importer.file_shape(x);
    let (batch, steps, features) = match *file.as_slice() {
        [steps, batch, features] if time_major => (batch, steps, features),
        [batch, steps, features] => (batch, steps, features),
        _ => return Err(node.misshapen(format!("reads shape {file:?}: a sequence has three dimensions"))),
    };
    if batch != 1 {
        return Err(node.unsupported(format!("it runs {batch} sequences at a time: convert the model for one")));
    }
    let (hidden_index, cell_index) = (node.input(at::HIDDEN)?, node.input(at::CELL)?);
    let (hidden, cell) = (importer.declared(hidden_index)?, importer.declared(cell_index)?);
    let units = matrix(importer, node, at::HIDDEN_WEIGHTS + 3, kind::INT8)?.1[0];
    if [&hidden.shape, &cell.shape].iter().any(|shape| shape.as_slice() != [1, units]) {
        let shapes = [hidden.shape, cell.shape];
        return Err(node.misshapen(format!("keeps shapes {shapes:?}: [1, {units}] is needed")));
    }
    let common = Common { x: qx, hidden: hidden.quant()?, features, units };
    // Four gates, and the answer and the cell are computed apart.
    let products = (steps as u64).saturating_mul(units as u64).saturating_mul((features + units) as u64);
    importer.charge(products.saturating_mul(4 * 2))?;
    let layer = Arc::new(layer(importer, node, &common, cell.symmetric()?)?);
    let (hidden_variable, hidden) = held(importer, hidden_index, kind::INT8)?;
    let (cell_variable, cell) = held(importer, cell_index, kind::INT16)?;
    let inputs = vec![x, hidden, cell];
    let mut shape = importer.graph.tensor(x).shape.clone();
    shape[1] = units;
    let op = Op::Recurrent(Recurrent::Cell(layer.clone()));
    let left = importer.step(node, op, inputs.clone(), vec![1, units], Meaning::KEPT)?;
    importer.emit(node, Op::Recurrent(Recurrent::Sequence(layer)), inputs, 0, shape)?;
    let answer = importer.tensor_of(node.output(0)?, &node.title)?;
    let rows = importer.view(node, answer, &[steps, units])?;
    let last = Op::Slice(Slice { start: vec![steps - 1, 0], step: vec![1, 1], size: vec![1, units] });
    let meaning = Meaning::of(importer.graph.tensor(hidden));
    let last = importer.step(node, last, vec![rows], vec![1, units], meaning)?;
    hold(importer, hidden_variable, last);
    hold(importer, cell_variable, left);
    Ok(())
}

/// Refuses variants by name.
fn refuse(node: &Node) -> Result<(), Error> {
    const TANH: i8 = 4;
    if !matches!(node.inputs.len(), 20 | 24) {
        return Err(node.misshapen(format!("has {} operands: 20 or 24 are needed", node.inputs.len())));
    }
    let present =
        |mut places: std::ops::Range<usize>| places.any(|at| node.inputs.get(at).is_some_and(Option::is_some));
    let clips: [f32; 2] = [node.option(1, 0.0)?, node.option(2, 0.0)?];
    let reason = if present(at::PEEPHOLES) {
        "it has peepholes: train it without"
    } else if present(at::PROJECTION) {
        "it has a projection: make it a dense layer behind"
    } else if present(at::NORMS) {
        "it normalises its gates: train it without"
    } else if node.option(0, 0_i8)? != TANH {
        "its activation is not TANH, which the runtime computes whatever the file says"
    } else if clips.iter().any(|clip| !(clip.is_finite() && *clip >= 0.0)) {
        "it clips at no number from 0 on"
    } else if node.option(5, false)? {
        "its recurrent weights are a diagonal: write them as a matrix"
    } else {
        return Ok(());
    };
    Err(node.unsupported(reason))
}

fn layer(importer: &mut Importer, node: &Node, common: &Common, cell_scale: f32) -> Result<Lstm, Error> {
    /// Integer bits of a 16-bit cell for which the runtime has a hyperbolic tangent.
    const CELL_BITS: std::ops::RangeInclusive<u32> = 0..=6;
    let bits = CELL_BITS.into_iter().find(|&bits| cell_scale.to_bits() == 2_f32.powi(bits as i32 - 15).to_bits());
    let cell_bits = bits.ok_or_else(|| {
        node.unsupported(format!("its cell has scale {cell_scale}, which is no power of two from 2^-15 to 2^-9"))
    })?;
    let shown = node.intermediates.get(at::SHOWN).copied().flatten();
    let missing = || Error::MissingOperand { node: node.title.clone(), what: format!("intermediate {}", at::SHOWN) };
    let shown = importer.declared(shown.ok_or_else(missing)?)?.quant()?;
    // As the runtime has it: single precision, and a quotient cut to 16 bits.
    let clip: f32 = node.option(1, 0.0)?;
    let clip = (clip / cell_scale).min(32767.0) as i16;
    let factor = multiplier(node, f64::from((2_f64.powi(-15) / f64::from(shown.scale) * 2_f64.powi(-15)) as f32))?;
    let parts = [at::INPUT_WEIGHTS, at::HIDDEN_WEIGHTS, at::BIASES].map(|at| node.inputs[at].is_some());
    if parts != [parts[0]; 3] {
        return Err(node.misshapen("has a part of an input gate: two matrices and a bias are needed, or none"));
    }
    Ok(Lstm {
        input: if parts[0] { Some(gate(importer, node, common, 0)?) } else { None },
        forget: gate(importer, node, common, 1)?,
        cell: gate(importer, node, common, 2)?,
        output: gate(importer, node, common, 3)?,
        cell_bits,
        clip,
        factor,
        zero_point: shown.zero_point,
    })
}

fn gate(importer: &mut Importer, node: &Node, common: &Common, which: usize) -> Result<Gate, Error> {
    let bias = bias(importer, node, at::BIASES + which)?;
    let missing = || Error::MissingOperand { node: node.title.clone(), what: format!("input {}", at::BIASES + which) };
    let (bias, none) = (bias.ok_or_else(missing)?, vec![0; common.units]);
    if bias.len() != common.units {
        return Err(node.misshapen(format!("has {} biases for {} units", bias.len(), common.units)));
    }
    let input = rows(importer, node, at::INPUT_WEIGHTS + which, bias, common.features, common.x)?;
    let hidden = rows(importer, node, at::HIDDEN_WEIGHTS + which, none, common.units, common.hidden)?;
    Ok(Gate { input, hidden })
}

/// One matrix of a gate, of a row for each bias.
fn rows(
    importer: &mut Importer,
    node: &Node,
    at: usize,
    bias: Vec<i32>,
    columns: usize,
    vector: Quant,
) -> Result<Rows, Error> {
    let (declared, shape) = matrix(importer, node, at, kind::INT8)?;
    if shape != [bias.len(), columns] {
        return Err(node.misshapen(format!("has weights of shape {shape:?}: {:?} is needed", [bias.len(), columns])));
    }
    let factor = multiplier(node, f64::from(declared.symmetric()? * vector.scale / 2_f32.powi(-12)))?;
    let weights = declared.bytes()?;
    // Sums wrap as the kernel's do.
    let start = |(bias, row): (i32, &[i8])| {
        let sum: i32 = row.iter().map(|&w| i32::from(w)).sum();
        bias.wrapping_sub(sum.wrapping_mul(vector.zero_point))
    };
    let bias = bias.into_iter().zip(weights.chunks(columns)).map(start).collect();
    Ok(Rows { weights, bias, factor })
}
