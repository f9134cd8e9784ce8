//! Layers that read what they left a frame before, as TensorFlow Lite's reference kernels compute them: `EvalIntegerSVDF` of
//! `reference/svdf.h` and `LstmStepInteger8x8_16` of `lstm_eval.cc`.

use lacuna_spec::numerics::{clamp_i8, rounding_divide_by_pot, rounding_doubling_high_mul};

use super::Value;
use super::fixed16::{logistic, saturated, tanh};
use crate::op::{Gate, Lstm, Recall, Recurrent, Remember, Rows};

/// Runs a layer's part; `None` for operands that are not its own.
pub fn apply(op: &Recurrent, operands: &[&Value], shape: &[usize]) -> Option<Value> {
    match (op, operands) {
        (Recurrent::Remember(op), [Value::I8(x), Value::I64(kept)]) => Some(Value::I64(remember(op, x, kept))),
        (Recurrent::Recall(op), [Value::I64(kept)]) => Some(Value::I8(recall(op, kept))),
        (Recurrent::Sequence(op), [Value::I8(x), Value::I8(hidden), Value::I64(cell)]) => {
            Some(Value::I8(lstm(op, x, shape, hidden, cell)?.0))
        }
        (Recurrent::Cell(op), [Value::I8(x), Value::I8(hidden), Value::I64(cell)]) => {
            Some(Value::I64(lstm(op, x, shape, hidden, cell)?.1))
        }
        _ => None,
    }
}

/// `MultiplyByQuantizedMultiplier`, whose left shift wraps.
fn rescale(sum: i32, (mantissa, shift): (i32, i32)) -> i32 {
    let shifted = sum.wrapping_shl(shift.max(0) as u32);
    rounding_divide_by_pot(rounding_doubling_high_mul(shifted, mantissa), (-shift).max(0) as u32)
}

/// The sum of products, which wraps as the kernels' does.
fn dot(start: i32, pairs: impl Iterator<Item = (i32, i32)>) -> i32 {
    pairs.fold(start, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(b)))
}

fn remember(op: &Remember, x: &[i8], kept: &[i64]) -> Vec<i64> {
    let filters = op.weights.chunks(x.len()).zip(kept.chunks(op.memory));
    let pushed = filters.flat_map(|(weights, kept)| {
        let pairs = weights.iter().zip(x).map(|(&w, &x)| (i32::from(w), i32::from(x) - op.zero_point));
        let newest = saturated(rescale(dot(0, pairs), op.factor));
        kept[1..].iter().copied().chain([i64::from(newest)])
    });
    pushed.collect()
}

fn recall(op: &Recall, kept: &[i64]) -> Vec<i8> {
    let each = op.weights.len() / op.bias.len();
    let units = op.bias.iter().zip(op.weights.chunks(each).zip(kept.chunks(each)));
    let answer = units.map(|(&bias, (weights, kept))| {
        // Kept values have 16 bits.
        let sum = dot(bias, weights.iter().zip(kept).map(|(&w, &kept)| (i32::from(w), kept as i32)));
        clamp_i8(rescale(sum, op.factor).wrapping_add(op.zero_point), i8::MIN, i8::MAX)
    });
    answer.collect()
}

impl Rows {
    /// One row's product, added to what a gate holds.
    fn add(&self, unit: usize, vector: &[i8], gate: i16) -> i16 {
        let row = &self.weights[unit * vector.len()..][..vector.len()];
        let sum = dot(self.bias[unit], row.iter().zip(vector).map(|(&w, &x)| (i32::from(w), i32::from(x))));
        saturated(rescale(sum, self.factor).wrapping_add(i32::from(gate)))
    }
}

impl Gate {
    /// Its value before its function.
    fn sum(&self, unit: usize, x: &[i8], hidden: &[i8]) -> i16 {
        self.hidden.add(unit, hidden, self.input.add(unit, x, 0))
    }
}

/// The outputs of all steps, in the order of the sequence, and the cell behind the last; `None` for a sequence of another shape.
fn lstm(op: &Lstm, x: &[i8], shape: &[usize], hidden: &[i8], cell: &[i64]) -> Option<(Vec<i8>, Vec<i64>)> {
    let &[before, features, behind] = shape else { return None };
    let units = hidden.len();
    let (mut hidden, mut cell) = (hidden.to_vec(), cell.iter().map(|&c| c as i16).collect::<Vec<i16>>());
    let mut sequence = vec![0; before * units * behind];
    for step in 0..before * behind {
        // Where channel 0 of the step lies in a tensor of so many channels.
        let place = |channels: usize| step / behind * channels * behind + step % behind;
        let now: Vec<i8> = (0..features).map(|feature| x[place(features) + feature * behind]).collect();
        let next: Vec<i8> = (0..units).map(|unit| op.step(unit, &now, &hidden, &mut cell[unit])).collect();
        for (unit, &value) in next.iter().enumerate() {
            sequence[place(units) + unit * behind] = value;
        }
        hidden = next;
    }
    Some((sequence, cell.into_iter().map(i64::from).collect()))
}

impl Lstm {
    /// One unit's step: changes its cell and returns what it shows.
    fn step(&self, unit: usize, x: &[i8], hidden: &[i8], cell: &mut i16) -> i8 {
        let product = |a: i16, b: i16| i32::from(a) * i32::from(b);
        let open = |gate: &Gate| logistic(gate.sum(unit, x, hidden));
        let forget = open(&self.forget);
        let enters = self.input.as_ref().map_or(i16::MAX - forget, open);
        let new = tanh(self.cell.sum(unit, x, hidden), 3);
        let stays = rounding_divide_by_pot(product(forget, *cell), 15);
        let added = rounding_divide_by_pot(product(enters, new), 15 + self.cell_bits);
        *cell = saturated(stays + added);
        if self.clip > 0 {
            *cell = (*cell).clamp(-self.clip, self.clip);
        }
        let shown = product(open(&self.output), tanh(*cell, self.cell_bits));
        clamp_i8(rescale(shown, self.factor).wrapping_add(self.zero_point), i8::MIN, i8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much as it is.
    const ONE: (i32, i32) = (1 << 30, 1);

    #[test]
    fn the_oldest_value_of_each_filter_goes_and_the_newest_saturates() {
        let op = Remember { weights: vec![1, 2, -100, 0], zero_point: -1, factor: ONE, memory: 3 };
        assert_eq!(remember(&op, &[3, 4], &[7, 8, 9, 10, 11, 12]), [8, 9, 14, 11, 12, -400]);
        let wide = Remember { factor: (1 << 30, 9), ..op };
        assert_eq!(remember(&wide, &[3, 127], &[0; 6])[2..], [i64::from(i16::MAX), 0, 0, i64::from(i16::MIN)]);
    }

    #[test]
    fn a_unit_sums_all_values_of_its_filters() {
        let op = Recall { weights: vec![1, 2, 3, 4, -1, -1, 50, 0], bias: vec![10, -7], factor: ONE, zero_point: 2 };
        // Two filters of two values a unit.
        assert_eq!(recall(&op, &[1, 1, 1, 1, 20, 30, 1, 99]), [22, -5]);
    }

    fn rows(weights: &[i8], bias: i32) -> Rows {
        Rows { weights: weights.to_vec(), bias: vec![bias], factor: ONE }
    }

    /// One unit that takes in the tangent of its input and shows the tangent of its cell, as far as gates open.
    fn unit(cell_bits: u32, clip: i16) -> Lstm {
        let open = || Gate { input: rows(&[0], i32::from(i16::MAX)), hidden: rows(&[0], 0) };
        let cell = Gate { input: rows(&[127], 0), hidden: rows(&[0], 0) };
        let (input, forget, output) = (Some(open()), open(), open());
        // Products of 30 fractional bits become steps of 1/128.
        Lstm { input, forget, cell, output, cell_bits, clip, factor: (1 << 30, -22), zero_point: 0 }
    }

    #[test]
    fn a_cell_adds_up_until_it_saturates_or_clips() {
        let steps = |op: &Lstm, count: usize| lstm(op, &vec![127; count], &[1, 1, count], &[0], &[0]).unwrap();
        // tanh(127 * 127 / 4096) is 0.999, of which 0.9997 enters; units are 2^-11.
        let (shown, cell) = steps(&unit(4, 0), 2);
        assert!((4050..4096).contains(&cell[0]), "{cell:?}");
        assert!(shown[0] > 90 && shown[1] > shown[0], "{shown:?}");
        assert_eq!(steps(&unit(0, 0), 3).1, [i64::from(i16::MAX)]);
        assert_eq!(steps(&unit(4, 300), 3).1, [300]);
    }

    #[test]
    fn a_sequence_may_lie_either_way() {
        let mut op = unit(4, 0);
        for gate in [&mut op.forget, &mut op.cell, &mut op.output].into_iter().chain(op.input.as_mut()) {
            gate.input = rows(&[30, -20], 0);
            gate.hidden.weights = vec![40];
        }
        let (by_channel, by_step) = ([1, 2, 3, -4, -5, -6], [1, -4, 2, -5, 3, -6]);
        let first = lstm(&op, &by_channel, &[1, 2, 3], &[5], &[99]).unwrap();
        assert_eq!(first, lstm(&op, &by_step, &[3, 2, 1], &[5], &[99]).unwrap());
        assert_eq!(lstm(&op, &by_step, &[3, 2], &[5], &[99]), None);
    }
}
