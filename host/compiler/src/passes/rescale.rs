//! Tables that only change what the values of a picture mean, between layers of the chip, become depthwise layers of one tap, whose
//! requantisation does the same. Converters write them before a concatenation, whose inputs must mean the same; on the host each
//! would take its tensor out of the chip and back.

use crate::graph::{Graph, Node, Place, Quant};
use crate::op::{Clamp, Linear, Op, Requantise, Weights};
use crate::passes::partition::place;
use crate::reference::quantise_multiplier;

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    let (producers, consumers) = (graph.producers(), graph.consumers());
    let chips = |graph: &Graph, at: usize| matches!(place(graph, &graph.nodes[at]), Ok(Place::Chip));
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let Some(layer) = layer(graph, node) else { continue };
        let enters = producers[node.inputs[0].0].is_some_and(|producer| chips(graph, producer));
        if enters && consumers[node.output.0].iter().any(|&reader| chips(graph, reader)) {
            graph.nodes[at].op = Op::Conv(Box::new(layer));
        }
    }
}

/// The layer that gives all values of a node's table, if it is one of a picture and any does.
fn layer(graph: &Graph, node: &Node) -> Option<Linear> {
    let Op::Table(table) = &node.op else { return None };
    let (x, y) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    let [channels, ..] = x.chw().filter(|_| x.shape.len() == 4)?;
    let (from, to) = (x.quant?, y.quant?);
    let clamp = Clamp { min: *table.iter().min()?, max: *table.iter().max()? };
    let same = |rule: &Requantise| {
        let value = |q: i32| clamp.apply(rule.apply(0, q - from.zero_point, to.zero_point));
        rule.on_chip() && table.iter().zip(-128..).all(|(&wanted, q)| wanted == value(q))
    };
    let rule = rules(from, to).into_iter().find(same)?;
    let rule = match rule {
        Requantise::A { multipliers, shifts } => {
            Requantise::A { multipliers: vec![multipliers[0]; channels], shifts: vec![shifts[0]; channels] }
        }
        Requantise::B { scales } => Requantise::B { scales: vec![scales[0]; channels] },
    };
    let weights = Weights { data: vec![1; channels], shape: [channels, 1, 1, 1], zero_points: vec![0; channels] };
    Some(Linear::unbiased(weights, channels, [from.zero_point, to.zero_point], rule, clamp))
}

/// The ways in which runtimes rescale one value.
fn rules(from: Quant, to: Quant) -> [Requantise; 3] {
    let ratio = from.scale / to.scale;
    let a = |real: f64| {
        let (multiplier, shift) = quantise_multiplier(real);
        Requantise::A { multipliers: vec![multiplier], shifts: vec![shift] }
    };
    let exact = f64::from(from.scale) / f64::from(to.scale);
    [a(exact), a(f64::from(ratio)), Requantise::B { scales: vec![ratio] }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    /// A convolution, a table of `of` and a convolution.
    fn between(of: impl Fn(i32) -> i32) -> Graph {
        let mut builder = Builder::new(3, &[1, 2, 5, 4]);
        let first = builder.conv(builder.input(), 6, 3);
        let table = Box::new(std::array::from_fn(|at| of(at as i32 - 128).clamp(-128, 127) as i8));
        let middle = builder.unary(Op::Table(table), first);
        let out = builder.conv(middle, 3, 1);
        let mut graph = builder.finish(out);
        graph.tensors[first.0].quant = Some(Quant { scale: 0.02, zero_point: -5 });
        graph.tensors[middle.0].quant = Some(Quant { scale: 0.05, zero_point: 11 });
        graph
    }

    fn rescaled(q: i32) -> i32 {
        let (multiplier, shift) = quantise_multiplier(f64::from(0.02_f32) / f64::from(0.05_f32));
        lacuna_spec::numerics::requantise_a(q + 5, multiplier, shift, 11)
    }

    #[test]
    fn a_change_of_scale_between_layers_is_a_layer_itself() {
        for (of, layers) in [
            (Box::new(rescaled) as Box<dyn Fn(i32) -> i32>, 3),
            (Box::new(|q| rescaled(q).max(11)), 3),
            (Box::new(|q| (q + 5) * (q + 5) / 64), 2),
        ] {
            let mut graph = between(of);
            let x = Value::I8((0..40).map(|v| (v * 37 % 251 - 125) as i8).collect());
            let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
            run(&mut graph);
            assert_eq!(graph.nodes.iter().filter(|node| matches!(node.op, Op::Conv(_))).count(), layers);
            assert_eq!(execute(&graph, &[x]).unwrap(), before);
        }
    }

    #[test]
    fn what_the_host_gives_or_takes_stays_a_table() {
        let mut graph = between(rescaled);
        graph.nodes.pop();
        graph.outputs = vec![graph.nodes[1].output];
        run(&mut graph);
        assert!(matches!(graph.nodes[1].op, Op::Table(_)));
    }
}
