//! Whole networks on golden chips of every geometry and on the simulated one: the reference's answers,
//! and the same cycles.

use std::path::PathBuf;

use lacuna_compiler::backend::{self, BackendError, Compiled, Step};
use lacuna_compiler::graph::{DType, Tensor};
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{self, Value};
use lacuna_compiler::{Op, import};
use lacuna_driver::transport::{GoldenDevice, SimDevice};
use lacuna_driver::{Device, FrameReport, Session};
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Instr, PostOp};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The compiler's committed cases, whose answers by ONNX Runtime and TensorFlow Lite its own tests compare.
fn models(prefix: &str) -> Vec<PathBuf> {
    let folder = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests").join(name);
    let files = ["models", "tflite"].map(|name| std::fs::read_dir(folder(name)).unwrap());
    let is_model = |path: &PathBuf| path.extension().is_some_and(|of| of == "onnx" || of == "tflite");
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix);
    let paths = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| is_model(path) && named(path)).collect();
    found.sort();
    assert!(found.len() > 3, "{found:?}");
    found
}

/// A model compiled for a geometry, with random frames and what the reference answers.
struct Case {
    name: String,
    compiled: Compiled,
    frames: Vec<Vec<Value>>,
    wanted: Vec<Vec<Value>>,
}

/// Those that fit.
fn cases(geometry: Geometry, prefix: &str) -> Vec<Case> {
    let seed = std::env::var("LACUNA_SEED").map_or(3, |seed| seed.parse().expect("LACUNA_SEED is a number"));
    println!("LACUNA_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let case = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        let tflite = path.extension().is_some_and(|extension| extension == "tflite");
        let graph = if tflite { import::tflite(&bytes) } else { import::onnx(&bytes) }.unwrap();
        if !graph.states.is_empty() {
            return None;
        }
        let mut value = |tensor: &Tensor| match tensor.dtype {
            DType::I8 => Value::I8((0..tensor.elements()).map(|_| rng.random()).collect()),
            _ => Value::F32((0..tensor.elements()).map(|_| rng.random_range(-4.0..4.0)).collect()),
        };
        let mut frame = || graph.inputs.iter().map(|&id| value(graph.tensor(id))).collect();
        let frames: Vec<Vec<Value>> = (0..2).map(|_| frame()).collect();
        let options = Options { lanes: geometry.lanes, ..Options::default() };
        let graph = passes::prepare(graph, &frames, &options).unwrap();
        let wanted = frames.iter().map(|frame| reference::run(&graph, frame).unwrap()).collect();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match backend::compile(graph, geometry, Gating::Digit) {
            Ok(compiled) => Some(Case { name, compiled, frames, wanted }),
            Err(BackendError::TileMemory { .. } | BackendError::Pages { .. }) if geometry.lanes == 2 => None,
            Err(error) => panic!("{name} on {}: {error}", geometry.name),
        }
    };
    let cases: Vec<Case> = models(prefix).iter().filter_map(case).collect();
    assert!(cases.len() > 3, "only {} cases fit {}", cases.len(), geometry.name);
    cases
}

/// `depthwise` instructions of a program.
fn depthwise(compiled: &Compiled) -> usize {
    let programs = compiled.steps.iter().filter_map(|step| match step {
        Step::Chip(program) => Some(program),
        Step::Host(_) => None,
    });
    let is = |instr: &&Instr| matches!(instr, Instr::Post(_, _, tail) if tail.op == PostOp::Depthwise as i64);
    programs.flat_map(|program| &program.instrs).filter(is).count()
}

async fn run(device: &mut dyn Device, case: &Case) -> Vec<FrameReport> {
    let mut session = Session::load(device, &case.compiled).await.unwrap();
    let mut reports = Vec::new();
    session.run(case.frames.iter().cloned(), |report| reports.push(report)).await.unwrap();
    for (report, wanted) in reports.iter().zip(&case.wanted) {
        assert!(&report.outputs == wanted, "{} on {}", case.name, case.compiled.geometry.name);
    }
    assert_eq!(reports.len(), case.frames.len());
    reports
}

#[tokio::test]
async fn golden_chips_of_every_geometry_give_the_reference_answers() {
    for geometry in Geometry::PRESETS {
        for case in cases(geometry, "") {
            run(&mut GoldenDevice::new(geometry), &case).await;
            let small = |op: &Op| matches!(op, Op::Conv(linear) if linear.is_depthwise() && linear.rows() <= geometry.depthwise_taps);
            let unit = case.compiled.graph.nodes.iter().any(|node| small(&node.op));
            assert_eq!(depthwise(&case.compiled) > 0, unit, "{} on {}", case.name, geometry.name);
        }
    }
}

#[tokio::test]
async fn the_simulated_chip_runs_depthwise_networks_in_the_golden_cycles() {
    for case in cases(Geometry::BASE, "depthwise_") {
        let golden = run(&mut GoldenDevice::new(Geometry::BASE), &case).await;
        let chip = run(&mut SimDevice::new(Geometry::BASE).unwrap(), &case).await;
        let cycles = |reports: &[FrameReport]| reports.iter().map(|report| report.cycles).collect::<Vec<_>>();
        assert_eq!(cycles(&chip), cycles(&golden), "{}", case.name);
    }
}
