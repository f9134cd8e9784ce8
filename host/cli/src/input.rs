//! Frames from .npy, .npz, .png and .idx files.

use std::io::Cursor;
use std::path::Path;

use lacuna_compiler::Graph;
use lacuna_compiler::graph::{DType, Tensor};
use lacuna_compiler::reference::Value;
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, ReadNpyExt as _, ReadableElement};

use crate::error::CliError;
use crate::model::read_bounded;
use crate::vectors::Vectors;

/// Largest input file that is read.
pub const INPUT_LIMIT: u64 = 4 << 30;

/// Largest picture that is unpacked, in bytes.
const PICTURE_LIMIT: usize = 512 << 20;

/// Numbers as a file holds them.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// Unsigned bytes.
    U8(ArrayD<u8>),
    /// Signed bytes.
    I8(ArrayD<i8>),
    /// Wider integers, which stand for whatever type holds their values.
    I64(ArrayD<i64>),
    /// Reals.
    F32(ArrayD<f32>),
}

/// What an input file holds: frames, and labels if it names them.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    array: Array,
    /// The right class of each frame.
    pub labels: Option<Vec<u8>>,
}

/// Reads an input file, by its ending.
///
/// # Errors
/// A file that cannot be read, or whose contents its ending does not describe.
pub fn read(path: &Path) -> Result<Input, CliError> {
    let bytes = read_bounded(path, INPUT_LIMIT)?;
    let wrong = |reason: String| CliError::Input { path: path.to_owned(), reason };
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_lowercase();
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    if ending == "npz" {
        return read_npz(bytes).map_err(wrong);
    }
    let array = if ending == "npy" {
        npy(|| Cursor::new(bytes.clone())).map_err(wrong)?
    } else if ending == "png" {
        png(&bytes).map_err(wrong)?
    } else if ending == "idx" || name.contains("-ubyte") {
        Array::U8(idx(&bytes).map_err(wrong)?)
    } else {
        return Err(wrong("is no .npy, .npz, .png or .idx file; convert it to one of these".into()));
    };
    Ok(Input { array, labels: None })
}

fn npy<R: std::io::Read>(open: impl Fn() -> R) -> Result<Array, String> {
    if let Ok(array) = ArrayD::<u8>::read_npy(open()) {
        return Ok(Array::U8(array));
    }
    if let Ok(array) = ArrayD::<i8>::read_npy(open()) {
        return Ok(Array::I8(array));
    }
    if let Ok(array) = ArrayD::<f64>::read_npy(open()) {
        return Ok(Array::F32(array.mapv(|v| v as f32)));
    }
    let error = |e| format!("is no array of uint8, int8, float32 or float64: {e}; save it with numpy.save");
    ArrayD::<f32>::read_npy(open()).map(Array::F32).map_err(error)
}

/// The first of `images`, `x`, `input`, or else the first array; `labels` or `y` if there.
fn read_npz(bytes: Vec<u8>) -> Result<Input, String> {
    let mut archive = Archive::open(bytes)?;
    let main = archive.find(&["images", "x", "input"]).or_else(|| archive.names.first().cloned());
    let array = archive.array(&main.ok_or("holds no array; save one named `x`")?)?;
    let labels = match archive.find(&["labels", "y"]).map(|name| archive.array(&name)) {
        Some(Ok(Array::U8(labels))) => Some(labels.iter().copied().collect()),
        _ => None,
    };
    Ok(Input { array, labels })
}

/// An `.npz` file.
pub struct Archive {
    reader: NpzReader<Cursor<Vec<u8>>>,
    /// Its arrays, in the file's order.
    names: Vec<String>,
}

impl Archive {
    /// Opens the bytes of an `.npz` file.
    ///
    /// # Errors
    /// That it is none.
    pub fn open(bytes: Vec<u8>) -> Result<Self, String> {
        let broken = |e: ndarray_npy::ReadNpzError| format!("is no .npz archive: {e}; save it with numpy.savez");
        let mut reader = NpzReader::new(Cursor::new(bytes)).map_err(broken)?;
        let stem = |name: String| name.strip_suffix(".npy").map_or(name.clone(), str::to_owned);
        let names = reader.names().map_err(broken)?.into_iter().map(stem).collect();
        Ok(Self { reader, names })
    }

    /// The first of these names that an array has.
    #[must_use]
    pub fn find(&self, wanted: &[&str]) -> Option<String> {
        wanted.iter().find_map(|wanted| self.names.iter().find(|name| name == wanted)).cloned()
    }

    /// Reads an array.
    ///
    /// # Errors
    /// That it is not there, or of another type.
    pub fn array(&mut self, name: &str) -> Result<Array, String> {
        if let Ok(array) = self.typed::<u8>(name) {
            return Ok(Array::U8(array));
        }
        if let Ok(array) = self.typed::<i8>(name) {
            return Ok(Array::I8(array));
        }
        if let Ok(array) = self.typed::<f64>(name) {
            return Ok(Array::F32(array.mapv(|v| v as f32)));
        }
        if let Ok(array) = self.typed::<i64>(name) {
            return Ok(Array::I64(array));
        }
        if let Ok(array) = self.typed::<i32>(name) {
            return Ok(Array::I64(array.mapv(i64::from)));
        }
        if let Ok(array) = self.typed::<i16>(name) {
            return Ok(Array::I64(array.mapv(i64::from)));
        }
        let other = |e| format!("array `{name}` holds neither integers nor float32 nor float64: {e}");
        self.typed::<f32>(name).map(Array::F32).map_err(other)
    }

    fn typed<T: ReadableElement>(&mut self, name: &str) -> Result<ArrayD<T>, ndarray_npy::ReadNpzError> {
        self.reader.by_name::<OwnedRepr<T>, IxDyn>(name)
    }
}

/// One picture as `[1, channels, height, width]`, grey or RGB; transparency is dropped.
fn png(bytes: &[u8]) -> Result<Array, String> {
    let broken = |e| format!("is no PNG picture: {e}");
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().filter(|&size| size <= PICTURE_LIMIT);
    let size = size.ok_or_else(|| format!("holds more than {} MiB of pixels; scale it down", PICTURE_LIMIT >> 20))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    pixels.truncate(frame.buffer_size());
    let (width, height) = (frame.width as usize, frame.height as usize);
    let samples = frame.color_type.samples();
    let channels = if samples < 3 { 1 } else { 3 };
    let pixels = pixels.chunks(samples).flat_map(|pixel| pixel.iter().copied().take(channels)).collect();
    let array = ArrayD::from_shape_vec(IxDyn(&[1, height, width, channels]), pixels).map_err(|e| e.to_string())?;
    Ok(Array::U8(array.permuted_axes(IxDyn(&[0, 3, 1, 2])).as_standard_layout().into_owned()))
}

/// The IDX format of the MNIST files: magic 0, 0, type, rank; big-endian dimensions; data.
fn idx(bytes: &[u8]) -> Result<ArrayD<u8>, String> {
    let [0, 0, kind, rank, rest @ ..] = bytes else {
        return Err("is no IDX file: it does not start with two zero bytes".into());
    };
    if *kind != 8 {
        return Err(format!("holds elements of type {kind:#04x}; only unsigned bytes (0x08) are read"));
    }
    let rank = usize::from(*rank);
    let Some((header, data)) = rest.split_at_checked(4 * rank) else { return Err("ends inside its dimensions".into()) };
    let dimension = |d: &[u8]| d.iter().fold(0usize, |n, &byte| n << 8 | usize::from(byte));
    let shape: Vec<usize> = header.chunks(4).map(dimension).collect();
    let expected = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    if expected != Some(data.len()) {
        return Err(format!("has shape {shape:?} but {} bytes of data", data.len()));
    }
    ArrayD::from_shape_vec(IxDyn(&shape), data.to_vec()).map_err(|e| e.to_string())
}

impl Input {
    /// Cuts the array into frames of the model's input; those of several inputs are arrays of the archive at `path`.
    ///
    /// # Errors
    /// A shape or element type that the model's input does not have.
    pub fn frames(&self, graph: &Graph, path: &Path) -> Result<Vec<Vec<Value>>, CliError> {
        let wrong = |reason: String| CliError::Input { path: path.to_owned(), reason };
        let [id] = graph.inputs[..] else {
            if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) {
                return Ok(Vectors::read(path, graph)?.frames);
            }
            let inputs = graph.inputs.len();
            return Err(wrong(format!(
                "holds one array, but the model has {inputs} inputs: save them as `x0`, `x1` and so on in an .npz file"
            )));
        };
        let values = self.array.frames(graph.tensor(id)).map_err(wrong)?;
        Ok(values.into_iter().map(|value| vec![value]).collect())
    }
}

impl Array {
    fn shape(&self) -> &[usize] {
        match self {
            Self::U8(a) => a.shape(),
            Self::I8(a) => a.shape(),
            Self::I64(a) => a.shape(),
            Self::F32(a) => a.shape(),
        }
    }

    /// Cuts the array into values of a tensor: one, or a batch along the first dimension. Dimensions of 1 do not count,
    /// and the values of a batch may be flat.
    ///
    /// # Errors
    /// A shape, an element type or a value that the tensor does not have.
    pub fn frames(&self, tensor: &Tensor) -> Result<Vec<Value>, String> {
        let shape = self.shape();
        let core = |shape: &[usize]| shape.iter().copied().filter(|&d| d != 1).collect::<Vec<_>>();
        let wanted = core(&tensor.shape);
        let size = tensor.elements();
        let batched = shape.split_first().is_some_and(|(_, frame)| core(frame) == wanted || frame == [size]);
        if !batched && core(shape) != wanted {
            return Err(format!("has shape {shape:?}; the model takes frames of shape {:?}", tensor.shape));
        }
        let frames: Vec<Value> = match (tensor.dtype, tensor.unsigned, self) {
            (DType::F32, _, Self::U8(a)) => cut(a, size, |c| Value::F32(c.iter().map(|&v| f32::from(v)).collect())),
            (DType::F32, _, Self::I8(a)) => cut(a, size, |c| Value::F32(c.iter().map(|&v| f32::from(v)).collect())),
            (DType::F32, _, Self::I64(a)) => cut(a, size, |c| Value::F32(c.iter().map(|&v| v as f32).collect())),
            (DType::F32, _, Self::F32(a)) => cut(a, size, |c| Value::F32(c.to_vec())),
            (DType::I8, true, Self::U8(a)) => cut(a, size, Value::from_u8),
            (DType::I8, true, Self::I64(a)) => cut(&narrow::<u8>(a)?, size, Value::from_u8),
            (DType::I8, false, Self::I8(a)) => cut(a, size, |c| Value::I8(c.to_vec())),
            (DType::I8, false, Self::I64(a)) => cut(&narrow(a)?, size, |c| Value::I8(c.to_vec())),
            (DType::I64, _, Self::I64(a)) => cut(a, size, |c| Value::I64(c.to_vec())),
            (dtype, unsigned, _) => {
                let kind = match (dtype, unsigned) {
                    (DType::I64, _) => "int32 or int64",
                    (DType::F32, _) => "float32",
                    (_, true) => "uint8",
                    _ => "int8",
                };
                return Err(format!("holds another element type; the model takes {kind}: convert the array to it"));
            }
        };
        if frames.is_empty() {
            return Err("holds no frame".into());
        }
        Ok(frames)
    }
}

fn narrow<T: TryFrom<i64>>(array: &ArrayD<i64>) -> Result<ArrayD<T>, String> {
    let narrow = |&v: &i64| T::try_from(v).map_err(|_| format!("holds {v}, which is beyond the model's 8 bits"));
    let values = array.iter().map(narrow).collect::<Result<Vec<T>, _>>()?;
    ArrayD::from_shape_vec(array.raw_dim(), values).map_err(|e| e.to_string())
}

fn cut<T: Clone>(array: &ArrayD<T>, size: usize, value: impl Fn(&[T]) -> Value) -> Vec<Value> {
    let flat: Vec<T> = array.iter().cloned().collect();
    flat.chunks_exact(size.max(1)).map(value).collect()
}
