//! Products of matrices.

use lacuna_spec::numerics::{requantise_a, requantise_b};

use crate::op::{MatMul, Rescale};

/// One product of two stacks of matrices; `None` if they do not fit.
pub fn matmul(op: &MatMul, [a, b]: [&[i8]; 2], [shape_a, shape_b]: [&[usize]; 2]) -> Option<Vec<i8>> {
    let (stack_a, &[a1, a2]) = shape_a.split_last_chunk::<2>()?;
    let (stack_b, &[b1, b2]) = shape_b.split_last_chunk::<2>()?;
    let [batch_a, batch_b] = [stack_a, stack_b].map(|stack| stack.iter().product::<usize>());
    let batches = batch_a.max(batch_b);
    let [(inner, rows), (inner_b, columns)] =
        [if op.transposed[0] { (a2, a1) } else { (a1, a2) }, if op.transposed[1] { (b1, b2) } else { (b2, b1) }];
    if inner != inner_b || [batch_a, batch_b].iter().any(|&batch| batch != batches && batch != 1) {
        return None;
    }
    let value_a = |batch: usize, row: usize, k: usize| {
        let at = if op.transposed[0] { row * inner + k } else { k * rows + row };
        i32::from(a[batch % batch_a * inner * rows + at]) - op.a_zero_point
    };
    let value_b = |batch: usize, k: usize, column: usize| {
        let at = if op.transposed[1] { k * columns + column } else { column * inner + k };
        i32::from(b[batch % batch_b * inner * columns + at]) - op.b_zero_point
    };
    let finish = |acc: i32| match op.rescale {
        Rescale::A { multiplier, shift } => requantise_a(acc, multiplier, shift, op.y_zero_point),
        Rescale::B { scale } => requantise_b(acc, scale, op.y_zero_point),
    };
    let mut result = Vec::with_capacity(batches * rows * columns);
    for batch in 0..batches {
        for column in 0..columns {
            for row in 0..rows {
                let sum = (0..inner).map(|k| value_a(batch, row, k) * value_b(batch, k, column));
                let acc = sum.fold(0, i32::wrapping_add);
                result.push(op.clamp.apply(finish(acc)));
            }
        }
    }
    Some(result)
}
