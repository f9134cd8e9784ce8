//! Networks compiled for a chip, with random frames and what the reference answers.

use std::path::{Path, PathBuf};

use lacuna_compiler::backend::{self, BackendError, Compiled};
use lacuna_compiler::error::Error;
use lacuna_compiler::graph::{DType, Tensor};
use lacuna_compiler::import;
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{State, Value};
use lacuna_driver::{Device, FrameReport, Session};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Each of two buffers is written twice.
const FRAMES: usize = 4;
/// Multiply-accumulates of a network that takes long, so that one by one each buffer is written once.
const LARGE: u64 = 500_000;

/// The models in some folders, in order.
fn models(folders: &[PathBuf]) -> Vec<PathBuf> {
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let is_model = |path: &PathBuf| path.extension().is_some_and(|of| of == "onnx" || of == "tflite");
    let mut models: Vec<PathBuf> = files.filter(is_model).collect();
    models.sort();
    models
}

/// The compiler's committed cases, whose answers by ONNX Runtime and TensorFlow Lite its own tests compare.
pub fn committed() -> Vec<PathBuf> {
    models(&["models", "tflite"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests").join(name)))
}

/// The cases that the compiler's tests are told to take; without any, the committed ones.
pub fn told() -> Vec<PathBuf> {
    let folders = ["LACUNA_MODELS", "LACUNA_TFLITE"].into_iter().filter_map(std::env::var_os);
    let folders: Vec<PathBuf> = folders.flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>()).collect();
    if folders.is_empty() { committed() } else { models(&folders) }
}

pub fn generator() -> ChaCha8Rng {
    let seed = std::env::var("LACUNA_SEED").map_or(3, |seed| seed.parse().expect("LACUNA_SEED is a number"));
    println!("LACUNA_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

/// A model compiled for a geometry, with random frames and what the reference answers.
pub struct Case {
    pub name: String,
    pub compiled: Compiled,
    pub frames: Vec<Vec<Value>>,
    pub wanted: Vec<Vec<Value>>,
}

/// Why a model gives no case.
#[derive(Debug)]
pub enum Skip {
    OutOfScope,
    TooLarge,
    /// Its frames cannot pass together.
    Apart,
}

/// `tuned`: gate values and lanes are chosen on the frames, of which `batch` pass together.
pub fn case(path: &Path, geometry: Geometry, tuned: bool, batch: usize, rng: &mut ChaCha8Rng) -> Result<Case, Skip> {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let in_scope = |error| match error {
        Error::NotQuantised { .. } | Error::Unsupported { .. } => Skip::OutOfScope,
        error => panic!("{name}: {error}"),
    };
    let graph = import::model(&std::fs::read(path).unwrap()).map_err(in_scope)?;
    let mut value = |tensor: &Tensor| match tensor.dtype {
        DType::I8 => Value::I8((0..tensor.elements()).map(|_| rng.random()).collect()),
        _ => Value::F32((0..tensor.elements()).map(|_| rng.random_range(-8.0..8.0)).collect()),
    };
    let mut frame = || graph.inputs.iter().map(|&id| value(graph.tensor(id))).collect();
    let mut frames: Vec<Vec<Value>> = (0..FRAMES).map(|_| frame()).collect();
    let samples = if tuned { &frames[..] } else { &[] };
    let graph = passes::prepare(graph, samples, &Options::of(&geometry)).map_err(in_scope)?;
    let compiled = match backend::compile_batch(graph.clone(), geometry, Gating::Digit, batch) {
        Ok(compiled) => compiled,
        Err(BackendError::TileMemory { .. } | BackendError::Pages { .. }) => return Err(Skip::TooLarge),
        Err(error) if error.is_about_batches() => return Err(Skip::Apart),
        Err(error) => panic!("{name} on {}: {error}", geometry.name),
    };
    if batch == 1 && compiled.macs() > LARGE {
        frames.truncate(2);
    }
    let mut state = State::new(&graph);
    let wanted = frames.iter().map(|frame| state.run(&graph, frame).unwrap()).collect();
    Ok(Case { name, compiled, frames, wanted })
}

/// Outputs such that what is not a number equals itself.
fn bits(outputs: &[Value]) -> Vec<Vec<i64>> {
    let of = |output: &Value| match output {
        Value::I8(values) => values.iter().map(|&value| value.into()).collect(),
        Value::F32(values) => values.iter().map(|value| value.to_bits().into()).collect(),
        Value::I64(values) => values.clone(),
    };
    outputs.iter().map(of).collect()
}

pub async fn run(device: &mut dyn Device, case: &Case) -> Vec<FrameReport> {
    let mut session = Session::load(device, &case.compiled).await.unwrap();
    let mut reports = Vec::new();
    session.run(case.frames.iter().cloned(), |report| reports.push(report)).await.unwrap();
    for (index, (report, wanted)) in reports.iter().zip(&case.wanted).enumerate() {
        let geometry = case.compiled.geometry.name;
        assert!(bits(&report.outputs) == bits(wanted), "frame {index} of {} on {geometry} differs", case.name);
    }
    assert_eq!(reports.len(), case.frames.len());
    reports
}

/// Runs what takes long for each geometry, all of them beside each other.
pub fn on_every_geometry(run: impl AsyncFn(Geometry) + Sync) {
    std::thread::scope(|threads| {
        for geometry in Geometry::PRESETS {
            let run = &run;
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(run(geometry));
            });
        }
    });
}
