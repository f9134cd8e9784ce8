//! The node cases of the pinned `onnx` package that move elements or are quantised.
//!
//! Set `LACUNA_NODES` to a directory that `scripts/onnx_nodes.py` has written; without it nothing runs.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{Array, bits, manifest};
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{self, Value};
use lacuna_compiler::{Graph, import};

/// How the cases of an operator went, and why some are out of scope.
#[derive(Default)]
struct Tally {
    cases: usize,
    passed: usize,
    wrong: Vec<String>,
    out_of_scope: Vec<String>,
}

/// How many cases of each operator pass with version 1.22.0 of the package.
const PASSES: [(&str, usize); 22] = [
    ("ArgMax", 12),
    ("ArgMin", 12),
    ("Concat", 12),
    ("DepthToSpace", 2),
    ("DequantizeLinear", 2),
    ("Expand", 2),
    ("Flatten", 9),
    ("Gather", 4),
    ("Identity", 3),
    ("Pad", 6),
    ("QLinearConv", 1),
    ("QLinearMatMul", 4),
    ("QuantizeLinear", 2),
    ("Reshape", 9),
    ("Resize", 15),
    ("Slice", 8),
    ("SpaceToDepth", 2),
    ("Split", 14),
    ("Squeeze", 2),
    ("Tile", 2),
    ("Transpose", 7),
    ("Unsqueeze", 7),
];

/// Whether a graph gives a case's outputs, bit for bit.
fn agrees(graph: &Graph, data: &Path) -> bool {
    let whole = |name: String| {
        let array = Array::read(data, &name);
        array.frame(0, array.len())
    };
    let inputs: Vec<Value> = (0..graph.inputs.len()).map(|at| whole(format!("x{at}"))).collect();
    let outputs = reference::run(graph, &inputs).unwrap();
    outputs.iter().enumerate().all(|(at, found)| bits(found) == bits(&whole(format!("y{at}"))))
}

#[test]
fn node_cases_of_the_standard_pass() {
    let Some(folder) = std::env::var_os("LACUNA_NODES").map(PathBuf::from) else {
        println!("LACUNA_NODES is not set: nothing to run");
        return;
    };
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for case in manifest(&folder) {
        let name = case["name"].as_str().unwrap();
        let tally = tallies.entry(case["operator"].as_str().unwrap().into()).or_default();
        tally.cases += 1;
        let unreadable = case["unreadable"].as_str().unwrap();
        if !unreadable.is_empty() {
            tally.out_of_scope.push(format!("{name}: {unreadable}"));
            continue;
        }
        match import::onnx(&std::fs::read(folder.join(format!("{name}.onnx"))).unwrap()) {
            Err(error) => tally.out_of_scope.push(format!("{name}: {error}")),
            Ok(graph) => {
                let data = folder.join(format!("{name}.npz"));
                let prepared = passes::prepare(graph.clone(), &[], &Options::default()).unwrap();
                if agrees(&graph, &data) && agrees(&prepared, &data) {
                    tally.passed += 1;
                } else {
                    tally.wrong.push(name.into());
                }
            }
        }
    }
    for (operator, tally) in &tallies {
        let Tally { cases, passed, wrong, out_of_scope } = tally;
        println!("{operator:20} {cases:4} cases, {passed} passed, {} out of scope {wrong:?}", out_of_scope.len());
        for reason in out_of_scope {
            println!("    {reason}");
        }
    }
    let passes: BTreeMap<&str, usize> =
        tallies.iter().map(|(operator, tally)| (operator.as_str(), tally.passed)).collect();
    assert!(tallies.values().all(|tally| tally.wrong.is_empty()), "see the table above");
    assert_eq!(passes, BTreeMap::from(PASSES), "more or fewer cases pass than expected");
}
