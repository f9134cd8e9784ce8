//! Networks at the edge of what a chip's memories hold, on the golden chip.

use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Instr};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::split::Split;
use super::tests::{check, frame, on_chip, seed};
use super::{Compiled, Layer, emit, steps};
use crate::graph::Place;
use crate::op::Window;
use crate::passes::partition;
use crate::passes::testing::Builder;

/// A kernel of 16x8 over one channel takes 16 pages, 18 for two pixels at once; the dense layer takes 240.
#[test]
fn pixels_are_computed_apart_where_that_keeps_all_weights_in_place() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (pages, width) in [(256, 16), (512, 8)] {
        // With accumulators that hold any sum of 240 rows.
        let geometry = Geometry { pages, acc_bits: 24, ..Geometry::SMALL };
        let mut builder = Builder::new(rng.random(), &[1, 1, 16, 16]);
        let window = Window { kernel: [16, 8], stride: [1, 1], dilation: [1, 1], pads: [7, 3, 7, 4] };
        let first = builder.windowed(builder.input(), 8, window);
        let flat = builder.reshape(first, &[1, 8 * 15 * 16]);
        let out = builder.dense(flat, 4);
        let graph = builder.finish(out);
        let frame = frame(&graph, &mut rng);
        let compiled = on_chip(graph, geometry);
        assert_eq!(compiled.programs().map(|program| program.layers.len()).collect::<Vec<_>>(), [3]);
        assert!(compiled.phases.is_empty(), "{pages} pages");
        let first = compiled.programs().flat_map(|p| &p.instrs).find_map(|instr| match instr {
            Instr::Run(_, walk, _) => Some(walk.out_w),
            _ => None,
        });
        assert_eq!(first, Some(width), "{pages} pages");
        check(&compiled, &frame);
    }
}

#[test]
fn a_layer_of_one_tile_takes_no_pages_of_the_others() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 300]);
    let out = builder.dense(builder.input(), 4);
    let graph = builder.finish(out);
    let frame = frame(&graph, &mut rng);
    let compiled = on_chip(graph, Geometry::BASE);
    assert!(!compiled.pages.is_empty() && compiled.pages.iter().all(|page| page.tile == compiled.pages[0].tile));
    check(&compiled, &frame);
}

/// As microphones' features come: a row of numbers that the first layer takes for a picture.
#[test]
fn an_input_under_another_shape_costs_no_cycle() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for geometry in [Geometry::BASE, Geometry::NANO] {
        let key = rng.random();
        let mut cycles = Vec::new();
        for shape in [vec![1, 1, 20, 12], vec![1, 240]] {
            let mut builder = Builder::new(key, &shape);
            let picture = match shape.len() {
                2 => builder.reshape(builder.input(), &[1, 1, 20, 12]),
                _ => builder.input(),
            };
            let window = Window { kernel: [5, 4], stride: [2, 2], dilation: [1, 1], pads: [2, 1, 2, 2] };
            let out = builder.windowed(picture, 8, window);
            let graph = builder.finish(out);
            let frame = frame(&graph, &mut ChaCha8Rng::seed_from_u64(1));
            cycles.push(check(&on_chip(graph, geometry), &frame));
        }
        assert_eq!(cycles[0], cycles[1], "{}", geometry.name);
    }
}

/// Inverted residuals whose middle is larger than all tile memories.
#[test]
fn what_is_too_large_between_convolutions_passes_in_stripes() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (geometry, side, wide) in [(Geometry::SMALL, 16, 72), (Geometry::MEDIUM, 40, 48), (Geometry::BASE, 48, 72)] {
        for stride in [1, 2] {
            let mut builder = Builder::new(rng.random(), &[1, 3, side, side]);
            let first = builder.conv(builder.input(), 8, 3);
            let wider = builder.conv(first, wide, 1);
            let window = Window { stride: [stride; 2], pads: [1; 4], ..Window::of([3, 3]) };
            let deep = builder.depthwise(wider, window);
            let narrow = builder.conv(deep, 8, 1);
            let pooled = builder.max_pool(narrow);
            let out = builder.conv(pooled, 20, 3);
            let graph = builder.finish(out);
            let frame = frame(&graph, &mut rng);
            assert!(graph.tensor(wider).elements() > geometry.tiles * geometry.tile_bytes());
            let compiled = on_chip(graph, geometry);
            let on_host = compiled.graph.nodes.iter().find(|node| node.place != Place::Chip);
            assert!(on_host.is_none(), "{}: {on_host:?}", geometry.name);
            check(&compiled, &frame);
        }
    }
}

#[test]
fn chains_are_as_short_as_room_demands() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let geometry = Geometry::BASE;
    let mut builder = Builder::new(rng.random(), &[1, 3, 48, 48]);
    let first = builder.conv(builder.input(), 8, 3);
    let wider = builder.conv(first, 48, 1);
    let deep = builder.depthwise(wider, Window { pads: [1; 4], ..Window::of([3, 3]) });
    let narrow = builder.conv(deep, 8, 1);
    let out = builder.conv(narrow, 20, 3);
    let mut graph = builder.finish(out);
    let frame = frame(&graph, &mut rng);
    assert_eq!(partition::run(&mut graph).unwrap(), []);
    let fit = emit::Fit {
        constants: geometry.tile_bytes() / 2,
        double: false,
        whole: 1,
        spare_pages: true,
        widen: true,
        stripes: 8,
        large: emit::Large::ThanRoom,
        turn: None,
    };
    let compiled = steps::compile_within(&graph, geometry, Gating::Digit, fit, &mut emit::Known::default()).unwrap();
    let in_stripes = |layer: &Layer| layer.instrs.len() > 2 * geometry.tiles;
    let striped: Vec<bool> = compiled.programs().flat_map(|program| &program.layers).map(in_stripes).collect();
    assert_eq!(striped, [false, true, true, true, false]);
    check(&Compiled { graph, ..compiled }, &frame);
}

#[test]
fn stripes_of_any_windows_are_exact() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut striped = 0;
    for round in 0..40 {
        let geometry = [Geometry::SMALL, Geometry::MEDIUM, Geometry::BASE][round % 3];
        let size = [rng.random_range(24..32), rng.random_range(24..32)];
        let (layers, strided) = (rng.random_range(2..4), rng.random_range(0..6));
        let mut builder = Builder::new(rng.random(), &[1, rng.random_range(1..9), size[0], size[1]]);
        let mut at = builder.input();
        for layer in 0..layers {
            let kernel: [usize; 2] = [rng.random_range(1..4), rng.random_range(1..4)];
            let mut pad = |axis: usize| rng.random_range(0..=kernel[axis] / 2);
            let window = Window {
                kernel,
                pads: [pad(0), pad(1), pad(0), pad(1)],
                stride: if layer == strided { [2, rng.random_range(1..3)] } else { [1, 1] },
                dilation: [1 + usize::from(rng.random_bool(0.2)), 1],
            };
            at = match rng.random_range(0..3) {
                0 => builder.depthwise(at, window),
                _ => builder.windowed(at, [6, 8, 16, 24][rng.random_range(0..4)], window),
            };
        }
        let mut graph = builder.finish(at);
        let frame = frame(&graph, &mut rng);
        assert_eq!(partition::run(&mut graph).unwrap(), []);
        let fit = emit::Fit {
            constants: geometry.tile_bytes() / 2,
            double: rng.random(),
            whole: 1,
            spare_pages: true,
            widen: rng.random(),
            stripes: [2, 3, 8][rng.random_range(0..3)],
            large: emit::Large::Than(rng.random_range(8..33)),
            turn: rng.random_bool(0.5).then_some(256),
        };
        let Ok(compiled) = steps::compile_within(&graph, geometry, Gating::Digit, fit, &mut emit::Known::default())
        else {
            continue;
        };
        // Two passes of a layer over its rows are no more than instructions for each tile.
        let passes = |layer: &Layer| layer.instrs.len() > 2 * geometry.tiles;
        striped += usize::from(compiled.programs().flat_map(|p| &p.layers).any(passes));
        check(&Compiled { graph, ..compiled }, &frame);
    }
    assert!(striped > 0, "none of 40 runs in stripes");
}

#[test]
fn parameters_are_dealt_over_the_tiles_where_memory_is_short() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 128, 8, 8]);
    let mut at = builder.input();
    for _ in 0..14 {
        at = builder.grouped(at, 128, 3, 128);
    }
    let graph = builder.finish(at);
    let frame = frame(&graph, &mut rng);
    let compiled = on_chip(graph, Geometry::BASE);
    let program = compiled.programs().next().unwrap();
    assert!(program.layers.iter().any(|layer| layer.split == Split::Blocks), "2,304 bytes of parameters a layer");
    check(&compiled, &frame);
}

/// Of a layer dealt by rows a mean reads the whole picture in one tile, which this one does not fit; dealt by blocks it would read
/// such a one itself.
#[test]
fn the_least_work_that_makes_room_runs_apart() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 4, 24, 24]);
    let wide = builder.conv(builder.input(), 64, 3);
    let mixed = builder.conv(wide, 64, 1);
    let mean = builder.mean(mixed);
    let out = builder.conv(mean, 10, 1);
    let graph = builder.finish(out);
    let frame = frame(&graph, &mut rng);
    let compiled = on_chip(graph, Geometry::BASE);
    let apart = compiled.graph.bands.iter().flat_map(|bands| bands.nodes.iter().cloned().flatten());
    assert_eq!(apart.map(|at| compiled.graph.nodes[at].op.name()).collect::<Vec<_>>(), ["GlobalAveragePool"]);
    assert!(!compiled.graph.nodes.iter().any(|node| matches!(node.place, Place::Host(_))));
    check(&compiled, &frame);
}
