//! Lets several frames pass through the chip together.
//!
//! A layer of one frame waits: for its parameters, for the digits of its slowest tile, for what moves between tiles, for weights that
//! the host reloads. In a batch, each layer works on one frame after the other, and most of that goes on beside another frame's
//! computation. The batch is one network of as many copies of every node, which share weights, parameters and reloads; where layers read
//! vectors the copies become one layer over all of them (`vectors`).

#[cfg(test)]
mod tests;
mod vectors;

use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use super::fallback::{compile, compile_whole, is_short_of_room, placed, warn};
use super::{BackendError, Compiled};
use crate::graph::{Band, Bands, Graph, Node, Place, Tensor, TensorId};

/// Compiles a graph whose nodes have been placed, for `batch` frames that pass through the chip together.
///
/// # Errors
/// As [`compile`]; a network whose frames cannot pass together, or for the tensors of so many of which the chip is too small.
pub fn compile_batch(graph: Graph, geometry: Geometry, gating: Gating, batch: usize) -> Result<Compiled, BackendError> {
    if batch == 1 {
        return compile(graph, geometry, gating);
    }
    if let Some(state) = graph.states.first() {
        return Err(BackendError::Batch { batch, state: state.name.clone() });
    }
    if let Some(vectors) = over_vectors(&graph, batch) {
        let all = placed(&vectors.graph);
        if let Ok(compiled) = vectors.compile(&graph, geometry, gating, batch)
            && placed(&compiled.graph) == all
        {
            return Ok(compiled);
        }
    }
    let copies = copied(&graph, batch);
    let all = placed(&copies.graph);
    let compiled = copies.compile(&graph, geometry, gating, batch)?;
    warn(&compiled.graph, &all, &[]);
    Ok(compiled)
}

/// A network of several frames.
struct Together {
    /// It takes the inputs of each frame, one frame behind the other, and gives the outputs likewise.
    graph: Graph,
    /// For each node of the network of one frame where the first that computes it is.
    firsts: Vec<usize>,
}

impl Together {
    /// `one` is the network of one frame.
    fn compile(
        mut self,
        one: &Graph,
        geometry: Geometry,
        gating: Gating,
        batch: usize,
    ) -> Result<Compiled, BackendError> {
        let compiled = compile_whole(&mut self.graph, geometry, gating).map_err(|error| match error {
            error if is_short_of_room(&error) => BackendError::BatchRoom { batch, error: Box::new(error) },
            error => error,
        })?;
        let mut whole = one.clone();
        for (node, &first) in whole.nodes.iter_mut().zip(&self.firsts) {
            node.place = self.graph.nodes[first].place.clone();
        }
        Ok(Compiled { graph: self.graph, whole: Some(Box::new(whole)), batch, ..compiled })
    }
}

/// One layer over the vectors of all frames each, if every layer on the chip takes vectors.
fn over_vectors(graph: &Graph, batch: usize) -> Option<Together> {
    vectors::are_read(graph).then(|| vectors::stacked(Frames::new(graph, batch)))
}

/// Every node as often as there are frames, its copies side by side.
fn copied(graph: &Graph, batch: usize) -> Together {
    let mut frames = Frames::new(graph, batch);
    let firsts = (0..frames.graph.nodes.len()).map(|index| frames.copy(index)).collect();
    Together { graph: frames.written, firsts }
}

/// A network of several frames being written: it begins with the tensors of each.
struct Frames<'a> {
    graph: &'a Graph,
    batch: usize,
    written: Graph,
}

impl<'a> Frames<'a> {
    fn new(graph: &'a Graph, batch: usize) -> Self {
        let tensors = std::iter::repeat_n(&graph.tensors, batch).flatten().cloned().collect();
        let mut frames =
            Self { graph, batch, written: Graph { name: graph.name.clone(), tensors, ..Graph::default() } };
        let of_all = |ids: &[TensorId]| -> Vec<TensorId> {
            (0..batch).flat_map(|frame| ids.iter().map(|&id| frames.of(frame, id)).collect::<Vec<_>>()).collect()
        };
        let (inputs, outputs) = (of_all(&graph.inputs), of_all(&graph.outputs));
        (frames.written.inputs, frames.written.outputs) = (inputs, outputs);
        frames
    }

    /// A frame's tensor.
    fn of(&self, frame: usize, id: TensorId) -> TensorId {
        TensorId(frame * self.graph.tensors.len() + id.0)
    }

    /// Writes a node for each frame; returns where the first is.
    fn copy(&mut self, index: usize) -> usize {
        let node = &self.graph.nodes[index];
        let first = self.written.nodes.len();
        for frame in 0..self.batch {
            let inputs = node.inputs.iter().map(|&id| self.of(frame, id)).collect();
            self.written.nodes.push(Node { inputs, output: self.of(frame, node.output), ..node.clone() });
        }
        self.written.bands.push(Bands {
            layers: vec![(node.name.clone(), node.output)],
            nodes: (first..first + self.batch).map(|at| at..at + 1).collect(),
            each: Band::Frame,
        });
        first
    }

    /// A tensor of another shape that holds what one of the network of one frame does.
    fn tensor(&mut self, id: TensorId, shape: Vec<usize>) -> TensorId {
        self.written.add_tensor(Tensor { shape, ..self.graph.tensor(id).clone() })
    }

    /// Writes a node with which the host joins or deals what the chip has of several frames.
    fn cut(&mut self, op: crate::op::Op, inputs: Vec<TensorId>, output: TensorId) {
        let name = self.written.tensor(output).name.clone();
        self.written.nodes.push(Node { name, op, inputs, output, place: Place::Cut });
    }
}
