//! What the integration tests share: arrays from npz files, and one frame at a time.
// Each test file compiles its own copy and uses a part of it.
#![allow(dead_code)]

use std::fs::File;
use std::path::{Path, PathBuf};

use lacuna_compiler::graph::{DType, Graph};
use lacuna_compiler::reference::Value;
use ndarray::{IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;

/// A model, inputs, and another runtime's outputs.
pub struct Case {
    pub name: String,
    /// What the case is counted under.
    pub operator: String,
    pub model: PathBuf,
    pub data: PathBuf,
    /// How far reals may be apart; 0 where the manifest states nothing.
    pub tolerance: f64,
}

/// The entries of a folder's manifest.
pub fn manifest(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["cases"].as_array().unwrap().clone()
}

/// The cases in the folders that `variable` names, or else the committed ones in `tests/<committed>`; their models end in
/// `extension`.
pub fn cases(variable: &str, committed: &str, extension: &str) -> Vec<Case> {
    let folders = match std::env::var_os(variable) {
        Some(folders) => std::env::split_paths(&folders).collect(),
        None => vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(committed)],
    };
    let case = |folder: &Path, entry: &serde_json::Value| {
        let name = entry["name"].as_str().unwrap().to_string();
        Case {
            operator: entry["operator"].as_str().unwrap().to_string(),
            model: folder.join(format!("{name}.{extension}")),
            data: folder.join(format!("{name}.npz")),
            tolerance: entry["tolerance"].as_f64().unwrap_or(0.0),
            name,
        }
    };
    let of_folder = |folder: &PathBuf| manifest(folder).iter().map(|entry| case(folder, entry)).collect::<Vec<_>>();
    let cases: Vec<Case> = folders.iter().flat_map(of_folder).collect();
    assert!(!cases.is_empty());
    cases
}

/// The exact bits of each number, so that no tolerance hides in a comparison.
pub fn bits(value: &Value) -> Vec<u32> {
    match value {
        Value::I8(values) => values.iter().map(|&v| v as u32).collect(),
        Value::F32(values) => values.iter().map(|v| v.to_bits()).collect(),
        Value::I64(values) => values.iter().map(|&v| u32::try_from(v).expect("a place is small")).collect(),
    }
}

/// An array of any of the element types that models read and write.
pub enum Array {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I64(Vec<i64>),
}

impl Array {
    /// Reads one array of an npz file.
    pub fn read(path: &Path, name: &str) -> Self {
        let open = || NpzReader::new(File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap();
        if let Ok(array) = open().by_name::<OwnedRepr<f32>, IxDyn>(name) {
            return Self::F32(array.iter().copied().collect());
        }
        if let Ok(array) = open().by_name::<OwnedRepr<i8>, IxDyn>(name) {
            return Self::I8(array.iter().copied().collect());
        }
        if let Ok(array) = open().by_name::<OwnedRepr<i64>, IxDyn>(name) {
            return Self::I64(array.iter().copied().collect());
        }
        if let Ok(array) = open().by_name::<OwnedRepr<i32>, IxDyn>(name) {
            return Self::I64(array.iter().copied().map(i64::from).collect());
        }
        Self::U8(open().by_name::<OwnedRepr<u8>, IxDyn>(name).unwrap().iter().copied().collect())
    }

    /// Frame `index` of `elements` values as a model's value, `real` if the model reads floats.
    pub fn frame(&self, index: usize, elements: usize) -> Value {
        let range = index * elements..(index + 1) * elements;
        match self {
            Self::F32(values) => Value::F32(values[range].to_vec()),
            Self::I8(values) => Value::I8(values[range].to_vec()),
            Self::U8(values) => Value::from_u8(&values[range]),
            Self::I64(values) => Value::I64(values[range].to_vec()),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }
}

/// The first input's frames, converted to what the graph reads.
pub fn frames(graph: &Graph, array: &Array) -> Vec<Vec<Value>> {
    let input = graph.tensor(graph.inputs[0]);
    let elements = input.elements();
    let real = input.dtype == DType::F32;
    let convert = |index: usize| match array {
        Array::U8(values) if real => {
            Value::F32(values[index * elements..][..elements].iter().map(|&v| f32::from(v)).collect())
        }
        _ => array.frame(index, elements),
    };
    (0..array.len() / elements).map(|index| vec![convert(index)]).collect()
}
