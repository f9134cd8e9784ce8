//! Products of matrices.

use lacuna_spec::numerics::requantise_a;

use crate::op::MatMul;

/// One product of two stacks of matrices; `None` if they do not fit.
pub fn matmul(op: &MatMul, [a, b]: [&[i8]; 2], [shape_a, shape_b]: [&[usize]; 2]) -> Option<Vec<i8>> {
    let (&[batch_a, a1, a2], &[batch_b, b1, b2]) = (shape_a, shape_b) else { return None };
    let [(inner, rows), (inner_b, columns)] =
        [if op.transposed[0] { (a2, a1) } else { (a1, a2) }, if op.transposed[1] { (b1, b2) } else { (b2, b1) }];
    if inner != inner_b || (batch_a != batch_b && batch_b != 1) {
        return None;
    }
    let value_a = |batch: usize, row: usize, k: usize| {
        let at = if op.transposed[0] { row * inner + k } else { k * rows + row };
        i32::from(a[batch * inner * rows + at]) - op.a_zero_point
    };
    let value_b = |batch: usize, k: usize, column: usize| {
        let at = if op.transposed[1] { k * columns + column } else { column * inner + k };
        i32::from(b[batch % batch_b * inner * columns + at]) - op.b_zero_point
    };
    let mut result = Vec::with_capacity(batch_a * rows * columns);
    for batch in 0..batch_a {
        for column in 0..columns {
            for row in 0..rows {
                let sum = (0..inner).map(|k| value_a(batch, row, k) * value_b(batch, k, column));
                let acc = sum.fold(0, i32::wrapping_add);
                result.push(requantise_a(acc, op.multiplier, op.shift, op.y_zero_point).clamp(-128, 127) as i8);
            }
        }
    }
    Some(result)
}
