//! The committed digit classifier, in both file forms.

mod common;

use std::path::{Path, PathBuf};

use common::{Array, frames};
use lacuna_compiler::graph::{Graph, Place};
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{self, Value};
use lacuna_compiler::{Op, import};

/// A file of the committed digit classifier.
fn digits(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/assets/digits").join(file)
}

fn load(file: &str) -> Graph {
    import::onnx(&std::fs::read(digits(file)).unwrap()).unwrap()
}

fn prepared(file: &str) -> Graph {
    let graph = load(file);
    let calibration = frames(&graph, &Array::read(&digits("calibration.npz"), "images"));
    passes::prepare(graph, &calibration[..16], &Options::default()).unwrap()
}

/// How many of `frames` the classifier gets right.
fn right(graph: &Graph, frames: &[Vec<Value>], labels: &[u8]) -> usize {
    let answer = |frame: &Vec<Value>| match reference::run(graph, frame).unwrap().remove(0) {
        Value::F32(logits) => (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap(),
        Value::I8(_) | Value::I64(_) => panic!("logits are real"),
    };
    frames.iter().zip(labels).filter(|(frame, label)| answer(frame) == usize::from(**label)).count()
}

#[test]
fn the_classifier_is_right_as_often_as_in_onnx_runtime() {
    let graph = prepared("digits_qop.onnx");
    let test = digits("digits_test.npz");
    let frames = frames(&graph, &Array::read(&test, "images"));
    let Array::U8(labels) = Array::read(&test, "labels") else { panic!("labels are bytes") };
    assert_eq!(frames.len(), 1000);
    // 986 is what the assets' README states for ONNX Runtime 1.32.0.
    assert_eq!(right(&graph, &frames, &labels), 986);
}

#[test]
fn both_file_forms_become_the_same_network() {
    let [qop, qdq] = ["digits_qop.onnx", "digits_qdq.onnx"].map(prepared);
    let ops = |graph: &Graph| graph.nodes.iter().map(|node| (node.op.clone(), node.place.clone())).collect::<Vec<_>>();
    assert_eq!(ops(&qop), ops(&qdq));
}

#[test]
fn everything_between_quantise_and_dequantise_runs_on_the_chip() {
    let graph = prepared("digits_qop.onnx");
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.op.name()).collect();
    assert_eq!(
        names,
        [
            "QuantizeLinear",
            "Conv",
            "MaxPool",
            "Conv",
            "Conv",
            "Add",
            "MaxPool",
            "Conv",
            "GlobalAveragePool",
            "Gemm",
            "DequantizeLinear",
        ]
    );
    for node in &graph.nodes {
        let host = matches!(node.op, Op::Quantize(_) | Op::Dequantize(_));
        assert_eq!(node.place != Place::Chip, host, "{}: {:?}", node.op.name(), node.place);
    }
}

#[test]
fn balancing_reorders_channels_and_keeps_every_logit() {
    let plain = passes::prepare(load("digits_qop.onnx"), &[], &Options::default()).unwrap();
    let balanced = prepared("digits_qop.onnx");
    assert_ne!(plain, balanced, "calibration changed nothing");
    let frames = frames(&plain, &Array::read(&digits("digits_test.npz"), "images"));
    for frame in &frames[..50] {
        assert_eq!(reference::run(&plain, frame).unwrap(), reference::run(&balanced, frame).unwrap());
    }
}
