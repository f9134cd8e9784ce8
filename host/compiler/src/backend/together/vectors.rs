//! Networks of dense layers: vectors of several frames side by side.
//!
//! A dense layer of one frame reads its pages for one vector. Vectors of several frames that lie side by side, as the pixels of one
//! column, share each page, and the layer starts and ends once for all of them. Nothing on the chip is moved for it: a frame's vector is
//! what its tensor is in memory, channels last.

use std::collections::HashMap;

use super::{Frames, Together};
use crate::backend::bands::some;
use crate::graph::{Graph, Node, Place, TensorId};
use crate::op::{Linear, Op, Window};

/// Whether every node on the chip takes a frame as a vector, and some have weights that several vectors can share.
pub fn are_read(graph: &Graph) -> bool {
    let on_chip = || graph.nodes.iter().filter(|node| node.place == Place::Chip);
    let dense = |node: &Node| matches!(&node.op, Op::Conv(layer) | Op::Dense(layer) if !layer.is_depthwise());
    on_chip().any(dense) && on_chip().all(|node| over_a_vector(graph, node).is_some())
}

/// The nodes on the chip once, over the vectors of all frames; the others for each frame.
pub fn stacked(frames: Frames) -> Together {
    let graph = frames.graph;
    let mut stack = Stack { frames, vectors: HashMap::new(), dealt: Vec::new() };
    for &id in &graph.inputs {
        stack.join(id);
    }
    let firsts = graph.nodes.iter().enumerate().map(|(index, node)| stack.node(index, node)).collect();
    for &id in &graph.outputs {
        stack.deal(id);
    }
    Together { graph: stack.frames.written, firsts }
}

struct Stack<'a> {
    frames: Frames<'a>,
    /// For each tensor on the chip the one of all frames.
    vectors: HashMap<TensorId, TensorId>,
    /// Tensors that the host has of each frame, too.
    dealt: Vec<TensorId>,
}

impl Stack<'_> {
    /// Writes a node; returns where it is, or the first of its copies.
    fn node(&mut self, index: usize, node: &Node) -> usize {
        if node.place != Place::Chip {
            for &id in &node.inputs {
                self.deal(id);
            }
            let first = self.frames.copy(index);
            self.join(node.output);
            return first;
        }
        let op = over_a_vector(self.frames.graph, node).expect("all nodes on the chip take vectors");
        let inputs = node.inputs.iter().map(|id| self.vectors[id]).collect();
        let output = self.all(node.output);
        self.frames.written.nodes.push(Node { op, inputs, output, ..node.clone() });
        self.frames.written.nodes.len() - 1
    }

    /// The tensor of all frames: the elements of each in memory order, a row a frame.
    fn all(&mut self, id: TensorId) -> TensorId {
        let shape = vec![1, self.frames.graph.tensor(id).elements(), self.frames.batch, 1];
        let all = self.frames.tensor(id, shape);
        self.vectors.insert(id, all);
        all
    }

    /// Writes how the host joins what it has of each frame, if the chip reads it.
    fn join(&mut self, id: TensorId) {
        let reads = |node: &Node| node.place == Place::Chip && node.inputs.contains(&id);
        if !self.frames.graph.nodes.iter().any(reads) {
            return;
        }
        let elements = self.frames.graph.tensor(id).elements();
        let mut parts = Vec::new();
        for frame in 0..self.frames.batch {
            let vector = self.frames.tensor(id, vec![1, elements, 1, 1]);
            self.frames.cut(Op::View, vec![self.frames.of(frame, id)], vector);
            parts.push(vector);
        }
        let all = self.all(id);
        self.frames.cut(Op::Concat { axis: 2 }, parts, all);
    }

    /// Writes how the host deals what the chip computed to the frames, once.
    fn deal(&mut self, id: TensorId) {
        let computed = |node: &Node| node.place == Place::Chip && node.output == id;
        if self.dealt.contains(&id) || !self.frames.graph.nodes.iter().any(computed) {
            return;
        }
        self.dealt.push(id);
        let all = self.vectors[&id];
        let shape = self.frames.written.tensor(all).shape.clone();
        for frame in 0..self.frames.batch {
            let vector = self.frames.tensor(id, vec![1, shape[1], 1, 1]);
            self.frames.cut(some(&shape, 2, &(frame..frame + 1)), vec![all], vector);
            self.frames.cut(Op::View, vec![vector], self.frames.of(frame, id));
        }
    }
}

/// What a node does to vectors in memory order; `None` if it does not take a frame as a vector.
fn over_a_vector(graph: &Graph, node: &Node) -> Option<Op> {
    let shapes = node.inputs.iter().chain([&node.output]).map(|&id| graph.tensor(id).chw());
    let shapes = shapes.collect::<Option<Vec<_>>>()?;
    let (&output, inputs) = shapes.split_last()?;
    match &node.op {
        Op::Conv(layer) | Op::Dense(layer) => Some(Op::Conv(Box::new(read_whole(layer, inputs[0])?))),
        Op::Add(_) | Op::Mul(_) | Op::Product(_) | Op::Clamp(_) | Op::View => Some(node.op.clone()),
        Op::Reshape if [inputs[0], output].iter().all(in_one_order) => Some(Op::Reshape),
        _ => None,
    }
}

/// Whether channels first and channels last are the same order.
fn in_one_order([channels, height, width]: &[usize; 3]) -> bool {
    *channels == 1 || height * width == 1
}

/// A layer that reads a whole picture at once, as one over the vector that the picture is in memory.
fn read_whole(layer: &Linear, [channels, height, width]: [usize; 3]) -> Option<Linear> {
    let Linear { weights, window, groups, .. } = layer;
    let vector = height * width == 1;
    if !window.unpadded() || window.kernel != [height, width] || layer.reads_twice() || (*groups > 1 && !vector) {
        return None;
    }
    let mut layer = Linear { window: Window::of([1, 1]), ..layer.clone() };
    if !vector {
        let rows = layer.rows();
        let pixels = height * width;
        let order = (0..weights.data.len()).map(|at| (at / rows, at % rows / channels, at % channels));
        layer.weights.data = order.map(|(o, pixel, c)| weights.data[o * rows + c * pixels + pixel]).collect();
        layer.weights.shape = [weights.shape[0], rows, 1, 1];
    }
    Some(layer)
}
