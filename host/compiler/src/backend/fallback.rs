//! What the host computes where the chip is too small for a whole network.

use std::collections::HashMap;

use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use super::steps::{compile_fitting, compile_tightly};
use super::{BackendError, Compiled};
use crate::graph::{Graph, Node, Place, Tensor, TensorId};
use crate::op::Op;
use crate::passes::partition::Fallback;

/// Compiles a graph whose nodes have been placed.
///
/// What does not fit goes to the host, with a warning that says by how much: a layer of which not even one column block
/// or not all instructions fit, then all movements, then one node after the other at the tensor that does not fit.
///
/// # Errors
/// What does not fit, by how much and what to do, if no layer would be left for the chip.
pub fn compile(mut graph: Graph, geometry: Geometry, gating: Gating) -> Result<Compiled, BackendError> {
    let placed: Vec<bool> = graph.nodes.iter().map(|node| node.place == Place::Chip).collect();
    if geometry.depthwise_taps == 0 {
        leave_multiplications(&mut graph, geometry);
    }
    let fitting = |graph: &mut Graph| attempt(graph, |graph| compile_fitting(graph, geometry, gating));
    let first = match fitting(&mut graph) {
        Err(error) => error,
        Ok(compiled) => return Ok(finish(graph, &placed, compiled)),
    };
    if !is_short_of_room(&first) {
        return Err(first);
    }
    let moves: Vec<usize> = on_chip(&graph).filter(|&at| graph.nodes[at].op.moves()).collect();
    if !moves.is_empty() {
        for at in moves {
            graph.nodes[at].place = too_small(&first);
        }
        if let Ok(compiled) = fitting(&mut graph) {
            return Ok(finish(graph, &placed, compiled));
        }
    }
    // One by one, what stands where the chip is too small.
    let tight = loop {
        match attempt(&mut graph, |graph| compile_tightly(graph, geometry, gating)) {
            Ok(compiled) => break compiled,
            Err(error) => match largest_beside(&graph, &error) {
                Some(at) => graph.nodes[at].place = too_small(&error),
                None => return Err(error),
            },
        }
    };
    if !on_chip(&graph).any(|at| matches!(graph.nodes[at].op, Op::Conv(_) | Op::Dense(_))) {
        return Err(first);
    }
    // Faster layouts, where they fit as well.
    let compiled = compile_fitting(&graph, geometry, gating).unwrap_or(tight);
    Ok(finish(graph, &placed, compiled))
}

/// Products of two tensors, which the post unit of such a chip cannot compute, and rectifiers in halves, for which its array would
/// take a page and an instruction a column block: both go to the host.
fn leave_multiplications(graph: &mut Graph, geometry: Geometry) {
    let producers: HashMap<TensorId, usize> =
        graph.nodes.iter().enumerate().map(|(at, node)| (node.output, at)).collect();
    let is_half = |node: &Node| matches!(&node.op, Op::Conv(layer) if layer.is_depthwise() && layer.rows() == 1);
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let mut host = Vec::new();
        if node.op.is_product() {
            host.push(at);
        } else if let (Op::Add(_), &[above, below]) = (&node.op, node.inputs.as_slice()) {
            let halves =
                [above, below].map(|id| producers.get(&id).copied().filter(|&half| is_half(&graph.nodes[half])));
            if let [Some(above), Some(below)] = halves
                && graph.nodes[above].inputs == graph.nodes[below].inputs
            {
                host.extend([above, below, at]);
            }
        }
        for at in host.into_iter().filter(|&at| graph.nodes[at].place == Place::Chip).collect::<Vec<_>>() {
            graph.nodes[at].place =
                Place::Host(format!("the post unit of geometry {} has no multipliers for it", geometry.name));
        }
    }
}

/// Why a node that the chip could compute is on the host.
fn too_small(error: &BackendError) -> Place {
    Place::Host(format!("the chip is too small for it beside the others: {error}"))
}

/// Whether fewer nodes on the chip may help.
fn is_short_of_room(error: &BackendError) -> bool {
    matches!(error, BackendError::TileMemory { .. })
}

/// The nodes that are placed on the chip.
fn on_chip(graph: &Graph) -> impl Iterator<Item = usize> {
    (0..graph.nodes.len()).filter(|&at| graph.nodes[at].place == Place::Chip)
}

/// Compiles; layers that have no place on this chip, whatever else does, go to the host on the way.
fn attempt(
    graph: &mut Graph,
    compile: impl Fn(&Graph) -> Result<Compiled, BackendError>,
) -> Result<Compiled, BackendError> {
    loop {
        let error = match compile(graph) {
            Err(error) => error,
            fitting => return fitting,
        };
        let Some(at) = offender(graph, &error) else { return Err(error) };
        graph.nodes[at].place = Place::Host(error.to_string());
    }
}

/// Warns of what went to the host, and gives the network its graph.
fn finish(graph: Graph, placed: &[bool], compiled: Compiled) -> Compiled {
    for (node, _) in graph.nodes.iter().zip(placed).filter(|(_, placed)| **placed) {
        if let Place::Host(reason) = &node.place {
            let (node, op) = (node.name.clone(), node.op.name());
            tracing::warn!("{}", Fallback { node, op, reason: reason.clone(), expected: false });
        }
    }
    Compiled { graph, ..compiled }
}

/// The one layer that an error is about and that has no place on this chip, whatever else does.
fn offender(graph: &Graph, error: &BackendError) -> Option<usize> {
    let (BackendError::Pages { layer: name, .. }
    | BackendError::Program { layer: name, .. }
    | BackendError::Field { layer: name, .. }
    | BackendError::Accumulator { layer: name, .. }) = error
    else {
        return None;
    };
    on_chip(graph).find(|&at| graph.nodes[at].name == *name)
}

/// The node on the chip with the largest tensors: of those that read or write the tensor that an error names, if there
/// are any, else of all. `None` for an error that is not about room.
fn largest_beside(graph: &Graph, error: &BackendError) -> Option<usize> {
    let tensors = |at: usize| {
        let node = &graph.nodes[at];
        node.inputs.iter().chain([&node.output]).map(|id| graph.tensor(*id))
    };
    let is_named = |at: usize| match error {
        BackendError::TileMemory { tensor: name, .. } => tensors(at).any(|tensor| tensor.name == *name),
        _ => false,
    };
    let elements = |at: usize| tensors(at).map(Tensor::elements).sum::<usize>();
    on_chip(graph).filter(|_| is_short_of_room(error)).max_by_key(|&at| (is_named(at), elements(at)))
}
