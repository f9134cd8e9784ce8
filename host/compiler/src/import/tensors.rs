//! Makes tensors with shapes that are safe to allocate.

use super::limits::{MAX_RANK, MAX_TENSOR_ELEMENTS};
use crate::error::Error;
use crate::graph::{DType, Quant, Tensor};

/// Converts a file's dimensions, refusing negative ones and absurd products.
///
/// # Errors
/// [`Error::Shape`] or [`Error::TooLarge`].
pub fn checked_shape(name: &str, dims: &[i64]) -> Result<Vec<usize>, Error> {
    let convert = |&dim: &i64| {
        usize::try_from(dim).map_err(|_| Error::Shape {
            value: name.to_string(),
            detail: format!("has dimension {dim}: dimensions cannot be negative"),
        })
    };
    let shape = dims.iter().take(MAX_RANK + 1).map(convert).collect::<Result<Vec<_>, _>>()?;
    check_size(name, &shape)?;
    Ok(shape)
}

/// Refuses too many dimensions and absurd products.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn check_size(name: &str, shape: &[usize]) -> Result<(), Error> {
    if shape.len() > MAX_RANK {
        let what = format!("the number of dimensions of '{name}'");
        return Err(Error::TooLarge { what, size: shape.len() as u64, limit: MAX_RANK as u64 });
    }
    // A zero hides an absurd neighbour, so each dimension is checked as well.
    let largest = shape.iter().map(|&dim| dim as u64).max().unwrap_or(1);
    let size = shape.iter().fold(1_u64, |product, &dim| product.saturating_mul(dim as u64)).max(largest);
    if size > MAX_TENSOR_ELEMENTS {
        let what = format!("the number of elements of '{name}'");
        return Err(Error::TooLarge { what, size, limit: MAX_TENSOR_ELEMENTS });
    }
    Ok(())
}

/// A tensor that is computed.
pub fn activation(name: &str, shape: Vec<usize>, dtype: DType, unsigned: bool, quant: Option<Quant>) -> Tensor {
    Tensor { name: name.to_string(), shape, dtype, unsigned, quant, data: None }
}
