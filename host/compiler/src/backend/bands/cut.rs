//! Writes every band as nodes of its own.

use std::ops::Range;

use super::Group;
use super::need::Reach;
use crate::backend::split::Split;
use crate::graph::{Band, Bands, Graph, Node, Place, Tensor, TensorId};
use crate::op::{Op, Slice};

/// The graph in which groups run band by band, and the nodes that each became.
pub fn cut(graph: &Graph, groups: &[Group]) -> (Graph, Vec<Range<usize>>) {
    let mut cut = Graph { nodes: Vec::new(), ..graph.clone() };
    let mut spans = vec![0..0; groups.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        match groups.iter().position(|group| group.nodes.contains(&index)) {
            None => cut.nodes.push(node.clone()),
            // By then all that the group reads is there.
            Some(at) if groups[at].nodes.last() == Some(&index) => {
                let start = cut.nodes.len();
                write(&mut cut, graph, &groups[at]);
                spans[at] = start..cut.nodes.len();
            }
            Some(_) => {}
        }
    }
    (cut, spans)
}

fn write(cut: &mut Graph, graph: &Graph, group: &Group) {
    let last = &graph.nodes[group.nodes[group.nodes.len() - 1]];
    let (mut bands, mut parts) = (Vec::new(), Vec::new());
    for band in group.bands(graph) {
        let reach = Reach::of(graph, &group.nodes, band.clone());
        // What the group has written of this band.
        let mut written: Vec<(TensorId, TensorId)> = Vec::new();
        let mut nodes = Vec::new();
        for (at, &index) in group.nodes.iter().enumerate() {
            let node = &graph.nodes[index];
            let mut inputs = Vec::new();
            for (&id, rows) in node.inputs.iter().zip(&reach.reads[at]) {
                if let Some((_, part)) = written.iter().find(|(whole, _)| *whole == id) {
                    inputs.push(*part);
                    continue;
                }
                // A part for each reader, though others read the same rows in some bands: how it lies in memory depends on its readers.
                let part = rows_of(cut, id, rows, &node.name);
                let name = cut.tensor(part).name.clone();
                let op = some(&graph.tensor(id).shape, 2, rows);
                cut.nodes.push(Node { name, op, inputs: vec![id], output: part, place: Place::Cut });
                inputs.push(part);
            }
            let rows = &reach.writes[at];
            let output = rows_of(cut, node.output, rows, &last.name);
            written.push((node.output, output));
            let op = narrowed(&node.op, 0, rows, &reach.reads[at][0]);
            let name = format!("{} rows {}..{}", node.name, rows.start, rows.end);
            nodes.push(Node { name, op, inputs, output, place: Place::Chip });
        }
        parts.extend(nodes.last().map(|node| node.output));
        let start = cut.nodes.len();
        cut.nodes.extend(nodes);
        bands.push(start..cut.nodes.len());
    }
    let layers = group.nodes.iter().map(|&index| &graph.nodes[index]);
    let layers = layers.map(|node| (node.name.clone(), node.output)).collect();
    let each = if group.split == Split::Blocks { Band::RowsByChannels } else { Band::Rows };
    cut.bands.push(Bands { layers, nodes: bands, each });
    let name = format!("{} rows", last.name);
    let op = if parts.len() == 1 { Op::Reshape } else { Op::Concat { axis: 2 } };
    cut.nodes.push(Node { name, op, inputs: parts, output: last.output, place: Place::Cut });
}

/// A tensor for some rows of another.
fn rows_of(cut: &mut Graph, id: TensorId, rows: &Range<usize>, of: &str) -> TensorId {
    let whole = cut.tensor(id);
    let mut shape = whole.shape.clone();
    if let Some(height) = shape.get_mut(2) {
        *height = rows.len();
    }
    let name = format!("{} rows {}..{} of {of}", whole.name, rows.start, rows.end);
    cut.add_tensor(Tensor { name, shape, data: None, ..whole.clone() })
}

/// Some of a tensor along an axis, or all.
pub fn some(shape: &[usize], axis: usize, range: &Range<usize>) -> Op {
    if range.len() == shape[axis] {
        return Op::Reshape;
    }
    let (mut start, mut size) = (vec![0; shape.len()], shape.to_vec());
    (start[axis], size[axis]) = (range.start, range.len());
    Op::Slice(Slice { start, step: vec![1; shape.len()], size })
}

/// An operator whose window moves over some input rows, axis 0, or some pixels of a row, axis 1, and has padding where the whole
/// ends.
pub fn narrowed(op: &Op, axis: usize, writes: &Range<usize>, reads: &Range<usize>) -> Op {
    let mut op = op.clone();
    if let Some(window) = op.window_mut() {
        // Counted from the first of the padding on.
        let before = window.pads[axis];
        let first = writes.start * window.stride[axis];
        let end = (writes.end - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        window.pads[axis] = reads.start + before - first;
        window.pads[axis + 2] = end - (reads.end + before);
    }
    op
}
