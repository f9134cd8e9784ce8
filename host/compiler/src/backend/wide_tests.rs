//! Layers of weights that have more than 8 bits less their zero point, on the golden chips.

use lacuna_spec::Geometry;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::tests::{check, frame, on_chip, seed};
use crate::graph::Graph;
use crate::op::{Op, Window};
use crate::passes::testing::Builder;
use crate::passes::{Options, wide_weights};

/// Gives a few filters of each layer a zero point that takes some of their weights beyond int8.
fn widen(graph: &mut Graph, rng: &mut ChaCha8Rng) {
    for node in &mut graph.nodes {
        let Op::Conv(layer) = &mut node.op else { continue };
        for weight in &mut layer.weights.data {
            *weight /= 2;
        }
        let rows = layer.rows();
        for _ in 0..3 {
            let output = rng.random_range(0..layer.outputs());
            let sign: i8 = if rng.random() { 1 } else { -1 };
            layer.weights.zero_points[output] = i32::from(sign) * 60;
            layer.weights.data[output * rows + rng.random_range(0..rows)] = sign * -rng.random_range(70..127);
        }
    }
}

#[test]
fn layers_of_wide_weights_are_exact_on_every_chip() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for geometry in [Geometry::NANO, Geometry::SMALL, Geometry::MEDIUM, Geometry::BASE, Geometry::WIDE] {
        for _ in 0..6 {
            let channels = rng.random_range(2..50);
            let mut builder = Builder::new(rng.random(), &[1, channels, 7, rng.random_range(3..8)]);
            let first = builder.conv(builder.input(), rng.random_range(3..50), 1);
            let window = Window { stride: [rng.random_range(1..3), 1], pads: [1; 4], ..Window::of([3, 3]) };
            let depthwise = builder.depthwise(first, window);
            let second = builder.conv(depthwise, rng.random_range(3..40), 1);
            let kernel = [[1, 3], [3, 1], [3, 3]][rng.random_range(0..3)];
            let third = builder.windowed(second, rng.random_range(3..20), Window::of(kernel));
            let mut graph = builder.finish(third);
            widen(&mut graph, &mut rng);
            let frame = frame(&graph, &mut rng);
            wide_weights::run(&mut graph, &Options::of(&geometry));
            check(&on_chip(graph, geometry), &frame);
        }
    }
}
