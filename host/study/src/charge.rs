//! A whole network on charge-domain arrays: how many bits of readout its answers need.

use lacuna_compiler::graph::Graph;
use lacuna_compiler::reference::{self, State, Value};
use lacuna_compiler::{Error, op::Linear};
use lacuna_golden::charge::{Array, Column, Compensation, Conversions, Noise, NoiseLevels, Setting};
use lacuna_spec::charge::{CHARGE_INPUT_BITS_MAX, CHARGE_WEIGHT_BITS_MAX, ChargeMode};
use lacuna_spec::instr::Gating;
use serde::Serialize;

use crate::layers::{column, input_shape, layer_rows, on_array};

/// How an array is gated and its codes are turned back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// Which quarters are enabled.
    pub gating: Gating,
    /// By what codes are scaled.
    pub compensation: Compensation,
}

impl Variant {
    /// Ungated; gated by rows and by planes, compensated; gated by planes without compensation.
    pub const ALL: [Self; 4] = [
        Self { gating: Gating::Off, compensation: Compensation::Enabled },
        Self { gating: Gating::Row, compensation: Compensation::Enabled },
        Self { gating: Gating::Digit, compensation: Compensation::Enabled },
        Self { gating: Gating::Digit, compensation: Compensation::Full },
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match (self.gating, self.compensation) {
            (Gating::Off, _) => "ungated",
            (Gating::Row, _) => "gated by rows",
            (Gating::Digit, Compensation::Enabled) => "gated by planes",
            (Gating::Digit, Compensation::Full) => "gated, not compensated",
        }
    }
}

/// Answers of a network at one readout width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChargeResult {
    /// Bits of a readout.
    pub readout_bits: u32,
    /// Gates and compensation.
    pub variant: Variant,
    /// Frames that ran.
    pub frames: usize,
    /// Frames whose largest output is that of the exact network.
    pub agree: usize,
    /// Frames whose largest output is the label, if there are labels.
    pub correct: Option<usize>,
    /// Root mean square error of the layers' sums, in steps of the exact sums' own standard deviation.
    pub sum_error: f64,
    /// What the conversions took.
    pub counts: Conversions,
    /// Rows of a conversion that were enabled, mean.
    pub enabled_rows: f64,
}

/// A network whose layers are laid out in charge-domain columns.
pub struct ChargeNetwork<'g> {
    graph: &'g Graph,
    layers: Vec<Option<Vec<Column>>>,
}

/// Errors of sums, and the sums themselves.
#[derive(Default)]
struct Moments {
    count: f64,
    sum: f64,
    square: f64,
    error: f64,
}

impl<'g> ChargeNetwork<'g> {
    /// Lays out the weights.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        let columns = |layer: &Linear| (0..layer.outputs()).map(|o| Column::new(&column(layer, o))).collect();
        Self { graph, layers: graph.nodes.iter().map(|node| on_array(&node.op).map(columns)).collect() }
    }

    /// Runs frames; `exact` are the largest outputs of the exact network and `labels` the right ones.
    ///
    /// # Errors
    /// Frames that do not fit the graph.
    ///
    /// # Panics
    /// If the readout is not 3 to 8 bits.
    pub fn run(
        &self,
        frames: &[Vec<Value>],
        exact: &[usize],
        labels: Option<&[u8]>,
        readout_bits: u32,
        variant: Variant,
        noise: Option<(NoiseLevels, u64)>,
    ) -> Result<ChargeResult, Error> {
        let setting = Setting::new(ChargeMode::And, CHARGE_INPUT_BITS_MAX, CHARGE_WEIGHT_BITS_MAX, readout_bits)
            .expect("readouts have 3 to 8 bits");
        let mut arrays: Vec<Option<Array>> = self
            .layers
            .iter()
            .enumerate()
            .map(|(node, columns)| {
                let columns = columns.as_ref()?.len();
                let array = Array::new(setting, variant.gating, variant.compensation);
                Some(match noise {
                    Some((levels, seed)) => {
                        let slices = CHARGE_WEIGHT_BITS_MAX as usize;
                        array.with_noise(Noise::new(levels, columns * slices, seed.wrapping_add(node as u64)))
                    }
                    None => array,
                })
            })
            .collect();
        let mut moments = Moments::default();
        let (mut agree, mut correct) = (0, 0);
        let mut state = State::new(self.graph);
        for (at, frame) in frames.iter().enumerate() {
            let answer = self.frame(&mut state, frame, &mut arrays, &mut moments)?;
            agree += usize::from(exact.get(at) == Some(&answer));
            correct += usize::from(labels.and_then(|l| l.get(at)).is_some_and(|&label| usize::from(label) == answer));
        }
        let mut counts = Conversions::default();
        for of_layer in arrays.iter().flatten().map(Array::counts) {
            counts.conversions += of_layer.conversions;
            counts.enabled_rows += of_layer.enabled_rows;
            counts.active_cells += of_layer.active_cells;
            counts.skipped_planes += of_layer.skipped_planes;
            counts.by_quarters.iter_mut().zip(of_layer.by_quarters).for_each(|(sum, part)| *sum += part);
        }
        let mean = moments.sum / moments.count.max(1.0);
        let variance = moments.square / moments.count.max(1.0) - mean * mean;
        Ok(ChargeResult {
            readout_bits,
            variant,
            frames: frames.len(),
            agree,
            correct: labels.map(|_| correct),
            sum_error: (moments.error / moments.count.max(1.0) / variance.max(f64::MIN_POSITIVE)).sqrt(),
            enabled_rows: counts.enabled_rows as f64 / (counts.conversions.max(1)) as f64,
            counts,
        })
    }

    /// One frame: layers on the arrays, everything else exactly. Gives the largest output's index.
    fn frame(
        &self,
        state: &mut State,
        frame: &[Value],
        arrays: &mut [Option<Array>],
        moments: &mut Moments,
    ) -> Result<usize, Error> {
        let mut values = state.start(self.graph, frame)?;
        for (at, node) in self.graph.nodes.iter().enumerate() {
            let operands = reference::operands(self.graph, node, &values)?;
            let value = match (on_array(&node.op), &self.layers[at], &mut arrays[at], operands[0]) {
                (Some(layer), Some(columns), Some(array), Value::I8(x)) => {
                    let shape = input_shape(self.graph, at, layer);
                    Value::I8(linear(layer, x, shape, columns, array, moments))
                }
                _ => reference::apply(self.graph, node, &operands)?,
            };
            values[node.output.0] = Some(value);
        }
        state.keep(self.graph, &values)?;
        let output = self.graph.outputs.first().and_then(|id| values[id.0].as_ref());
        Ok(output.map_or(0, largest))
    }
}

/// One layer on an array, requantised as always.
fn linear(
    layer: &Linear,
    x: &[i8],
    shape: [usize; 3],
    columns: &[Column],
    array: &mut Array,
    moments: &mut Moments,
) -> Vec<i8> {
    let bias = layer.effective_bias();
    let vectors = layer_rows(layer, x, shape);
    let pixels = vectors.len() / layer.rows();
    let mut out = vec![0i8; pixels * layer.outputs()];
    for (pixel, rows) in vectors.chunks_exact(layer.rows()).enumerate() {
        let sums = array.run(rows, columns);
        if pixel % 16 == 0 {
            for (o, &sum) in sums.iter().enumerate().step_by(4) {
                let weights = column(layer, o);
                let exact: i32 = rows.iter().zip(&weights).map(|(&d, &w)| i32::from(d) * i32::from(w)).sum();
                moments.count += 1.0;
                moments.sum += f64::from(exact);
                moments.square += f64::from(exact).powi(2);
                moments.error += f64::from(sum - exact).powi(2);
            }
        }
        for (o, sum) in sums.into_iter().enumerate() {
            let acc = sum.wrapping_add(bias[o]);
            out[o * pixels + pixel] = layer.clamp.apply(layer.requantise.apply(o, acc, layer.y_zero_point));
        }
    }
    out
}

/// Index of the largest value, the first of equals.
pub(crate) fn largest(value: &Value) -> usize {
    let of = |values: &mut dyn Iterator<Item = f32>| {
        let best = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
        values.enumerate().fold((0, f32::NEG_INFINITY), best).0
    };
    match value {
        Value::I8(values) => of(&mut values.iter().map(|&v| f32::from(v))),
        Value::F32(values) => of(&mut values.iter().copied()),
        Value::I64(values) => values.first().map_or(0, |&class| class as usize),
    }
}
