//! A box cut out of a convolution's picture becomes a smaller picture: the layer pads less.

use crate::graph::Graph;
use crate::op::{Op, Slice, Window};

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Op::Slice(slice) = &node.op else { continue };
        let (middle, output) = (node.inputs[0], node.output);
        let readers = graph.nodes.iter().filter(|node| node.inputs.contains(&middle)).count();
        let Some(at) = producers[middle.0].filter(|_| readers == 1 && !graph.is_result(middle)) else { continue };
        let Op::Conv(layer) = &graph.nodes[at].op else { continue };
        let same = graph.tensor(middle).quant == graph.tensor(output).quant;
        let chw = graph.tensor(graph.nodes[at].inputs[0]).chw();
        let Some(window) = chw.and_then(|chw| cropped(&layer.window, chw, slice, layer.outputs())) else { continue };
        if !same {
            continue;
        }
        if let Op::Conv(layer) = &mut graph.nodes[at].op {
            layer.window = window;
        }
        let shape = graph.tensor(output).shape.clone();
        graph.tensors[middle.0].shape = shape;
        graph.nodes[index].op = Op::Reshape;
    }
}

/// The window that computes only the box; `None` where its edge lies beyond the padding.
fn cropped(window: &Window, [_, height, width]: [usize; 3], slice: &Slice, channels: usize) -> Option<Window> {
    let whole = window.output(height, width)?;
    let (&[0, 0, top, left], &[1, all, rows, columns]) = (slice.start.as_slice(), slice.size.as_slice()) else {
        return None;
    };
    if all != channels || slice.step.iter().any(|&step| step != 1) {
        return None;
    }
    let mut window = *window;
    for (axis, start, size) in [(0, top, rows), (1, left, columns)] {
        let rest = whole[axis].checked_sub(start + size)?;
        window.pads[axis] = window.pads[axis].checked_sub(start * window.stride[axis])?;
        window.pads[axis + 2] = window.pads[axis + 2].checked_sub(rest * window.stride[axis])?;
    }
    (window.output(height, width)? == [rows, columns]).then_some(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Node, Place};
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    /// A padded convolution of an 8x8 picture and a box of its result.
    fn cut(start: [usize; 2], size: [usize; 2]) -> Graph {
        let mut builder = Builder::new(31, &[1, 4, 8, 8]);
        let conv = builder.conv(builder.input(), 3, 3);
        let mut graph = builder.finish(conv);
        if let Op::Conv(layer) = &mut graph.nodes[0].op {
            layer.window.pads = [2, 2, 2, 2];
        }
        graph.tensors[conv.0].shape = vec![1, 3, 10, 10];
        let mut part = graph.tensor(conv).clone();
        part.name = "part".into();
        part.shape = vec![1, 3, size[0], size[1]];
        let size = part.shape.clone();
        let output = graph.add_tensor(part);
        let op = Op::Slice(Slice { start: vec![0, 0, start[0], start[1]], step: vec![1; 4], size });
        graph.nodes.push(Node { name: "cut".into(), op, inputs: vec![conv], output, place: Place::Chip });
        graph.outputs = vec![output];
        graph
    }

    #[test]
    fn a_box_that_keeps_the_picture_itself_only_pads_less() {
        let x = Value::I8((0..256).map(|v| (v * 7 % 251 - 120) as i8).collect());
        for (start, size, goes) in [([1, 0], [8, 9], true), ([2, 2], [6, 6], true), ([3, 0], [7, 10], false)] {
            let mut graph = cut(start, size);
            let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
            run(&mut graph);
            assert_eq!(!matches!(graph.nodes[1].op, Op::Slice(_)), goes, "{size:?} from {start:?}");
            assert_eq!(graph.validate(), Ok(()));
            assert_eq!(execute(&graph, std::slice::from_ref(&x)).unwrap(), before);
        }
    }
}
