//! `SVDF`.

use super::functions::{multiplier, signed};
use super::importer::{Importer, Meaning, Node};
use super::layers::{bias, matrix};
use super::schema::kind;
use super::states::{held, hold};
use crate::error::Error;
use crate::op::{Op, Recall, Recurrent, Remember};

/// `SVDF` of int8 whose state has 16 bits: filters over the features of a frame, then each over its last values.
pub fn svdf(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    const RELU: i8 = 1;
    let (x, qx) = importer.quantised(node, 0)?;
    signed(importer, node, x)?;
    let y = importer.declared(node.output(0)?)?;
    let qy = y.quant()?;
    let (features, [filters, inputs]) = matrix(importer, node, 1, kind::INT8)?;
    let (time, [rows, memory]) = matrix(importer, node, 2, kind::INT16)?;
    let state_index = node.input(4)?;
    let state = importer.declared(state_index)?;
    let shapes = [importer.file_shape(x), state.shape.clone()];
    let rank = usize::try_from(node.option(0, 0_i32)?).unwrap_or(0);
    let fits = rows == filters && shapes == [vec![1, inputs], vec![1, filters.saturating_mul(memory)]];
    if !fits || rank == 0 || !filters.is_multiple_of(rank) {
        return Err(node.misshapen(format!(
            "has input and state {shapes:?} for {filters} filters of {inputs} inputs and {rows} of {memory} values, rank {rank}: \
             the input must be [1, inputs], the state [1, filters * values]"
        )));
    }
    if node.option(1, 0_i8)? != RELU {
        return Err(node.unsupported("its activation is not RELU, which alone the runtime takes (and does not apply)"));
    }
    let units = filters / rank;
    let bias = bias(importer, node, 3)?.unwrap_or_else(|| vec![0; units]);
    if bias.len() != units {
        return Err(node.misshapen(format!("has {} biases for {units} units", bias.len())));
    }
    let scale = state.symmetric()?;
    let remember = Remember {
        weights: features.bytes()?,
        zero_point: qx.zero_point,
        factor: multiplier(node, f64::from(qx.scale * features.symmetric()? / scale))?,
        memory,
    };
    let recall = Recall {
        weights: time.shorts()?,
        bias,
        factor: multiplier(node, f64::from(scale * time.symmetric()? / qy.scale))?,
        zero_point: qy.zero_point,
    };
    importer.charge((filters as u64).saturating_mul(inputs as u64 + memory as u64))?;
    let (variable, kept) = held(importer, state_index, kind::INT16)?;
    let op = Op::Recurrent(Recurrent::Remember(Box::new(remember)));
    let kept = importer.step(node, op, vec![x, kept], shapes[1].clone(), Meaning::KEPT)?;
    hold(importer, variable, kept);
    importer.emit(node, Op::Recurrent(Recurrent::Recall(Box::new(recall))), vec![kept], 0, vec![1, units])
}
