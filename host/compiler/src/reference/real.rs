//! TensorFlow Lite's reference kernels on real values, every operation in single precision and in their order. The functions of the
//! C library are the machine's, as they are the runtime's.

use super::movement::over_channels;
use super::runtime::clip;
use super::{channels_first, channels_last};
use crate::op::{RealFunction, RealOp, RealPair, RealReduction};

/// Runs an operator on a first operand of `shape`; `None` if operands are missing.
pub fn apply(op: &RealOp, operands: &[&[f32]], shape: &[usize]) -> Option<Vec<f32>> {
    let x = *operands.first()?;
    Some(match op {
        RealOp::Function(function) => x.iter().map(|&x| of_one(*function, x)).collect(),
        RealOp::Pair(pair, [low, high]) => {
            let both = x.iter().zip(*operands.get(1)?);
            both.map(|(&a, &b)| clip(of_two(*pair, a, b), *low, *high)).collect()
        }
        RealOp::Softmax { beta } => over_channels(x, shape, |row| softmax(row, *beta)),
        RealOp::LogSoftmax => over_channels(x, shape, log_softmax),
        RealOp::L2Normalise => over_channels(x, shape, l2_normalise),
        RealOp::Reduce { to, axes } => reduce(*to, axes, x, shape),
    })
}

/// One value of a function of one.
fn of_one(function: RealFunction, x: f32) -> f32 {
    match function {
        RealFunction::Abs => x.abs(),
        RealFunction::Clip(low, high) => clip(x, low, high),
        RealFunction::Cos => x.cos(),
        RealFunction::Exp => x.exp(),
        RealFunction::Floor => x.floor(),
        RealFunction::HardSwish => x * clip(x + 3.0, 0.0, 6.0) / 6.0,
        RealFunction::LeakyRelu(factor) => {
            if x > 0.0 {
                x
            } else {
                x * factor
            }
        }
        RealFunction::Log => x.ln(),
        RealFunction::Logistic => logistic(x),
        RealFunction::Negate => -x,
        RealFunction::Rsqrt => 1.0 / x.sqrt(),
        RealFunction::Sin => x.sin(),
        RealFunction::Sqrt => x.sqrt(),
        RealFunction::Square => x * x,
        RealFunction::Tanh => x.tanh(),
    }
}

/// One value of a function of two.
fn of_two(pair: RealPair, a: f32, b: f32) -> f32 {
    match pair {
        RealPair::Add => a + b,
        RealPair::Sub => a - b,
        RealPair::Div => a / b,
        RealPair::Maximum if a > b => a,
        RealPair::Minimum if a < b => a,
        RealPair::Maximum | RealPair::Minimum => b,
        RealPair::Power => a.powf(b),
        RealPair::Prelu if a >= 0.0 => a,
        RealPair::Mul | RealPair::Prelu => a * b,
        RealPair::SquaredDifference => (a - b) * (a - b),
    }
}

/// Exact at both ends only up to where the kernel cuts it off.
fn logistic(x: f32) -> f32 {
    const ONE_FROM: f32 = 16.619_047;
    const POWER_TO: f32 = -9.0;
    if x > ONE_FROM {
        1.0
    } else if x < POWER_TO {
        x.exp()
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

fn largest(row: &[f32]) -> f32 {
    row.iter().copied().fold(f32::MIN, |most, x| if most < x { x } else { most })
}

fn softmax(row: &[f32], beta: f32) -> Vec<f32> {
    let most = largest(row);
    let powers: Vec<f32> = row.iter().map(|x| ((x - most) * beta).exp()).collect();
    let sum = powers.iter().fold(0.0, |sum, power| sum + power);
    powers.iter().map(|power| power / sum).collect()
}

fn log_softmax(row: &[f32]) -> Vec<f32> {
    let most = largest(row);
    let sum = row.iter().fold(0.0_f32, |sum, x| sum + (x - most).exp());
    let log = sum.ln();
    row.iter().map(|x| x - most - log).collect()
}

fn l2_normalise(row: &[f32]) -> Vec<f32> {
    const LEAST: f32 = 1e-6;
    let norm = row.iter().fold(0.0_f32, |sum, x| sum + x * x).sqrt();
    let norm = if norm < LEAST { LEAST } else { norm };
    row.iter().map(|x| x / norm).collect()
}

/// Takes values along axes of the file together, in the file's order.
fn reduce(to: RealReduction, axes: &[usize], x: &[f32], shape: &[usize]) -> Vec<f32> {
    let file: Vec<usize> = super::to_channels_last(shape.len()).iter().map(|&axis| shape[axis]).collect();
    let left: Vec<usize> = (0..file.len()).map(|axis| if axes.contains(&axis) { 1 } else { file[axis] }).collect();
    let start = match to {
        RealReduction::Maximum => f32::MIN,
        RealReduction::Minimum => f32::MAX,
        RealReduction::Mean | RealReduction::Sum => 0.0,
        RealReduction::Product => 1.0,
    };
    let mut results = vec![start; left.iter().product()];
    for (at, value) in channels_last(x, shape).into_iter().enumerate() {
        let result = &mut results[place(at, &file, &left)];
        *result = match to {
            RealReduction::Maximum => of_two(RealPair::Maximum, value, *result),
            RealReduction::Minimum => of_two(RealPair::Minimum, value, *result),
            RealReduction::Mean | RealReduction::Sum => *result + value,
            RealReduction::Product => *result * value,
        };
    }
    if to == RealReduction::Mean {
        let count: usize = axes.iter().map(|&axis| file[axis]).product();
        for sum in &mut results {
            *sum /= count as f32;
        }
    }
    let kept: Vec<usize> = super::to_channels_first(left.len()).iter().map(|&axis| left[axis]).collect();
    channels_first(&results, &kept)
}

/// Where element `at` of a tensor goes in one some of whose dimensions are 1.
fn place(at: usize, whole: &[usize], left: &[usize]) -> usize {
    let (mut rest, mut stride, mut index) = (at, 1, 0);
    for (&size, &kept) in whole.iter().zip(left).rev() {
        index += (rest % size).min(kept - 1) * stride;
        rest /= size;
        stride *= kept;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reductions_follow_the_files_axes() {
        // Two rows, one column, three channels: the graph keeps each channel's rows together.
        let (x, shape) = ([1.0, 10.0, 2.0, 20.0, 3.0, 30.0], [1, 3, 2, 1]);
        let of = |axes: &[usize]| reduce(RealReduction::Sum, axes, &x, &shape);
        assert_eq!(of(&[1]), [11.0, 22.0, 33.0]);
        assert_eq!(of(&[3]), [6.0, 60.0]);
        assert_eq!(of(&[1, 2, 3]), [66.0]);
        assert_eq!(reduce(RealReduction::Mean, &[1, 2], &x, &shape), [5.5, 11.0, 16.5]);
    }
}
