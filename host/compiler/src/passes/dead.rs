//! Removes what no output needs: nodes, tensors, and channels that every reader multiplies by zero.

use crate::graph::{Graph, TensorId};
use crate::op::{Linear, Op};

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    nodes(graph);
    while channels(graph) {}
    tensors(graph);
}

fn nodes(graph: &mut Graph) {
    let mut needed = vec![false; graph.tensors.len()];
    for id in graph.results() {
        needed[id.0] = true;
    }
    let mut keep = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if needed[node.output.0] {
            keep[index] = true;
            for id in &node.inputs {
                needed[id.0] = true;
            }
        }
    }
    let mut flags = keep.into_iter();
    graph.nodes.retain(|_| flags.next().unwrap_or(true));
}

/// Drops the unused channels of one layer; `false` once there are none.
fn channels(graph: &mut Graph) -> bool {
    let consumers = graph.consumers();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Op::Conv(layer) | Op::Dense(layer)) = &node.op else {
            continue;
        };
        let readers = &consumers[node.output.0];
        let channels = graph.tensor(node.output).chw().map(|[channels, _, _]| channels);
        if channels != Some(layer.outputs()) || layer.groups != 1 || readers.is_empty() || graph.is_result(node.output)
        {
            continue;
        }
        let Some(readers) = readers.iter().map(|&at| reader(graph, at)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let used: Vec<usize> =
            (0..layer.outputs()).filter(|&c| readers.iter().any(|reader| reads(reader, c))).collect();
        // One channel stays, so that no tensor becomes empty.
        if used.len() == layer.outputs() || used.is_empty() {
            continue;
        }
        let output = node.output;
        for &at in &consumers[output.0] {
            if let Op::Conv(layer) | Op::Dense(layer) = &mut graph.nodes[at].op {
                layer.select_inputs(&used);
            }
        }
        if let Op::Conv(layer) | Op::Dense(layer) = &mut graph.nodes[index].op {
            layer.select_outputs(&used);
        }
        graph.tensors[output.0].shape[1] = used.len();
        return true;
    }
    false
}

/// A reader whose weights decide which channels matter.
fn reader(graph: &Graph, at: usize) -> Option<&Linear> {
    let node = &graph.nodes[at];
    let channels = graph.tensor(node.inputs[0]).chw()?[0];
    node.op.plain_layer().filter(|layer| channels == layer.weights.shape[1])
}

fn reads(layer: &Linear, channel: usize) -> bool {
    let [_, inputs, height, width] = layer.weights.shape;
    let planes = layer.weights.data.chunks(height * width).skip(channel).step_by(inputs);
    planes.flatten().any(|&weight| weight != 0)
}

fn tensors(graph: &mut Graph) {
    let mut used = vec![false; graph.tensors.len()];
    let mut mark = |id: &TensorId| used[id.0] = true;
    graph.sources().chain(graph.results()).for_each(|id| mark(&id));
    for node in &graph.nodes {
        node.inputs.iter().chain([&node.output]).for_each(&mut mark);
    }
    let mut next = 0;
    let renamed: Vec<usize> = used
        .iter()
        .map(|&used| {
            next += usize::from(used);
            next.saturating_sub(1)
        })
        .collect();
    let mut flags = used.into_iter();
    graph.tensors.retain(|_| flags.next().unwrap_or(true));
    let rename = |id: &mut TensorId| id.0 = renamed[id.0];
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(rename);
    graph.states.iter_mut().flat_map(|state| [&mut state.read, &mut state.write]).for_each(rename);
    for node in &mut graph.nodes {
        node.inputs.iter_mut().chain([&mut node.output]).for_each(rename);
    }
}

impl Linear {
    /// Keeps (and reorders) output channels: new channel `i` is old channel `order[i]`.
    pub fn select_outputs(&mut self, order: &[usize]) {
        let rows = self.rows();
        let chosen = order.iter().flat_map(|&o| self.weights.data[o * rows..][..rows].iter().copied());
        self.weights.data = chosen.collect();
        self.weights.zero_points = order.iter().map(|&o| self.weights.zero_points[o]).collect();
        self.weights.shape[0] = order.len();
        self.bias = order.iter().map(|&o| self.bias[o]).collect();
        self.requantise.permute(order);
    }

    /// Keeps (and reorders) input channels of a layer without groups: new channel `i` is old channel `order[i]`.
    pub fn select_inputs(&mut self, order: &[usize]) {
        let [outputs, inputs, height, width] = self.weights.shape;
        let plane = height * width;
        let pairs = (0..outputs).flat_map(|o| order.iter().map(move |&i| o * inputs + i));
        self.weights.data = pairs.flat_map(|at| self.weights.data[at * plane..][..plane].iter().copied()).collect();
        self.weights.shape[1] = order.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    #[test]
    fn a_node_nobody_reads_goes() {
        let mut builder = Builder::new(1, &[1, 4, 5, 5]);
        let used = builder.conv(builder.input(), 3, 3);
        builder.conv(used, 2, 1);
        let mut graph = builder.finish(used);
        run(&mut graph);
        assert_eq!((graph.nodes.len(), graph.tensors.len()), (1, 2));
        assert_eq!(graph.validate(), Ok(()));
    }

    #[test]
    fn a_channel_multiplied_by_zero_goes_and_nothing_else_changes() {
        let mut builder = Builder::new(2, &[1, 4, 5, 5]);
        let middle = builder.conv(builder.input(), 6, 3);
        let out = builder.conv(middle, 2, 3);
        let mut graph = builder.finish(out);
        let Op::Conv(last) = &mut graph.nodes[1].op else { panic!("not a convolution") };
        for output in 0..2 {
            for dropped in [1, 4] {
                last.weights.data[(output * 6 + dropped) * 9..][..9].fill(0);
            }
        }
        let x = Value::I8((0..100).map(|v| (v * 5 % 251 - 120) as i8).collect());
        let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
        run(&mut graph);
        assert_eq!(graph.tensors[graph.nodes[0].output.0].shape[1], 4);
        assert_eq!(execute(&graph, &[x]).unwrap(), before);
    }
}
