//! Integers that a network computes from values: the places of extremes, with which classifiers and segmenters end.

use super::codes::code;
use super::importer::{Importer, Meaning, Node};
use super::layout::{graph_axis, graph_shape};
use super::movement;
use super::pools::axis;
use super::schema::kind;
use crate::error::Error;
use crate::graph::DType;
use crate::op::{ArgExtreme, Op};

/// Whether a node computes such integers, or reads any.
pub fn concerns(importer: &Importer, node: &Node) -> bool {
    matches!(node.code, code::ARG_MAX | code::ARG_MIN) || node.inputs.iter().flatten().any(|&at| importer.is_place(at))
}

/// Adds such a node.
pub fn add(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    match node.code {
        code::ARG_MAX => extreme(importer, node, true),
        code::ARG_MIN => extreme(importer, node, false),
        _ if !matches!(importer.declared(node.output(0)?)?.kind, kind::INT32 | kind::INT64) => {
            Err(node.unsupported("it computes on integers: end the model before it"))
        }
        // Places fit any of the types, so that a cast changes nothing.
        code::CAST => {
            let input = importer.value(node, 0)?;
            let shape = importer.file_shape(input);
            importer.emit_view(node, input, 0, &shape)
        }
        code::RESHAPE => movement::reshape(importer, node),
        code::SQUEEZE => movement::squeeze(importer, node),
        code::EXPAND_DIMS => movement::expand_dims(importer, node),
        code::TRANSPOSE => movement::transpose(importer, node),
        _ => Err(node.unsupported("it computes on integers: end the model before it")),
    }
}

/// `ARG_MAX` and `ARG_MIN`: the first of equals.
fn extreme(importer: &mut Importer, node: &Node, greatest: bool) -> Result<(), Error> {
    let input = importer.value(node, 0)?;
    let output = importer.declared(node.output(0)?)?;
    let meaning = output.meaning()?;
    if meaning.dtype != DType::I64 {
        return Err(output.wrong_type("int32 or int64"));
    }
    if !matches!(importer.graph.tensor(input).dtype, DType::I8 | DType::F32) {
        return Err(node.unsupported("it computes on integers: end the model before it"));
    }
    let file = importer.file_shape(input);
    let stated = importer.integers(node, 1, "its axis")?;
    let &[stated] = stated.as_slice() else { return Err(node.misshapen("needs one axis")) };
    let along = axis(node, stated, file.len())?;
    importer.charge(file.iter().map(|&d| d as u64).product())?;
    let op = Op::ArgExtreme(ArgExtreme { axis: graph_axis(along, file.len()), greatest, last: false });
    let mut kept = file;
    kept[along] = 1;
    let found = importer.step(node, op, vec![input], graph_shape(&kept), Meaning { quant: None, ..meaning })?;
    kept.remove(along);
    importer.emit_view(node, found, 0, &kept)
}
