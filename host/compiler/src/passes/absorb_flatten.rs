//! Lets a dense layer read the picture itself instead of its flattened copy.
//!
//! A dense layer's columns follow the flattened order. Channel by channel, its weights *are* OIHW with a kernel as large as the picture;
//! pixel by pixel, as channels-last files flatten, they are reordered once. Either way the reshape in front of it disappears.

use crate::graph::Graph;
use crate::op::{Op, Window};

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let Op::Dense(layer) = &graph.nodes[index].op else {
            continue;
        };
        let Some(view) = producers[graph.nodes[index].inputs[0].0].map(|at| &graph.nodes[at]) else {
            continue;
        };
        let picture = view.inputs[0];
        let Some([channels, height, width]) = graph.tensor(picture).chw() else {
            continue;
        };
        let [outputs, columns, 1, 1] = layer.weights.shape else {
            continue;
        };
        if !matches!(view.op, Op::Reshape | Op::View) || channels * height * width != columns {
            continue;
        }
        let pixels = (view.op == Op::View).then_some(height * width);
        let node = &mut graph.nodes[index];
        node.inputs[0] = picture;
        if let Op::Dense(layer) = &mut node.op {
            if let Some(pixels) = pixels {
                // A view's columns go pixel by pixel, with the channels of each side by side.
                let old = std::mem::take(&mut layer.weights.data);
                let order = (0..outputs * columns).map(|at| (at / columns, at % columns / pixels, at % pixels));
                layer.weights.data = order.map(|(o, c, p)| old[o * columns + p * channels + c]).collect();
            }
            layer.weights.shape = [outputs, channels, height, width];
            layer.window = Window::of([height, width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    #[test]
    fn a_dense_layer_reads_the_picture() {
        absorbs(Op::Reshape);
    }

    #[test]
    fn a_dense_layer_over_a_channels_last_view_reads_the_picture() {
        absorbs(Op::View);
    }

    fn absorbs(view: Op) {
        let mut builder = Builder::new(7, &[1, 3, 2, 4]);
        let flat = builder.reshape(builder.input(), &[1, 24]);
        let out = builder.dense(flat, 5);
        let mut graph = builder.finish(out);
        graph.nodes[0].op = view;
        let x = Value::I8((0..24).map(|v| (v * 9 - 100) as i8).collect());
        let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
        run(&mut graph);
        crate::passes::dead::run(&mut graph);
        assert_eq!(graph.nodes.len(), 1);
        let Op::Dense(layer) = &graph.nodes[0].op else { panic!("the dense layer is gone") };
        assert_eq!(layer.weights.shape, [5, 3, 2, 4]);
        assert_eq!(execute(&graph, &[x]).unwrap(), before);
    }
}
