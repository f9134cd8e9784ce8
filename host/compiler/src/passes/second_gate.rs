//! Gives layers a second gate value, which the chip's sparsity monitor may choose for an output row.
//!
//! The monitor measures each output row before it is fed. That takes the feeder two cycles a window, about a cycle for each
//! `lanes` rows, in which the array soon stands still: a second gate value must save a digit a row to be worth it. So layers
//! have one only where calibration says so, or all of them where it is wanted ([`Monitoring::always`]).

use crate::error::Error;
use crate::graph::{Graph, TensorId};
use crate::op::{Monitored, Op};
use crate::passes::gate_value::essential_digits;
use crate::reference::{State, Value};

/// Digits a row that the second gate value must save, in hundredths, unless it is to be there always: what measuring costs
/// a layer of one column block, and a quarter more for the decisions themselves.
const WORTH: u64 = 125;

/// How layers use the monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monitoring {
    /// Every layer, whatever it costs; else those that gain cycles on the calibration frames.
    pub always: bool,
    /// Share of rows, in sixteenths, from which on an output row is gated: 0 always, 17 never.
    pub threshold: u8,
    /// How far, in sixteenths, a measure must cross back before a decision is taken back; 7 at most.
    pub hysteresis: u8,
}

/// Values of one row of pixels of one frame, by `q + 128`.
type Histogram = [u32; 256];

/// Runs the pass; returns how many layers are monitored.
///
/// # Errors
/// As [`State::run_all`].
pub fn run(graph: &mut Graph, frames: &[Vec<Value>], digit_bits: u32, monitoring: Monitoring) -> Result<usize, Error> {
    let rows = measure(graph, frames)?;
    let digits: Vec<u64> = (-255..=255).map(|d| u64::from(essential_digits(d, digit_bits))).collect();
    let mut count = 0;
    for node in &mut graph.nodes {
        let input = node.inputs.first().copied();
        let (Op::Conv(layer) | Op::Dense(layer)) = &mut node.op else { continue };
        let Some(rows) = input.and_then(|id| rows[id.0].as_ref()) else { continue };
        let cost = |gate: i32, row: &Histogram| -> u64 {
            (-128..128).zip(row).map(|(q, &n)| u64::from(n) * digits[(q - gate + 255) as usize]).sum()
        };
        let first: Vec<u64> = rows.iter().map(|row| cost(layer.gate, row)).collect();
        // What both leave, each row by the better one; then, what the second leaves alone.
        let leaves = |gate: i32| {
            let second = rows.iter().map(|row| cost(gate, row));
            first.iter().zip(second).fold((0, 0), |(both, alone), (&a, b)| (both + a.min(b), alone + b))
        };
        let values = (-128..128).filter(|&gate| gate != layer.gate);
        let Some((gate, (both, _))) = values.map(|gate| (gate, leaves(gate))).min_by_key(|&(_, left)| left) else {
            continue;
        };
        let elements: u64 = rows.iter().flatten().map(|&n| u64::from(n)).sum();
        let saved = first.iter().sum::<u64>() - both;
        if monitoring.always || 100 * saved > WORTH * elements {
            let Monitoring { threshold, hysteresis, .. } = monitoring;
            layer.monitor = Some(Monitored { second: gate, threshold, hysteresis });
            count += 1;
        }
    }
    Ok(count)
}

/// The histograms of every int8 tensor that a layer reads, pixel row by pixel row over all frames.
fn measure(graph: &Graph, frames: &[Vec<Value>]) -> Result<Vec<Option<Vec<Histogram>>>, Error> {
    let mut read = vec![false; graph.tensors.len()];
    for node in graph.nodes.iter().filter(|node| matches!(node.op, Op::Conv(_) | Op::Dense(_))) {
        read[node.inputs[0].0] = true;
    }
    let mut rows: Vec<Option<Vec<Histogram>>> = vec![None; graph.tensors.len()];
    let mut state = State::new(graph);
    for frame in frames {
        for (id, value) in state.run_all(graph, frame)?.iter().enumerate().filter(|&(id, _)| read[id]) {
            let (Some(Value::I8(values)), Some([_, height, width])) = (value, graph.tensor(TensorId(id)).chw()) else {
                continue;
            };
            let rows = rows[id].get_or_insert_default();
            let first = rows.len();
            rows.resize(first + height, [0; 256]);
            for (at, &q) in values.iter().enumerate() {
                rows[first + at / width % height][(i32::from(q) + 128) as usize] += 1;
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use lacuna_spec::instr::{Gating, Instr};

    use super::*;
    use crate::backend::{self, Step, tests::check};
    use crate::passes::testing::Builder;

    /// A layer whose input rows rest at one of two values, row by row, or all at the zero point.
    fn monitored(varies: bool, always: bool) -> Option<Monitored> {
        let mut builder = Builder::new(8, &[1, 3, 6, 6]);
        let out = builder.conv(builder.input(), 4, 3);
        let mut graph = builder.finish(out);
        // Differences of 0, and of 85: four digits.
        let value = |at: usize| if varies && at / 6 % 2 == 1 { 80 } else { -5 };
        let frame = vec![Value::I8((0..108).map(value).collect())];
        let count = run(&mut graph, &[frame], 2, Monitoring { always, threshold: 3, hysteresis: 1 }).unwrap();
        let Op::Conv(layer) = &graph.nodes[0].op else { panic!("not a convolution") };
        assert_eq!(count, usize::from(layer.monitor.is_some()));
        layer.monitor
    }

    #[test]
    fn rows_that_rest_at_different_values_are_worth_a_second_gate_value() {
        assert_eq!(monitored(true, false), Some(Monitored { second: 80, threshold: 3, hysteresis: 1 }));
    }

    #[test]
    fn rows_that_rest_alike_are_not() {
        assert_eq!(monitored(false, false), None);
        assert!(monitored(false, true).is_some());
    }

    #[test]
    fn whatever_the_chip_decides_its_answers_stay() {
        let mut builder = Builder::new(9, &[1, 16, 12, 12]);
        let first = builder.conv(builder.input(), 40, 3);
        let out = builder.conv(first, 16, 3);
        let graph = builder.finish(out);
        // Pixel rows that rest at -5, at 80 or nowhere.
        let value = |at: usize| match at / 12 % 3 {
            0 => -5,
            1 => 80,
            _ => (at * 37 % 256) as u8 as i8,
        };
        let frame = vec![Value::I8((0..16 * 144).map(value).collect())];
        for gating in [Gating::Row, Gating::Digit] {
            for (threshold, hysteresis) in [(0, 1), (6, 2), (17, 0)] {
                let mut graph = graph.clone();
                let monitoring = Monitoring { always: true, threshold, hysteresis };
                assert_eq!(run(&mut graph, std::slice::from_ref(&frame), 4, monitoring).unwrap(), 2);
                let compiled = backend::compile(graph, lacuna_spec::Geometry::BASE, gating).unwrap();
                let monitored = |step: &Step| match step {
                    Step::Chip(program) => program.instrs.iter().any(|instr| match instr {
                        Instr::Run(_, _, tail) => tail.monitored(&compiled.geometry),
                        _ => false,
                    }),
                    Step::Host(_) => false,
                };
                assert!(compiled.steps.iter().any(monitored), "a layer is monitored");
                check(&compiled, &frame);
            }
        }
    }
}
