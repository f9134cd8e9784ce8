//! Constant tensors: initialisers and `Constant` nodes.

use super::context::{Context, title, unsupported};
use super::proto::{NodeProto, TensorProto, elem};
use super::tensors::checked_shape;
use crate::error::{Error, show};
use crate::graph::{DType, Data, Tensor};

/// Decodes a constant. uint8 contents are rebased to int8.
///
/// # Errors
/// [`Error::ExternalData`], [`Error::Type`], [`Error::Shape`] or [`Error::TooLarge`].
pub fn read(proto: &TensorProto) -> Result<Tensor, Error> {
    let name = show(&proto.name);
    if proto.data_location != 0 || !proto.external_data.is_empty() {
        return Err(Error::ExternalData { tensor: name });
    }
    let shape = checked_shape(&name, &proto.dims)?;
    let count: usize = shape.iter().product();
    let mismatch = |found: usize, unit: &str| Error::Shape {
        value: name.clone(),
        detail: format!("promises {count} elements but holds {found} {unit}: the file is damaged, export it again"),
    };
    let unsigned = proto.data_type == elem::UINT8;
    let data = match (proto.data_type, &proto.raw_data) {
        (elem::INT8 | elem::UINT8, Some(raw)) => {
            let flip = if unsigned { 0x80 } else { 0 };
            Data::I8(raw.iter().map(|&byte| (byte ^ flip) as i8).collect())
        }
        (elem::INT8 | elem::UINT8, None) => {
            let offset = if unsigned { 128 } else { 0 };
            let narrow = |&value: &i32| value.checked_sub(offset).and_then(|v| i8::try_from(v).ok());
            let values: Option<Vec<i8>> = proto.int32_data.iter().map(narrow).collect();
            Data::I8(values.ok_or_else(|| Error::Shape {
                value: name.clone(),
                detail: "holds a value outside 8 bits: the file is damaged, export it again".into(),
            })?)
        }
        (elem::INT32, Some(raw)) => {
            Data::I32(words(raw).ok_or_else(|| mismatch(raw.len(), "bytes"))?.map(i32::from_le_bytes).collect())
        }
        (elem::INT32, None) => Data::I32(proto.int32_data.clone()),
        (elem::INT64, Some(raw)) => {
            Data::I64(words(raw).ok_or_else(|| mismatch(raw.len(), "bytes"))?.map(i64::from_le_bytes).collect())
        }
        (elem::INT64, None) => Data::I64(proto.int64_data.clone()),
        (elem::FLOAT, Some(raw)) => {
            Data::F32(words(raw).ok_or_else(|| mismatch(raw.len(), "bytes"))?.map(f32::from_le_bytes).collect())
        }
        (elem::FLOAT, None) => Data::F32(proto.float_data.clone()),
        (other, _) => {
            let expected = "float, int8, uint8, int32 or int64".into();
            return Err(Error::Type { value: name, found: elem::name(other), expected });
        }
    };
    if data.len() != count {
        return Err(mismatch(data.len(), "elements"));
    }
    Ok(Tensor { name, shape, dtype: data.dtype(), unsigned, quant: None, data: Some(data) })
}

/// Splits little-endian words; `None` if bytes are left over.
fn words<const N: usize>(raw: &[u8]) -> Option<impl Iterator<Item = [u8; N]>> {
    let chunks = raw.chunks_exact(N);
    chunks.remainder().is_empty().then(|| chunks.map(|chunk| chunk.try_into().expect("chunks_exact yields N bytes")))
}

/// Defines the output of a `Constant` node.
pub fn node(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let attribute =
        node.attribute.first().ok_or_else(|| Error::MissingOperand { node: title(node), what: "its value".into() })?;
    let vector = |data: Data, scalar: bool| Tensor {
        name: title(node),
        shape: if scalar { Vec::new() } else { vec![data.len()] },
        dtype: data.dtype(),
        unsigned: false,
        quant: None,
        data: Some(data),
    };
    let tensor = match (attribute.name.as_str(), &attribute.t) {
        ("value", Some(proto)) => read(proto)?,
        ("value_float", _) => vector(Data::F32(vec![attribute.f.unwrap_or(0.0)]), true),
        ("value_floats", _) => vector(Data::F32(attribute.floats.clone()), false),
        ("value_int", _) => vector(Data::I64(vec![attribute.i.unwrap_or(0)]), true),
        ("value_ints", _) => vector(Data::I64(attribute.ints.clone()), false),
        _ => {
            return Err(unsupported(node, "its constant is not a tensor of numbers: replace it by an initialiser"));
        }
    };
    let output = super::context::output_name(node)?.to_string();
    context.define(&output, tensor)?;
    Ok(())
}

/// The only element of a constant, as `f32`.
pub fn scalar_f32(tensor: &Tensor) -> Option<f32> {
    match tensor.data.as_ref()? {
        Data::F32(values) if values.len() == 1 => Some(values[0]),
        _ => None,
    }
}

/// Whether a tensor is one of the 8-bit types.
pub fn is_8_bit(tensor: &Tensor) -> bool {
    tensor.dtype == DType::I8
}
