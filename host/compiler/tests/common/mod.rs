//! What the integration tests share: arrays from npz files, and one frame at a time.
// Each test file compiles its own copy and uses a part of it.
#![allow(dead_code)]

use std::fs::File;
use std::path::Path;

use lacuna_compiler::graph::{DType, Graph};
use lacuna_compiler::reference::Value;
use ndarray::{IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;

/// An array of any of the element types that models read and write.
pub enum Array {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
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
        Self::U8(open().by_name::<OwnedRepr<u8>, IxDyn>(name).unwrap().iter().copied().collect())
    }

    /// Frame `index` of `elements` values as a model's value, `real` if the model reads floats.
    pub fn frame(&self, index: usize, elements: usize) -> Value {
        let range = index * elements..(index + 1) * elements;
        match self {
            Self::F32(values) => Value::F32(values[range].to_vec()),
            Self::I8(values) => Value::I8(values[range].to_vec()),
            Self::U8(values) => Value::from_u8(&values[range]),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
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
