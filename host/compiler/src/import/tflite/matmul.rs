//! `BATCH_MATMUL`.

use super::functions::{multiplier, signed};
use super::importer::{Importer, Node};
use super::layout::graph_shape;
use crate::error::Error;
use crate::op::{Clamp, Linear, MatMul, Op, Requantise, Rescale, Weights};

/// A product of stacks of matrices: with one constant matrix behind, a convolution over all rows; else on the host.
pub fn batched(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let [(a, qa), (b, qb)] = [importer.quantised(node, 0)?, importer.quantised(node, 1)?];
    signed(importer, node, a)?;
    signed(importer, node, b)?;
    let transposed = [node.option(0, false)?, node.option(1, false)?];
    let y = importer.declared(node.output(0)?)?.quant()?;
    let (multiplier, shift) = multiplier(node, f64::from(qa.scale * qb.scale) / f64::from(y.scale))?;
    let shapes = [a, b].map(|id| importer.file_shape(id));
    let wrong = || {
        node.misshapen(format!(
            "multiplies shapes {:?} and {:?}, which do not fit: convert the model again",
            shapes[0], shapes[1]
        ))
    };
    let (Some((stack_a, [a1, a2])), Some((stack_b, [b1, b2]))) =
        (shapes[0].split_last_chunk::<2>(), shapes[1].split_last_chunk::<2>())
    else {
        return Err(wrong());
    };
    let (rows, inner) = if transposed[0] { (*a2, *a1) } else { (*a1, *a2) };
    let (columns, inner_b) = if transposed[1] { (*b1, *b2) } else { (*b2, *b1) };
    let batches = [stack_a, stack_b].map(|stack| stack.iter().product::<usize>());
    if inner != inner_b {
        return Err(wrong());
    }
    let repeats = batches[1] == 1;
    if stack_a != stack_b && (!repeats || stack_b.len() > stack_a.len()) {
        return Err(node.unsupported(format!(
            "it multiplies a stack {stack_a:?} of matrices by a stack {stack_b:?}: only one matrix is repeated, the second"
        )));
    }
    let constant = importer.declared(node.input(1)?)?;
    if transposed[0] && stack_b.last() == Some(&1) && stack_a.last().is_some_and(|&size| size > 1) {
        return Err(node.unsupported(
            "it turns the first matrices and repeats the second, where the reference kernels read the wrong ones: turn them by a TRANSPOSE",
        ));
    }
    let result = [stack_a, &[rows, columns]].concat();
    let batch = batches[0];
    importer.charge((batch as u64 * rows as u64).saturating_mul(inner as u64 * columns as u64))?;
    let meaning = importer.declared(node.output(0)?)?.meaning()?;
    if constant.data.is_some() && repeats && !transposed[0] {
        importer.reserve(&constant)?;
        let file = constant.bytes()?;
        // One row an output.
        let data = if transposed[1] {
            file
        } else {
            (0..columns * inner).map(|at| file[at % inner * columns + at / inner]).collect()
        };
        let weights = Weights { data, shape: [columns, inner, 1, 1], zero_points: vec![qb.zero_point; columns] };
        let requantise = Requantise::A { multipliers: vec![multiplier; columns], shifts: vec![shift; columns] };
        let layer = Linear::unbiased(weights, 1, [qa.zero_point, y.zero_point], requantise, Clamp::FULL);
        let seen = importer.view(node, a, &[1, 1, batch * rows, inner])?;
        let shape = graph_shape(&[1, 1, batch * rows, columns]);
        let product = importer.step(node, Op::Conv(Box::new(layer)), vec![seen], shape, meaning)?;
        return importer.emit_view(node, product, 0, &result);
    }
    let a = importer.view(node, a, &[batches[0], *a1, *a2])?;
    let b = importer.view(node, b, &[batches[1], *b1, *b2])?;
    let (a_zero_point, b_zero_point, y_zero_point) = (qa.zero_point, qb.zero_point, y.zero_point);
    let op = Op::MatMul(MatMul {
        a_zero_point,
        b_zero_point,
        y_zero_point,
        rescale: Rescale::A { multiplier, shift },
        clamp: Clamp::FULL,
        transposed,
    });
    let product = importer.step(node, op, vec![a, b], graph_shape(&[batch, rows, columns]), meaning)?;
    importer.emit_view(node, product, 0, &result)
}
