//! What the host computes where the chip is too small for a whole network.

use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use super::steps::{compile_fitting, compile_tightly};
use super::{BackendError, Compiled};
use crate::graph::{Graph, Node, Place};
use crate::op::Op;
use crate::passes::partition::Fallback;

/// Compiles a graph whose nodes have been placed.
///
/// What does not fit goes to the host, with a warning that says by how much: a layer of which not even one column block fits, then all
/// movements, then nodes in the order of the tensors they hold, largest first, as few as possible.
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
    let order = largest_first(&graph);
    let without = |count: usize| {
        let mut fewer = graph.clone();
        for &at in &order[..count] {
            fewer.nodes[at].place = Place::Host(reason.clone());
        }
        attempt(&mut fewer, |graph| compile_tightly(graph, geometry, gating)).ok()?;
        Some(fewer)
    };
    // Twice as many as too few, until they are enough; then the fewest that are.
    let (mut few, mut count) = (0, 1.min(order.len()));
    let mut found = without(count);
    while found.is_none() && count < order.len() {
        (few, count) = (count, (2 * count).min(order.len()));
        found = without(count);
    }
    while count - few > 1 && found.is_some() {
        let middle = few.midpoint(count);
        match without(middle) {
            Some(better) => (found, count) = (Some(better), middle),
            None => few = middle,
        }
    }
    let Some(mut graph) = found.filter(|graph| graph.nodes.iter().any(is_chip_layer)) else { return Err(first) };
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

/// The chip's nodes by the elements that they read and write, most first.
fn largest_first(graph: &Graph) -> Vec<usize> {
    let elements = |at: usize| -> usize {
        let node = &graph.nodes[at];
        node.inputs.iter().chain([&node.output]).map(|id| graph.tensor(*id).elements()).sum()
    };
    let mut order: Vec<usize> = (0..graph.nodes.len()).filter(|&at| graph.nodes[at].place == Place::Chip).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(elements(at)));
    order
}
