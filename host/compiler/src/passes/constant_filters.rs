//! Removes filters without a live weight: their output is constant, so their readers' biases can hold it.
//!
//! A channel whose value is `v` everywhere adds `(v - zero) * sum(w)` to a reader's sum. That is the same at every place unless the
//! reader pads, for padding holds the zero point: there only `v = zero` can go, which adds nothing anywhere. The reader's weights
//! for the channel become 0, and [`super::dead`] then drops the channel.

use crate::graph::Graph;
use crate::op::{Linear, Op};

/// Runs the pass; gives how many filters became constants.
pub fn run(graph: &mut Graph) -> usize {
    let consumers = graph.consumers();
    let mut folded = 0;
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Some(layer) = node.op.plain_layer() else { continue };
        let channels = graph.tensor(node.output).chw().map(|[channels, ..]| channels);
        let readers = &consumers[node.output.0];
        let reads = |at: &usize| {
            let layer = graph.nodes[*at].op.plain_layer();
            layer.is_some_and(|layer| Some(layer.weights.shape[1]) == channels)
        };
        if channels != Some(layer.outputs()) || graph.is_result(node.output) || !readers.iter().all(reads) {
            continue;
        }
        let constants: Vec<(usize, i32)> =
            (0..layer.outputs()).filter_map(|o| Some((o, constant(layer, o)?))).collect();
        for (channel, value) in constants {
            let foldable = |at: &usize| {
                let reader = graph.nodes[*at].op.plain_layer();
                reader.is_some_and(|r| r.window.unpadded() || r.x_zero_point == value)
            };
            if readers.is_empty() || !readers.iter().all(foldable) {
                continue;
            }
            let mut changed = false;
            for &at in readers {
                if let Op::Conv(reader) | Op::Dense(reader) = &mut graph.nodes[at].op {
                    changed |= fold(reader, channel, value);
                }
            }
            folded += usize::from(changed);
        }
    }
    folded
}

/// The value of an output channel whose weights are all 0.
fn constant(layer: &Linear, output: usize) -> Option<i32> {
    let rows = layer.rows();
    let live = layer.weights.data[output * rows..][..rows].iter().any(|&w| w != 0);
    let value = || layer.clamp.apply(layer.requantise.apply(output, layer.bias[output], layer.y_zero_point));
    (!live).then(|| i32::from(value()))
}

/// Moves a constant input channel into the biases; `false` if no weight was left to move.
fn fold(reader: &mut Linear, channel: usize, value: i32) -> bool {
    let [outputs, inputs, height, width] = reader.weights.shape;
    let plane = height * width;
    let mut changed = false;
    for output in 0..outputs {
        let taps = &mut reader.weights.data[(output * inputs + channel) * plane..][..plane];
        let sum = taps.iter().map(|&w| i32::from(w)).fold(0, i32::wrapping_add);
        changed |= taps.iter().any(|&w| w != 0);
        taps.fill(0);
        let constant = (value - reader.x_zero_point).wrapping_mul(sum);
        reader.bias[output] = reader.bias[output].wrapping_add(constant);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::dead;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    fn layer(graph: &mut Graph, node: usize) -> &mut Linear {
        let (Op::Conv(layer) | Op::Dense(layer)) = &mut graph.nodes[node].op else { panic!("no layer") };
        layer
    }

    fn frame(elements: usize) -> Vec<Value> {
        vec![Value::I8((0..elements).map(|v| (v * 37 % 256) as i8).collect())]
    }

    #[test]
    fn a_filter_without_weights_goes_and_no_result_changes() {
        let mut builder = Builder::new(5, &[1, 4, 5, 5]);
        let middle = builder.conv(builder.input(), 8, 3);
        let out = builder.conv(middle, 3, 1);
        let mut graph = builder.finish(out);
        for output in [1, 6] {
            layer(&mut graph, 0).weights.data[output * 36..][..36].fill(0);
        }
        let before = execute(&graph, &frame(100)).unwrap();
        assert_eq!(run(&mut graph), 2);
        dead::run(&mut graph);
        assert_eq!(layer(&mut graph, 0).outputs(), 6);
        assert_eq!(execute(&graph, &frame(100)).unwrap(), before);
        assert_eq!(run(&mut graph), 0);
    }

    #[test]
    fn a_padded_reader_takes_only_constants_that_are_the_zero_point() {
        for (bias, removed) in [(5000, 0), (0, 1)] {
            let mut builder = Builder::new(6, &[1, 4, 5, 5]);
            let middle = builder.conv(builder.input(), 8, 3);
            let out = builder.conv(middle, 3, 3);
            let mut graph = builder.finish(out);
            let producer = layer(&mut graph, 0);
            producer.weights.data[2 * 36..][..36].fill(0);
            producer.bias[2] = bias;
            let before = execute(&graph, &frame(100)).unwrap();
            assert_eq!(run(&mut graph), removed, "bias {bias}");
            assert_eq!(execute(&graph, &frame(100)).unwrap(), before);
        }
    }
}
