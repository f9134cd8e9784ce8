//! Compares answers with an oracle, value by value.

use std::fs::File;
use std::path::{Path, PathBuf};

use lacuna_compiler::reference::Value;
use ndarray::{IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;

use crate::error::CliError;

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
        let flat = |values: &[Value]| values.iter().flat_map(bits).collect::<Vec<u32>>();
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
fn bits(value: &Value) -> Vec<u32> {
    match value {
        Value::I8(v) => v.iter().map(|&x| i32::from(x) as u32).collect(),
        Value::F32(v) => v.iter().map(|x| x.to_bits()).collect(),
    }
}

/// Another runtime's answers: every array `y0`, `y1`, … or `output…` of an .npz, one row a frame.
pub struct Reference {
    rows: Vec<Vec<Value>>,
    path: PathBuf,
}

impl Reference {
    /// Reads the arrays of an .npz file for a model whose outputs are `like`.
    ///
    /// # Errors
    /// A file that is no archive of as many arrays as the model has outputs.
    pub fn read(path: &Path, outputs: &[(bool, bool)]) -> Result<Self, CliError> {
        let wrong = |reason: String| CliError::Input { path: path.to_owned(), reason };
        let file = File::open(path).map_err(|source| CliError::File { verb: "read", path: path.to_owned(), source })?;
        let mut archive = NpzReader::new(file).map_err(|e| wrong(format!("is no .npz archive: {e}")))?;
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for (index, &(float, unsigned)) in outputs.iter().enumerate() {
            let name = format!("y{index}");
            let lost =
                |e: ndarray_npy::ReadNpzError| wrong(format!("has no array `{name}` of the model's output type: {e}"));
            let values: Vec<Value> = if float {
                let array = archive.by_name::<OwnedRepr<f32>, IxDyn>(&name).map_err(lost)?;
                array.outer_iter().map(|row| Value::F32(row.iter().copied().collect())).collect()
            } else if unsigned {
                let array = archive.by_name::<OwnedRepr<u8>, IxDyn>(&name).map_err(lost)?;
                array.outer_iter().map(|row| Value::from_u8(&row.iter().copied().collect::<Vec<_>>())).collect()
            } else {
                let array = archive.by_name::<OwnedRepr<i8>, IxDyn>(&name).map_err(lost)?;
                array.outer_iter().map(|row| Value::I8(row.iter().copied().collect())).collect()
            };
            rows.resize_with(values.len().max(rows.len()), Vec::new);
            for (row, value) in rows.iter_mut().zip(values) {
                row.push(value);
            }
        }
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
