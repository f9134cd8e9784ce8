//! Moves what the host computes out of the chip's way.
//!
//! A program ends at the first node of the host behind it, so that a network with two heads would be two programs where one head's last
//! node stands before the other's first in the file. Nodes of the host that need nothing of the chip come first, those that the chip
//! needs nothing of last.

use crate::graph::{Graph, Node, Place};

/// Runs the pass; the order of nodes stays one of execution.
pub fn run(graph: &mut Graph) {
    let [needs, needed] = [above(graph), below(graph)];
    let rank = |index: usize, node: &Node| match node.place {
        Place::Chip => 1,
        _ if !needs[index] => 0,
        _ if !needed[index] => 2,
        _ => 1,
    };
    let ranks: Vec<u8> = graph.nodes.iter().enumerate().map(|(index, node)| rank(index, node)).collect();
    let mut nodes: Vec<(u8, Node)> = ranks.into_iter().zip(std::mem::take(&mut graph.nodes)).collect();
    nodes.sort_by_key(|(rank, _)| *rank);
    graph.nodes = nodes.into_iter().map(|(_, node)| node).collect();
}

/// For each node whether it is on the chip, or needs what is.
fn above(graph: &Graph) -> Vec<bool> {
    let producers = graph.producers();
    let mut found = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let needs = |id: &crate::TensorId| producers[id.0].is_some_and(|producer| found[producer]);
        found[index] = node.place == Place::Chip || node.inputs.iter().any(needs);
    }
    found
}

/// For each node whether it is on the chip, or what needs it is.
fn below(graph: &Graph) -> Vec<bool> {
    let consumers = graph.consumers();
    let mut found = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        found[index] = node.place == Place::Chip || consumers[node.output.0].iter().any(|&reader| found[reader]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::compile;
    use crate::op::Op;
    use crate::passes::testing::Builder;
    use lacuna_spec::Geometry;
    use lacuna_spec::instr::Gating;

    #[test]
    fn two_heads_are_one_program() {
        let mut builder = Builder::new(41, &[1, 4, 4, 4]);
        let body = builder.conv(builder.input(), 8, 3);
        let first = builder.conv(body, 4, 1);
        let softmax = builder.unary(Op::Softmax { axis: 1, log: false }, first);
        builder.output(softmax);
        let second = builder.conv(body, 6, 1);
        let other = builder.unary(Op::Softmax { axis: 1, log: false }, second);
        let mut graph = builder.finish(other);
        crate::passes::partition::run(&mut graph).unwrap();
        let names = |graph: &Graph| graph.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&graph), ["n0", "n1", "n2", "n3", "n4"]);
        let programs = |graph: &Graph| {
            let compiled = compile(graph.clone(), Geometry::BASE, Gating::Digit).unwrap();
            compiled.programs().count()
        };
        assert_eq!(programs(&graph), 2);
        run(&mut graph);
        assert_eq!(programs(&graph), 1);
        assert_eq!(names(&graph), ["n0", "n1", "n3", "n2", "n4"]);
        graph.validate().unwrap();
    }

    #[test]
    fn what_the_chip_waits_for_comes_first_and_what_lies_between_stays() {
        let mut builder = Builder::new(42, &[1, 4, 4, 4]);
        let table = || Op::Table(Box::new(std::array::from_fn(|at| at as u8 as i8)));
        let conv = builder.conv(builder.input(), 4, 3);
        let between = builder.unary(table(), conv);
        let next = builder.conv(between, 4, 3);
        let aside = builder.unary(table(), builder.input());
        let sum = builder.conv(aside, 4, 3);
        builder.output(next);
        let mut graph = builder.finish(sum);
        crate::passes::partition::run(&mut graph).unwrap();
        run(&mut graph);
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["n3", "n0", "n1", "n2", "n4"]);
        graph.validate().unwrap();
    }
}
