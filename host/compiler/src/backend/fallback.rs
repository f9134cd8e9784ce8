//! What runs apart, in bands, or on the host, where the chip is too small for a whole network.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use super::bands::{self, Group};
use super::steps::{compile_fitting, compile_tightly};
use super::{BackendError, Compiled};
use crate::graph::{Band, Bands, Graph, Node, Place, TensorId};
use crate::op::Op;
use crate::passes::partition::Fallback;

/// Compiles a graph whose nodes have been placed.
///
/// A layer of which not even one column block or not all instructions fit goes to the host. What does not fit beside the others runs
/// apart, in bands of rows if need be, one node after the other at the tensor that does not fit, the one of least work that helps; and
/// on the host if it has no place even so. A warning of each on the host says by how much it is too large.
///
/// # Errors
/// What does not fit, by how much and what to do, if no layer would be left for the chip.
pub fn compile(mut graph: Graph, geometry: Geometry, gating: Gating) -> Result<Compiled, BackendError> {
    let placed = placed(&graph);
    let first = match compile_whole(&mut graph, geometry, gating) {
        Err(error) => error,
        Ok(compiled) => {
            warn(&graph, &placed, &[]);
            return Ok(Compiled { graph, ..compiled });
        }
    };
    if !is_short_of_room(&first) {
        return Err(first);
    }
    let whole = graph.clone();
    let tightly = |graph: &Graph| compile_tightly(graph, geometry, gating);
    let mut apart = Vec::new();
    let tight = loop {
        match attempt(&mut graph, tightly) {
            Ok(compiled) => break compiled,
            Err(error) => {
                let Some(at) = in_the_way(&mut graph, &error, tightly) else { return Err(error) };
                graph.nodes[at].place = too_small(&error);
                apart.push(at);
            }
        }
    };
    apart.sort_unstable();
    let (parts, apart, origins) = bands::in_parts(&graph, &geometry, &apart);
    let groups = bands::groups(&parts, &geometry, &apart);
    let (graph, tight) = if let Some((banded, compiled, groups)) = in_bands(&parts, &geometry, groups, tightly) {
        let placed: Vec<bool> = origins.iter().map(|origin| origin.is_some_and(|index| placed[index])).collect();
        warn(&parts, &placed, &groups);
        (banded, compiled)
    } else {
        warn(&graph, &placed, &[]);
        (graph, tight)
    };
    if !on_chip(&graph).any(|at| matches!(graph.nodes[at].op, Op::Conv(_) | Op::Dense(_))) {
        return Err(first);
    }
    // Faster layouts, where they fit as well.
    let compiled = compile_fitting(&graph, geometry, gating).unwrap_or(tight);
    let whole = (!graph.bands.is_empty()).then(|| Box::new(whole));
    Ok(Compiled { graph, whole, ..compiled })
}

/// Compiles a graph for a chip that holds every layer which has a place there at all; the others go to the host.
pub(super) fn compile_whole(graph: &mut Graph, geometry: Geometry, gating: Gating) -> Result<Compiled, BackendError> {
    leave_wide_weights(graph, geometry);
    if geometry.depthwise_taps == 0 {
        leave_multiplications(graph, geometry);
    }
    attempt(graph, |graph| compile_fitting(graph, geometry, gating))
}

/// For each node whether it is placed on the chip.
pub(super) fn placed(graph: &Graph) -> Vec<bool> {
    graph.nodes.iter().map(|node| node.place == Place::Chip).collect()
}

/// The graph in which groups run band by band, and those that do: as many, in bands as tall, as the chip holds. `None` if it holds none.
fn in_bands(
    graph: &Graph,
    geometry: &Geometry,
    mut groups: Vec<Group>,
    compile: impl Fn(&Graph) -> Result<Compiled, BackendError>,
) -> Option<(Graph, Compiled, Vec<Group>)> {
    while !groups.is_empty() {
        let (banded, spans) = bands::cut(graph, &groups);
        if banded.nodes.len() > graph.nodes.len() + bands::MOST_CUT {
            groups.pop();
            continue;
        }
        let error = match compile(&banded) {
            Ok(compiled) => return Some((banded, compiled, groups)),
            Err(error) => error,
        };
        let about = |span: &Range<usize>| banded.nodes[span.clone()].iter().any(|node| is_about(&banded, &error, node));
        let at = spans.iter().position(about);
        let group = groups.remove(at.unwrap_or(groups.len() - 1));
        if at.is_some() {
            groups.extend(group.smaller(graph, geometry, is_short_of_room(&error)));
        }
    }
    None
}

/// Whether an error names a node, or the tensor that it writes.
fn is_about(graph: &Graph, error: &BackendError, node: &Node) -> bool {
    match error {
        // Parameters have the name of their layer.
        BackendError::TileMemory { tensor, .. } => [&graph.tensor(node.output).name, &node.name].contains(&tensor),
        _ => layer_of(error) == Some(&node.name),
    }
}

/// The layer that an error is about.
fn layer_of(error: &BackendError) -> Option<&String> {
    match error {
        BackendError::Pages { layer, .. }
        | BackendError::Program { layer, .. }
        | BackendError::Field { layer, .. }
        | BackendError::Accumulator { layer, .. } => Some(layer),
        BackendError::Unsupported { node, .. } => Some(node),
        BackendError::TileMemory { .. }
        | BackendError::Batch { .. }
        | BackendError::BatchRoom { .. }
        | BackendError::BatchPages { .. } => None,
    }
}

/// Depthwise layers of weights of 9 bits, prepared for a post unit of longer kernels, go to the host.
fn leave_wide_weights(graph: &mut Graph, geometry: Geometry) {
    for node in graph.nodes.iter_mut().filter(|node| node.place == Place::Chip) {
        if let Op::Conv(layer) = &node.op
            && layer.is_wide()
            && layer.rows() > geometry.depthwise_taps
        {
            node.place = Place::Host(format!(
                "some of its weights, less their zero point, have 9 bits, and the post unit of geometry {} does not multiply {} taps",
                geometry.name,
                layer.rows()
            ));
        }
    }
}

/// Products of two tensors, which the post unit of such a chip cannot compute, and rectifiers in halves and changes of scale, for
/// which its array would take a page and an instruction a column block: all go to the host.
fn leave_multiplications(graph: &mut Graph, geometry: Geometry) {
    let producers: HashMap<TensorId, usize> =
        graph.nodes.iter().enumerate().map(|(at, node)| (node.output, at)).collect();
    let is_half = |node: &Node| matches!(&node.op, Op::Conv(layer) if layer.is_depthwise() && layer.rows() == 1);
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let mut host = Vec::new();
        let rescales = matches!(&node.op, Op::Conv(layer) if layer.only_rescales());
        if node.op.is_product() || rescales {
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

/// Why a node that the chip could compute runs apart, or on the host.
fn too_small(error: &BackendError) -> Place {
    Place::Host(format!("the chip is too small for it beside the others: {error}"))
}

/// Whether fewer nodes on the chip may help.
pub(super) fn is_short_of_room(error: &BackendError) -> bool {
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
        for at in of_all_frames(graph, at) {
            graph.nodes[at].place = Place::Host(error.to_string());
        }
    }
}

/// The nodes that compute the same of every frame.
fn of_all_frames(graph: &Graph, at: usize) -> Vec<usize> {
    let frames = |bands: &&Bands| bands.each == Band::Frame && bands.nodes.contains(&(at..at + 1));
    let bands = graph.bands.iter().find(frames);
    bands.map_or_else(|| vec![at], |bands| bands.nodes.iter().map(|node| node.start).collect())
}

/// Warns of what went to the host, and says what runs band by band.
pub(super) fn warn(graph: &Graph, placed: &[bool], groups: &[Group]) {
    let banded = |index: &usize| groups.iter().any(|group| group.nodes.contains(index));
    // Of those of several frames the first.
    let first = |index: &usize| graph.first_band(*index) == *index;
    for index in (0..graph.nodes.len()).filter(|&index| placed[index]).filter(first) {
        let node = &graph.nodes[index];
        let Place::Host(reason) = &node.place else { continue };
        if banded(&index) {
            tracing::info!("{} '{}' runs in bands of rows, which the host brings: {reason}", node.op.name(), node.name);
        } else {
            let (node, op) = (node.name.clone(), node.op.name());
            tracing::warn!("{}", Fallback { node, op, reason: reason.clone(), expected: false });
        }
    }
}

/// The one layer that an error is about and that has no place on this chip, whatever else does.
fn offender(graph: &Graph, error: &BackendError) -> Option<usize> {
    let name = layer_of(error)?;
    on_chip(graph).find(|&at| graph.nodes[at].name == *name)
}

/// The node on the chip that should leave for a tensor that an error names: of those that read or write it the one of least work
/// without which something else is short of room, if anything. `None` for an error that is not about room.
fn in_the_way(
    graph: &mut Graph,
    error: &BackendError,
    compile: impl Fn(&Graph) -> Result<Compiled, BackendError>,
) -> Option<usize> {
    let BackendError::TileMemory { tensor: named, .. } = error else { return None };
    let touches = |at: &usize| {
        let node = &graph.nodes[*at];
        node.inputs.iter().chain([&node.output]).any(|id| graph.tensor(*id).name == *named)
    };
    let mut beside: Vec<usize> = on_chip(graph).filter(touches).collect();
    beside.sort_by_key(|&at| work(graph, at));
    for &at in &beside {
        let place = std::mem::replace(&mut graph.nodes[at].place, too_small(error));
        let outcome = compile(graph);
        graph.nodes[at].place = place;
        if !matches!(outcome, Err(BackendError::TileMemory { tensor, .. }) if tensor == *named) {
            return Some(at);
        }
    }
    let elements = |at: &usize| {
        let node = &graph.nodes[*at];
        node.inputs.iter().chain([&node.output]).map(|id| graph.tensor(*id).elements()).sum::<usize>()
    };
    // None helps alone, or the tensor is nobody's.
    let all = if beside.is_empty() { on_chip(graph).collect() } else { beside };
    all.into_iter().max_by_key(elements)
}

/// Multiply-accumulates of a layer, elements of another node.
fn work(graph: &Graph, at: usize) -> usize {
    let node = &graph.nodes[at];
    let each = match &node.op {
        Op::Conv(linear) | Op::Dense(linear) => linear.rows(),
        _ => 1,
    };
    each * graph.tensor(node.output).elements()
}
