//! The back end on the digit classifier: what fits where.

use lacuna_compiler::backend::{self, BackendError, Step};
use lacuna_compiler::graph::Place;
use lacuna_compiler::{Graph, import, passes};
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Instr};

fn digits() -> Graph {
    let bytes = include_bytes!("../../cli/assets/digits/digits_qop.onnx");
    let graph = import::onnx(bytes).expect("the committed model imports");
    passes::prepare(graph, &[], &passes::Options::default()).expect("the committed model is quantised")
}

#[test]
fn digits_compile_to_one_program_that_fits_base() {
    let compiled = backend::compile(digits(), Geometry::BASE, Gating::Digit).unwrap();
    let programs: Vec<_> =
        compiled.steps.iter().filter_map(|s| if let Step::Chip(p) = s { Some(p) } else { None }).collect();
    assert_eq!(programs.len(), 1);
    for layer in &programs[0].layers {
        println!("{layer:?}");
    }
    for (i, instr) in programs[0].instrs.iter().enumerate() {
        instr.pack().unwrap_or_else(|e| panic!("instruction {i}: {e}"));
        let head = instr.head();
        assert!(head.read_hi <= 2048 && head.write_hi <= 2048, "instruction {i} leaves the tile memory");
    }
    println!("{} instrs, {} bytes, {} pages", programs[0].instrs.len(), compiled.tile_bytes, compiled.tile_pages);
    assert!(programs[0].input_stride > 0, "frames stream through two buffers");
    assert!(programs[0].instrs.iter().any(|i| matches!(i, Instr::Reshape(..))), "halos move between tiles");
}

/// The reasons why nodes of a network are on the host, and how many layers are left on the chip.
fn fallbacks(geometry: Geometry) -> (Vec<String>, usize) {
    let compiled = backend::compile(digits(), geometry, Gating::Digit).unwrap();
    let reasons = compiled.graph.nodes.iter().filter_map(|node| match &node.place {
        Place::Host(reason) => Some(reason.clone()),
        Place::Chip | Place::Cut => None,
    });
    let layers = compiled.steps.iter().map(|step| match step {
        Step::Chip(program) => program.layers.len(),
        Step::Host(_) => 0,
    });
    (reasons.collect(), layers.sum())
}

#[test]
fn what_is_larger_than_the_chip_runs_in_bands_or_on_the_host_and_says_by_how_much() {
    let (always, all) = fallbacks(Geometry::BASE);
    // The last convolution reads 288 rows a block; with 64 pages weights take turns.
    let small = Geometry { pages: 64, ..Geometry::BASE };
    assert!(backend::compile(digits(), small, Gating::Digit).is_ok_and(|compiled| compiled.phases.len() > 1));
    let (reasons, layers) = fallbacks(Geometry { pages: 32, ..Geometry::BASE });
    let long = reasons.iter().filter(|reason| reason.contains("needs 36 weight pages at a time but a lane has 32"));
    assert_eq!((long.count(), layers), (reasons.len() - always.len(), all - 2), "both long layers go: {reasons:?}");
    let (reasons, layers) = fallbacks(Geometry { tile_words: 128, ..Geometry::BASE });
    assert!(reasons == always && layers > all, "{layers} bands and layers of {all}: {reasons:?}");
    let (reasons, layers) = fallbacks(Geometry { tile_words: 32, ..Geometry::BASE });
    assert!(layers > 0 && reasons.len() > always.len(), "{layers} layers are left");
    assert!(reasons.iter().any(|reason| reason.contains("a tile has 512; the model is larger than the chip by")));
}

#[test]
fn a_chip_too_small_for_any_layer_is_refused_by_how_much() {
    let error = backend::compile(digits(), Geometry { tile_words: 8, ..Geometry::BASE }, Gating::Digit).unwrap_err();
    assert!(matches!(error, BackendError::TileMemory { available: 128, .. }), "{error}");
}
