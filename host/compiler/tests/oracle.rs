//! Whole networks against ONNX Runtime's own answers.
//!
//! `tests/models` holds a few of the cases that `scripts/make_models.py` writes; set `LACUNA_MODELS` to
//! directories of such cases (with a colon between them) to run those instead.

mod common;

use std::collections::BTreeMap;

use common::{Array, Case, frames};
use lacuna_compiler::error::Error;
use lacuna_compiler::graph::{Graph, Place};
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{self, Value};
use lacuna_compiler::{Op, import};

fn cases() -> Vec<Case> {
    common::cases("LACUNA_MODELS", "models", "onnx")
}

fn mismatches(graph: &Graph, frames: &[Vec<Value>], expected: &Array, tolerance: f64) -> usize {
    let elements = graph.tensor(graph.outputs[0]).elements();
    assert_eq!(expected.len(), frames.len() * elements, "outputs of {}", graph.tensor(graph.outputs[0]).name);
    let mut wrong = 0;
    for (index, frame) in frames.iter().enumerate() {
        let output = reference::run(graph, frame).unwrap().remove(0);
        wrong += match (&output, &expected.frame(index, elements)) {
            (Value::I8(found), Value::I8(wanted)) => found.iter().zip(wanted).filter(|(a, b)| a != b).count(),
            (Value::F32(found), Value::F32(wanted)) => {
                let differs = |(a, b): &(&f32, &f32)| f64::from((*a - *b).abs()) > tolerance;
                found.iter().zip(wanted).filter(differs).count()
            }
            (Value::I64(found), Value::I64(wanted)) => found.iter().zip(wanted).filter(|(a, b)| a != b).count(),
            _ => panic!("the output has another type"),
        };
    }
    wrong
}

/// The imported network, unless it needs what this compiler does not do; says what that is.
fn in_scope(case: &Case) -> Option<Graph> {
    let bytes = std::fs::read(&case.model).unwrap();
    let prepared = |graph: Graph| passes::prepare(graph.clone(), &[], &Options::default()).map(|_| graph);
    match import::onnx(&bytes).and_then(prepared) {
        Ok(graph) => Some(graph),
        Err(error @ (Error::Unsupported { .. } | Error::Attribute { .. } | Error::NotQuantised { .. })) => {
            println!("{}: {error}", case.name);
            None
        }
        Err(error) => panic!("{}: {error}", case.name),
    }
}

/// How the cases of an operator went: values that agreed and that were compared, cases out of scope.
#[derive(Default, Debug)]
struct Tally {
    cases: usize,
    out_of_scope: usize,
    wrong: usize,
    values: usize,
    names: Vec<String>,
}

#[test]
fn imported_networks_equal_onnx_runtime() {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for case in cases() {
        let tally = tallies.entry(case.operator.clone()).or_default();
        tally.cases += 1;
        let Some(graph) = in_scope(&case) else {
            tally.out_of_scope += 1;
            continue;
        };
        let frames = frames(&graph, &Array::read(&case.data, "x"));
        let expected = Array::read(&case.data, "y");
        // As imported, and with lanes balanced and gate values chosen for these very frames.
        for calibration in [&[][..], &frames[..frames.len().min(8)]] {
            let graph = passes::prepare(graph.clone(), calibration, &Options::default());
            let graph = graph.unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let wrong = mismatches(&graph, &frames, &expected, case.tolerance);
            tally.values += expected.len();
            tally.wrong += wrong;
            if wrong > 0 {
                tally.names.push(case.name.clone());
            }
        }
    }
    for (operator, tally) in &tallies {
        let Tally { cases, out_of_scope, wrong, values, names } = tally;
        let equal = values - wrong;
        println!(
            "{operator:24} {cases:4} cases, {out_of_scope} out of scope, {equal} of {values} values equal {names:?}"
        );
    }
    assert!(tallies.values().all(|tally| tally.wrong == 0 && tally.values > 0), "see the table above");
}

#[test]
fn only_unprovable_operators_fall_back() {
    for case in cases() {
        let Some(graph) = in_scope(&case) else { continue };
        let graph = passes::prepare(graph, &[], &Options::default()).unwrap();
        for node in &graph.nodes {
            if let Place::Host(reason) = &node.place {
                let expected =
                    !matches!(node.op, Op::Conv(_) | Op::Dense(_) | Op::MaxPool(_) | Op::GlobalAveragePool(_));
                let why = reason.contains("groups") || reason.contains("constant");
                assert!(expected || why || case.name.contains("symmetric"), "{}: '{}': {reason}", case.name, node.name);
            }
        }
    }
}
