//! Folds what is known at compile time: weight zero points, constant nodes, and operators that change nothing.

use crate::error::Error;
use crate::graph::{Data, Graph};
use crate::op::{Clamp, FloatOp, Op, Window};
use crate::reference::{self, Value};

/// Runs the pass.
///
/// # Errors
/// As [`reference::apply`], for constant nodes.
pub fn run(graph: &mut Graph) -> Result<(), Error> {
    for node in &mut graph.nodes {
        if let Op::Conv(layer) | Op::Dense(layer) = &mut node.op {
            weight_zero_points(&mut layer.weights);
        }
    }
    constants(graph)?;
    merge_views(graph);
    identities(graph);
    Ok(())
}

/// Subtracts weight zero points wherever every difference of an output channel fits int8.
fn weight_zero_points(weights: &mut crate::op::Weights) {
    let rows = weights.shape[1..].iter().product::<usize>().max(1);
    for (row, zero_point) in weights.data.chunks_mut(rows).zip(&mut weights.zero_points) {
        let fits = row.iter().all(|&w| i8::try_from(i32::from(w) - *zero_point).is_ok());
        if fits {
            for w in row {
                *w = (i32::from(*w) - *zero_point) as i8;
            }
            *zero_point = 0;
        }
    }
}

/// Evaluates element-wise nodes and moves that read constants only. Dequantised constants stay, because `fuse_qdq` reads what they were
/// made from; layers stay, because a hostile file could ask for hours of them.
fn constants(graph: &mut Graph) -> Result<(), Error> {
    let nodes = std::mem::take(&mut graph.nodes);
    for node in nodes {
        let constant = |id: &crate::graph::TensorId| match &graph.tensor(*id).data {
            Some(Data::I8(values)) => Some(Value::I8(values.clone())),
            Some(Data::F32(values)) => Some(Value::F32(values.clone())),
            _ => None,
        };
        let cheap = matches!(
            &node.op,
            Op::Reshape
                | Op::Transpose(_)
                | Op::Quantize(_)
                | Op::Clamp(_)
                | Op::Table(_)
                | Op::Broadcast
                | Op::Slice(_)
                | Op::Float(FloatOp::Relu | FloatOp::Clip { .. } | FloatOp::Add)
        );
        let foldable = cheap && !graph.is_result(node.output);
        let operands: Option<Vec<Value>> = if foldable { node.inputs.iter().map(constant).collect() } else { None };
        match operands {
            Some(operands) => {
                let value = reference::apply(graph, &node, &operands.iter().collect::<Vec<_>>())?;
                graph.tensors[node.output.0].data = Some(match value {
                    Value::I8(values) => Data::I8(values),
                    Value::F32(values) => Data::F32(values),
                    Value::I64(values) => Data::I64(values),
                });
            }
            None => graph.nodes.push(node),
        }
    }
    Ok(())
}

/// Makes a view of a view read the first one's source.
fn merge_views(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        if graph.nodes[index].op == Op::Reshape {
            // Producers come first, so earlier views already read their source.
            let source = producers[graph.nodes[index].inputs[0].0].map(|at| &graph.nodes[at]);
            if let Some(id) = source.filter(|node| node.op == Op::Reshape).map(|node| node.inputs[0]) {
                graph.nodes[index].inputs[0] = id;
            }
        }
    }
}

/// Removes nodes whose output equals their input, unless the output is the graph's.
fn identities(graph: &mut Graph) {
    let nodes = std::mem::take(&mut graph.nodes);
    let mut removed = Vec::new();
    for node in nodes {
        let same_shape =
            node.inputs.first().is_some_and(|id| graph.tensor(*id).shape == graph.tensor(node.output).shape);
        let idle = match &node.op {
            Op::Clamp(clamp) => *clamp == Clamp::FULL,
            Op::MaxPool(pool) => pool.window == Window::of([1, 1]) && pool.clamp == Clamp::FULL,
            Op::Table(table) => table.iter().zip(i8::MIN..=i8::MAX).all(|(&to, from)| to == from),
            Op::Reshape => same_shape,
            Op::Transpose(order) => order.iter().copied().eq(0..order.len()),
            Op::Float(FloatOp::Clip { min, max }) => *min == f32::NEG_INFINITY && *max == f32::INFINITY,
            _ => false,
        };
        if idle && same_shape && !graph.is_result(node.output) {
            removed.push((node.output, node.inputs[0]));
        } else {
            graph.nodes.push(node);
        }
    }
    // Later removals may read earlier ones' outputs, so go back to front.
    for (output, input) in removed.into_iter().rev() {
        graph.redirect(output, input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::run as execute;

    #[test]
    fn a_weight_zero_point_moves_into_the_weights() {
        let mut builder = Builder::new(3, &[1, 2, 4, 4]);
        let out = builder.conv(builder.input(), 3, 3);
        let mut graph = builder.finish(out);
        let Op::Conv(layer) = &mut graph.nodes[0].op else { panic!("not a convolution") };
        layer.weights.data.iter_mut().for_each(|w| *w /= 2);
        layer.weights.zero_points = vec![5, -7, 100];
        layer.weights.data[2 * 18] = -60;
        let x = Value::I8((0..32).map(|v| (v * 7 - 110) as i8).collect());
        let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
        run(&mut graph).unwrap();
        let Op::Conv(layer) = &graph.nodes[0].op else { panic!("not a convolution") };
        assert_eq!(layer.weights.zero_points, [0, 0, 100], "-60 - 100 does not fit int8");
        assert_eq!(execute(&graph, &[x]).unwrap(), before);
    }

    #[test]
    fn chains_of_idle_nodes_vanish() {
        let mut builder = Builder::new(4, &[1, 2, 4, 4]);
        let a = builder.clamp(builder.input(), Clamp::FULL);
        let b = builder.reshape(a, &[1, 32]);
        let c = builder.reshape(b, &[1, 2, 4, 4]);
        let d = builder.clamp(c, Clamp::FULL);
        let out = builder.conv(d, 3, 3);
        let mut graph = builder.finish(out);
        run(&mut graph).unwrap();
        crate::passes::dead::run(&mut graph);
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.nodes[0].inputs, graph.inputs);
    }

    #[test]
    fn an_idle_node_that_makes_the_output_stays() {
        let mut builder = Builder::new(4, &[1, 2, 4, 4]);
        let out = builder.clamp(builder.input(), Clamp::FULL);
        let mut graph = builder.finish(out);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 1);
    }
}
