//! Decides which nodes the chip runs; the others fall back to the host, each with a reason.

use std::fmt;

use crate::error::Error;
use crate::graph::{DType, Graph, Node, Place, TensorId};
use crate::op::{ChipProduct, FloatOp, Op};

/// Why the host converts between real and quantised values, and computes exponentials.
const REAL: &str = "real numbers are the host's";

/// Why the host moves what the chip could.
const BORDER: &str = "it only brings what enters or leaves the chip into order";

/// Why the host finds places of extremes, and moves them.
const INTEGERS: &str = "wide integers are the host's";

/// Why the host runs layers that keep what they computed.
const MEMORY: &str = "it keeps values of 16 bits, and the chip computes on 8";

/// Why the host runs layers by rule B with a scale that the chip's contract leaves out.
const SUBNORMAL: &str = "a scale is no normal number, and the chip multiplies by those only";

/// One node that runs on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The node.
    pub node: String,
    /// Its operator.
    pub op: &'static str,
    /// Why.
    pub reason: String,
    /// Whether it was expected: the host always converts between real and quantised values, computes
    /// wide integers, and brings elements into the file's order.
    pub expected: bool,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}' runs on the host: {}", self.op, self.node, self.reason)
    }
}

/// Runs the pass and returns the fallbacks that deserve a warning.
///
/// # Errors
/// [`Error::NotQuantised`] if a floating-point operator is left that the host does not run either.
pub fn run(graph: &mut Graph) -> Result<Vec<Fallback>, Error> {
    let mut fallbacks = Vec::new();
    let producers = graph.producers();
    let computes = graph.nodes.iter().any(|node| !node.op.moves());
    for index in 0..graph.nodes.len() {
        let border = border(graph, &producers, computes, &graph.nodes[index]);
        let place = if border { Place::Host(BORDER.into()) } else { place(graph, &graph.nodes[index])? };
        let node = &mut graph.nodes[index];
        if let Place::Host(reason) = &place {
            let expected = border || reason == REAL || reason == INTEGERS;
            let (node, op) = (node.name.clone(), node.op.name());
            fallbacks.push(Fallback { node, op, reason: reason.clone(), expected });
        }
        node.place = place;
    }
    if computes {
        leave_last_reshapes(graph);
    }
    fallbacks.retain(|fallback| !fallback.expected);
    Ok(fallbacks)
}

/// Reshapes behind which nothing is on the chip are the host's, unless they move nothing there either.
fn leave_last_reshapes(graph: &mut Graph) {
    let (producers, consumers) = (graph.producers(), graph.consumers());
    let is_view = |node: &Node| matches!(node.op, Op::Reshape | Op::View) && node.place == Place::Chip;
    // For each node whether the chip computes it, or what needs it.
    let mut needed = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        needed[index] = (node.place == Place::Chip && !is_view(node))
            || consumers[node.output.0].iter().any(|&reader| needed[reader]);
    }
    for index in (0..graph.nodes.len()).filter(|&index| !needed[index]) {
        let node = &graph.nodes[index];
        let (input, output) = (node.inputs[0], node.output);
        let moves = graph.tensor(input).chw() != graph.tensor(output).chw();
        let behind = producers[input.0].is_some_and(|producer| matches!(graph.nodes[producer].place, Place::Host(_)));
        if is_view(node) && (moves || behind) {
            graph.nodes[index].place = Place::Host(BORDER.into());
        }
    }
}

/// Whether a node only brings what enters the chip, or leaves it, into order: the host does so as it packs them. A
/// convolution whose input comes from the host finds its padding beside it in memory, and whole kernel rows in a window, and what stands
/// twice for wide weights is sent twice. Where nothing is computed, reshapes are all that there is to do, and the chip's. What the host
/// only cuts out to keep it for the next frame has no business there either.
///
/// The places of the nodes before are decided.
fn border(graph: &Graph, producers: &[Option<usize>], computes: bool, node: &Node) -> bool {
    let on_chip = |id: &TensorId| producers[id.0].is_some_and(|index| graph.nodes[index].place == Place::Chip);
    let enters = node.inputs.iter().all(|id| !on_chip(id));
    let leaves = graph.outputs.contains(&node.output);
    match node.op {
        Op::Transpose(_) => enters != leaves,
        Op::Reshape | Op::View if !computes => false,
        Op::Reshape | Op::View if enters => !leaves,
        Op::Resize(ref resize) => enters && !leaves && resize.repeats() == Some([1, 2]),
        Op::Slice(_) => enters && only_kept(graph, node.output),
        _ => false,
    }
}

/// Whether a tensor is kept for the next frame, and nothing else.
fn only_kept(graph: &Graph, id: TensorId) -> bool {
    let read = graph.nodes.iter().any(|node| node.inputs.contains(&id)) || graph.outputs.contains(&id);
    graph.states.iter().any(|state| state.write == id) && !read
}

/// Conversions to and from real numbers, and what computes exponentials.
const fn makes_reals(op: &Op) -> bool {
    matches!(
        op,
        Op::Quantize(_)
            | Op::Dequantize(_)
            | Op::Softmax { .. }
            | Op::QuantisedSoftmax(_)
            | Op::LogSoftmax(_)
            | Op::TableSoftmax(_)
            | Op::Detect(_)
    )
}

/// Where a node runs if it does not stand at the border.
pub(super) fn place(graph: &Graph, node: &Node) -> Result<Place, Error> {
    let host = |reason: &str| Ok(Place::Host(reason.to_string()));
    if node.inputs.iter().any(|id| graph.tensor(*id).data.is_some()) {
        return host("one operand is a constant, and the chip keeps no constants in tile memory");
    }
    let pictures = node.inputs.iter().chain([&node.output]).all(|id| graph.tensor(*id).chw().is_some());
    if graph.tensor(node.output).dtype == DType::I64 {
        return host(INTEGERS);
    }
    match &node.op {
        op if makes_reals(op) => host(REAL),
        Op::Float(
            FloatOp::Conv { .. }
            | FloatOp::Gemm { .. }
            | FloatOp::MatMul
            | FloatOp::AveragePool { .. }
            | FloatOp::GlobalAveragePool,
        ) => Err(Error::NotQuantised { node: node.name.clone(), op: node.op.name().into() }),
        Op::Float(_) | Op::Real(_) => host("it computes in floating point"),
        op if op.moves() => {
            let reals = node.inputs.iter().chain([&node.output]).any(|id| graph.tensor(*id).dtype != DType::I8);
            if reals { host("it moves real numbers") } else { Ok(Place::Chip) }
        }
        Op::Recurrent(_) => host(MEMORY),
        Op::MatMul(_) => host("the chip's weights are constants"),
        _ if !pictures => host("its tensors are not one picture or vector a frame"),
        // Depthwise and other groups run on the array too, block by block.
        Op::Conv(layer) | Op::Dense(layer) => {
            // Post units multiply wide weights of depthwise layers; what exceeds their taps, the back end leaves.
            if layer.is_wide() && !layer.is_depthwise() {
                host("some weights, less their zero point, exceed int8, and it cannot read values twice for them")
            } else if !layer.requantise.on_chip() {
                host(SUBNORMAL)
            } else {
                Ok(Place::Chip)
            }
        }
        Op::Add(add) if add.chip.is_none() => {
            host("no integer parameters reproduce its rounding for all 65536 input pairs")
        }
        Op::MaxPool(_) | Op::Clamp(_) if graph.tensor(node.inputs[0]).dtype != DType::I8 => {
            host("it computes in floating point")
        }
        Op::AveragePool(pool) if pool.chip.is_none() => {
            host("its floating-point rounding depends on the order of the taps, or its divisor on the edge")
        }
        Op::GlobalAveragePool(pool) if !pool.scale.is_normal() => host(SUBNORMAL),
        Op::Table(_) => host("it changes the quantisation of a tensor value by value"),
        Op::Mean(mean) if mean.axes != [2, 3] => host("it averages over other axes than height and width"),
        Op::Mul(_) | Op::Product(_) => match ChipProduct::of(&node.op) {
            Some(_) => Ok(Place::Chip),
            None if matches!(&node.op, Op::Product(op) if !op.scale().is_normal()) => host(SUBNORMAL),
            None => host("the chip would round one of its 65536 input pairs otherwise"),
        },
        Op::Pair(_) => host("the post unit has no such function of two tensors"),
        Op::Add(_) | Op::Clamp(_) | Op::MaxPool(_) | Op::AveragePool(_) | Op::GlobalAveragePool(_) | Op::Mean(_) => {
            Ok(Place::Chip)
        }
        _ => host("the chip has no instruction for it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Clamp, Requantise};
    use crate::passes::testing::Builder;

    #[test]
    fn what_falls_back_names_operator_and_reason_and_groups_and_clamps_do_not() {
        let mut builder = Builder::new(12, &[1, 4, 4, 4]);
        let conv = builder.conv(builder.input(), 8, 3);
        let grouped = builder.grouped(conv, 8, 3, 2);
        let clamped = builder.clamp(grouped, Clamp { min: 0, max: 127 });
        let pooled = builder.max_pool(clamped);
        let out = builder.clamp(pooled, Clamp { min: 0, max: 90 });
        let sum = builder.add(out, pooled);
        let mut graph = builder.finish(sum);
        let Op::MaxPool(pool) = &mut graph.nodes[3].op else { panic!("not a pool") };
        pool.clamp = Clamp { min: 3, max: 127 };
        let texts: Vec<String> = run(&mut graph).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["Add 'n5' runs on the host: no integer parameters reproduce its rounding for all 65536 input pairs"]
        );
        assert!(graph.nodes[..5].iter().all(|node| node.place == Place::Chip));
    }

    #[test]
    fn a_scale_that_the_chip_cannot_multiply_by_is_the_hosts() {
        let mut builder = Builder::new(14, &[1, 4, 4, 4]);
        let conv = builder.conv(builder.input(), 2, 3);
        let mut graph = builder.finish(conv);
        let Op::Conv(layer) = &mut graph.nodes[0].op else { panic!("not a convolution") };
        layer.requantise = Requantise::B { scales: vec![1.0, f32::MIN_POSITIVE / 2.0] };
        assert_eq!(run(&mut graph).unwrap().len(), 1);
        assert_eq!(graph.nodes[0].place, Place::Host(SUBNORMAL.into()));
    }

    #[test]
    fn an_unproven_add_falls_back_and_a_proven_one_does_not() {
        let mut builder = Builder::new(13, &[1, 4, 4, 4]);
        let conv = builder.conv(builder.input(), 4, 3);
        let out = builder.add(conv, builder.input());
        let mut graph = builder.finish(out);
        assert_eq!(run(&mut graph).unwrap().len(), 1);
        crate::passes::prove_add::run(&mut graph);
        assert_eq!(run(&mut graph).unwrap(), []);
    }

    #[test]
    fn a_reshape_behind_the_chip_is_the_hosts_unless_something_on_the_chip_reads_it() {
        let places = |clamped: bool| {
            let mut builder = Builder::new(15, &[1, 4, 4, 4]);
            let conv = builder.conv(builder.input(), 8, 3);
            let turned = builder.reshape(conv, &[1, 4, 4, 8]);
            let again = builder.reshape(turned, &[1, 8, 16]);
            let same = builder.reshape(again, &[1, 8, 1, 16]);
            let softmax = builder.unary(Op::Softmax { axis: 1, log: false }, same);
            if clamped {
                let read = builder.clamp(turned, Clamp { min: 0, max: 90 });
                builder.output(read);
            }
            let mut graph = builder.finish(softmax);
            run(&mut graph).unwrap();
            graph.nodes.into_iter().map(|node| node.place).collect::<Vec<_>>()
        };
        let (border, real) = (Place::Host(BORDER.into()), Place::Host(REAL.into()));
        assert_eq!(places(false), [Place::Chip, border.clone(), border.clone(), border.clone(), real.clone()]);
        assert_eq!(places(true), [Place::Chip, Place::Chip, border.clone(), border, real, Place::Chip]);
    }
}
