//! Lets several frames pass through the chip together.
//!
//! A dense layer of one frame multiplies one vector: its pages are read for it alone, and what a layer takes to start and to end
//! is spent for each frame. Vectors of several frames that lie side by side, as the pixels of one column, share both. Nothing is moved for
//! it: a frame's vector is what its tensor is in memory, channels last.

use crate::graph::{Graph, Place, TensorId};
use crate::op::{Linear, Op, Window};

use super::io::{self, Transfer};
use super::{BackendError, Compiled, TensorLayout};

/// The graph whose tensors on the chip hold `batch` frames: `[1, elements, batch, 1]`, the elements of each in memory order.
///
/// Nodes and tensors keep their places in the lists; what the host computes stays as it is, of one frame.
///
/// # Errors
/// [`BackendError::Batch`], naming the first node on the chip that does not take each frame by itself as a vector, or what is kept
/// from one frame to the next.
pub(super) fn stack(graph: &Graph, batch: usize) -> Result<Graph, BackendError> {
    if let Some(state) = graph.states.first() {
        let why = "what it keeps is for the next frame, which is in the same batch";
        return Err(BackendError::Batch { batch, node: state.name.clone(), op: "state", why });
    }
    let mut stacked = graph.clone();
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.place == Place::Chip) {
        let refuse = |why| BackendError::Batch { batch, node: node.name.clone(), op: node.op.name(), why };
        let pictures = node.inputs.iter().chain([&node.output]);
        let shapes = pictures.map(|&id| graph.tensor(id).chw()).collect::<Option<Vec<_>>>();
        let shapes = shapes.ok_or_else(|| refuse("its tensors are not one picture or vector a frame"))?;
        let (&output, inputs) = shapes.split_last().expect("a node has an output");
        match (&node.op, &mut stacked.nodes[index].op) {
            (Op::Conv(layer) | Op::Dense(layer), Op::Conv(new) | Op::Dense(new)) => {
                **new = over_a_vector(layer, inputs[0]).ok_or_else(|| refuse("its window takes part of a picture"))?;
            }
            (Op::Add(_) | Op::Mul(_) | Op::Product(_) | Op::Clamp(_) | Op::View, _) => {}
            (Op::Reshape, _) if [inputs[0], output].iter().all(in_one_order) => {}
            _ => return Err(refuse("it does not take each frame by itself as a vector")),
        }
        for id in node.inputs.iter().chain([&node.output]) {
            stacked.tensors[id.0].shape = vec![1, graph.tensor(*id).elements(), batch, 1];
        }
    }
    Ok(stacked)
}

/// Whether channels first and channels last are the same order.
fn in_one_order([channels, height, width]: &[usize; 3]) -> bool {
    *channels == 1 || height * width == 1
}

/// A layer that reads a whole picture at once, as one over the vector that the picture is in memory.
fn over_a_vector(layer: &Linear, [channels, height, width]: [usize; 3]) -> Option<Linear> {
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

impl Compiled {
    /// Lays the values of a tensor, those of each frame channels first, out for every tile that holds some of it. Of fewer frames than a
    /// batch has the last one is there several times.
    ///
    /// # Panics
    /// If there is no frame, or one has another number of values than the tensor; the caller checks that.
    #[must_use]
    pub fn pack(&self, id: TensorId, layout: &TensorLayout, frames: &[&[i8]]) -> Vec<Transfer> {
        if self.batch == 1 {
            return io::pack_input(layout, frames[0]);
        }
        let frame = |index: usize| frames[index.min(frames.len() - 1)];
        let values = self.places(id).flat_map(|at| (0..self.batch).map(move |index| frame(index)[at]));
        io::pack_input(layout, &values.collect::<Vec<_>>())
    }

    /// The values of a tensor of each frame of a batch, channels first, from the bytes of [`io::output_ranges`].
    ///
    /// # Panics
    /// If `bytes` is shorter than the tensor.
    #[must_use]
    pub fn unpack(&self, id: TensorId, layout: &TensorLayout, bytes: &[u8]) -> Vec<Vec<i8>> {
        let values = io::unpack_output(layout, bytes);
        if self.batch == 1 {
            return vec![values];
        }
        let mut frames = vec![vec![0; values.len() / self.batch]; self.batch];
        for (values, at) in values.chunks(self.batch).zip(self.places(id)) {
            for (frame, &value) in frames.iter_mut().zip(values) {
                frame[at] = value;
            }
        }
        frames
    }

    /// For each element of a frame's tensor in the order of memory, channels last, where it is in the graph's order.
    fn places(&self, id: TensorId) -> impl Iterator<Item = usize> + use<> {
        let tensor = self.graph.tensor(id);
        let [channels, height, width] = tensor.chw().unwrap_or([tensor.elements(), 1, 1]);
        let pixels = height * width;
        (0..pixels).flat_map(move |pixel| (0..channels).map(move |channel| channel * pixels + pixel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{compile_batch, io};
    use crate::graph::State;
    use crate::passes::testing::Builder;
    use crate::reference::Value;
    use lacuna_spec::Geometry;
    use lacuna_spec::instr::Gating;

    /// A picture that a layer reads whole, and another layer.
    fn dense() -> Graph {
        let mut builder = Builder::new(31, &[1, 3, 2, 4]);
        let flat = builder.reshape(builder.input(), &[1, 24]);
        let hidden = builder.dense(flat, 6);
        let out = builder.dense(hidden, 5);
        let mut graph = builder.finish(out);
        crate::passes::absorb_flatten::run(&mut graph);
        crate::passes::dead::run(&mut graph);
        graph
    }

    fn refusal(graph: &Graph) -> String {
        stack(graph, 4).unwrap_err().to_string()
    }

    #[test]
    fn a_picture_that_is_read_whole_becomes_a_vector_in_memory_order() {
        let (graph, stacked) = (dense(), stack(&dense(), 3).unwrap());
        assert_eq!(stacked.tensor(graph.inputs[0]).shape, [1, 24, 3, 1]);
        assert_eq!(stacked.tensor(graph.outputs[0]).shape, [1, 5, 3, 1]);
        let weights = |graph: &Graph| match &graph.nodes[0].op {
            Op::Dense(layer) => layer.weights.clone(),
            op => panic!("{op:?}"),
        };
        let (old, new) = (weights(&graph), weights(&stacked));
        assert_eq!((old.shape, new.shape), ([6, 3, 2, 4], [6, 24, 1, 1]));
        for (o, c, y, x) in [(0, 0, 0, 0), (2, 1, 0, 3), (5, 2, 1, 1)] {
            assert_eq!(new.data[o * 24 + (y * 4 + x) * 3 + c], old.data[((o * 3 + c) * 2 + y) * 4 + x]);
        }
    }

    #[test]
    fn what_takes_no_vector_is_named() {
        let mut builder = Builder::new(32, &[1, 3, 4, 4]);
        let conv = builder.conv(builder.input(), 8, 3);
        let text = refusal(&builder.finish(conv));
        assert!(text.starts_with("4 frames cannot pass through the chip together for Conv \"n0\""), "{text}");
        assert!(text.ends_with("in a batch of 1"), "{text}");

        // Channel by channel is another order than memory's, unless there is one channel or one pixel.
        let flattened = |shape: &[usize]| {
            let mut builder = Builder::new(33, shape);
            let flat = builder.reshape(builder.input(), &[1, 24]);
            stack(&builder.finish(flat), 2)
        };
        let text = flattened(&[1, 3, 2, 4]).unwrap_err().to_string();
        assert!(text.contains("Reshape \"n0\""), "{text}");
        assert!(flattened(&[1, 1, 6, 4]).is_ok() && flattened(&[1, 24, 1, 1]).is_ok());

        let mut graph = dense();
        let (read, write) = (graph.inputs[0], graph.outputs[0]);
        graph.states.push(State { name: "memory".into(), read, write, initial: Value::I8(vec![0; 24]) });
        assert!(refusal(&graph).contains("\"memory\""), "{}", refusal(&graph));
    }

    #[test]
    fn each_frame_is_unpacked_as_it_was_packed() {
        let compiled = compile_batch(dense(), Geometry::BASE, Gating::Digit, 3).unwrap();
        let id = compiled.graph.inputs[0];
        let layout = &compiled.programs().next().unwrap().inputs[0].1;
        let frames: Vec<Vec<i8>> = (0..2).map(|frame| (0..24).map(|at| frame * 50 + at).collect()).collect();
        let packed = compiled.pack(id, layout, &frames.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut bytes = Vec::new();
        for (tile, address, count) in io::output_ranges(layout) {
            let transfer = packed.iter().find(|transfer| transfer.tile == tile).unwrap();
            bytes.extend(&transfer.bytes[address - transfer.address..][..count]);
        }
        // The last frame stands for the one that is not there.
        let [first, second] = [&frames[0], &frames[1]];
        assert_eq!(compiled.unpack(id, layout, &bytes), [first, second, second].map(Vec::clone));
    }

    #[test]
    fn frames_that_exceed_the_chip_together_are_too_many() {
        let small = Geometry { tile_words: 64, ..Geometry::BASE };
        compile_batch(dense(), small, Gating::Digit, 2).unwrap();
        let text = compile_batch(dense(), small, Gating::Digit, 500).unwrap_err().to_string();
        assert!(text.starts_with("500 frames do not fit the chip together: tensor "), "{text}");
        assert!(text.ends_with("or run fewer together"), "{text}");
    }
}
