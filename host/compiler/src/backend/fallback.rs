//! What the host computes where the chip is too small for a whole network.

use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use super::steps::{compile_fitting, compile_tightly};
use super::{BackendError, Compiled};
use crate::graph::{Graph, Node, Place, Tensor};
use crate::op::Op;
use crate::passes::partition::Fallback;

/// Compiles a graph whose nodes have been placed.
///
/// What does not fit goes to the host, with a warning that says by how much: a layer of which not even one column block
/// fits, then all movements, then one node after the other at the tensor that does not fit.
///
/// # Errors
/// What does not fit, by how much and what to do, if no layer would be left for the chip.
pub fn compile(mut graph: Graph, geometry: Geometry, gating: Gating) -> Result<Compiled, BackendError> {
    let placed: Vec<bool> = graph.nodes.iter().map(|node| node.place == Place::Chip).collect();
    let fitting = |graph: &mut Graph| attempt(graph, |graph| compile_fitting(graph, geometry, gating));
    let first = match fitting(&mut graph) {
        Err(error) => error,
        Ok(compiled) => return Ok(finish(graph, &placed, compiled)),
    };
    let reason = format!("the chip is too small for it beside the others: {first}");
    let moves = |node: &&mut Node| node.place == Place::Chip && node.op.moves();
    for node in graph.nodes.iter_mut().filter(moves) {
        node.place = Place::Host(reason.clone());
    }
    if let Ok(compiled) = fitting(&mut graph) {
        return Ok(finish(graph, &placed, compiled));
    }
    // One by one, what stands where the chip is too small.
    loop {
        let Err(error) = attempt(&mut graph, |graph| compile_tightly(graph, geometry, gating)) else { break };
        let Some(at) = largest_beside(&graph, &error) else { return Err(first) };
        graph.nodes[at].place = Place::Host(format!("the chip is too small for it beside the others: {error}"));
    }
    if !graph.nodes.iter().any(is_chip_layer) {
        return Err(first);
    }
    let compiled = fitting(&mut graph)?;
    Ok(finish(graph, &placed, compiled))
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
    | BackendError::Field { layer: name, .. }
    | BackendError::Accumulator { layer: name, .. }) = error
    else {
        return None;
    };
    graph.nodes.iter().position(|node| node.place == Place::Chip && node.name == *name)
}

fn is_chip_layer(node: &Node) -> bool {
    node.place == Place::Chip && matches!(node.op, Op::Conv(_) | Op::Dense(_))
}

/// The node on the chip with the largest tensors: of those that read or write the tensor that an error names, if there
/// are any, else of all.
fn largest_beside(graph: &Graph, error: &BackendError) -> Option<usize> {
    let tensors = |at: usize| {
        let node = &graph.nodes[at];
        node.inputs.iter().chain([&node.output]).map(|id| graph.tensor(*id))
    };
    let on_chip = (0..graph.nodes.len()).filter(|&at| graph.nodes[at].place == Place::Chip);
    let is_named = |at: usize| match error {
        BackendError::TileMemory { tensor: name, .. } => tensors(at).any(|tensor| tensor.name == *name),
        _ => false,
    };
    let elements = |at: usize| tensors(at).map(Tensor::elements).sum::<usize>();
    on_chip.max_by_key(|&at| (is_named(at), elements(at)))
}
