//! Layers whose tensors exceed the chip: the host keeps those, and brings some rows of them at a time.
//!
//! A *group* is layers that run together: for each band of its last layer's output rows the host cuts what they read out of
//! the tensors it keeps, the chip runs them, and the host joins what they wrote. What passes between the layers of a group
//! stays on the chip; rows that two bands need of it are computed twice. (Fused-layer CNN accelerators, Alwani et al. 2016.)

mod cut;
mod need;
mod parts;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use cut::{cut, some};
pub use parts::in_parts;

use lacuna_spec::Geometry;
use need::Need;

use super::split::Split;
use crate::graph::Graph;
use crate::op::{Mean, Op, Window};

/// Nodes that the bands of a group may have.
const MOST_NODES: usize = 1024;

/// Nodes that all groups of a network may add to it.
pub const MOST_CUT: usize = 1 << 13;

/// Layers that run together, band by band.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Nodes in execution order. What one writes is read by one behind it and by nothing else, but for the last.
    pub nodes: Vec<usize>,
    /// Rows of the last one's output in a band.
    pub rows: usize,
    /// How they are dealt over the tiles.
    pub split: Split,
}

impl Group {
    /// The nodes with as many rows a band as the chip holds, by estimate, and its estimated cycles; `None` if it does not hold one.
    fn of(graph: &Graph, geometry: &Geometry, nodes: &[usize]) -> Option<(usize, Self)> {
        let height = height(graph, *nodes.last()?)?;
        let dealt = |split| {
            let need = Need { graph, geometry, nodes, split };
            let rows = most(height, |rows| need.fits(middle(rows, height)))?;
            let rows = even(rows, height, geometry.tiles);
            let group = Self { nodes: nodes.to_vec(), rows, split };
            if !group.is_bounded(graph) {
                return None;
            }
            Some((group.bands(graph).map(|band| need.cycles(band)).sum(), group))
        };
        [Split::Rows, Split::Blocks].into_iter().filter_map(dealt).min_by_key(|(cycles, _)| *cycles)
    }

    /// What to try where this one has no place: fewer rows a band, if rows may be why, else each layer alone; nothing if it is one.
    #[must_use]
    pub fn smaller(&self, graph: &Graph, geometry: &Geometry, by_rows: bool) -> Vec<Self> {
        let rows = even((self.rows * 3 / 4).max(1), usize::MAX, geometry.tiles);
        let finer = Self { nodes: self.nodes.clone(), rows, split: self.split };
        if by_rows && rows < self.rows && finer.is_bounded(graph) {
            return vec![finer];
        }
        let several = self.nodes.len() > 1;
        let alone = self.nodes.iter().filter_map(|&index| Self::of(graph, geometry, &[index]));
        alone.filter(|_| several).map(|(_, group)| group).collect()
    }

    fn is_bounded(&self, graph: &Graph) -> bool {
        self.bands(graph).count() * self.nodes.len() <= MOST_NODES
    }

    /// The bands of the last node's output rows.
    fn bands(&self, graph: &Graph) -> impl Iterator<Item = Range<usize>> {
        let height = height(graph, self.nodes[self.nodes.len() - 1]).unwrap_or(0);
        (0..height).step_by(self.rows).map(move |start| start..(start + self.rows).min(height))
    }
}

/// The largest number, up to a limit, that holds, if any: smaller ones hold as well.
fn most(limit: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut held, mut beyond) = (0, limit + 1);
    while held + 1 < beyond {
        let middle = held.midpoint(beyond);
        if holds(middle) { held = middle } else { beyond = middle }
    }
    (held > 0).then_some(held)
}

/// Rows that deal evenly over the tiles, if not all of `height`.
const fn even(rows: usize, height: usize, tiles: usize) -> usize {
    if rows >= height || rows < tiles { rows } else { rows / tiles * tiles }
}

/// A band that has halos on both sides, if any has.
const fn middle(rows: usize, height: usize) -> Range<usize> {
    let start = (height - rows) / 2;
    start..start + rows
}

/// Groups of nodes that have no place on the chip as they are: as many together as that saves cycles.
pub fn groups(graph: &Graph, geometry: &Geometry, nodes: &[usize]) -> Vec<Group> {
    let consumers = graph.consumers();
    let alone = nodes.iter().filter(|&&index| by_rows(graph, index));
    let mut groups: Vec<(usize, Group)> = alone.filter_map(|&index| Group::of(graph, geometry, &[index])).collect();
    loop {
        let join = |at: usize| {
            let (apart, group) = &groups[at];
            let output = graph.nodes[*group.nodes.last()?].output;
            let [reader] = consumers[output.0][..] else { return None };
            let with = groups.iter().position(|(_, group)| group.nodes.contains(&reader))?;
            let mut nodes = [&group.nodes[..], &groups[with].1.nodes].concat();
            nodes.sort_unstable();
            let joined = Group::of(graph, geometry, &nodes).filter(|_| !graph.is_result(output))?;
            let saved = (apart + groups[with].0).checked_sub(joined.0).filter(|&saved| saved > 0)?;
            Some((saved, [at, with], joined))
        };
        let best = (0..groups.len()).filter_map(join).max_by_key(|(saved, ..)| *saved);
        let Some((_, [at, with], joined)) = best else { break };
        groups[with] = joined;
        groups.remove(at);
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Whether output rows of a node need some rows of its inputs and nothing else, none of them padding alone.
fn by_rows(graph: &Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let pictures = node.inputs.iter().all(|id| graph.tensor(*id).shape.len() == 4);
    let inside = |window: Window| {
        let reach = |axis: usize| (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        (0..4).all(|side| window.pads[side] < reach(side % 2))
    };
    pictures
        && match (&node.op, node.op.window()) {
            (Op::Dense(_), _) => false,
            (_, Some(window)) => inside(window),
            (Op::Mean(Mean { axes, .. }), None) => *axes == [2, 3],
            (op, None) => matches!(op, Op::GlobalAveragePool(_) | Op::Add(_) | Op::Clamp(_)) || op.is_product(),
        }
}

/// Rows of a node's output.
fn height(graph: &Graph, index: usize) -> Option<usize> {
    graph.tensor(graph.nodes[index].output).chw().map(|[_, height, _]| height)
}
