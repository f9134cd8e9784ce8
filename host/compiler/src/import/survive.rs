//! The body of the importer's fuzz target.

use crate::graph::DType;
use crate::passes::{Options, prepare};
use crate::reference::{Value, run};

/// Frames of more elements than this are not run.
const MAX_ELEMENTS: usize = 1 << 16;

/// Imports, prepares and runs whatever the bytes hold. Every way to fail is an error value; `fuzz/` and the tests call it
/// to find out whether anything panics.
///
/// Returns whether the bytes were a model that ran.
#[must_use]
pub fn survives(bytes: &[u8]) -> bool {
    let Ok(graph) = super::model(bytes) else {
        return false;
    };
    let Ok(graph) = prepare(graph, &[], &Options::default()) else {
        return false;
    };
    let elements = graph.tensors.iter().map(crate::graph::Tensor::elements).sum::<usize>();
    if elements > MAX_ELEMENTS {
        return false;
    }
    let zeros = |id: &crate::graph::TensorId| {
        let tensor = graph.tensor(*id);
        match tensor.dtype {
            DType::F32 => Value::F32(vec![0.0; tensor.elements()]),
            _ => Value::I8(vec![0; tensor.elements()]),
        }
    };
    let frame: Vec<Value> = graph.inputs.iter().map(zeros).collect();
    if run(&graph, &frame).is_err() {
        return false;
    }
    prepare(graph, &[frame], &Options::default()).is_ok()
}
