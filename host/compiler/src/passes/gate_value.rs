//! Chooses each layer's gate value: the input value that costs the array nothing.
//!
//! The chip computes on `q - g`. Normally `g` is the zero point; where calibration shows that another value leaves fewer
//! essential digits, that value is taken and the bias compensates exactly ([`crate::op::Linear::effective_bias`]).

use crate::error::Error;
use crate::graph::{Graph, TensorId};
use crate::op::{Linear, Op};
use crate::reference::{State, Value};

/// How often each value occurs in each tensor over the calibration frames.
#[derive(Debug, Clone)]
pub struct Histograms {
    /// Indexed by tensor, then by `q + 128`.
    counts: Vec<Option<Box<[u64; 256]>>>,
    frames: u64,
}

impl Histograms {
    /// Runs the frames, one after the other, and counts.
    ///
    /// # Errors
    /// As [`State::run_all`].
    pub fn measure(graph: &Graph, frames: &[Vec<Value>]) -> Result<Self, Error> {
        let mut counts: Vec<Option<Box<[u64; 256]>>> = vec![None; graph.tensors.len()];
        let mut state = State::new(graph);
        for frame in frames {
            for (slot, value) in counts.iter_mut().zip(state.run_all(graph, frame)?) {
                if let Some(Value::I8(values)) = value {
                    let table = slot.get_or_insert_with(|| Box::new([0; 256]));
                    for q in values {
                        table[(i32::from(q) + 128) as usize] += 1;
                    }
                }
            }
        }
        Ok(Self { counts, frames: frames.len() as u64 })
    }

    /// How often each value occurs in a tensor, indexed by `q + 128`; `None` for tensors that are not int8.
    #[must_use]
    pub fn of(&self, id: TensorId) -> Option<&[u64; 256]> {
        self.counts.get(id.0)?.as_deref()
    }
}

/// Runs the pass.
pub fn run(graph: &mut Graph, histograms: &Histograms, digit_bits: u32) {
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Op::Conv(layer) | Op::Dense(layer)) = &node.op else {
            continue;
        };
        let Some(counts) = histograms.of(node.inputs[0]) else {
            continue;
        };
        let gate = best_gate(layer, counts, padding(graph, index) * histograms.frames, digit_bits);
        if let Op::Conv(layer) | Op::Dense(layer) = &mut graph.nodes[index].op {
            layer.gate = gate;
        }
    }
}

/// How often a layer reads padding, as if each element of its input were read once.
fn padding(graph: &Graph, index: usize) -> u64 {
    let node = &graph.nodes[index];
    let Op::Conv(layer) = &node.op else { return 0 };
    let window = &layer.window;
    let (Some([channels, height, width]), Some([_, out_h, out_w])) =
        (graph.tensor(node.inputs[0]).chw(), graph.tensor(node.output).chw())
    else {
        return 0;
    };
    let inside = |axis: usize, outputs: usize, size: usize| {
        let taps = (0..outputs)
            .flat_map(|at| (0..window.kernel[axis]).map(move |k| at * window.stride[axis] + k * window.dilation[axis]));
        taps.filter(|at| at.checked_sub(window.pads[axis]).is_some_and(|at| at < size)).count() as u64
    };
    let real = inside(0, out_h, height) * inside(1, out_w, width);
    let all = (out_h * out_w * window.kernel[0] * window.kernel[1]) as u64;
    let elements = (channels * height * width) as u64;
    // Reads of padding for each read of an element, times the elements.
    ((all - real) * elements).checked_div(real).unwrap_or(0)
}

/// The gate value with the fewest essential digits; the zero point wins ties.
fn best_gate(layer: &Linear, counts: &[u64; 256], padding: u64, digit_bits: u32) -> i32 {
    let cost = |gate: i32| {
        let data = (-128..128).zip(counts).map(|(q, &count)| count * u64::from(essential_digits(q - gate, digit_bits)));
        data.sum::<u64>() + padding * u64::from(essential_digits(layer.x_zero_point - gate, digit_bits))
    };
    let zero_point = layer.x_zero_point.clamp(-128, 127);
    (-128..128).min_by_key(|&gate| (cost(gate), gate != zero_point)).unwrap_or(zero_point)
}

/// How many digits of `bits` bits a lane walks for the difference `d`: 0 for 0, else the digits of its non-adjacent form that
/// are not 0. With 8 bits a value is one digit.
#[must_use]
pub fn essential_digits(d: i32, bits: u32) -> u32 {
    if bits >= 8 {
        return u32::from(d != 0);
    }
    // Bit i of `naf` is set where the non-adjacent form has a digit that is not 0.
    let mut naf = (d ^ (3 * d)) >> 1;
    let mut count = 0;
    while naf != 0 && naf != -1 {
        count += u32::from(naf & ((1 << bits) - 1) != 0);
        naf >>= bits;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::run as execute;

    #[test]
    fn digits_are_those_of_the_non_adjacent_form() {
        assert_eq!([0, 1, 3, 7, -1, -128, 127, 85, 255].map(|d| essential_digits(d, 2)), [0, 1, 2, 2, 1, 1, 2, 4, 2]);
        assert_eq!([0, 1, 16, 17, 127].map(|d| essential_digits(d, 4)), [0, 1, 1, 2, 2]);
        assert_eq!([0, 1, 255].map(|d| essential_digits(d, 8)), [0, 1, 1]);
    }

    #[test]
    fn data_that_rests_elsewhere_moves_the_gate_and_no_result() {
        let mut builder = Builder::new(8, &[1, 3, 6, 6]);
        let out = builder.conv(builder.input(), 4, 3);
        let mut graph = builder.finish(out);
        // Mostly 40, while the zero point is -5.
        let frame = vec![Value::I8((0..108).map(|v| if v % 9 == 0 { v as i8 } else { 40 }).collect())];
        let before = execute(&graph, &frame).unwrap();
        let histograms = Histograms::measure(&graph, std::slice::from_ref(&frame)).unwrap();
        run(&mut graph, &histograms, 2);
        let Op::Conv(layer) = &graph.nodes[0].op else { panic!("not a convolution") };
        assert_eq!(layer.gate, 40);
        // The chip's view: subtract the gate, use the effective bias. Padding keeps the zero point.
        let mut chip = layer.clone();
        chip.bias = layer.effective_bias();
        chip.x_zero_point = 40;
        let [h, w] = [6, 6];
        let Value::I8(x) = &frame[0] else { panic!("not int8") };
        let mut padded = vec![layer.x_zero_point as i8; 3 * 8 * 8];
        for (at, &q) in x.iter().enumerate() {
            padded[at / 36 * 64 + (at / w % h + 1) * 8 + at % w + 1] = q;
        }
        chip.window.pads = [0; 4];
        graph.tensors[0].shape = vec![1, 3, 8, 8];
        graph.nodes[0].op = Op::Conv(chip);
        assert_eq!(execute(&graph, &[Value::I8(padded)]).unwrap(), before);
    }

    #[test]
    fn data_that_rests_at_the_zero_point_keeps_the_gate() {
        let mut builder = Builder::new(8, &[1, 3, 6, 6]);
        let out = builder.conv(builder.input(), 4, 3);
        let mut graph = builder.finish(out);
        let frame = vec![Value::I8((0..108).map(|v| if v % 9 == 0 { v as i8 } else { -5 }).collect())];
        let histograms = Histograms::measure(&graph, &[frame]).unwrap();
        run(&mut graph, &histograms, 2);
        let Op::Conv(layer) = &graph.nodes[0].op else { panic!("not a convolution") };
        assert_eq!(layer.gate, -5);
    }
}
