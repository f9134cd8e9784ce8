//! Bands against the layers they are cut from: the reference executor, and the golden chip.

use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Instr};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::backend::emit;
use crate::backend::steps::{compile_fitting, compile_within};
use crate::backend::tests::{check, frame, seed};
use crate::backend::{Compiled, compile};
use crate::graph::Place;
use crate::op::{Monitored, Window};
use crate::passes::testing::Builder;
use crate::passes::{partition, prove_add};
use crate::reference;

/// Layers, pools and sums of any windows, one behind the other.
fn network(rng: &mut ChaCha8Rng) -> Graph {
    let size = [rng.random_range(9..24), rng.random_range(8..14)];
    let mut builder = Builder::new(rng.random(), &[1, rng.random_range(1..40), size[0], size[1]]);
    let mut at = builder.input();
    for _ in 0..rng.random_range(1..6) {
        let kernel: [usize; 2] = [rng.random_range(1..4), rng.random_range(1..4)];
        let mut pad = |axis: usize| rng.random_range(0..=kernel[axis] / 2);
        let window = Window {
            kernel,
            pads: [pad(0), pad(1), pad(0), pad(1)],
            stride: [1 + usize::from(rng.random_bool(0.2)), 1],
            dilation: [1 + usize::from(rng.random_bool(0.2)), 1],
        };
        let channels = [5, 16, 72, 96][rng.random_range(0..4)];
        at = match rng.random_range(0..6) {
            0 => builder.depthwise(at, window),
            1 => builder.max_pool(at),
            2 => builder.conv(at, channels, 3),
            3 if rng.random() => {
                let same = Window::of([1, 1]);
                let beside = builder.depthwise(at, same);
                let narrow = builder.windowed(at, builder.channels(at), same);
                builder.add(narrow, beside)
            }
            3 => {
                let beside = builder.conv(at, channels, 1);
                let wider = builder.conv(at, 24, 3);
                let narrow = builder.conv(wider, channels, 3);
                builder.add(narrow, beside)
            }
            _ => builder.windowed(at, channels, window),
        };
        if builder.side(at) < 7 {
            break;
        }
    }
    if rng.random_bool(0.3) {
        at = builder.mean(at);
    }
    let mut graph = builder.finish(at);
    prove_add::run(&mut graph);
    assert_eq!(partition::run(&mut graph).unwrap(), []);
    graph
}

/// Most nodes in groups, as long as they happen to be joined.
fn grouped(graph: &Graph, rng: &mut ChaCha8Rng) -> Vec<Group> {
    let consumers = graph.consumers();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in (0..graph.nodes.len()).filter(|&index| by_rows(graph, index)) {
        let writer = groups.iter().position(|group| {
            let output = graph.nodes[group[group.len() - 1]].output;
            consumers[output.0] == [index] && graph.nodes[index].inputs.contains(&output)
        });
        match writer {
            Some(writer) if rng.random_bool(0.6) => groups[writer].push(index),
            _ if rng.random_bool(0.8) => groups.push(vec![index]),
            _ => {}
        }
    }
    let group = |nodes: Vec<usize>| {
        let height = height(graph, nodes[nodes.len() - 1]).unwrap();
        let split = if rng.random() { Split::Rows } else { Split::Blocks };
        let rows = if rng.random() { rng.random_range(1..=height) } else { rng.random_range(1..=height.min(4)) };
        Group { nodes, rows, split }
    };
    groups.into_iter().map(group).collect()
}

#[test]
fn bands_are_rows_of_the_whole() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for _ in 0..60 {
        let graph = network(&mut rng);
        let groups = grouped(&graph, &mut rng);
        let (banded, spans) = cut(&graph, &groups);
        banded.validate().unwrap();
        assert_eq!(spans.len(), groups.len());
        let frame = frame(&graph, &mut rng);
        assert_eq!(reference::run(&banded, &frame).unwrap(), reference::run(&graph, &frame).unwrap(), "{groups:?}");
    }
}

#[test]
fn bands_of_any_groups_are_exact_on_the_chip() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let (mut round, mut phased) = (0, 0);
    while round < 80 || phased < 3 {
        round += 1;
        assert!(round < 800, "{phased} networks whose bands share pages that take turns");
        let geometry = [Geometry::SMALL, Geometry::MEDIUM, Geometry::BASE][round % 3];
        let tile_words = [geometry.tile_words, 512, 256][rng.random_range(0..3)];
        let graph = network(&mut rng);
        let groups = grouped(&graph, &mut rng);
        let (banded, _) = cut(&graph, &groups);
        // With all pages, or with so few that weights have to take turns; the first budget that fits, or any.
        let fewest = if rng.random() { 16 } else { geometry.pages };
        let any = rng.random_bool(0.3).then(|| emit::Fit {
            constants: 1 << rng.random_range(8..15),
            double: false,
            whole: 1 << rng.random_range(8..15),
            spare_pages: rng.random(),
            widen: rng.random(),
            stripes: rng.random_range(1..4),
            large: if rng.random() { emit::Large::ThanRoom } else { emit::Large::Than(rng.random_range(8..65)) },
            turn: rng.random_bool(0.5).then_some(512),
        });
        let compile = |pages: &usize| {
            let geometry = Geometry { pages: *pages, tile_words, ..geometry };
            match any {
                Some(fit) => compile_within(&banded, geometry, Gating::Digit, fit, &mut emit::Known::default()).ok(),
                None => compile_fitting(&banded, geometry, Gating::Digit).ok(),
            }
        };
        let Some(compiled) = [16, 32, 64, 128, 512].iter().filter(|pages| **pages >= fewest).find_map(compile) else {
            continue;
        };
        println!("{round}: {} {} pages {tile_words} words {groups:?}", geometry.name, compiled.geometry.pages);
        let repeats = banded.bands.iter().any(|bands| bands.nodes.len() > 1);
        phased += usize::from(repeats && !compiled.phases.is_empty());
        check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
    }
}

/// Nothing of a network is left to the host but cutting and joining; returns the graph that runs.
fn whole_on_chip(graph: &Graph, geometry: Geometry, rng: &mut ChaCha8Rng) -> Graph {
    let compiled = compile(graph.clone(), geometry, Gating::Digit).unwrap();
    let on_host = compiled.graph.nodes.iter().find(|node| matches!(node.place, Place::Host(_)));
    assert!(on_host.is_none(), "{}: {on_host:?}", geometry.name);
    check(&compiled, &frame(graph, rng));
    compiled.graph
}

#[test]
fn pictures_larger_than_the_chip_run_in_bands() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (geometry, side) in [(Geometry::SMALL, 40), (Geometry::MEDIUM, 64), (Geometry::BASE, 96)] {
        let mut builder = Builder::new(rng.random(), &[1, 3, side, side]);
        let first = builder.conv(builder.input(), 24, 3);
        let deep = builder.depthwise(first, Window { pads: [1; 4], ..Window::of([3, 3]) });
        let narrow = builder.conv(deep, 24, 1);
        let sum = builder.add(narrow, first);
        let pooled = builder.max_pool(sum);
        let out = builder.conv(pooled, 8, 3);
        let mut graph = builder.finish(out);
        prove_add::run(&mut graph);
        assert!(graph.tensor(first).elements() > geometry.tiles * geometry.tile_bytes());
        let banded = whole_on_chip(&graph, geometry, &mut rng);
        assert!(banded.bands.iter().any(|bands| bands.nodes.len() > 1), "{}", geometry.name);
    }
}

#[test]
fn filters_beyond_the_pages_run_some_at_a_time() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    // More than the pages of all tiles, and an input that no tile holds whole beside its output.
    let geometry = Geometry { pages: 128, tile_words: 512, ..Geometry::BASE };
    let mut builder = Builder::new(rng.random(), &[1, 64, 10, 10]);
    let out = builder.conv(builder.input(), 208, 3);
    let graph = builder.finish(out);
    let banded = whole_on_chip(&graph, geometry, &mut rng);
    let parts: Vec<&str> = banded.bands.iter().flat_map(|bands| &bands.layers).map(|(name, _)| name.as_str()).collect();
    assert_eq!(parts[0], "n0 channels 0..48", "{parts:?}");
    assert!(parts.iter().all(|name| name.starts_with("n0 channels ")), "{parts:?}");
}

#[test]
fn rows_that_no_tile_holds_run_some_pixels_at_a_time() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let geometry = Geometry { tile_words: 64, ..Geometry::BASE };
    for kind in 0..4 {
        let kernel: [usize; 2] = [rng.random_range(1..4), rng.random_range(2..5)];
        let mut pad = |axis: usize| rng.random_range(0..kernel[axis]);
        let pads = [pad(0), pad(1), pad(0), pad(1)];
        let window =
            Window { kernel, pads, stride: [1, rng.random_range(1..3)], dilation: [1, rng.random_range(1..3)] };
        let mut builder = Builder::new(rng.random(), &[1, 8, 7, rng.random_range(130..160)]);
        let input = builder.input();
        let out = match kind {
            0 => builder.windowed(input, 12, window),
            1 => {
                let layer = builder.depthwise(input, window);
                builder.conv(layer, 8, 1)
            }
            2 => {
                let layer = builder.conv(input, 8, 1);
                builder.max_pool(layer)
            }
            _ => {
                let layer = builder.conv(input, 8, 3);
                builder.add(layer, input)
            }
        };
        let mut graph = builder.finish(out);
        prove_add::run(&mut graph);
        let banded = whole_on_chip(&graph, geometry, &mut rng);
        assert!(banded.nodes.iter().any(|node| node.name.contains(" pixels ")), "{kind}");
    }
}

#[test]
fn a_picture_of_more_rows_than_bands_are_worth_stays_with_the_host() {
    let mut builder = Builder::new(1, &[1, 4, 12 * MOST_NODES, 60]);
    let out = builder.conv(builder.input(), 8, 1);
    let graph = builder.finish(out);
    let geometry = Geometry { tile_words: 512, ..Geometry::NANO };
    assert_eq!(groups(&graph, &geometry, &[0]), []);
}

#[test]
fn what_one_layer_reads_by_channels_comes_by_channels() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for channels in [64, 40, 5] {
        let mut builder = Builder::new(rng.random(), &[1, channels, 9, 7]);
        let out = builder.depthwise(builder.input(), Window { pads: [1; 4], ..Window::of([3, 3]) });
        let graph = builder.finish(out);
        let group = Group { nodes: vec![0], rows: 4, split: Split::Blocks };
        let (banded, _) = cut(&graph, &[group]);
        let compiled = compile_fitting(&banded, Geometry::BASE, Gating::Digit).unwrap();
        for (_, layout) in compiled.programs().flat_map(|program| &program.inputs) {
            let held: Vec<usize> = layout.channels.iter().map(Range::len).collect();
            assert_eq!(held.iter().sum::<usize>(), channels, "each channel in one tile: {held:?}");
        }
        check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
    }
}

#[test]
fn a_tile_has_the_parameters_of_bands_in_which_it_has_rows() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 24, 12, 7]);
    let window = Window { pads: [1; 4], ..Window::of([3, 3]) };
    let first = builder.depthwise(builder.input(), window);
    let out = builder.depthwise(first, window);
    let graph = builder.finish(out);
    // Of the first layer the first band has three rows, which leave one of four tiles without, and others four.
    let (banded, _) = cut(&graph, &[Group { nodes: vec![0, 1], rows: 2, split: Split::Rows }]);
    let compiled = compile_fitting(&banded, Geometry::BASE, Gating::Digit).unwrap();
    assert_eq!(compiled.parameter_bytes(), 0, "parameters stay");
    check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
}

#[test]
fn terms_of_a_sum_lie_alike_though_one_is_read_elsewhere() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 64, 6, 5]);
    let first = builder.conv(builder.input(), 64, 3);
    let sum = builder.add(builder.input(), first);
    let beside = builder.conv(builder.input(), 64, 1);
    let out = builder.add(sum, beside);
    let mut graph = builder.finish(out);
    prove_add::run(&mut graph);
    assert_eq!(partition::run(&mut graph).unwrap(), []);
    let group = |nodes: &[usize]| Group { nodes: nodes.to_vec(), rows: 6, split: Split::Blocks };
    let (banded, _) = cut(&graph, &[group(&[0]), group(&[1, 2, 3])]);
    let compiled = compile_fitting(&banded, Geometry::BASE, Gating::Digit).unwrap();
    check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
}

#[test]
fn bands_between_the_borders_are_written_once() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let geometry = Geometry { program_len: 16, ..Geometry::MEDIUM };
    let mut builder = Builder::new(rng.random(), &[1, 16, 20, 7]);
    let out = builder.conv(builder.input(), 24, 3);
    let graph = builder.finish(out);
    let (banded, _) = cut(&graph, &[Group { nodes: vec![0], rows: 2, split: Split::Rows }]);
    let fit = emit::Fit {
        constants: geometry.tile_bytes(),
        double: false,
        whole: geometry.tile_bytes(),
        spare_pages: true,
        widen: true,
        stripes: 1,
        large: emit::Large::ThanRoom,
        turn: Some(16),
    };
    let compiled = compile_within(&banded, geometry, Gating::Digit, fit, &mut emit::Known::default()).unwrap();
    assert!(!compiled.is_resident());
    let written: Vec<[bool; 2]> =
        compiled.programs().map(|program| [!program.repeats, !program.parameters.is_empty()]).collect();
    let all = [vec![[true; 2], [true, false]], vec![[false; 2]; 7], vec![[true, false]]].concat();
    assert_eq!(written, all, "instructions and parameters of each band");
    check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
}

/// The convolution reads a row more than the sum in all bands but the last, in which both read the same rows.
#[test]
fn weights_lie_alike_in_all_bands_though_two_layers_read_the_same_rows_in_some() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 8, 12, 9]);
    let window = Window { pads: [0, 0, 1, 1], ..Window::of([2, 2]) };
    let layer = builder.windowed(builder.input(), 8, window);
    let out = builder.add(layer, builder.input());
    let mut graph = builder.finish(out);
    prove_add::run(&mut graph);
    for split in [Split::Rows, Split::Blocks] {
        let (banded, _) = cut(&graph, &[Group { nodes: vec![0, 1], rows: 4, split }]);
        let compiled = compile_fitting(&banded, Geometry::BASE, Gating::Digit).unwrap();
        check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
    }
}

/// Columns are read as windows where a tile's hold no more than a walk's steps; of the last band alone they would.
#[test]
fn weights_lie_alike_in_all_bands_though_only_short_ones_could_be_read_by_columns() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 8, 5000, 2]);
    let window = Window { stride: [1, 2], ..Window::of([9, 1]) };
    let out = builder.windowed(builder.input(), 8, window);
    let graph = builder.finish(out);
    let (banded, _) = cut(&graph, &[Group { nodes: vec![0], rows: 3000, split: Split::Rows }]);
    let geometry = Geometry { tile_words: 4096, ..Geometry::BASE };
    let compiled = compile_fitting(&banded, geometry, Gating::Digit).unwrap();
    check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
}

#[test]
fn a_layer_is_monitored_in_all_bands_or_in_none() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 16, 100, 5]);
    let out = builder.conv(builder.input(), 40, 3);
    let mut graph = builder.finish(out);
    let Op::Conv(layer) = &mut graph.nodes[0].op else { unreachable!("a convolution") };
    layer.monitor = Some(Monitored { second: 7, threshold: 4, hysteresis: 1 });
    for rows in [80, 20] {
        let (banded, _) = cut(&graph, &[Group { nodes: vec![0], rows, split: Split::Rows }]);
        let compiled = compile_fitting(&banded, Geometry::BASE, Gating::Digit).unwrap();
        let thresholds = compiled.programs().flat_map(|program| &program.instrs).filter_map(|instr| match instr {
            Instr::Run(_, _, tail) => Some(tail.threshold > 0),
            _ => None,
        });
        let thresholds: Vec<bool> = thresholds.collect();
        assert_eq!(thresholds, vec![rows == 20; thresholds.len()]);
        check(&Compiled { graph: banded, ..compiled }, &frame(&graph, &mut rng));
    }
}

#[test]
fn layers_that_have_no_place_together_are_tried_alone() {
    let mut builder = Builder::new(1, &[1, 8, 12, 9]);
    let first = builder.conv(builder.input(), 8, 3);
    let out = builder.conv(first, 8, 3);
    let graph = builder.finish(out);
    let together = Group { nodes: vec![0, 1], rows: 8, split: Split::Rows };
    let finer = together.smaller(&graph, &Geometry::BASE, true);
    assert_eq!(finer, [Group { rows: 4, ..together.clone() }]);
    for (group, by_rows) in [(Group { rows: 1, ..together.clone() }, true), (together, false)] {
        let alone = group.smaller(&graph, &Geometry::BASE, by_rows);
        assert_eq!(alone.iter().map(|group| &group.nodes[..]).collect::<Vec<_>>(), [[0], [1]]);
        assert_eq!(alone[0].smaller(&graph, &Geometry::BASE, false), []);
    }
}

#[test]
fn no_part_of_wide_weights_is_a_single_channel() {
    let geometry = Geometry::SMALL;
    let mut builder = Builder::new(seed(), &[1, 17, 12, 240]);
    let window = Window { pads: [1; 4], ..Window::of([3, 3]) };
    let out = builder.depthwise(builder.input(), window);
    let mut graph = builder.finish(out);
    for (zero_point, single) in [(0, true), (60, false)] {
        let Op::Conv(layer) = &mut graph.nodes[0].op else { panic!("a convolution") };
        layer.weights.zero_points.fill(zero_point);
        let (parts, apart, _) = in_parts(&graph, &geometry, &[0]);
        assert!(apart.len() > 1, "the chip holds no row");
        let channels = apart.iter().map(|&part| parts.tensor(parts.nodes[part].output).shape[1]);
        assert_eq!(channels.min() == Some(1), single);
    }
}
