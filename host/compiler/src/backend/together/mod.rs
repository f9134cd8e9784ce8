//! Lets several frames pass through the chip together.
//!
//! A layer of one frame waits: for its parameters, for the digits of its slowest tile, for what moves between tiles, for weights that
//! the host reloads. In a batch, each layer works on one frame after the other, and most of that goes on beside another frame's
//! computation. The batch is one network of as many copies of every node, which share weights, parameters and reloads; where layers read
//! vectors the copies become one layer over all of them (`vectors`).

#[cfg(test)]
mod tests;
mod vectors;

use crate::graph::{Band, Bands, Graph, Node, Place, Tensor, TensorId};

use super::BackendError;

/// A network of several frames.
pub struct Together {
    /// It takes the inputs of each frame, one frame behind the other, and gives the outputs likewise.
    pub graph: Graph,
    /// For each node of the network of one frame where the first that computes it is.
    pub firsts: Vec<usize>,
}

/// The network of copies that computes `batch` frames of a placed one, and the better one over vectors, if that computes it too and all
/// of it has a place on the chip.
///
/// # Errors
/// [`BackendError::Batch`] where something is kept from one frame to the next.
pub fn write(graph: &Graph, batch: usize) -> Result<(Together, Option<Together>), BackendError> {
    if let Some(state) = graph.states.first() {
        return Err(BackendError::Batch { batch, state: state.name.clone() });
    }
    let frames = || Frames::new(graph, batch);
    Ok((copied(frames()), vectors::are_read(graph).then(|| vectors::stacked(frames()))))
}

/// Every node as often as there are frames, its copies side by side.
fn copied(mut frames: Frames) -> Together {
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
