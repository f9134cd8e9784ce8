//! Layers of which the chip does not hold a row, or whose weights exceed its pages: some output channels, or some pixels of each row,
//! at a time.

use std::ops::Range;

use lacuna_spec::Geometry;

use super::cut::{narrowed, some};
use super::{Group, by_rows};
use crate::backend::split;
use crate::graph::{Graph, Node, Place, Tensor, TensorId};
use crate::op::Op;

/// What a layer is cut along, and into how many parts.
#[derive(Debug, Clone, Copy)]
enum Parts {
    /// Output channels, whole column blocks.
    Channels(usize),
    /// Pixels of a row.
    Pixels(usize),
}

impl Parts {
    const fn count(self) -> usize {
        match self {
            Self::Channels(count) | Self::Pixels(count) => count,
        }
    }

    /// The dimension of tensors.
    const fn axis(self) -> usize {
        match self {
            Self::Channels(_) => 1,
            Self::Pixels(_) => 3,
        }
    }

    /// Indices along the axis of a node's output that are in a part.
    fn of(self, graph: &Graph, geometry: &Geometry, node: &Node, part: usize) -> Range<usize> {
        let size = graph.tensor(node.output).shape[self.axis()];
        match self {
            Self::Channels(count) => {
                let (blocks, columns) = (split::blocks(size, geometry), geometry.columns());
                let own = split::deal(blocks, count, part);
                own.start * columns..(own.end * columns).min(size)
            }
            Self::Pixels(count) => split::deal(size, count, part),
        }
    }
}

/// The graph in which each of some nodes that the chip does not hold a row of is as many layers as it takes; the host joins what they
/// write. Also which nodes of it are those, or parts of them, and for each node the one it is, or is a part of.
pub fn in_parts(graph: &Graph, geometry: &Geometry, nodes: &[usize]) -> (Graph, Vec<usize>, Vec<Option<usize>>) {
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
fn fewest(graph: &Graph, geometry: &Geometry, index: usize) -> Option<Parts> {
    let node = &graph.nodes[index];
    if !by_rows(graph, index) || Group::of(graph, geometry, &[index]).is_some() {
        return None;
    }
    let holds = |parts: &Parts| {
        let mut part = Graph { tensors: graph.tensors.clone(), ..Graph::default() };
        // The last has as many blocks, or pixels, as any.
        write_part(&mut part, geometry, node, *parts, parts.count() - 1);
        Group::of(&part, geometry, &[part.nodes.len() - 1]).is_some()
    };
    let shape = &graph.tensor(node.output).shape;
    let blocks = split::blocks(shape[1], geometry);
    // A single channel is no depthwise layer, of which alone the chip multiplies wide weights.
    let lone = shape[1] % geometry.columns() == 1 && matches!(&node.op, Op::Conv(linear) if linear.is_wide());
    let by_filters = !lone && (by_channel(&node.op) || matches!(&node.op, Op::Conv(linear) if linear.groups == 1));
    // Of a pooled picture there is but one pixel.
    let width = shape.get(3).map_or(1, |width| width / 2);
    let channels = least(if by_filters { blocks } else { 1 }, |count| holds(&Parts::Channels(count)));
    let pixels = least(width, |count| holds(&Parts::Pixels(count)));
    match (channels, pixels) {
        (Some(channels), Some(pixels)) if pixels < channels => Some(Parts::Pixels(pixels)),
        (None, Some(pixels)) => Some(Parts::Pixels(pixels)),
        (channels, _) => channels.map(Parts::Channels),
    }
}

/// The least number from 2 up to a limit that holds, if any: larger ones hold as well.
fn least(limit: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut before, mut held) = (1, limit + 1);
    while before + 1 < held {
        let middle = before.midpoint(held);
        if holds(middle) { held = middle } else { before = middle }
    }
    (held <= limit).then_some(held)
}

/// Whether a layer or pool computes each output channel from the same channel of its input alone.
fn by_channel(op: &Op) -> bool {
    match op {
        Op::Conv(linear) => linear.is_depthwise(),
        Op::MaxPool(_) | Op::AveragePool(_) | Op::GlobalAveragePool(_) | Op::Mean(_) => true,
        _ => false,
    }
}

/// Returns the nodes of the parts.
fn write(cut: &mut Graph, geometry: &Geometry, node: &Node, parts: Parts) -> Vec<usize> {
    let write = |part| {
        write_part(cut, geometry, node, parts, part);
        cut.nodes.len() - 1
    };
    let written: Vec<usize> = (0..parts.count()).map(write).collect();
    let inputs = written.iter().map(|&part| cut.nodes[part].output).collect();
    let (name, op, output) = (format!("{} parts", node.name), Op::Concat { axis: parts.axis() }, node.output);
    cut.nodes.push(Node { name, op, inputs, output, place: Place::Cut });
    written
}

/// Appends the layer of one part, and what cuts its share out of the inputs.
fn write_part(cut: &mut Graph, geometry: &Geometry, node: &Node, parts: Parts, part: usize) {
    let own = parts.of(cut, geometry, node, part);
    let along = if parts.axis() == 1 { "channels" } else { "pixels" };
    let name = |of: &str| format!("{of} {along} {}..{}", own.start, own.end);
    let tensor = |cut: &mut Graph, id: TensorId, size: usize, of: &str| {
        let mut shape = cut.tensor(id).shape.clone();
        shape[parts.axis()] = size;
        cut.add_tensor(Tensor { name: name(of), shape, data: None, ..cut.tensor(id).clone() })
    };
    let mut op = node.op.clone();
    let mut inputs = node.inputs.clone();
    for input in &mut inputs {
        let whole = &cut.tensor(*input).shape;
        let reads = match parts {
            Parts::Channels(_) if by_channel(&node.op) => own.clone(),
            Parts::Channels(_) => 0..whole[1],
            Parts::Pixels(_) => {
                let reads = node.op.window().map(|window| split::input_along(1, &window, &own, whole[3]));
                reads.unwrap_or_else(|| own.clone())
            }
        };
        if let Parts::Pixels(_) = parts {
            op = narrowed(&node.op, 1, &own, &reads);
        }
        if reads.len() < whole[parts.axis()] {
            let slice = some(whole, parts.axis(), &reads);
            let output = tensor(cut, *input, reads.len(), &format!("{} of {}", cut.tensor(*input).name, node.name));
            let name = cut.tensor(output).name.clone();
            cut.nodes.push(Node { name, op: slice, inputs: vec![*input], output, place: Place::Cut });
            *input = output;
        }
    }
    if let (Parts::Channels(_), Op::Conv(linear)) = (parts, &mut op) {
        linear.select_outputs(&own.clone().collect::<Vec<_>>());
        linear.groups = if linear.groups == 1 { 1 } else { own.len() };
    }
    let output = tensor(cut, node.output, own.len(), &cut.tensor(node.output).name.clone());
    cut.nodes.push(Node { name: name(&node.name), op, inputs, output, place: node.place.clone() });
}
