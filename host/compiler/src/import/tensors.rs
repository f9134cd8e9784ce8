//! Makes tensors with shapes that are safe to allocate.

use super::limits::{MAX_RANK, MAX_TENSOR_ELEMENTS};
use crate::error::Error;
use crate::graph::{DType, Quant, Tensor};

/// Converts a file's dimensions, refusing negative ones and absurd products.
///
/// # Errors
/// [`Error::Shape`] or [`Error::TooLarge`].
pub fn checked_shape(name: &str, dims: &[i64]) -> Result<Vec<usize>, Error> {
    if dims.len() > MAX_RANK {
        let what = format!("the number of dimensions of '{name}'");
        return Err(Error::TooLarge { what, size: dims.len() as u64, limit: MAX_RANK as u64 });
    }
    let mut product = 1_u64;
    let mut shape = Vec::with_capacity(dims.len());
    for &dim in dims {
        let size = u64::try_from(dim).map_err(|_| Error::Shape {
            value: name.to_string(),
            detail: format!("has dimension {dim}: dimensions cannot be negative"),
        })?;
        product = product.saturating_mul(size);
        // A zero hides an absurd neighbour, so each dimension is checked as well.
        if size.max(product) > MAX_TENSOR_ELEMENTS {
            let what = format!("the number of elements of '{name}'");
            return Err(Error::TooLarge { what, size: size.max(product), limit: MAX_TENSOR_ELEMENTS });
        }
        shape.push(size as usize);
    }
    Ok(shape)
}

/// A tensor that is computed.
pub fn activation(name: &str, shape: Vec<usize>, dtype: DType, unsigned: bool, quant: Option<Quant>) -> Tensor {
    Tensor { name: name.to_string(), shape, dtype, unsigned, quant, data: None }
}
