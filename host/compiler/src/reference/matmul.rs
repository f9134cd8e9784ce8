//! Products of matrices.

use lacuna_spec::numerics::{requantise_a, requantise_b};

use crate::op::{MatMul, Rescale};

/// One product of two stacks of matrices; `None` if they do not fit.
pub fn matmul(op: &MatMul, [a, b]: [&[i8]; 2], [shape_a, shape_b]: [&[usize]; 2]) -> Option<Vec<i8>> {
    let (stack_a, &[a1, a2]) = shape_a.split_last_chunk::<2>()?;
    let (stack_b, &[b1, b2]) = shape_b.split_last_chunk::<2>()?;
    let [batch_a, batch_b] = [stack_a, stack_b].map(|stack| stack.iter().product::<usize>());
    let batches = if batch_a == 1 { batch_b } else { batch_a };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Clamp;

    fn plain() -> MatMul {
        let rescale = Rescale::B { scale: 1.0 };
        let clamp = Clamp { min: -100, max: 100 };
        MatMul { a_zero_point: 0, b_zero_point: 1, y_zero_point: 2, rescale, clamp, transposed: [true; 2] }
    }

    #[test]
    fn stacks_are_multiplied_matrix_by_matrix() {
        let (a, b) = ([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 1, 2, 3, 1, 1, 3]);
        let shape = &[2, 2, 2][..];
        // Of the result, columns lie behind one another.
        assert_eq!(matmul(&plain(), [&a, &b], [shape, shape]).unwrap(), [3, 5, 4, 6, 12, 16, 14, 18]);
        assert_eq!(matmul(&plain(), [&a, &b[..4]], [shape, &[2, 2]]).unwrap(), [3, 5, 4, 6, 7, 9, 8, 10]);
        assert_eq!(matmul(&plain(), [&a[..4], &b], [&[2, 2], shape]).unwrap(), [3, 5, 4, 6, 4, 8, 6, 10]);
    }

    #[test]
    fn what_does_not_fit_is_no_product_and_none_is_empty() {
        let none: &[i8] = &[];
        assert_eq!(matmul(&plain(), [none, &[1; 4]], [&[0, 2, 2], &[1, 2, 2]]).unwrap(), none);
        assert_eq!(matmul(&plain(), [&[1; 8], &[1; 12]], [&[2, 2, 2], &[3, 2, 2]]), None);
        assert_eq!(matmul(&plain(), [&[1; 4], &[1; 6]], [&[2, 2], &[3, 2]]), None);
        assert_eq!(matmul(&plain(), [&[1; 2], &[1; 4]], [&[2], &[2, 2]]), None);
    }

    #[test]
    fn results_keep_to_their_bounds() {
        let op = MatMul { clamp: Clamp { min: -5, max: 4 }, ..plain() };
        assert_eq!(matmul(&op, [&[1, 2, 3, 4], &[2, 1, 1, 2]], [&[2, 2], &[2, 2]]).unwrap(), [3, 4, 4, 4]);
    }
}
