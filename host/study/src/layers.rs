//! The row vectors that reach the array.

use lacuna_compiler::Error;
use lacuna_compiler::graph::Graph;
use lacuna_compiler::op::{Linear, Op};
use lacuna_compiler::reference::{State, Value};

/// The vectors of one layer over some frames.
#[derive(Debug, Clone)]
pub struct LayerRows {
    /// Node of the graph.
    pub node: usize,
    /// Its name.
    pub name: String,
    /// Rows of a vector.
    pub rows: usize,
    /// Input channels: the rows of one kernel tap.
    pub channels: usize,
    /// Output channels.
    pub outputs: usize,
    /// The gate value: rows are differences from it.
    pub gate: i16,
    /// The vectors one after the other, rows in the order in which the feeder packs them.
    pub vectors: Vec<i16>,
}

impl LayerRows {
    /// Number of vectors.
    #[must_use]
    pub fn count(&self) -> usize {
        self.vectors.len() / self.rows.max(1)
    }

    /// Multiply-accumulates of all vectors.
    #[must_use]
    pub fn macs(&self) -> u64 {
        (self.vectors.len() * self.outputs) as u64
    }
}

/// The layer of an operator, if it runs on the array as a whole: groups do not, nor do weights with a zero point.
pub(crate) fn on_array(op: &Op) -> Option<&Linear> {
    let (Op::Conv(layer) | Op::Dense(layer)) = op else { return None };
    let plain = layer.groups == 1 && layer.weights.zero_points.iter().all(|&zero_point| zero_point == 0);
    plain.then_some(layer.as_ref())
}

/// Runs the frames, one after the other, and collects what each layer on the array reads.
///
/// # Errors
/// Frames that do not fit the graph.
pub fn collect(graph: &Graph, frames: &[Vec<Value>]) -> Result<Vec<LayerRows>, Error> {
    let mut layers: Vec<LayerRows> = Vec::new();
    let mut state = State::new(graph);
    for (at, frame) in frames.iter().enumerate() {
        let values = state.run_all(graph, frame)?;
        let mut slots = layers.iter_mut();
        let mut fresh = Vec::new();
        for (node, of_node) in graph.nodes.iter().enumerate() {
            let Some(layer) = on_array(&of_node.op) else { continue };
            let Some(Value::I8(x)) = &values[of_node.inputs[0].0] else { continue };
            let vectors = layer_rows(layer, x, input_shape(graph, node, layer));
            if at == 0 {
                let (rows, outputs, gate) = (layer.rows(), layer.outputs(), layer.gate as i16);
                let channels = layer.weights.shape[1];
                fresh.push(LayerRows { node, name: of_node.name.clone(), rows, channels, outputs, gate, vectors });
            } else if let Some(slot) = slots.next() {
                slot.vectors.extend(vectors);
            }
        }
        layers.append(&mut fresh);
    }
    Ok(layers)
}

/// Channels, height and width that a layer reads. A dense layer's kernel covers its whole input.
pub(crate) fn input_shape(graph: &Graph, node: usize, layer: &Linear) -> [usize; 3] {
    let [_, channels, height, width] = layer.weights.shape;
    let whole = [channels, height, width];
    match &graph.nodes[node].op {
        Op::Conv(_) => graph.tensor(graph.nodes[node].inputs[0]).chw().unwrap_or(whole),
        _ => whole,
    }
}

/// The vectors of one picture (channels first): differences from the gate value; padding holds the zero point.
#[must_use]
pub fn layer_rows(layer: &Linear, x: &[i8], [channels, height, width]: [usize; 3]) -> Vec<i16> {
    let window = &layer.window;
    let Some([out_h, out_w]) = window.output(height, width) else { return Vec::new() };
    let pad = (layer.x_zero_point - layer.gate) as i16;
    let mut vectors = Vec::with_capacity(out_h * out_w * layer.rows());
    for (oy, ox) in (0..out_h).flat_map(|oy| (0..out_w).map(move |ox| (oy, ox))) {
        for ky in 0..window.kernel[0] {
            let y = (oy * window.stride[0] + ky * window.dilation[0]).wrapping_sub(window.pads[0]);
            for kx in 0..window.kernel[1] {
                let at = (ox * window.stride[1] + kx * window.dilation[1]).wrapping_sub(window.pads[1]);
                if y < height && at < width {
                    let value = |c: usize| i16::from(x[(c * height + y) * width + at]) - layer.gate as i16;
                    vectors.extend((0..channels).map(value));
                } else {
                    vectors.extend(std::iter::repeat_n(pad, channels));
                }
            }
        }
    }
    vectors
}

/// The weights of one output channel in the order of [`layer_rows`].
pub(crate) fn column(layer: &Linear, output: usize) -> Vec<i8> {
    let [_, inputs, height, width] = layer.weights.shape;
    let of_output = &layer.weights.data[output * layer.rows()..][..layer.rows()];
    let taps = (0..height * width).flat_map(|tap| (0..inputs).map(move |c| c * height * width + tap));
    taps.map(|at| of_output[at]).collect()
}
