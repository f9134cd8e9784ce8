//! Compiled graphs on the golden chip, against the reference executor.

use lacuna_golden::Chip;
use lacuna_golden::chip::RunError;
use lacuna_spec::instr::{Gating, Instr};
use lacuna_spec::map::{self, Region};
use lacuna_spec::{Geometry, regs};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::split::Split;
use super::{Compiled, Program, Step, compile, io};
use crate::graph::{Graph, Place};
use crate::op::Window;
use crate::passes::testing::Builder;
use crate::passes::{Options, partition, prove_add};
use crate::reference::{self, Value};

/// Loads pages, constants and programs.
fn load(compiled: &Compiled) -> Chip {
    let geometry = compiled.geometry;
    let mut chip = Chip::new(geometry);
    let mut write = |beat: u32, bytes: &[u8]| {
        for (at, beat_bytes) in (beat..).zip(bytes.chunks(geometry.word_bytes())) {
            chip.write_beat(at, beat_bytes).unwrap();
        }
    };
    for page in &compiled.pages {
        let bytes: Vec<u8> = page.weights.iter().map(|&w| w as u8).collect();
        write(map::weight_page(page.tile, page.lane, page.page), &bytes);
    }
    for constant in &compiled.constants {
        write_tile(&mut chip, constant);
    }
    chip
}

/// Writes to a tile memory.
fn write_tile(chip: &mut Chip, transfer: &io::Transfer) {
    let word = chip.geometry().word_bytes();
    for (at, bytes) in transfer.bytes.chunks(word).enumerate() {
        chip.write_beat(map::tile_word(transfer.tile, transfer.address / word + at), bytes).unwrap();
    }
}

/// Writes a program to its place.
fn write_program(chip: &mut Chip, program: &Program) {
    let (beats, word) = (chip.geometry().instr_beats(), chip.geometry().word_bytes());
    let bytes: Vec<u8> = program.instrs.iter().flat_map(|instr| instr.pack().unwrap()).collect();
    for (at, beat) in bytes.chunks(word).enumerate() {
        chip.write_beat(Region::Program.at((program.place * beats + at) as u32), beat).unwrap();
    }
}

/// Runs one frame step by step and checks every output against the reference; returns the cycles.
pub(crate) fn check(compiled: &Compiled, frame: &[Value]) -> u32 {
    let (graph, word) = (&compiled.graph, compiled.geometry.word_bytes());
    let mut chip = load(compiled);
    let mut values = reference::constants(graph);
    for (id, value) in graph.inputs.iter().zip(frame) {
        values[id.0] = Some(value.clone());
    }
    let mut cycles = 0;
    for (at, step) in compiled.steps.iter().enumerate() {
        let program = match step {
            Step::Chip(program) => program,
            Step::Host(index) => {
                let node = &graph.nodes[*index];
                let operands = reference::operands(graph, node, &values).unwrap();
                let value = reference::apply(graph, node, &operands).unwrap();
                values[node.output.0] = Some(value);
                continue;
            }
        };
        for (id, layout) in &program.inputs {
            let Some(Value::I8(input)) = &values[id.0] else { panic!("inputs are int8") };
            for transfer in io::pack_input(layout, input) {
                write_tile(&mut chip, &transfer);
            }
        }
        for transfer in &program.parameters {
            write_tile(&mut chip, transfer);
        }
        if !program.repeats {
            write_program(&mut chip, program);
        }
        cycles += run(&mut chip, compiled, program, at);
        assert_eq!(chip.register(regs::FAULT).unwrap() >> 16, 0);
        for (id, layout) in &program.outputs {
            let read = |(tile, address, count): (usize, usize, usize)| {
                let beats = address / word..(address + count).div_ceil(word);
                let bytes: Vec<u8> = beats.flat_map(|at| chip.read_beat(map::tile_word(tile, at)).unwrap()).collect();
                bytes[address % word..][..count].to_vec()
            };
            let bytes: Vec<u8> = io::output_ranges(layout).into_iter().flat_map(read).collect();
            values[id.0] = Some(Value::I8(io::unpack_output(layout, &bytes)));
        }
    }
    let expected = reference::run(graph, frame).unwrap();
    for (id, expected) in graph.outputs.iter().zip(expected) {
        assert_eq!(values[id.0].as_ref(), Some(&expected), "{}", graph.tensor(*id).name);
    }
    cycles
}

/// Runs the program of a step, loading each phase when it waits for it; returns the cycles.
fn run(chip: &mut Chip, compiled: &Compiled, program: &Program, step: usize) -> u32 {
    let geometry = compiled.geometry;
    let first = compiled.phases.iter().take_while(|phase| phase.step < step).count();
    let set = |chip: &mut Chip, phase: usize| {
        let mut beat = vec![0; geometry.word_bytes()];
        beat[..4].copy_from_slice(&(phase as u32).to_le_bytes());
        chip.write_beat(regs::PHASE, &beat).unwrap();
    };
    set(chip, first);
    let mut outcome = chip.run(program.place);
    while let Err(RunError::Phase { instruction, phase }) = outcome {
        let loaded = &compiled.phases[phase as usize - 1];
        assert_eq!((loaded.step, loaded.load), (step, instruction));
        for page in &loaded.pages {
            let bytes: Vec<u8> = page.weights.iter().map(|&w| w as u8).collect();
            chip.write_beat(map::weight_page(page.tile, page.lane, page.page), &bytes).unwrap();
        }
        set(chip, phase as usize);
        outcome = chip.resume();
    }
    outcome.unwrap().counters.cycles
}

/// A frame in which half of the values rest.
pub(crate) fn frame(graph: &Graph, rng: &mut ChaCha8Rng) -> Vec<Value> {
    let elements = graph.tensor(graph.inputs[0]).elements();
    vec![Value::I8((0..elements).map(|_| if rng.random() { -5 } else { rng.random() }).collect())]
}

/// Compiles for a chip, refusing any fallback.
pub(crate) fn on_chip(mut graph: Graph, geometry: Geometry) -> Compiled {
    prove_add::run(&mut graph);
    assert_eq!(partition::run(&mut graph).unwrap(), []);
    compile(graph, geometry, Gating::Digit).unwrap()
}

pub(crate) fn seed() -> u64 {
    let seed = std::env::var("LACUNA_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("LACUNA_SEED={seed}");
    seed
}

#[test]
fn grouped_convolutions_are_exact_on_every_split_of_groups_over_blocks() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    // Channels in, channels out, groups: within a block, across blocks, one channel a group, channel multipliers.
    for (inputs, outputs, groups) in [(8, 8, 2), (24, 48, 3), (40, 40, 40), (32, 64, 2), (6, 36, 6), (20, 30, 10)] {
        for geometry in [Geometry::BASE, Geometry::SMALL] {
            let size = [rng.random_range(3..9), rng.random_range(3..9)];
            let mut builder = Builder::new(rng.random(), &[1, inputs, size[0], size[1]]);
            let out = builder.grouped(builder.input(), outputs, rng.random_range(0..2) * 2 + 1, groups);
            let graph = builder.finish(out);
            let frame = frame(&graph, &mut rng);
            let compiled = on_chip(graph, geometry);
            let runs = compiled.programs().flat_map(|p| &p.instrs).filter(|i| matches!(i, Instr::Run(..))).count();
            let depthwise = groups == inputs && groups == outputs;
            assert!(depthwise || runs >= outputs.div_ceil(geometry.columns()) / geometry.tiles, "{runs} runs");
            check(&compiled, &frame);
        }
    }
}

#[test]
fn a_grouped_layer_between_others_is_exact() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 3, 12, 9]);
    let first = builder.conv(builder.input(), 24, 3);
    let depthwise = builder.grouped(first, 24, 3, 24);
    let pointwise = builder.conv(depthwise, 40, 1);
    let pooled = builder.max_pool(pointwise);
    let out = builder.grouped(pooled, 20, 3, 4);
    let graph = builder.finish(out);
    let frames = [frame(&graph, &mut rng), frame(&graph, &mut rng)];
    let options = Options::default();
    let graph = crate::passes::prepare(graph, &frames, &options).unwrap();
    let compiled = compile(graph, Geometry::BASE, Gating::Digit).unwrap();
    assert_eq!(compiled.steps.len(), 1, "everything is on the chip");
    for frame in &frames {
        check(&compiled, frame);
    }
}

#[test]
fn a_depthwise_layer_dealt_like_its_producer_needs_no_move_between_them() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 256, 3, 3]);
    let first = builder.conv(builder.input(), 256, 1);
    let depthwise = builder.grouped(first, 256, 3, 256);
    let out = builder.conv(depthwise, 256, 1);
    let graph = builder.finish(out);
    let frame = frame(&graph, &mut rng);
    let compiled = on_chip(graph, Geometry::BASE);
    let program = compiled.programs().next().unwrap();
    assert_eq!(program.layers.iter().map(|layer| layer.split).collect::<Vec<_>>(), [Split::Blocks; 3]);
    assert_eq!(program.layers[0].moves.len(), 0);
    assert_ne!(program.layers[1].moves.len(), 0);
    check(&compiled, &frame);
}

#[test]
fn few_output_channels_are_computed_for_several_pixels_at_once() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (outputs, width) in [(8, 12), (4, 12), (3, 9), (5, 12), (1, 8), (8, 7)] {
        for geometry in [Geometry::BASE, Geometry::SMALL, Geometry::NANO] {
            let mut builder = Builder::new(rng.random(), &[1, rng.random_range(1..20), 5, width]);
            let first = builder.conv(builder.input(), outputs, 3);
            let out = builder.conv(first, outputs, 1);
            let graph = builder.finish(out);
            let frame = frame(&graph, &mut rng);
            let compiled = on_chip(graph, geometry);
            let of_run =
                |instr: &Instr| if let Instr::Run(_, walk, _) = instr { Some(walk.out_w as usize) } else { None };
            let widths: Vec<usize> = compiled.programs().flat_map(|p| &p.instrs).filter_map(of_run).collect();
            let at_once = (1..=(geometry.columns() / outputs).max(1)).rev().find(|n| width % n == 0).unwrap();
            assert!(widths.iter().all(|&vectors| vectors * at_once == width), "{outputs} outputs: {widths:?}");
            check(&compiled, &frame);
        }
    }
}

#[test]
fn depthwise_layers_of_few_channels_take_several_pixels_a_word() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (channels, kernel, at_once) in [(8, 3, 2), (4, 3, 4), (5, 3, 3), (8, 1, 2)] {
        for geometry in [Geometry::BASE, Geometry::SMALL] {
            let mut builder = Builder::new(rng.random(), &[1, 3, rng.random_range(4..14), 12]);
            let first = builder.conv(builder.input(), channels, 3);
            let depthwise = builder.grouped(first, channels, kernel, channels);
            let out = builder.conv(depthwise, 20, 1);
            let graph = builder.finish(out);
            let frame = frame(&graph, &mut rng);
            let compiled = on_chip(graph, geometry);
            let of_post = |instr: &Instr| match instr {
                Instr::Post(_, walk, _) => Some(walk.out_w as usize),
                _ => None,
            };
            let widths: Vec<usize> = compiled.programs().flat_map(|p| &p.instrs).filter_map(of_post).collect();
            assert!(!widths.is_empty() && widths.iter().all(|width| width * at_once == 12), "{channels}: {widths:?}");
            check(&compiled, &frame);
        }
    }
}

#[test]
fn a_depthwise_layer_whose_input_another_reads_too_keeps_its_padding_out_of_memory() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 3, 9, 12]);
    let first = builder.conv(builder.input(), 8, 3);
    let depthwise = builder.grouped(first, 8, 3, 8);
    let out = builder.add(depthwise, first);
    let graph = builder.finish(out);
    let frame = frame(&graph, &mut rng);
    check(&on_chip(graph, Geometry::BASE), &frame);
}

#[test]
fn layers_split_by_channels_move_in_pieces_beside_the_computation() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (channels, size) in [(64, [25, 5]), (128, [6, 6]), (60, [9, 7])] {
        let mut builder = Builder::new(rng.random(), &[1, channels, size[0], size[1]]);
        let first = builder.conv(builder.input(), channels, 1);
        let depthwise = builder.grouped(first, channels, 3, channels);
        let second = builder.conv(depthwise, channels, 3);
        let sum = builder.add(second, first);
        let pooled = builder.max_pool(sum);
        let out = builder.conv(pooled, 20, 1);
        let graph = builder.finish(out);
        let frame = frame(&graph, &mut rng);
        let compiled = on_chip(graph, Geometry::BASE);
        let program = compiled.programs().next().unwrap();
        let split: Vec<Split> = program.layers.iter().map(|layer| layer.split).collect();
        assert!(split[..5].iter().all(|&split| split == Split::Blocks), "{channels} channels: {split:?}");
        let [depthwise, second] = [&program.layers[1], &program.layers[2]];
        assert!(depthwise.moves.iter().any(|at| at > &second.instrs[0]), "the last moves run beside the next layer");
        check(&compiled, &frame);
    }
}

#[test]
fn a_first_layer_is_padded_with_the_zero_point_that_it_states_itself() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut builder = Builder::new(rng.random(), &[1, 3, 9, 7]);
    let out = builder.conv(builder.input(), 8, 3);
    let mut graph = builder.finish(out);
    // As in an operator-oriented file, whose network inputs have no quantisation of their own.
    let input = graph.inputs[0];
    graph.tensors[input.0].quant = None;
    let frame = frame(&graph, &mut rng);
    check(&on_chip(graph, Geometry::BASE), &frame);
}

/// A window a kernel column in place of one a row: 4 instead of 10 in a keyword spotter's first layer.
#[test]
fn tall_kernels_over_few_channels_read_the_input_by_columns() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut by_columns = 0;
    for round in 0..40 {
        let geometry = [Geometry::BASE, Geometry::SMALL, Geometry::NANO][round % 3];
        let channels = rng.random_range(1..4);
        let kernel: [usize; 2] = [rng.random_range(2..11), rng.random_range(1..5)];
        // In low pictures, tiles may have nothing but padding.
        let low = rng.random_bool(0.25);
        let mut pad = |axis: usize| rng.random_range(0..kernel[axis % 2] + if low { 3 } else { 0 });
        let pads = [pad(0), pad(1), pad(2), pad(3)];
        let stride = [rng.random_range(1..4), rng.random_range(1..4)];
        let dilation = [1, rng.random_range(1..3)];
        let height = if low { rng.random_range(3..6) + kernel[0] / 2 } else { rng.random_range(10..20) };
        // As high as the window with the padding that there is.
        let size = [height.max(kernel[0].saturating_sub(pads[0] + pads[2])), rng.random_range(8..12)];
        let mut builder = Builder::new(rng.random(), &[1, channels, size[0], size[1]]);
        let window = Window { kernel, stride, dilation, pads };
        let first = builder.windowed(builder.input(), rng.random_range(1..14), window);
        let out = builder.conv(first, 8, 1);
        let graph = builder.finish(out);
        let frame = frame(&graph, &mut rng);
        let compiled = on_chip(graph, geometry);
        let program = compiled.programs().next().unwrap();
        by_columns += usize::from(program.inputs[0].1.by_columns());
        check(&compiled, &frame);
    }
    assert!((5..40).contains(&by_columns), "{by_columns} of 40");
}

#[test]
fn an_input_of_which_a_view_is_a_result_is_kept_without_padding() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for kernel in [[10, 4], [3, 3]] {
        let mut builder = Builder::new(rng.random(), &[1, 1, 16, 10]);
        let input = builder.input();
        let view = builder.reshape(input, &[1, 1, 16, 10]);
        builder.output(view);
        let window = Window { pads: [1, 1, 1, 1], ..Window::of(kernel) };
        let out = builder.windowed(input, 8, window);
        let graph = builder.finish(out);
        let frame = frame(&graph, &mut rng);
        check(&on_chip(graph, Geometry::BASE), &frame);
    }
}

#[test]
fn weights_beyond_the_pages_take_turns_and_change_nothing_but_fences() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let mut phases = 0;
    let cases: [(Geometry, usize, &[usize]); 4] = [
        (Geometry::SMALL, 96, &[1, 3, 1]),
        (Geometry::SMALL, 160, &[1; 4]),
        (Geometry::BASE, 256, &[1; 5]),
        (Geometry::NANO, 24, &[1, 3]),
    ];
    for (geometry, channels, kernels) in cases {
        let mut builder = Builder::new(rng.random(), &[1, 3, 4, 3]);
        let mut at = builder.conv(builder.input(), channels, 3);
        for &kernel in kernels {
            at = builder.conv(at, channels, kernel);
        }
        let out = builder.grouped(at, channels, 3, channels / 8);
        let graph = builder.finish(out);
        let frame = frame(&graph, &mut rng);
        let compiled = on_chip(graph.clone(), geometry);
        assert!(compiled.reload_bytes() > 0, "{} pages on {}", compiled.pages.len(), geometry.name);
        assert!(compiled.phases.iter().flat_map(|phase| &phase.pages).all(|page| page.page < geometry.pages));
        let instrs: Vec<&Instr> = compiled.programs().flat_map(|program| &program.instrs).collect();
        let fenced = instrs.windows(2).filter(|pair| matches!(pair, [Instr::Fence(_), Instr::Load(_)])).count();
        assert_eq!(fenced, compiled.phases.len());
        let cycles = check(&compiled, &frame);
        // With pages for all of them, the same layers take as long but for a fence and a load a phase: a drained pipeline
        // each, and moves that no longer run beside a layer.
        let large = on_chip(graph, Geometry { pages: 4096, ..geometry });
        assert!(large.phases.is_empty());
        let splits =
            |compiled: &Compiled| compiled.programs().flat_map(|p| &p.layers).map(|l| l.split).collect::<Vec<_>>();
        if splits(&compiled) == splits(&large) {
            let more = compiled.phases.len() * (2 * (geometry.instr_beats() + 3) + 200);
            assert!(cycles <= check(&large, &frame) + more as u32, "{cycles} cycles on {}", geometry.name);
        }
        phases += compiled.phases.len();
    }
    assert!(phases > 8, "{phases}");
}

#[test]
fn a_dot_product_beyond_all_pages_goes_to_the_host_and_says_by_how_much() {
    let mut builder = Builder::new(1, &[1, 2056, 1, 1]);
    let narrow = builder.dense(builder.input(), 8);
    let out = builder.dense(narrow, 8);
    let mut graph = builder.finish(out);
    assert_eq!(partition::run(&mut graph).unwrap(), []);
    let compiled = compile(graph, Geometry::SMALL, Gating::Digit).unwrap();
    let place = |name: &str| &compiled.graph.nodes.iter().find(|node| node.name == name).unwrap().place;
    assert_eq!(*place("n1"), Place::Chip);
    let Place::Host(reason) = place("n0") else { panic!("n0 is on the chip") };
    assert!(reason.contains("\"n0\" needs 257") && reason.contains("larger than the chip by 1 pages"), "{reason}");
}
