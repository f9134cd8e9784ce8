//! Inputs of a model and another runtime's answers to them, in one `.npz` file.

use std::path::Path;

use lacuna_compiler::reference::Value;
use lacuna_compiler::{Graph, TensorId};

use crate::error::CliError;
use crate::input::{Archive, INPUT_LIMIT};
use crate::model::read_bounded;

/// Frames of a model.
#[derive(Debug)]
pub struct Vectors {
    /// Of each frame, each input.
    pub frames: Vec<Vec<Value>>,
    /// Of each frame, each output; `None` if the file has none.
    pub answers: Option<Vec<Vec<Value>>>,
}

impl Vectors {
    /// Reads inputs, and answers if there are any.
    ///
    /// The array of input `i` has the name of the model's tensor, or `x<i>` or `input<i>`; that of an only input may be `x`, `input` or
    /// `images`. For outputs see [`answers`].
    ///
    /// # Errors
    /// A file that does not hold what the model takes.
    pub fn read(path: &Path, graph: &Graph) -> Result<Self, CliError> {
        let wrong = |reason: String| CliError::Input { path: path.to_owned(), reason };
        let mut archive = Archive::open(read_bounded(path, INPUT_LIMIT)?).map_err(wrong)?;
        let frames = rows(&mut archive, graph, &graph.inputs, &["x", "input"], &["x", "input", "images"]);
        let frames = frames.map_err(wrong)?;
        let frames = frames.ok_or_else(|| wrong("has no array `x0` of the model's input; save one".into()))?;
        let answers = answers(&mut archive, graph).map_err(wrong)?;
        if let Some(answers) = answers.as_ref().filter(|answers| answers.len() != frames.len()) {
            return Err(wrong(format!("holds {} frames but {} answers", frames.len(), answers.len())));
        }
        Ok(Self { frames, answers })
    }
}

/// The answers in a file, one row a frame; `None` if it has none.
///
/// The array of output `i` has the name of the model's tensor, or `y<i>` or `output<i>`; that of an only output may be `y` or `output`.
///
/// # Errors
/// Arrays that are not the model's outputs.
pub fn answers(archive: &mut Archive, graph: &Graph) -> Result<Option<Vec<Vec<Value>>>, String> {
    rows(archive, graph, &graph.outputs, &["y", "output"], &["y", "output"])
}

/// Of each frame, each of some tensors; `None` if the file has no array of the first of them.
fn rows(
    archive: &mut Archive,
    graph: &Graph,
    tensors: &[TensorId],
    numbered: &[&str],
    only: &[&str],
) -> Result<Option<Vec<Vec<Value>>>, String> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for (index, &id) in tensors.iter().enumerate() {
        let tensor = graph.tensor(id);
        let mut names = vec![tensor.name.clone()];
        names.extend(numbered.iter().map(|name| format!("{name}{index}")));
        names.extend(only.iter().filter(|_| tensors.len() == 1).map(ToString::to_string));
        let Some(name) = archive.find(&names.iter().map(String::as_str).collect::<Vec<_>>()) else {
            if index == 0 {
                return Ok(None);
            }
            return Err(format!("has no array `{}` or `{}` of tensor {:?}", names[0], names[1], tensor.name));
        };
        let values = archive.array(&name)?.frames(tensor).map_err(|why| format!("array `{name}` {why}"))?;
        if index == 0 {
            rows.resize_with(values.len(), Vec::new);
        }
        if values.len() != rows.len() {
            return Err(format!("array `{name}` holds {} frames, the one before {}", values.len(), rows.len()));
        }
        for (row, value) in rows.iter_mut().zip(values) {
            row.push(value);
        }
    }
    Ok(Some(rows))
}
