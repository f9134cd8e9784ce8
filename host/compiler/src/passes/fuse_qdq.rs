//! Turns `DequantizeLinear` -> operator -> `QuantizeLinear` into the quantised operator.
//!
//! First every operator that only selects or moves values (pools by maximum, views, transposes) sinks below its
//! `DequantizeLinear`, which changes nothing because dequantisation is monotone and element-wise. Then each
//! `QuantizeLinear` is replaced by the quantised form of what feeds it; `Relu` and `Clip` on the way become its clamp.
//! The arithmetic is that of ONNX Runtime's fused operators (graph optimisation level `all`, `session.qdqisint8allowed`).

use crate::error::Error;
use crate::graph::{DType, Data, Graph, Node, Quant, TensorId};
use crate::op::{Affine, Clamp, FloatOp, Op, Pad, Product, RealPad, Rounding, TableSoftmax};
use crate::quantised::{self, LinearParts, dense_bias, dense_weights};
use crate::reference::{dequantize, quantize, unary};

/// Runs the pass.
///
/// # Errors
/// [`Error::Quantisation`] if a fused operator's parameters do not fit together.
pub fn run(graph: &mut Graph) -> Result<(), Error> {
    sink(graph);
    while lift(graph) {}
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        if let (Op::ArgExtreme(_), Some(x)) = (&node.op, source(graph, &producers, node.inputs[0])) {
            // The runtime, too, looks among the quantised values.
            graph.nodes[index].inputs = vec![x.id];
        }
        if let Some((op, inputs)) = quantised_form(graph, &producers, index)? {
            graph.nodes[index].op = op;
            graph.nodes[index].inputs = inputs;
        }
    }
    Ok(())
}

/// A quantised tensor behind a per-tensor `DequantizeLinear`.
#[derive(Clone, Copy)]
struct Source {
    id: TensorId,
    quant: Quant,
    unsigned: bool,
}

fn source(graph: &Graph, producers: &[Option<usize>], id: TensorId) -> Option<Source> {
    let node = &graph.nodes[producers.get(id.0).copied().flatten()?];
    let Op::Dequantize(Affine { scales, zero_points, .. }) = &node.op else {
        return None;
    };
    let tensor = graph.tensor(node.inputs[0]);
    if scales.len() != 1 || tensor.dtype != DType::I8 {
        return None;
    }
    let quant = Quant { scale: scales[0], zero_point: zero_points[0] };
    Some(Source { id: node.inputs[0], quant, unsigned: tensor.unsigned })
}

fn sink(graph: &mut Graph) {
    let nodes = std::mem::take(&mut graph.nodes);
    let mut producers = vec![None; graph.tensors.len()];
    for node in nodes {
        let from = node.inputs.first().and_then(|id| source(graph, &producers, *id));
        let moved = from.and_then(|from| Some((from, moved_form(&node.op, from.quant)?)));
        if let Some((from, op)) = moved {
            let mut tensor = graph.tensor(node.output).clone();
            tensor.name.push_str(" (8-bit)");
            (tensor.dtype, tensor.unsigned, tensor.quant) = (DType::I8, from.unsigned, Some(from.quant));
            let inner = graph.add_tensor(tensor);
            producers.push(Some(graph.nodes.len()));
            let affine = Affine {
                scales: vec![from.quant.scale],
                zero_points: vec![from.quant.zero_point],
                axis: 0,
                rounding: Rounding::HalfEven,
            };
            let below = Node {
                name: format!("{} (dequantise)", node.name),
                op: Op::Dequantize(affine),
                inputs: vec![inner],
                output: node.output,
                place: node.place.clone(),
            };
            graph.nodes.push(Node { op, inputs: vec![from.id], output: inner, ..node });
            producers[below.output.0] = Some(graph.nodes.len());
            graph.nodes.push(below);
        } else {
            producers[node.output.0] = Some(graph.nodes.len());
            graph.nodes.push(node);
        }
    }
}

/// What selects or moves the quantised values as `op` does the real ones.
fn moved_form(op: &Op, quant: Quant) -> Option<Op> {
    match op {
        Op::MaxPool(_)
        | Op::Reshape
        | Op::Transpose(_)
        | Op::Slice(_)
        | Op::DepthToSpace { .. }
        | Op::SpaceToDepth { .. }
        | Op::Resize(_)
        | Op::Broadcast => Some(op.clone()),
        Op::Float(FloatOp::Pad(RealPad { before, after, value })) => {
            // Only a value that the input's quantisation has can be added below it.
            let inner = quantize(*value, quant.scale, quant.zero_point);
            let exact = dequantize(inner, quant.scale, quant.zero_point).to_bits() == (value + 0.0).to_bits();
            exact.then(|| Op::Pad(Pad { before: before.clone(), after: after.clone(), value: inner }))
        }
        _ => None,
    }
}

/// Moves each `QuantizeLinear` above the concatenation, view or transpose that feeds it, which changes nothing because it is
/// element-wise. Whether any moved.
fn lift(graph: &mut Graph) -> bool {
    let readers = graph.consumers();
    let producers = graph.producers();
    let mut lifted: Vec<Vec<Node>> = vec![Vec::new(); graph.nodes.len()];
    let mut gone = vec![false; graph.nodes.len()];
    for (index, above) in lifted.iter_mut().enumerate() {
        let (Op::Quantize(affine), [input]) = (&graph.nodes[index].op, graph.nodes[index].inputs.as_slice()) else {
            continue;
        };
        let Some(at) = producers[input.0] else { continue };
        let feeding = graph.nodes[at].clone();
        let moves = matches!(feeding.op, Op::Concat { .. } | Op::Reshape | Op::Transpose(_));
        if !moves || affine.scales.len() != 1 || readers[input.0].len() != 1 || graph.is_result(*input) {
            continue;
        }
        let (op, output) = (graph.nodes[index].op.clone(), graph.nodes[index].output);
        let mut inner = Vec::new();
        for id in &feeding.inputs {
            let mut tensor = graph.tensor(output).clone();
            tensor.shape.clone_from(&graph.tensor(*id).shape);
            let name = format!("{} (quantise)", feeding.name);
            tensor.name.clone_from(&name);
            let to = graph.add_tensor(tensor);
            inner.push(to);
            let place = feeding.place.clone();
            above.push(Node { name, op: op.clone(), inputs: vec![*id], output: to, place });
        }
        graph.nodes[index] = Node { inputs: inner, output, ..feeding };
        gone[at] = true;
    }
    let nodes = std::mem::take(&mut graph.nodes).into_iter().zip(lifted).zip(&gone);
    let kept = nodes.flat_map(|((node, above), gone)| above.into_iter().chain((!gone).then_some(node)));
    graph.nodes = kept.collect();
    gone.contains(&true)
}

type Fused = Option<(Op, Vec<TensorId>)>;

/// What replaces the `QuantizeLinear` at `index`, if its input comes from a quantised operator's real form.
fn quantised_form(graph: &Graph, producers: &[Option<usize>], index: usize) -> Result<Fused, Error> {
    let node = &graph.nodes[index];
    let Op::Quantize(affine) = &node.op else {
        return Ok(None);
    };
    if affine.scales.len() != 1 {
        return Ok(None);
    }
    let y = Quant { scale: affine.scales[0], zero_point: affine.zero_points[0] };
    let unsigned = graph.tensor(node.output).unsigned;
    let (mut low, mut high) = (f32::NEG_INFINITY, f32::INFINITY);
    // The operators of one input on the way, last one first.
    let mut way = Vec::new();
    let mut id = node.inputs[0];
    let feeding = loop {
        let Some(at) = producers[id.0] else {
            return Ok(None);
        };
        let feeding = &graph.nodes[at];
        match &feeding.op {
            Op::Float(op) if unary(op, 0.0).is_some() => way.push(op),
            _ => break feeding,
        }
        id = feeding.inputs[0];
    };
    if let Some(x) = source(graph, producers, id) {
        let function = |value: f32| way.iter().rev().fold(value, |value, op| unary(op, value).unwrap_or(value));
        return Ok(Some((quantised::table(x.quant, y, function), vec![x.id])));
    }
    for op in way {
        let (min, max) = match *op {
            FloatOp::Relu => (0.0, f32::INFINITY),
            FloatOp::Clip { min, max } => (min, max),
            _ => return Ok(None),
        };
        (low, high) = (min.clamp(low, high), max.clamp(low, high));
    }
    let mut fused = operator(graph, producers, feeding, y, unsigned)?;
    // Quantisation is monotone, so bounds on real values are bounds on quantised ones.
    let bounds = Clamp { min: quantize(low, y.scale, y.zero_point), max: quantize(high, y.scale, y.zero_point) };
    match fused.as_mut().map(|(op, _)| op.clamp_mut()) {
        Some(Some(clamp)) => *clamp = bounds,
        Some(None) if bounds != Clamp::FULL => return Ok(None),
        _ => {}
    }
    Ok(fused)
}

/// The quantised form of a real operator whose operands are dequantised.
fn operator(graph: &Graph, producers: &[Option<usize>], node: &Node, y: Quant, unsigned: bool) -> Result<Fused, Error> {
    let Some(x) = source(graph, producers, node.inputs[0]) else {
        return Ok(None);
    };
    if let Op::Softmax { axis, log: false } = node.op {
        let shape = &graph.tensor(x.id).shape;
        let op = TableSoftmax::new(x.quant.scale, y, shape[axis]).filter(|_| axis + 1 == shape.len());
        return Ok(op.map(|op| (Op::TableSoftmax(op), vec![x.id])));
    }
    let Op::Float(op) = &node.op else {
        return Ok(None);
    };
    let spatial = graph.tensor(x.id).shape.get(2..).unwrap_or_default();
    let op = match *op {
        FloatOp::Conv { .. } | FloatOp::Gemm { .. } => return linear(graph, producers, node, x, y),
        FloatOp::MatMul => {
            let Some(b) = source(graph, producers, node.inputs[1]) else {
                return Ok(None);
            };
            // Operands change places: see `quantised::mat_mul`.
            return Ok(Some((quantised::mat_mul(&node.name, x.quant, b.quant, y)?, vec![b.id, x.id])));
        }
        FloatOp::Add | FloatOp::Mul => {
            let Some(b) = source(graph, producers, node.inputs[1]) else {
                return Ok(None);
            };
            if x.unsigned != unsigned || b.unsigned != unsigned {
                return Ok(None);
            }
            let offset = quantised::offset(unsigned);
            let op = match op {
                FloatOp::Mul => Op::Product(Product { a: x.quant, b: b.quant, y, offset, clamp: Clamp::FULL }),
                _ => Op::Add(quantised::add(x.quant, b.quant, y, unsigned)),
            };
            return Ok(Some((op, vec![x.id, b.id])));
        }
        FloatOp::AveragePool { window, count_include_pad } => {
            quantised::average(&node.name, window, count_include_pad, x.quant, y, unsigned, spatial)?
        }
        FloatOp::GlobalAveragePool => {
            let pixels = spatial.iter().product();
            Op::GlobalAveragePool(quantised::global_average_pool(&node.name, x.quant, y, pixels)?)
        }
        _ => return Ok(None),
    };
    Ok(Some((op, vec![x.id])))
}

/// A convolution or dense layer, if its weights are dequantised int8 and its bias dequantised int32 constants.
fn linear(graph: &Graph, producers: &[Option<usize>], node: &Node, x: Source, y: Quant) -> Result<Fused, Error> {
    let constant = |id: TensorId| {
        let feeding = &graph.nodes[producers[id.0]?];
        match &feeding.op {
            Op::Dequantize(affine) => Some((graph.tensor(feeding.inputs[0]), affine)),
            _ => None,
        }
    };
    let Some((weights, affine)) = constant(node.inputs[1]) else {
        return Ok(None);
    };
    let Some(Data::I8(values)) = &weights.data else {
        return Ok(None);
    };
    let dense = match node.op {
        Op::Float(FloatOp::Gemm { alpha, beta, trans_b }) => Some((alpha, beta, trans_b)),
        _ => None,
    };
    let output_axis = usize::from(matches!(dense, Some((_, _, false))));
    if affine.scales.len() > 1 && affine.axis != output_axis {
        return Ok(None);
    }
    let (data, shape, window, groups, alpha) = match (&node.op, dense) {
        (_, Some((alpha, beta, trans_b))) => {
            let Some((data, shape)) = dense_weights(weights, trans_b) else {
                return Ok(None);
            };
            if node.inputs.len() > 2 && beta.to_bits() != 1.0_f32.to_bits() {
                return Ok(None);
            }
            (data, shape, crate::op::Window::of([1, 1]), 1, alpha)
        }
        (Op::Float(FloatOp::Conv { window, groups }), _) => {
            let shape = match *weights.shape.as_slice() {
                [o, i, w] => [o, i, 1, w],
                [o, i, h, w] => [o, i, h, w],
                _ => return Ok(None),
            };
            (values.clone(), shape, *window, *groups, 1.0)
        }
        _ => return Ok(None),
    };
    let bias = match node.inputs.get(2) {
        None => None,
        Some(id) => match constant(*id).and_then(|(bias, _)| dense_bias(bias, shape[0])) {
            None => return Ok(None),
            bias => bias,
        },
    };
    let parts = LinearParts {
        node: node.name.clone(),
        x: x.quant,
        y,
        weights: data,
        shape,
        weight_scales: affine.scales.clone(),
        weight_zero_points: affine.zero_points.clone(),
        bias,
        alpha,
        window,
        groups,
    };
    let layer = Box::new(parts.build()?);
    // A dense layer over several rows is a convolution over their picture.
    let one_row = dense.is_some() && graph.tensor(x.id).elements() == layer.weights.shape[1];
    Ok(Some((if one_row { Op::Dense(layer) } else { Op::Conv(layer) }, vec![x.id])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scales_leave_a_clamp_and_others_a_table() {
        let x = Quant { scale: 0.1, zero_point: 3 };
        assert_eq!(quantised::table(x, x, |value| value), Op::Clamp(Clamp::FULL));
        assert_eq!(quantised::table(x, x, |value| value.max(0.0)), Op::Clamp(Clamp { min: 3, max: 127 }));
        let y = Quant { scale: 0.2, zero_point: 3 };
        let Op::Table(table) = quantised::table(x, y, |value| value.max(0.0)) else { panic!("not a table") };
        assert_eq!(table[128 + 13], 8);
        assert_eq!(table[0], 3);
    }

    #[test]
    fn only_values_that_the_quantisation_has_are_added_below_it() {
        let quant = Quant { scale: 0.1, zero_point: 3 };
        let pad = |value: f32| Op::Float(FloatOp::Pad(RealPad { before: vec![1], after: vec![0], value }));
        assert_eq!(moved_form(&pad(0.0), quant), Some(Op::Pad(Pad { before: vec![1], after: vec![0], value: 3 })));
        assert_eq!(moved_form(&pad(0.05), quant), None);
    }
}
