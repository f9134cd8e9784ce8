//! Compares answers with an oracle, value by value.

use std::path::{Path, PathBuf};

use lacuna_compiler::Graph;
use lacuna_compiler::reference::Value;

use crate::error::CliError;
use crate::input::{Archive, INPUT_LIMIT};
use crate::model::read_bounded;
use crate::vectors;

/// How many values were compared and how many differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Values compared.
    pub values: u64,
    /// Values that differ.
    pub mismatches: u64,
}

impl Tally {
    /// Compares two answers; a missing or extra value differs.
    pub fn compare(&mut self, ours: &[Value], theirs: &[Value]) {
        let flat = |values: &[Value]| values.iter().flat_map(bits).collect::<Vec<u64>>();
        let (a, b) = (flat(ours), flat(theirs));
        self.values += a.len().max(b.len()) as u64;
        let differing = a.iter().zip(&b).filter(|(x, y)| x != y).count();
        self.mismatches += (differing + a.len().abs_diff(b.len())) as u64;
    }

    /// An error if anything differs, or if nothing was compared.
    ///
    /// # Errors
    /// [`CliError::Mismatch`].
    pub fn verdict(&self, oracle: &str) -> Result<(), CliError> {
        if self.mismatches == 0 && self.values > 0 {
            return Ok(());
        }
        Err(CliError::Mismatch { mismatches: self.mismatches, values: self.values, oracle: oracle.to_owned() })
    }
}

/// The exact bits of each number, so that no tolerance hides in a float comparison.
fn bits(value: &Value) -> Vec<u64> {
    match value {
        Value::I8(v) => v.iter().map(|&x| i64::from(x) as u64).collect(),
        Value::F32(v) => v.iter().map(|x| u64::from(x.to_bits())).collect(),
        Value::I64(v) => v.iter().map(|&x| x as u64).collect(),
    }
}

/// Another runtime's answers, one row a frame: see [`vectors::answers`].
pub struct Reference {
    rows: Vec<Vec<Value>>,
    path: PathBuf,
}

impl Reference {
    /// Reads the answers in an `.npz` file.
    ///
    /// # Errors
    /// A file that is no archive of as many arrays as the model has outputs.
    pub fn read(path: &Path, graph: &Graph) -> Result<Self, CliError> {
        let wrong = |reason: String| CliError::Input { path: path.to_owned(), reason };
        let mut archive = Archive::open(read_bounded(path, INPUT_LIMIT)?).map_err(wrong)?;
        let rows = vectors::answers(&mut archive, graph).map_err(wrong)?;
        let rows = rows.ok_or_else(|| wrong("has no array `y0` of the model's output; save one".into()))?;
        Ok(Self { rows, path: path.to_owned() })
    }

    /// The answer to a frame.
    ///
    /// # Errors
    /// A frame that the file does not hold.
    pub fn row(&self, frame: usize) -> Result<&[Value], CliError> {
        self.rows.get(frame).map(Vec::as_slice).ok_or_else(|| CliError::Input {
            path: self.path.clone(),
            reason: format!("holds {} answers but frame {frame} was run; make it for the same input", self.rows.len()),
        })
    }
}
