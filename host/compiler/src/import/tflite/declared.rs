//! Contents and meaning of a tensor as the file declares it.

use super::importer::{Declared, Meaning};
use super::schema::kind;
use crate::error::Error;
use crate::graph::{DType, Quant};
use crate::import::limits::at_most;

impl Declared<'_> {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether values are uint8, kept as int8 with 128 less.
    pub fn unsigned(&self) -> bool {
        self.kind == kind::UINT8
    }

    /// Element type and quantisation of a tensor that operators compute on.
    pub fn meaning(&self) -> Result<Meaning, Error> {
        Ok(match self.kind {
            kind::INT8 | kind::UINT8 => {
                Meaning { dtype: DType::I8, unsigned: self.unsigned(), quant: Some(self.quant()?) }
            }
            kind::FLOAT32 => Meaning { dtype: DType::F32, unsigned: false, quant: None },
            kind::INT32 | kind::INT64 => Meaning { dtype: DType::I64, unsigned: false, quant: None },
            _ => return Err(self.wrong_type("float32, int8 or uint8")),
        })
    }

    /// The error of a tensor whose type does not fit its use.
    pub fn wrong_type(&self, expected: &str) -> Error {
        Error::Type { value: self.name.clone(), found: kind::name(self.kind), expected: expected.into() }
    }

    fn unusable(&self, detail: impl Into<String>) -> Error {
        Error::Quantisation { value: self.name.clone(), detail: detail.into() }
    }

    /// The one scale and zero point of an 8-bit tensor.
    pub fn quant(&self) -> Result<Quant, Error> {
        let (scales, zero_points) = self.quants()?;
        match (scales.as_slice(), zero_points.as_slice()) {
            (&[scale], &[zero_point]) => Ok(Quant { scale, zero_point }),
            _ => Err(self.unusable("needs one scale and one zero point")),
        }
    }

    /// Scales and (rebased) zero points of an 8-bit tensor, as many of one as of the other.
    pub fn quants(&self) -> Result<(Vec<f32>, Vec<i32>), Error> {
        if !matches!(self.kind, kind::INT8 | kind::UINT8) {
            return Err(self.wrong_type("int8 or uint8"));
        }
        self.steps()
    }

    /// The scale of an int8 or int16 tensor whose zero point is 0.
    pub fn symmetric(&self) -> Result<f32, Error> {
        if !matches!(self.kind, kind::INT8 | kind::INT16) {
            return Err(self.wrong_type("int8 or int16"));
        }
        match self.steps()? {
            (scales, zero_points) if zero_points == [0] => Ok(scales[0]),
            _ => Err(self.unusable("needs one scale and the zero point 0")),
        }
    }

    /// Scales and (rebased) zero points, as many of one as of the other.
    fn steps(&self) -> Result<(Vec<f32>, Vec<i32>), Error> {
        let Some(quantization) = self.quantization else {
            return Err(self.unusable("is missing"));
        };
        let scales = quantization.scale()?;
        let zero_points = quantization.zero_point()?;
        if scales.is_empty() || !(zero_points.is_empty() || zero_points.len() == scales.len()) {
            return Err(self.unusable(format!("has {} scales and {} zero points", scales.len(), zero_points.len())));
        }
        // One a channel at most, so that files that share a long list cannot multiply it.
        let channels = self.shape.iter().copied().max().unwrap_or(1).max(1);
        at_most(&format!("the number of scales of '{}'", self.name), scales.len() as u64, channels as u64)?;
        let scales: Vec<f32> = scales.iter().collect();
        if let Some(scale) = scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            return Err(self.unusable(format!("has scale {scale}, which is not a positive number")));
        }
        let rebase = if self.unsigned() { 128 } else { 0 };
        let rebased: Option<Vec<i32>> = if zero_points.is_empty() {
            Some(vec![-rebase; scales.len()])
        } else {
            let inside = |zero: i64| i32::try_from(zero).ok()?.checked_sub(rebase).filter(|z| (-128..128).contains(z));
            zero_points.iter().map(inside).collect()
        };
        Ok((scales, rebased.ok_or_else(|| self.unusable("has a zero point outside the type"))?))
    }

    /// The axis along which several scales go.
    pub fn quantized_axis(&self) -> Result<usize, Error> {
        let axis = self.quantization.map_or(Ok(0), |quantization| quantization.quantized_dimension())?;
        usize::try_from(axis).map_err(|_| self.unusable(format!("has axis {axis}")))
    }

    /// The raw bytes of a constant, which must fill the shape with elements of `size` bytes.
    fn raw(&self, size: usize) -> Result<&[u8], Error> {
        let bytes = self.data.unwrap_or_default();
        if bytes.len() == self.elements() * size {
            return Ok(bytes);
        }
        let detail = format!(
            "promises {} elements of {size} bytes but holds {} bytes: convert the model again",
            self.elements(),
            bytes.len()
        );
        Err(Error::Shape { value: self.name.clone(), detail })
    }

    /// 8-bit contents in the file's order, uint8 rebased.
    pub fn bytes(&self) -> Result<Vec<i8>, Error> {
        let flip = match self.kind {
            kind::INT8 => 0,
            kind::UINT8 => 0x80,
            _ => return Err(self.wrong_type("int8 or uint8")),
        };
        Ok(self.raw(1)?.iter().map(|&byte| (byte ^ flip) as i8).collect())
    }

    /// Real contents in the file's order.
    pub fn floats(&self) -> Result<Vec<f32>, Error> {
        if self.kind != kind::FLOAT32 {
            return Err(self.wrong_type("float32"));
        }
        Ok(words(self.raw(4)?).map(f32::from_le_bytes).collect())
    }

    /// Integer contents in the file's order.
    pub fn integers(&self) -> Result<Vec<i64>, Error> {
        match self.kind {
            kind::INT32 => Ok(words(self.raw(4)?).map(|word| i64::from(i32::from_le_bytes(word))).collect()),
            kind::INT64 => Ok(words(self.raw(8)?).map(i64::from_le_bytes).collect()),
            _ => Err(self.wrong_type("int32 or int64")),
        }
    }

    /// 16-bit contents in the file's order.
    pub fn shorts(&self) -> Result<Vec<i16>, Error> {
        if self.kind != kind::INT16 {
            return Err(self.wrong_type("int16"));
        }
        Ok(words(self.raw(2)?).map(i16::from_le_bytes).collect())
    }

    /// int32 contents in the file's order.
    pub fn words(&self) -> Result<Vec<i32>, Error> {
        if self.kind != kind::INT32 {
            return Err(self.wrong_type("int32"));
        }
        Ok(words(self.raw(4)?).map(i32::from_le_bytes).collect())
    }
}

/// Bytes in groups of `N`.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks().0.iter().copied()
}
