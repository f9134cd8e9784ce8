//! Lets a convolution or a largest-value pool pad for itself what a layer before it pads.
//!
//! Keras writes the odd padding of its strided layers as a layer of its own. On the chip that would be a copy of the picture; in a
//! window it costs nothing.

use crate::graph::Graph;
use crate::op::{Op, Pad, Window};

/// Runs the pass. A frame that nobody reads any more is dead.
pub fn run(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let Some(&input) = graph.nodes[index].inputs.first() else { continue };
        let Some(at) = producers[input.0] else { continue };
        let (Op::Pad(pad), &[picture]) = (&graph.nodes[at].op, graph.nodes[at].inputs.as_slice()) else { continue };
        let (value, window) = match &graph.nodes[index].op {
            Op::Conv(layer) => (layer.x_zero_point, &layer.window),
            // Padding counts for nothing there, and no value is lower than this.
            Op::MaxPool(pool) => (i8::MIN.into(), &pool.window),
            _ => continue,
        };
        let Some(wide) = framed(window, pad).filter(|_| i32::from(pad.value) == value) else { continue };
        let node = &mut graph.nodes[index];
        match &mut node.op {
            Op::Conv(layer) => layer.window = wide,
            // A window of padding alone has no largest value.
            Op::MaxPool(pool) if inside(&wide) => pool.window = wide,
            _ => continue,
        }
        node.inputs[0] = picture;
    }
}

/// The window with a frame's rows and columns as padding; `None` if the frame has others.
fn framed(window: &Window, pad: &Pad) -> Option<Window> {
    let (&[0, 0, above, left], &[0, 0, below, right]) = (pad.before.as_slice(), pad.after.as_slice()) else {
        return None;
    };
    let mut window = *window;
    for (pads, more) in window.pads.iter_mut().zip([above, left, below, right]) {
        *pads += more;
    }
    Some(window)
}

/// Every output sees at least one value.
fn inside(window: &Window) -> bool {
    let [above, left, below, right] = window.pads;
    let reach = [0, 1].map(|axis| (window.kernel[axis] - 1) * window.dilation[axis]);
    above.max(below) <= reach[0] && left.max(right) <= reach[1] && window.dilation == [1, 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TensorId;
    use crate::passes::dead;
    use crate::passes::testing::{Builder, ZERO_POINT};
    use crate::reference::{Value, run as execute};

    /// A picture of 6x7 in a frame.
    fn framed_picture(builder: &mut Builder, pads: [usize; 4], value: i8) -> TensorId {
        let [above, left, below, right] = pads;
        builder.pad(builder.input(), Pad { before: vec![0, 0, above, left], after: vec![0, 0, below, right], value })
    }

    fn check(mut graph: Graph, goes: bool) {
        let x = Value::I8((0..168).map(|v| (v * 11 % 251 - 120) as i8).collect());
        let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
        run(&mut graph);
        dead::run(&mut graph);
        assert_eq!(graph.nodes.iter().all(|node| node.op.name() != "Pad"), goes);
        assert_eq!(graph.validate(), Ok(()));
        assert_eq!(execute(&graph, std::slice::from_ref(&x)).unwrap(), before);
    }

    #[test]
    fn a_convolution_pads_with_its_zero_point_itself() {
        for (pads, off, goes) in [([0, 0, 1, 1], 0, true), ([2, 1, 3, 0], 0, true), ([0, 0, 1, 1], 1, false)] {
            let mut builder = Builder::new(41, &[1, 4, 6, 7]);
            let picture = framed_picture(&mut builder, pads, ZERO_POINT + off);
            let out = builder.windowed(picture, 5, Window { stride: [2, 2], ..Window::of([3, 3]) });
            check(builder.finish(out), goes);
        }
    }

    #[test]
    fn a_largest_value_needs_one() {
        for (pads, value, goes) in
            [([1, 1, 1, 1], -128, true), ([1, 1, 1, 1], -127, false), ([2, 0, 0, 0], -128, false)]
        {
            let mut builder = Builder::new(43, &[1, 4, 6, 7]);
            let picture = framed_picture(&mut builder, pads, value);
            let out = builder.max_pool(picture);
            check(builder.finish(out), goes);
        }
    }
}
