//! Small networks of every operator through a session on the golden chip, against the reference executor: whichever part of a network
//! falls back to the host, and whatever a network keeps from frame to frame, the answers stay the same.

use std::path::{Path, PathBuf};

use lacuna_compiler::backend::{self, BackendError};
use lacuna_compiler::error::Error;
use lacuna_compiler::graph::{DType, Graph, Place};
use lacuna_compiler::passes::{Options, prepare};
use lacuna_compiler::reference::{State, Value};
use lacuna_driver::Session;
use lacuna_driver::transport::GoldenDevice;
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FRAMES: usize = 4;

/// The committed cases of both kinds of file, or those that the compiler's tests are told to take instead.
fn models() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests");
    let folders = |variable: &str, committed: &str| match std::env::var_os(variable) {
        Some(folders) => std::env::split_paths(&folders).collect(),
        None => vec![tests.join(committed)],
    };
    let folders = [folders("LACUNA_MODELS", "models"), folders("LACUNA_TFLITE", "tflite")].concat();
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut models: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|e| e == "onnx" || e == "tflite")).collect();
    models.sort();
    assert!(models.len() > 50, "only {} models", models.len());
    models
}

fn frame(graph: &Graph, rng: &mut ChaCha8Rng) -> Vec<Value> {
    let mut value = |id: &lacuna_compiler::TensorId| {
        let tensor = graph.tensor(*id);
        match tensor.dtype {
            DType::F32 => Value::F32((0..tensor.elements()).map(|_| rng.random_range(-8.0..8.0)).collect()),
            _ => Value::I8((0..tensor.elements()).map(|_| rng.random()).collect()),
        }
    };
    graph.inputs.iter().map(&mut value).collect()
}

/// Runs a model on a geometry; `None` if it does not fit or is out of scope, else how many of its nodes ran on the chip.
async fn run(path: &Path, geometry: Geometry, rng: &mut ChaCha8Rng) -> Option<usize> {
    let graph = lacuna_compiler::import::model(&std::fs::read(path).unwrap());
    let graph = match graph.and_then(|graph| prepare(graph, &[], &Options::default())) {
        Ok(graph) => graph,
        Err(Error::NotQuantised { .. } | Error::Unsupported { .. }) => return None,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let frames: Vec<Vec<Value>> = (0..FRAMES).map(|_| frame(&graph, rng)).collect();
    let compiled = match backend::compile(graph, geometry, Gating::Digit) {
        Ok(compiled) => compiled,
        Err(BackendError::Pages { .. } | BackendError::TileMemory { .. }) => return None,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let mut device = GoldenDevice::new(geometry);
    let mut answers = Vec::new();
    let mut session = Session::load(&mut device, &compiled).await.unwrap();
    session.run(frames.iter().cloned(), |answer| answers.push(answer.outputs)).await.unwrap();
    let mut state = State::new(&compiled.graph);
    for (index, (frame, answer)) in frames.iter().zip(&answers).enumerate() {
        let expected = state.run(&compiled.graph, frame).unwrap();
        assert!(*answer == expected, "frame {index} of {} on {} differs", path.display(), geometry.name);
    }
    assert_eq!(answers.len(), FRAMES);
    Some(compiled.graph.nodes.iter().filter(|node| node.place == Place::Chip).count())
}

#[tokio::test]
async fn every_network_answers_as_the_reference_does() {
    let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("LACUNA_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for geometry in [Geometry::NANO, Geometry::SMALL, Geometry::BASE, Geometry::WIDE] {
        let (mut ran, mut on_chip) = (0, 0);
        for path in models() {
            if let Some(nodes) = run(&path, geometry, &mut rng).await {
                ran += 1;
                on_chip += nodes;
            }
        }
        println!("{}: {ran} networks ran, {on_chip} nodes of them on the chip", geometry.name);
        assert!(ran > 30 && on_chip > 15, "{}: {ran} networks, {on_chip} nodes", geometry.name);
    }
}
