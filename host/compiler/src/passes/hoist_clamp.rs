//! Takes the clamp off a maximum, which the chip's post unit does not clamp.
//!
//! A clamp is monotone, so it may be applied before the maximum as well as after. It is dropped where the producer never
//! leaves it, and moves into the producer where no one else reads that. What is left falls back to the host.

use crate::graph::Graph;
use crate::op::{Clamp, Op};

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    // Readers first, so that a clamp moves through any number of pools.
    for index in (0..graph.nodes.len()).rev() {
        hoist(graph, index);
    }
}

fn hoist(graph: &mut Graph, index: usize) {
    let Op::MaxPool(pool) = &graph.nodes[index].op else { return };
    let (clamp, input) = (pool.clamp, graph.nodes[index].inputs[0]);
    let window = pool.window;
    // A window that sees nothing but padding gives the clamp's minimum, which no producer can bring about.
    let sees_input = (0..4).all(|side| window.pads[side] < window.kernel[side % 2]) && window.dilation == [1, 1];
    if clamp == Clamp::FULL || !sees_input {
        return;
    }
    let readers = graph.nodes.iter().flat_map(|node| &node.inputs).filter(|id| **id == input).count();
    let alone = readers == 1 && !graph.outputs.contains(&input);
    let Some(producer) = graph.nodes[..index].iter_mut().find(|node| node.output == input) else { return };
    let Some(before) = producer.op.clamp_mut() else { return };
    let redundant = clamp.min <= before.min && before.max <= clamp.max;
    if !redundant && !alone {
        return;
    }
    *before = before.then(clamp);
    if let Op::MaxPool(pool) = &mut graph.nodes[index].op {
        pool.clamp = Clamp::FULL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TensorId;
    use crate::passes::{fuse_requantise, testing::Builder};
    use crate::reference::{Value, run as execute};

    const RELU: Clamp = Clamp { min: -5, max: 90 };

    fn clamps(graph: &mut Graph) -> Vec<Clamp> {
        graph.nodes.iter_mut().filter_map(|node| node.op.clamp_mut().map(|clamp| *clamp)).collect()
    }

    /// Runs both passes and checks that no output changes.
    fn hoisted(mut builder: Builder, out: TensorId) -> Graph {
        builder.output(out);
        let mut graph = builder.graph();
        let frame = [Value::I8((0..128).map(|v| (v * 37 % 256) as i8).collect())];
        let before = execute(&graph, &frame).unwrap();
        fuse_requantise::run(&mut graph);
        run(&mut graph);
        assert_eq!(execute(&graph, &frame).unwrap(), before);
        graph
    }

    #[test]
    fn a_clamp_moves_through_pools_into_the_layer() {
        let mut builder = Builder::new(31, &[1, 2, 8, 8]);
        let conv = builder.conv(builder.input(), 4, 3);
        let first = builder.max_pool(conv);
        let second = builder.max_pool(first);
        let out = builder.clamp(second, RELU);
        let mut graph = hoisted(builder, out);
        assert_eq!(clamps(&mut graph), [RELU, Clamp::FULL, Clamp::FULL]);
    }

    #[test]
    fn a_clamp_that_the_producer_keeps_anyway_disappears() {
        let mut builder = Builder::new(32, &[1, 2, 8, 8]);
        let conv = builder.conv(builder.input(), 4, 3);
        let relu = builder.clamp(conv, RELU);
        let pool = builder.max_pool(relu);
        let out = builder.clamp(pool, Clamp { min: -100, ..RELU });
        let other = builder.conv(relu, 3, 1);
        builder.output(other);
        let mut graph = hoisted(builder, out);
        assert_eq!(clamps(&mut graph), [RELU, Clamp::FULL, Clamp::FULL]);
    }

    #[test]
    fn a_clamp_stays_where_another_reader_would_see_it() {
        let mut builder = Builder::new(33, &[1, 2, 8, 8]);
        let conv = builder.conv(builder.input(), 4, 3);
        let pool = builder.max_pool(conv);
        let out = builder.clamp(pool, RELU);
        let other = builder.conv(conv, 3, 1);
        builder.output(other);
        let mut graph = hoisted(builder, out);
        assert_eq!(clamps(&mut graph), [Clamp::FULL, RELU, Clamp::FULL]);
    }
}
