//! Moves a clamp (`Relu`, `Clip`) into the operator that produces its input, where the chip clamps for free.

use crate::graph::Graph;
use crate::op::Op;

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    let mut index = 0;
    while index < graph.nodes.len() {
        if fuse(graph, index) {
            graph.nodes.remove(index);
        } else {
            index += 1;
        }
    }
}

/// Fuses the clamp at `index` into its producer; the producer then writes the clamp's output.
fn fuse(graph: &mut Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Op::Clamp(clamp) = node.op else {
        return false;
    };
    let (input, output) = (node.inputs[0], node.output);
    let readers = graph.nodes.iter().flat_map(|node| &node.inputs).filter(|id| **id == input).count();
    if readers != 1 || graph.is_result(input) {
        return false;
    }
    let Some(producer) = graph.nodes[..index].iter_mut().find(|node| node.output == input) else {
        return false;
    };
    let Some(fused) = producer.op.clamp_mut() else {
        return false;
    };
    *fused = fused.then(clamp);
    producer.output = output;
    true
}

#[cfg(test)]
mod tests {
    use crate::op::{Clamp, Op};
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    #[test]
    fn clamps_move_into_the_layer_and_intersect() {
        let mut builder = Builder::new(5, &[1, 2, 4, 4]);
        let conv = builder.conv(builder.input(), 3, 3);
        let first = builder.clamp(conv, Clamp { min: -20, max: 127 });
        let out = builder.clamp(first, Clamp { min: -128, max: 60 });
        let mut graph = builder.finish(out);
        let x = Value::I8((0..32).map(|v| (v * 7 - 110) as i8).collect());
        let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
        super::run(&mut graph);
        assert_eq!(graph.nodes.len(), 1);
        let Op::Conv(layer) = &graph.nodes[0].op else { panic!("not a convolution") };
        assert_eq!(layer.clamp, Clamp { min: -20, max: 60 });
        assert_eq!(execute(&graph, &[x]).unwrap(), before);
    }

    #[test]
    fn a_value_with_a_second_reader_is_not_clamped_for_it() {
        let mut builder = Builder::new(6, &[1, 2, 4, 4]);
        let conv = builder.conv(builder.input(), 2, 1);
        let relu = builder.clamp(conv, Clamp { min: 0, max: 127 });
        let out = builder.add(conv, relu);
        let mut graph = builder.finish(out);
        super::run(&mut graph);
        assert_eq!(graph.nodes.len(), 3);
    }
}
