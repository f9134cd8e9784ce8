//! What a model's outputs hold, as its file has them.

use lacuna_compiler::reference::Value;
use lacuna_compiler::{Graph, Tensor};
use lacuna_driver::FrameReport;

/// An output: values of a uint8 tensor are 0 to 255, not rebased as the chip has them.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
pub enum Outside {
    /// Quantised values or places.
    Integers(Vec<i64>),
    /// Real values.
    Reals(Vec<f32>),
}

/// The outputs of a frame, each with its tensor.
pub fn outputs<'a>(graph: &'a Graph, answer: &'a FrameReport) -> impl Iterator<Item = (&'a Tensor, Outside)> {
    graph.outputs.iter().zip(&answer.outputs).map(|(&id, value)| {
        let tensor = graph.tensor(id);
        let outside = match (value, value.to_u8().filter(|_| tensor.unsigned)) {
            (_, Some(v)) => Outside::Integers(v.into_iter().map(i64::from).collect()),
            (Value::I8(v), None) => Outside::Integers(v.iter().map(|&q| q.into()).collect()),
            (Value::I64(v), None) => Outside::Integers(v.clone()),
            (Value::F32(v), None) => Outside::Reals(v.clone()),
        };
        (tensor, outside)
    })
}
