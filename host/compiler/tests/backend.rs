//! The back end on the digit classifier: what fits where.

use lacuna_compiler::backend::{self, BackendError, Step};
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

#[test]
fn a_model_larger_than_the_chip_says_by_how_much() {
    // The last convolution reads 288 rows a block; with 64 pages weights take turns.
    let small = Geometry { pages: 64, ..Geometry::BASE };
    assert!(backend::compile(digits(), small, Gating::Digit).is_ok_and(|compiled| compiled.phases.len() > 1));
    let small = Geometry { pages: 32, ..Geometry::BASE };
    let refused = |small| backend::compile(digits(), small, Gating::Digit).expect_err("it does not fit");
    let error = refused(small);
    assert!(matches!(error, BackendError::Pages { needed: 36, available: 32, .. }), "{error}");
    let small = Geometry { tile_words: 128, ..Geometry::BASE };
    let error = refused(small);
    assert!(matches!(error, BackendError::TileMemory { available: 2048, .. }), "{error}");
}
