//! Convolutions some of whose weights, less their zero point, have more than the cells' 8 bits, as files of uint8 weights have them: each
//! weight becomes a sum of two. The picture's columns stand twice, which is a move, and the kernel is twice as wide.

use std::collections::HashMap;

use crate::graph::{Graph, Node, Place, TensorId};
use crate::op::{Linear, Op, Resize, Window};

/// Runs the pass, after zero points were folded wherever they can be.
pub fn run(graph: &mut Graph) {
    let mut twice: HashMap<TensorId, TensorId> = HashMap::new();
    let mut at = 0;
    while at < graph.nodes.len() {
        if let Some(layer) = in_two(graph, &graph.nodes[at]) {
            let input = graph.nodes[at].inputs[0];
            let repeated = twice.get(&input).copied().unwrap_or_else(|| {
                let id = repeat_columns(graph, at, input);
                at += 1;
                id
            });
            twice.insert(input, repeated);
            graph.nodes[at].op = Op::Conv(Box::new(layer));
            graph.nodes[at].inputs[0] = repeated;
        }
        at += 1;
    }
}

/// The layer of a node on columns that stand twice, if it has wide weights and each is a sum of two narrow ones.
fn in_two(graph: &Graph, node: &Node) -> Option<Linear> {
    let Op::Conv(layer) = &node.op else { return None };
    let wide = layer.weights.zero_points.iter().any(|&zero_point| zero_point != 0);
    if !wide || layer.window.dilation[1] != 1 || graph.tensor(node.inputs[0]).shape.len() != 4 {
        return None;
    }
    let mut layer = (**layer).clone();
    let rows = layer.rows();
    let zero_points = layer.weights.zero_points.iter().flat_map(|&zero_point| std::iter::repeat_n(zero_point, rows));
    let both = layer.weights.data.iter().zip(zero_points).map(|(&weight, zero_point)| {
        let difference = i32::from(weight) - zero_point;
        let first = difference.clamp(i8::MIN.into(), i8::MAX.into());
        Some([first as i8, i8::try_from(difference - first).ok()?])
    });
    layer.weights.data = both.collect::<Option<Vec<_>>>()?.concat();
    layer.weights.zero_points.fill(0);
    layer.weights.shape[3] *= 2;
    let Window { kernel, stride, pads: [above, left, below, right], .. } = layer.window;
    layer.window = Window {
        kernel: [kernel[0], 2 * kernel[1]],
        stride: [stride[0], 2 * stride[1]],
        pads: [above, 2 * left, below, 2 * right],
        ..layer.window
    };
    Some(layer)
}

/// Inserts the move that lets each column of a picture stand twice before a node; returns what it writes.
fn repeat_columns(graph: &mut Graph, at: usize, input: TensorId) -> TensorId {
    let mut tensor = graph.tensor(input).clone();
    tensor.name = format!("{}/columns twice", tensor.name);
    let name = tensor.name.clone();
    let [height, width] = [tensor.shape[2], tensor.shape[3]];
    tensor.shape[3] = 2 * width;
    let output = graph.add_tensor(tensor);
    let op = Op::Resize(Resize { rows: (0..height).collect(), columns: (0..2 * width).map(|to| to / 2).collect() });
    graph.nodes.insert(at, Node { name, op, inputs: vec![input], output, place: Place::Chip });
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    /// Two layers of the same picture whose zero points are `zero_point`.
    fn pair(groups: usize, zero_point: i32) -> Graph {
        let mut builder = Builder::new(9, &[1, 4, 5, 7]);
        let window = Window { kernel: [3, 2], stride: [2, 3], dilation: [2, 1], pads: [2, 1, 1, 0] };
        let wide = builder.windowed(builder.input(), 8, window);
        let other = builder.grouped(builder.input(), 4, 3, groups);
        builder.output(wide);
        let mut graph = builder.finish(other);
        for node in &mut graph.nodes {
            let Op::Conv(layer) = &mut node.op else { panic!("a convolution") };
            layer.weights.zero_points.fill(zero_point);
        }
        graph
    }

    #[test]
    fn wide_weights_are_sums_of_two() {
        for (groups, zero_point) in [(1, 100), (4, -90), (2, 127)] {
            let mut graph = pair(groups, zero_point);
            let x = Value::I8((0..140).map(|v| (v * 53 % 251 - 125) as i8).collect());
            let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
            run(&mut graph);
            let moves = graph.nodes.iter().filter(|node| node.op.moves()).count();
            assert_eq!((graph.nodes.len(), moves), (3, 1), "both layers read the same columns");
            graph.validate().unwrap();
            assert_eq!(execute(&graph, &[x]).unwrap(), before);
        }
    }

    #[test]
    fn a_weight_that_is_no_sum_of_two_stays() {
        let mut graph = pair(1, -128);
        for node in &mut graph.nodes {
            let Op::Conv(layer) = &mut node.op else { panic!("a convolution") };
            layer.weights.data[0] = 127;
        }
        run(&mut graph);
        assert_eq!(graph.nodes.len(), 2);
    }
}
