//! The parts of TensorFlow Lite's flatbuffers schema (`schema.fbs`, version 3) that are read, by field number.
//!
//! The accessors are those that planus would generate. Each reads from the bytes when asked and checks its bounds, so a file can neither
//! lead outside itself nor make anything be copied; what is copied is charged by the caller.

use planus::errors::ErrorKind;
use planus::table_reader::Table;
use planus::{SliceWithStartOffset, TableRead, Vector};

use crate::error::Error;

/// The file identifier, behind the root's offset.
pub const IDENTIFIER: &[u8; 4] = b"TFL3";

/// Element types.
pub mod kind {
    pub const FLOAT32: i8 = 0;
    pub const INT32: i8 = 2;
    pub const UINT8: i8 = 3;
    pub const INT64: i8 = 4;
    pub const INT16: i8 = 7;
    pub const INT8: i8 = 9;
    pub const RESOURCE: i8 = 13;

    /// What a type is called.
    pub fn name(kind: i8) -> String {
        const NAMES: [&str; 18] = [
            "float32",
            "float16",
            "int32",
            "uint8",
            "int64",
            "string",
            "bool",
            "int16",
            "complex64",
            "int8",
            "float64",
            "complex128",
            "uint64",
            "a resource",
            "a variant",
            "uint32",
            "uint16",
            "int4",
        ];
        usize::try_from(kind).ok().and_then(|at| NAMES.get(at)).map_or(format!("type {kind}"), ToString::to_string)
    }
}

fn malformed(error: &planus::Error) -> Error {
    Error::MalformedTflite { detail: error.to_string() }
}

/// A vector of tables.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    elements: SliceWithStartOffset<'a>,
    pub len: usize,
}

impl<'a> TableRead<'a> for Tables<'a> {
    fn from_buffer(buffer: SliceWithStartOffset<'a>, offset: usize) -> Result<Self, ErrorKind> {
        let start = offset.checked_add(u32::from_buffer(buffer, offset)? as usize).ok_or(ErrorKind::InvalidOffset)?;
        let vector = buffer.advance(start)?;
        let len = u32::from_buffer(vector, 0)? as usize;
        let elements = vector.advance(4)?;
        if elements.len() / 4 < len {
            return Err(ErrorKind::InvalidLength);
        }
        Ok(Self { elements, len })
    }
}

impl<'a> Tables<'a> {
    /// The table at `index`; `None` past the end.
    pub fn get<T: TableRead<'a>>(&self, index: usize) -> Result<Option<T>, Error> {
        if index >= self.len {
            return Ok(None);
        }
        let damaged = |kind| Error::MalformedTflite { detail: format!("element {index} of a vector: {kind}") };
        T::from_buffer(self.elements, 4 * index).map(Some).map_err(damaged)
    }
}

/// A table and its fields: name, field number, type; with a default, an absent field has that value.
macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident { $($(#[$field_doc:meta])* $field:ident: $slot:literal $type:ty $(= $default:expr)?,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $table<'a>(Table<'a>);

        impl<'a> TableRead<'a> for $table<'a> {
            fn from_buffer(buffer: SliceWithStartOffset<'a>, offset: usize) -> Result<Self, ErrorKind> {
                Table::from_buffer(buffer, offset).map(Self)
            }
        }

        impl<'a> $table<'a> {
            $(tables!(@field $table $(#[$field_doc])* $field: $slot $type $(= $default)?);)*
        }
    )*};
    (@field $table:ident $(#[$doc:meta])* $field:ident: $slot:literal $type:ty = $default:expr) => {
        $(#[$doc])*
        pub fn $field(&self) -> Result<$type, Error> {
            let value = self.0.access($slot, stringify!($table), stringify!($field));
            Ok(value.map_err(|e| malformed(&e))?.unwrap_or($default))
        }
    };
    (@field $table:ident $(#[$doc:meta])* $field:ident: $slot:literal $type:ty) => {
        $(#[$doc])*
        pub fn $field(&self) -> Result<Option<$type>, Error> {
            self.0.access($slot, stringify!($table), stringify!($field)).map_err(|e| malformed(&e))
        }
    };
}

tables! {
    Model {
        version: 0 u32 = 0,
        operator_codes: 1 Tables<'a>,
        subgraphs: 2 Tables<'a>,
        buffers: 4 Tables<'a>,
    }
    OperatorCode {
        /// Where codes were kept before there were 128 of them.
        deprecated_builtin_code: 0 i8 = 0,
        custom_code: 1 &'a str,
        builtin_code: 3 i32 = 0,
    }
    SubGraph {
        tensors: 0 Tables<'a>,
        inputs: 1 Vector<'a, i32> = Vector::new_empty(),
        outputs: 2 Vector<'a, i32> = Vector::new_empty(),
        operators: 3 Tables<'a>,
        name: 4 &'a str = "",
    }
    Tensor {
        shape: 0 Vector<'a, i32> = Vector::new_empty(),
        kind: 1 i8 = 0,
        buffer: 2 u32 = 0,
        name: 3 &'a str = "",
        quantization: 4 Quantization<'a>,
        is_variable: 5 bool = false,
        /// The way in which a sparse constant is stored.
        sparsity: 6 Options<'a>,
    }
    Quantization {
        scale: 2 Vector<'a, f32> = Vector::new_empty(),
        zero_point: 3 Vector<'a, i64> = Vector::new_empty(),
        quantized_dimension: 6 i32 = 0,
    }
    Buffer {
        data: 0 &'a [u8] = &[],
        /// Where the data lies outside the flatbuffer.
        offset: 1 u64 = 0,
    }
    Operator {
        opcode_index: 0 u32 = 0,
        inputs: 1 Vector<'a, i32> = Vector::new_empty(),
        outputs: 2 Vector<'a, i32> = Vector::new_empty(),
        /// Parameters; the operator's code tells what they mean.
        options: 4 Options<'a>,
        /// Parameters of a custom operator, in a form of its own.
        custom_options: 5 &'a [u8] = &[],
        /// Tensors that only lend their quantisation.
        intermediates: 8 Vector<'a, i32> = Vector::new_empty(),
    }
}

/// An operator's parameters, by field number: the tables differ, but all that are read hold scalars, one vector or strings.
#[derive(Clone, Copy)]
pub struct Options<'a>(Table<'a>);

impl<'a> TableRead<'a> for Options<'a> {
    fn from_buffer(buffer: SliceWithStartOffset<'a>, offset: usize) -> Result<Self, ErrorKind> {
        Table::from_buffer(buffer, offset).map(Self)
    }
}

impl<'a> Options<'a> {
    /// A field of any type.
    pub fn field<T: TableRead<'a>>(&self, slot: usize) -> Result<Option<T>, Error> {
        self.0.access(slot, "BuiltinOptions", "a field").map_err(|e| malformed(&e))
    }
}

impl<'a> Model<'a> {
    /// Finds the root of a file.
    ///
    /// # Errors
    /// [`Error::MalformedTflite`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let buffer = SliceWithStartOffset { buffer: bytes, offset_from_start: 0 };
        TableRead::from_buffer(buffer, 0).map_err(|kind| Error::MalformedTflite { detail: format!("its root: {kind}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_that_lead_outside_are_errors() {
        for bytes in [&[][..], &[4, 0, 0], &[0xff; 8], &[4, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]] {
            assert!(matches!(Model::read(bytes), Err(Error::MalformedTflite { .. })));
        }
    }

    #[test]
    fn a_vector_longer_than_the_file_is_refused() {
        // Root at 8 with a vtable at 4: one field, at 4 of the table, whose vector claims 2^30 elements.
        let mut bytes = vec![12, 0, 0, 0];
        bytes.extend([8, 0, 8, 0, 0, 0, 4, 0]);
        bytes.extend(8_i32.to_le_bytes());
        bytes.extend(4_u32.to_le_bytes());
        bytes.extend((1_u32 << 30).to_le_bytes());
        let error = Model::read(&bytes).unwrap().operator_codes().err();
        assert!(matches!(error, Some(Error::MalformedTflite { .. })), "{error:?}");
    }
}
