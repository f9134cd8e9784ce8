//! The movement cases of the pinned `onnx` package on the reshape engines, none on the host: as 4-byte values, node by node, with
//! the answers that ship with the cases, and as bytes, compiled.
//!
//! Set `LACUNA_NODES` to a directory that `scripts/onnx_nodes.py` has written; without it nothing runs.

#[path = "../../compiler/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{Array, bits, manifest};
use lacuna_compiler::backend;
use lacuna_compiler::graph::{DType, Place};
use lacuna_compiler::op::{FloatOp, Pad};
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{self, Value, origins};
use lacuna_compiler::{Graph, Op, import};
use lacuna_driver::transport::GoldenDevice;
use lacuna_driver::{Device, Session, bare};
use lacuna_reshape::{Layout, Movement, PADDING, Span, plan};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How many cases of each operator run on the engines, with version 1.22.0 of the package.
const CASES: [(&str, usize); 13] = [
    ("Concat", 12),
    ("DepthToSpace", 2),
    ("Expand", 2),
    ("Gather", 4),
    ("Pad", 6),
    ("Reshape", 9),
    ("Slice", 8),
    ("SpaceToDepth", 2),
    ("Split", 14),
    ("Squeeze", 2),
    ("Tile", 2),
    ("Transpose", 7),
    ("Unsqueeze", 7),
];

/// The imported cases of these operators: operator, graph and data.
fn cases(folder: &Path) -> Vec<(String, Graph, PathBuf)> {
    let load = |case: &serde_json::Value| {
        let (name, operator) = (case["name"].as_str().unwrap(), case["operator"].as_str().unwrap());
        let wanted = case["unreadable"] == "" && CASES.iter().any(|(of, _)| *of == operator);
        let file = wanted.then(|| std::fs::read(folder.join(format!("{name}.onnx"))).unwrap())?;
        Some((operator.to_owned(), import::onnx(&file).ok()?, folder.join(format!("{name}.npz"))))
    };
    manifest(folder).iter().filter_map(load).collect()
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("LACUNA_NODES").map(PathBuf::from);
    if folder.is_none() {
        println!("LACUNA_NODES is not set: nothing to run");
    }
    folder
}

/// Runs every node of a graph on the engines, tensors of 4-byte elements dealt over all tiles; returns the outputs' bits.
async fn engines(graph: &Graph, inputs: &[Value], device: &mut dyn Device) -> Vec<Vec<u32>> {
    let geometry = device.geometry();
    let size = geometry.tile_bytes();
    let mut memory = vec![0u8; geometry.tiles * size];
    let mut next = 0;
    let mut places: Vec<Vec<u32>> = Vec::new();
    let views: BTreeMap<usize, usize> = graph
        .nodes
        .iter()
        .filter(|node| node.op == Op::Reshape)
        .map(|node| (node.output.0, node.inputs[0].0))
        .collect();
    for (id, tensor) in graph.tensors.iter().enumerate() {
        if let Some(seen) = views.get(&id).and_then(|&source| places.get(source)).cloned() {
            places.push(seen);
            continue;
        }
        let layout = Layout { tiles: 0..geometry.tiles, ..Layout::plain(&[tensor.elements()], 4) };
        places.push(layout.addresses(size, next));
        next += layout.footprint();
    }
    assert!(next <= size, "{next} bytes");
    let constants = reference::constants(graph);
    let known = graph.inputs.iter().zip(inputs).map(|(id, value)| (id.0, value));
    for (id, value) in known.chain(constants.iter().enumerate().filter_map(|(id, value)| Some((id, value.as_ref()?)))) {
        for (bits, &at) in bits(value).iter().zip(&places[id]) {
            memory[at as usize..][..4].copy_from_slice(&bits.to_le_bytes());
        }
    }
    bare::write_tiles(device, &memory).await.unwrap();
    for node in &graph.nodes {
        let value = match &node.op {
            Op::Float(FloatOp::Pad(pad)) => pad.value.to_le_bytes().to_vec(),
            _ => vec![0; 4],
        };
        let mut movement = Movement { value, ..Movement::default() };
        let all: Vec<u32> = node.inputs.iter().flat_map(|id| &places[id.0]).copied().collect();
        let origins = origins(graph, node, PADDING).unwrap_or_else(|| panic!("{} is no movement", node.op.name()));
        for (&from, &to) in origins.iter().zip(&places[node.output.0]) {
            match from {
                PADDING => movement.fills.push(Span { from: to, to, bytes: 4 }),
                // A view is in place.
                from if all[from as usize] == to => {}
                from => movement.spans.push(Span { from: all[from as usize], to, bytes: 4 }),
            }
        }
        for program in plan(&movement, &[], &geometry).unwrap().programs(&geometry) {
            bare::run(device, &program).await.unwrap();
        }
    }
    let memory = bare::read_tiles(device).await.unwrap();
    let word = |&at: &u32| u32::from_le_bytes(memory[at as usize..][..4].try_into().unwrap());
    graph.outputs.iter().map(|id| places[id.0].iter().map(word).collect()).collect()
}

#[tokio::test]
async fn movement_cases_of_four_byte_values_run_on_the_engines_alone() {
    let Some(folder) = folder() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (operator, graph, data) in cases(&folder) {
        let whole = |name: String| {
            let array = Array::read(&data, &name);
            array.frame(0, array.len())
        };
        let inputs: Vec<Value> = (0..graph.inputs.len()).map(|at| whole(format!("x{at}"))).collect();
        let outputs = engines(&graph, &inputs, &mut GoldenDevice::new(Geometry::WIDE)).await;
        for (at, output) in outputs.iter().enumerate() {
            assert!(*output == bits(&whole(format!("y{at}"))), "output {at} of {}", data.display());
        }
        *counts.entry(operator).or_default() += 1;
    }
    assert_eq!(counts, CASES.map(|(operator, count)| (operator.to_owned(), count)).into());
}

/// The same movements of bytes.
fn as_bytes(mut graph: Graph) -> Graph {
    for tensor in &mut graph.tensors {
        tensor.dtype = DType::I8;
    }
    for node in &mut graph.nodes {
        if let Op::Float(FloatOp::Pad(pad)) = &node.op {
            node.op = Op::Pad(Pad { before: pad.before.clone(), after: pad.after.clone(), value: pad.value as i8 });
        }
    }
    graph
}

#[tokio::test]
async fn movement_cases_of_bytes_compile_to_the_engines_alone() {
    let Some(folder) = folder() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (operator, graph, data) in cases(&folder) {
        let graph = passes::prepare(as_bytes(graph), &[], &Options::default()).unwrap();
        let random = |rng: &mut ChaCha8Rng, elements| Value::I8((0..elements).map(|_| rng.random()).collect());
        let frame: Vec<Value> = graph.inputs.iter().map(|&id| random(&mut rng, graph.tensor(id).elements())).collect();
        let wanted = reference::run(&graph, &frame).unwrap();
        let compiled = backend::compile(graph, Geometry::WIDE, Gating::Digit).unwrap();
        let places: Vec<&Place> = compiled.graph.nodes.iter().map(|node| &node.place).collect();
        assert!(places.iter().all(|&place| *place == Place::Chip), "{}: {places:?}", data.display());
        let mut device = GoldenDevice::new(Geometry::WIDE);
        let mut session = Session::load(&mut device, &compiled).await.unwrap();
        let mut outputs = Vec::new();
        session.run([frame], |report| outputs.push(report.outputs)).await.unwrap();
        assert!(outputs == [wanted], "{}", data.display());
        *counts.entry(operator).or_default() += 1;
    }
    assert_eq!(counts, CASES.map(|(operator, count)| (operator.to_owned(), count)).into());
}
