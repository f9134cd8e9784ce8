//! Bit-exact packed layouts, declared once with the [`crate::packed!`] macro.
//!
//! A layout lists its fields from bit 0 upwards. `pack` writes them little-endian; the generated
//! SystemVerilog `struct packed` lists them in reverse, so that both see the same bits.

/// One field of a [`Layout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name, the same in Rust and RTL.
    pub name: &'static str,
    /// Lowest bit.
    pub lsb: u32,
    /// Width in bits, 1 to 63.
    pub width: u32,
    /// Two's complement when true.
    pub signed: bool,
    /// What it means, with its unit.
    pub doc: &'static str,
}

/// A packed layout: a name, a total width and its fields from bit 0 upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Rust type name.
    pub name: &'static str,
    /// Total width in bits, a multiple of 8.
    pub bits: u32,
    /// Fields from bit 0 upwards.
    pub fields: &'static [Field],
    /// What it describes.
    pub doc: &'static str,
}

/// A field value that does not fit its width.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{layout}.{field} = {value} does not fit {width} bits; the layer exceeds what one instruction describes, split it"
)]
pub struct PackError {
    /// Layout name.
    pub layout: &'static str,
    /// Field name.
    pub field: &'static str,
    /// The value.
    pub value: i64,
    /// The width it must fit.
    pub width: u32,
}

impl Layout {
    /// Its name in RTL, where it is a `struct packed` with `_t` at the end: `PostTail` is `post_tail`.
    #[must_use]
    pub fn rtl_name(&self) -> String {
        let mut out = String::new();
        for c in self.name.chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.extend(c.to_lowercase());
        }
        out
    }

    /// Packs one value a field into little-endian bytes.
    ///
    /// # Errors
    /// [`PackError`] names the first value that does not fit its field.
    ///
    /// # Panics
    /// If `values` and `fields` differ in length, which the macro rules out.
    pub fn pack(&self, values: &[i64]) -> Result<Vec<u8>, PackError> {
        assert_eq!(values.len(), self.fields.len(), "one value a field");
        let mut bytes = vec![0u8; self.bits as usize / 8];
        for (field, &value) in self.fields.iter().zip(values) {
            let (lo, hi) = if field.signed {
                (-(1i64 << (field.width - 1)), (1i64 << (field.width - 1)) - 1)
            } else {
                (0, (1i64 << field.width) - 1)
            };
            if value < lo || value > hi {
                return Err(PackError { layout: self.name, field: field.name, value, width: field.width });
            }
            for bit in 0..field.width {
                if (value >> bit) & 1 == 1 {
                    let at = (field.lsb + bit) as usize;
                    bytes[at / 8] |= 1 << (at % 8);
                }
            }
        }
        Ok(bytes)
    }

    /// Unpacks little-endian bytes into one value a field.
    ///
    /// # Panics
    /// If `bytes` is shorter than the layout.
    #[must_use]
    pub fn unpack(&self, bytes: &[u8]) -> Vec<i64> {
        assert!(bytes.len() * 8 >= self.bits as usize, "{} bytes for {}", bytes.len(), self.name);
        self.fields
            .iter()
            .map(|field| {
                let mut value = 0i64;
                for bit in 0..field.width {
                    let at = (field.lsb + bit) as usize;
                    value |= i64::from((bytes[at / 8] >> (at % 8)) & 1) << bit;
                }
                if field.signed && (value >> (field.width - 1)) & 1 == 1 {
                    value -= 1 << field.width;
                }
                value
            })
            .collect()
    }
}

/// Declares a packed layout: a plain Rust struct of `i64` fields, its [`Layout`] table, and
/// `pack`/`unpack`. `u` fields are unsigned, `s` fields two's complement. A field follows the one
/// before, or lies at `@ bit`. Fields that overlap or do not fit the total are refused at compile time.
#[macro_export]
macro_rules! packed {
    ($(#[doc = $doc:literal])+ $name:ident : $bits:literal { $($(#[doc = $fdoc:literal])+ $field:ident : $kind:ident $width:literal $(@ $at:literal)?,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
        pub struct $name { $($(#[doc = $fdoc])+ pub $field: i64,)+ }

        impl $name {
            const PLACES: &'static [Option<u32>] = &[$($crate::packed!(@place $($at)?)),+];
            const FIELDS: &'static [$crate::Field] = &{
                let mut fields = [$($crate::Field {
                    name: stringify!($field), lsb: 0, width: $width,
                    signed: $crate::packed!(@signed $kind), doc: concat!($($fdoc),+),
                }),+];
                let mut lsb = 0;
                let mut i = 0;
                while i < fields.len() {
                    if let Some(at) = Self::PLACES[i] {
                        assert!(at >= lsb, "the fields overlap");
                        lsb = at;
                    }
                    fields[i].lsb = lsb;
                    lsb += fields[i].width;
                    i += 1;
                }
                assert!(lsb <= $bits, "the fields exceed the layout");
                fields
            };
            /// The table that RTL is generated from.
            pub const LAYOUT: $crate::Layout = $crate::Layout {
                name: stringify!($name), bits: $bits, fields: Self::FIELDS, doc: concat!($($doc),+),
            };

            /// Packs into little-endian bytes.
            ///
            /// # Errors
            /// Names the first value that does not fit its field.
            pub fn pack(&self) -> Result<Vec<u8>, $crate::packed::PackError> {
                Self::LAYOUT.pack(&[$(self.$field),+])
            }

            /// Unpacks from little-endian bytes.
            ///
            /// # Panics
            /// If `bytes` is shorter than the layout.
            #[must_use]
            pub fn unpack(bytes: &[u8]) -> Self {
                let mut values = Self::LAYOUT.unpack(bytes).into_iter();
                Self { $($field: values.next().expect("one value a field")),+ }
            }
        }
    };
    (@place) => { None };
    (@place $at:literal) => { Some($at) };
    (@signed u) => { false };
    (@signed s) => { true };
}
