//! Layers of which the chip does not hold a row of all channels, or whose weights exceed its pages: some output channels at a time.

use lacuna_spec::Geometry;

use super::cut::some;
use super::{Group, by_rows};
use crate::backend::split;
use crate::graph::{Graph, Node, Place, Tensor, TensorId};
use crate::op::Op;

/// The graph in which each of some nodes that the chip does not hold a row of is as many layers as it takes, of some column blocks
/// each; the host joins what they write. Also which nodes of it are those, or parts of them, and for each node the one it is, or is a
/// part of.
pub fn in_columns(graph: &Graph, geometry: &Geometry, nodes: &[usize]) -> (Graph, Vec<usize>, Vec<Option<usize>>) {
    let mut cut = Graph { nodes: Vec::new(), ..graph.clone() };
    let (mut apart, mut origins): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_apart = nodes.contains(&index);
        if let Some(parts) = is_apart.then(|| fewest(graph, geometry, index)).flatten() {
            let parts = write(&mut cut, geometry, node, parts);
            // What cuts and joins is no part.
            origins.resize(cut.nodes.len(), None);
            for &part in &parts {
                origins[part] = Some(index);
            }
            apart.extend(parts);
        } else {
            apart.extend(is_apart.then_some(cut.nodes.len()));
            origins.push(Some(index));
            cut.nodes.push(node.clone());
        }
    }
    (cut, apart, origins)
}

/// The fewest parts of a layer of which the chip holds a row; `None` if that is one, or none helps.
fn fewest(graph: &Graph, geometry: &Geometry, index: usize) -> Option<usize> {
    let node = &graph.nodes[index];
    let parts = by_channel(&node.op) || matches!(&node.op, Op::Conv(linear) if linear.groups == 1);
    if !parts || !by_rows(graph, index) || Group::of(graph, geometry, &[index]).is_some() {
        return None;
    }
    let holds = |parts: &usize| {
        let mut part = Graph { tensors: graph.tensors.clone(), ..Graph::default() };
        // The last has as many blocks as any.
        write_part(&mut part, geometry, node, [*parts, parts - 1]);
        Group::of(&part, geometry, &[part.nodes.len() - 1]).is_some()
    };
    (2..=split::blocks(channels(graph, node), geometry)).find(holds)
}

/// Whether each output channel depends on the same channel of the one input alone.
fn by_channel(op: &Op) -> bool {
    match op {
        Op::Conv(linear) => linear.is_depthwise(),
        Op::MaxPool(_) | Op::AveragePool(_) | Op::GlobalAveragePool(_) | Op::Mean(_) => true,
        _ => false,
    }
}

/// Channels of a node's output.
fn channels(graph: &Graph, node: &Node) -> usize {
    graph.tensor(node.output).shape[1]
}

/// Returns the nodes of the parts.
fn write(cut: &mut Graph, geometry: &Geometry, node: &Node, parts: usize) -> Vec<usize> {
    let part = |part| {
        write_part(cut, geometry, node, [parts, part]);
        cut.nodes.len() - 1
    };
    let parts: Vec<usize> = (0..parts).map(part).collect();
    let inputs = parts.iter().map(|&part| cut.nodes[part].output).collect();
    let (name, op, output) = (format!("{} channels", node.name), Op::Concat { axis: 1 }, node.output);
    cut.nodes.push(Node { name, op, inputs, output, place: Place::Cut });
    parts
}

/// Appends the layer of one part of so many, and what cuts its channels out of the input.
fn write_part(cut: &mut Graph, geometry: &Geometry, node: &Node, [parts, part]: [usize; 2]) {
    let all = channels(cut, node);
    let blocks = split::deal(split::blocks(all, geometry), parts, part);
    let columns = geometry.columns();
    let own = blocks.start * columns..(blocks.end * columns).min(all);
    let name = |of: &str| format!("{of} channels {}..{}", own.start, own.end);
    let tensor = |cut: &mut Graph, id: TensorId, of: &str| {
        let mut shape = cut.tensor(id).shape.clone();
        shape[1] = own.len();
        cut.add_tensor(Tensor { name: name(of), shape, data: None, ..cut.tensor(id).clone() })
    };
    let mut inputs = node.inputs.clone();
    if by_channel(&node.op) {
        let op = some(&cut.tensor(inputs[0]).shape, 1, &own);
        let part = tensor(cut, inputs[0], &format!("{} of {}", cut.tensor(inputs[0]).name, node.name));
        let name = cut.tensor(part).name.clone();
        cut.nodes.push(Node { name, op, inputs, output: part, place: Place::Cut });
        inputs = vec![part];
    }
    let mut op = node.op.clone();
    if let Op::Conv(linear) = &mut op {
        linear.select_outputs(&own.clone().collect::<Vec<_>>());
        linear.groups = if linear.groups == 1 { 1 } else { own.len() };
    }
    let output = tensor(cut, node.output, &cut.tensor(node.output).name.clone());
    cut.nodes.push(Node { name: name(&node.name), op, inputs, output, place: node.place.clone() });
}
