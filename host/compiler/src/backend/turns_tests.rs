//! Programs longer than program memory on the golden chip.

use lacuna_spec::Geometry;
use lacuna_spec::instr::Instr;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::tests::{check, frame, on_chip, seed};
use super::{BackendError, Compiled};
use crate::graph::{Graph, Place};
use crate::passes::testing::Builder;

/// Blocks of MobileNetV2: wider, depthwise, narrower, a sum.
fn residuals(blocks: usize, [channels, grown]: [usize; 2], side: usize, rng: &mut ChaCha8Rng) -> Graph {
    let mut builder = Builder::new(rng.random(), &[1, 3, side, side]);
    let mut at = builder.conv(builder.input(), channels, 3);
    for _ in 0..blocks {
        let wide = builder.conv(at, grown, 1);
        let deep = builder.grouped(wide, grown, 3, grown);
        let narrow = builder.conv(deep, channels, 1);
        at = builder.add(at, narrow);
    }
    builder.finish(at)
}

/// Every instruction but fences, loads and halts belongs to one layer of its own program, and each program fits.
fn is_whole(compiled: &Compiled) {
    let mut start = 0;
    for program in compiled.programs() {
        assert!(program.instrs.len() <= compiled.geometry.program_len);
        assert_eq!((program.start, program.place), (start, 0));
        let layers = program.layers.iter();
        let mut owned: Vec<usize> = layers.flat_map(|layer| layer.instrs.iter().chain(&layer.moves)).copied().collect();
        owned.sort_unstable();
        let other = |at: &usize| matches!(program.instrs[at - start], Instr::Fence(_) | Instr::Load(_));
        owned.retain(|at| !other(at));
        let work = |at: &usize| !other(at) && !matches!(program.instrs[at - start], Instr::Halt(_));
        let all: Vec<usize> = (start..start + program.instrs.len()).filter(work).collect();
        assert_eq!(owned, all);
        start += program.instrs.len();
    }
    assert!(compiled.graph.nodes.iter().all(|node| node.place == Place::Chip));
}

#[test]
fn a_network_of_more_instructions_than_program_memory_holds_runs_in_turns() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let graph = residuals(24, [16, 48], 12, &mut rng);
    let compiled = on_chip(graph.clone(), Geometry::BASE);
    let instrs: usize = compiled.programs().map(|program| program.instrs.len()).sum();
    assert!(instrs > Geometry::BASE.program_len && !compiled.is_resident(), "{instrs} instructions");
    is_whole(&compiled);
    let frame = frame(&graph, &mut rng);
    let cycles = check(&compiled, &frame);
    // Where all of it fits, the same layers take as long but for the drained pipelines at the end of a program.
    let large = on_chip(graph, Geometry { program_len: 1024, ..Geometry::BASE });
    assert!(large.is_resident() && large.programs().count() == 1);
    let more = 300 * compiled.programs().count() as u32;
    let resident = check(&large, &frame);
    assert!(cycles <= resident + more, "{cycles} cycles in turns, {resident} without");
}

#[test]
fn programs_and_weights_take_turns_together() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let (mut phases, mut programs) = (0, 0);
    for (geometry, pages, program_len) in
        [(Geometry::BASE, 16, 16), (Geometry::BASE, 16, 32), (Geometry::SMALL, 32, 16), (Geometry::NANO, 64, 64)]
    {
        let geometry = Geometry { pages, program_len, tile_words: 2048, ..geometry };
        let graph = residuals(5, [16, 32], 6, &mut rng);
        let frame = frame(&graph, &mut rng);
        let compiled = on_chip(graph, geometry);
        is_whole(&compiled);
        check(&compiled, &frame);
        println!("{}: {} phases, {} programs", geometry.name, compiled.phases.len(), compiled.programs().count());
        phases += compiled.phases.len();
        programs += compiled.programs().count();
    }
    assert!(phases > 8 && programs > 8, "{phases} phases, {programs} programs");
}

#[test]
fn parameters_beyond_tile_memory_take_turns() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for (geometry, tile_words, pages) in [
        (Geometry::BASE, 256, 512),
        (Geometry::BASE, 256, 32),
        (Geometry::SMALL, 512, 512),
        (Geometry::NANO, 2048, 512),
    ] {
        let geometry = Geometry { tile_words, pages, ..geometry };
        let graph = residuals(6, [16, 64], 6, &mut rng);
        let frame = frame(&graph, &mut rng);
        let compiled = on_chip(graph, geometry);
        assert!(compiled.graph.nodes.iter().all(|node| node.place == Place::Chip), "{}", geometry.name);
        assert!(compiled.constants.is_empty() && compiled.parameter_bytes() > 0);
        for program in compiled.programs() {
            let ends = program.parameters.iter().map(|transfer| transfer.address + transfer.bytes.len());
            assert!(ends.max().is_none_or(|end| end < geometry.tile_bytes()));
        }
        check(&compiled, &frame);
    }
}

#[test]
fn parameters_stay_where_tile_memory_holds_them() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let compiled = on_chip(residuals(6, [16, 64], 6, &mut rng), Geometry::BASE);
    assert!(!compiled.constants.is_empty() && compiled.parameter_bytes() == 0 && compiled.programs().count() == 1);
}

#[test]
fn a_layer_of_more_instructions_than_program_memory_holds_goes_to_the_host() {
    // A depthwise layer on the array takes an instruction a column block.
    let geometry = Geometry { program_len: 16, depthwise_taps: 0, ..Geometry::BASE };
    let mut builder = Builder::new(1, &[1, 4, 5, 5]);
    let wide = builder.conv(builder.input(), 512, 1);
    let deep = builder.grouped(wide, 512, 3, 512);
    let out = builder.conv(deep, 8, 1);
    let compiled = {
        let mut graph = builder.finish(out);
        assert_eq!(crate::passes::partition::run(&mut graph).unwrap(), []);
        super::compile(graph, geometry, lacuna_spec::instr::Gating::Digit).unwrap()
    };
    let reasons: Vec<&Place> = compiled.graph.nodes.iter().map(|node| &node.place).collect();
    let Place::Host(reason) = reasons[1] else { panic!("{reasons:?}") };
    let error = BackendError::Program { layer: "n1".into(), needed: 81, available: 16 };
    assert_eq!(*reason, error.to_string());
    assert_eq!([reasons[0], reasons[2]], [&Place::Chip; 2]);
}
