//! Single operators and small streaming networks against the reference kernels of TensorFlow Lite 2.14.
//!
//! `tests/tflite` holds a few of the cases that `scripts/make_tflite.py` writes; set `LACUNA_TFLITE` to directories of such cases (with a
//! colon between) to run those instead.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Array, Case, bits};
use lacuna_compiler::backend;
use lacuna_compiler::error::Error;
use lacuna_compiler::graph::{Node, Place};
use lacuna_compiler::op::Op;
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{State, Value};
use lacuna_compiler::{Graph, import};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

/// How the cases of an operator went: values that agreed and that were compared, cases out of scope.
#[derive(Default, Debug)]
struct Tally {
    cases: usize,
    out_of_scope: usize,
    equal: usize,
    values: usize,
    wrong: Vec<String>,
}

/// Frames of every input, in the graph's order of inputs.
fn frames(graph: &Graph, data: &Path) -> Vec<Vec<Value>> {
    let arrays: Vec<Array> = (0..graph.inputs.len()).map(|at| Array::read(data, &format!("x{at}"))).collect();
    let elements: Vec<usize> = graph.inputs.iter().map(|id| graph.tensor(*id).elements()).collect();
    let count = arrays[0].len() / elements[0];
    let frame = |index: usize| arrays.iter().zip(&elements).map(|(array, &n)| array.frame(index, n)).collect();
    (0..count).map(frame).collect()
}

/// Runs every frame of a case and counts the values that equal the runtime's.
fn compare(graph: &Graph, case: &Case, tally: &mut Tally) {
    let expected: Vec<Array> = (0..graph.outputs.len()).map(|at| Array::read(&case.data, &format!("y{at}"))).collect();
    let mut state = State::new(graph);
    for (index, frame) in frames(graph, &case.data).iter().enumerate() {
        let outputs = state.run(graph, frame).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        for (found, expected) in outputs.iter().zip(&expected) {
            let (found, wanted) = (bits(found), bits(&expected.frame(index, found.len())));
            let equal = found.iter().zip(&wanted).filter(|(a, b)| a == b).count();
            tally.values += found.len();
            tally.equal += equal;
            if equal < found.len() && !tally.wrong.contains(&case.name) {
                tally.wrong.push(case.name.clone());
            }
        }
    }
}

#[test]
fn imported_networks_equal_the_reference_kernels() {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for case in common::cases("LACUNA_TFLITE", "tflite", "tflite") {
        let tally = tallies.entry(case.operator.clone()).or_default();
        tally.cases += 1;
        let graph = match import::model(&std::fs::read(&case.model).unwrap()) {
            Ok(graph) => graph,
            Err(Error::Unsupported { node, op, reason }) => {
                println!("{}: '{node}' uses {op}: {reason}", case.name);
                tally.out_of_scope += 1;
                continue;
            }
            Err(error) => panic!("{}: {error}", case.name),
        };
        compare(&graph, &case, tally);
        let plain = passes::prepare(graph.clone(), &[], &Options::default());
        compare(&plain.unwrap_or_else(|e| panic!("{}: {e}", case.name)), &case, tally);
        let samples = frames(&graph, &case.data);
        let tuned = passes::prepare(graph, &samples, &Options::default());
        compare(&tuned.unwrap_or_else(|e| panic!("{}: {e}", case.name)), &case, tally);
    }
    for (operator, tally) in &tallies {
        let Tally { cases, out_of_scope, equal, values, wrong } = tally;
        println!(
            "{operator:24} {cases:4} cases, {out_of_scope} out of scope, {equal} of {values} values equal {wrong:?}"
        );
    }
    assert!(tallies.values().all(|tally| tally.equal == tally.values && tally.values > 0), "see the table above");
}

/// Layers of a published network that the chip does not compute.
fn of_the_host(name: &str) -> &'static [&'static str] {
    match name {
        // 4,000 rows: of the uint8 ones, those that are read twice for weights of 9 bits exceed the pages beside them; of the other's,
        // the sum of a lane may exceed its accumulator.
        "speech_uint8" | "speech_uint8_1" | "tflite_micro_speech" | "tflite_micro_speech_2" => &["Gemm"],
        // A logistic function.
        "autoencoder_example" => &["Table"],
        _ => &[],
    }
}

/// Whether the weights of a published network take turns.
fn exceeds_the_pages(name: &str) -> bool {
    matches!(name, "anomaly_detection" | "keyword_spotting_on_off_v3")
}

/// Networks that were published, and copies that end at a layer inside; their answers are compared above.
#[test]
fn public_networks_have_all_layers_and_weights_on_the_chip() {
    let told = std::env::var("LACUNA_TFLITE").is_ok_and(|folders| folders.contains("public-networks"));
    let cases = common::cases("LACUNA_TFLITE", "tflite", "tflite");
    let public: Vec<&Case> = cases.iter().filter(|case| case.operator == "PUBLIC_NETWORK").collect();
    assert_eq!(public.len() > 3, told, "{} cases", public.len());
    for case in public {
        let graph = import::model(&std::fs::read(&case.model).unwrap()).unwrap();
        let samples = frames(&graph, &case.data);
        let graph = passes::prepare(graph, &samples, &Options::default()).unwrap();
        let compiled = backend::compile(graph, Geometry::BASE, Gating::Digit).unwrap();
        let on_host = compiled.graph.nodes.iter().filter(|node| node.place != Place::Chip);
        let computed: Vec<&str> = on_host.filter(|node| !node.op.moves()).map(|node| node.op.name()).collect();
        println!("{}: {} pages, on the host: {computed:?}", case.name, compiled.tile_pages);
        // What has real inputs and outputs, and classes.
        let others = ["Softmax", "QuantizeLinear", "DequantizeLinear"];
        let left: Vec<&str> = computed.into_iter().filter(|op| !others.contains(op)).collect();
        assert_eq!(left, of_the_host(&case.name), "{}", case.name);
        assert_eq!(!compiled.phases.is_empty(), exceeds_the_pages(&case.name), "{}", case.name);
    }
}

#[test]
fn a_layer_between_batches_is_one_dilated_convolution() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tflite/space_to_batch_0.tflite");
    let graph = import::model(&std::fs::read(model).unwrap()).unwrap();
    let graph = passes::prepare(graph, &[], &Options::default()).unwrap();
    let ranks = graph.tensors.iter().map(|tensor| tensor.shape.len());
    assert!(ranks.max() <= Some(4), "a picture is still dealt into a batch");
    let layers = graph.nodes.iter().filter_map(|node| match &node.op {
        Op::Conv(layer) => Some(layer.window.dilation),
        _ => None,
    });
    assert_eq!(layers.collect::<Vec<_>>().len(), 1);
}

#[test]
fn layers_that_remember_are_the_hosts_and_those_behind_the_chips() {
    let places = |name: &str| {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tflite").join(name);
        let graph = import::model(&std::fs::read(model).unwrap()).unwrap();
        let graph = passes::prepare(graph, &[], &Options::default()).unwrap();
        let compiled = backend::compile(graph, Geometry::BASE, Gating::Digit).unwrap();
        let place = |node: &Node| (node.op.name(), node.place == Place::Chip);
        compiled.graph.nodes.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(places("svdf_39.tflite"), [("SVDF", false), ("SVDF", false), ("Gemm", true)]);
    let mut lstm = places("unidirectional_sequence_lstm_34.tflite");
    // What brings the file's order about is as anywhere.
    lstm.retain(|(name, _)| *name != "Transpose");
    assert_eq!(lstm, [("LSTM", false), ("LSTM", false), ("Reshape", false), ("Slice", false)]);
}

#[test]
fn a_leaky_rectifier_of_a_picture_is_all_the_chips() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tflite/leaky_relu_0.tflite");
    let graph = import::model(&std::fs::read(model).unwrap()).unwrap();
    let graph = passes::prepare(graph, &[], &Options::default()).unwrap();
    let computed = graph.nodes.iter().filter(|node| !node.op.moves());
    let kinds: Vec<(&str, bool)> = computed.map(|node| (node.op.name(), node.place == Place::Chip)).collect();
    assert_eq!(kinds, [("Conv", true), ("Conv", true), ("Add", true)]);
    // Without multipliers it is the host's.
    let compiled = backend::compile(graph, Geometry::NANO, Gating::Digit).unwrap();
    assert!(compiled.graph.nodes.iter().all(|node| node.place != Place::Chip));
}
