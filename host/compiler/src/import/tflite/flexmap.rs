//! The parameters of custom operators: numbers by name, the map at the root of a `FlexBuffer`
//! (<https://flatbuffers.dev/internals/#flexbuffers>).
//!
//! The format's crate, flexbuffers 25, reads outside of a buffer whose offsets are wrong, and panics; a file may hold any.

/// A map in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlexMap<'a> {
    bytes: &'a [u8],
    /// Where values start, and the bytes of each.
    values: (usize, usize),
    /// Where the offsets of keys start, and the bytes of each.
    keys: (usize, usize),
    length: usize,
}

/// Kinds of values, in the upper six bits of their type.
mod kind {
    pub const INT: u8 = 1;
    pub const UINT: u8 = 2;
    pub const FLOAT: u8 = 3;
    pub const INDIRECT_INT: u8 = 6;
    pub const INDIRECT_UINT: u8 = 7;
    pub const INDIRECT_FLOAT: u8 = 8;
    pub const MAP: u8 = 9;
    pub const BOOL: u8 = 26;
}

impl<'a> FlexMap<'a> {
    /// The map at the root; `None` if the bytes hold none.
    pub fn root(bytes: &'a [u8]) -> Option<Self> {
        let &[.., packed, width] = bytes else { return None };
        let (width, at) = (usize::from(width), bytes.len() - 2);
        if packed >> 2 != kind::MAP {
            return None;
        }
        let values = behind(bytes, at.checked_sub(width)?, width)?;
        let width = 1 << (packed & 3);
        let field = |from_values: usize| values.checked_sub(from_values * width);
        let keys = behind(bytes, field(3)?, width)?;
        let keys_width = usize::try_from(unsigned(bytes, field(2)?, width)?).ok()?;
        let length = usize::try_from(unsigned(bytes, field(1)?, width)?).ok()?;
        let sound = length <= bytes.len() && matches!(keys_width, 1 | 2 | 4 | 8);
        sound.then_some(Self { bytes, values: (values, width), keys: (keys, keys_width), length })
    }

    /// The number of that name, a truth value as 0 or 1; `None` if there is none.
    pub fn number(&self, name: &str) -> Option<f64> {
        let index = (0..self.length).find(|&index| self.is_key(index, name))?;
        let (start, width) = self.values;
        let at = start + index * width;
        let packed = *self.bytes.get(start + self.length * width + index)?;
        let indirect = matches!(packed >> 2, kind::INDIRECT_INT | kind::INDIRECT_UINT | kind::INDIRECT_FLOAT);
        let (at, width) = if indirect { (behind(self.bytes, at, width)?, 1 << (packed & 3)) } else { (at, width) };
        let bits = unsigned(self.bytes, at, width)?;
        let unused = 64 - 8 * width as u32;
        match (packed >> 2, width) {
            (kind::INT | kind::INDIRECT_INT, _) => Some(((bits << unused) as i64 >> unused) as f64),
            (kind::UINT | kind::INDIRECT_UINT | kind::BOOL, _) => Some(bits as f64),
            (kind::FLOAT | kind::INDIRECT_FLOAT, 4) => Some(f64::from(f32::from_bits(bits as u32))),
            (kind::FLOAT | kind::INDIRECT_FLOAT, 8) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn is_key(&self, index: usize, name: &str) -> bool {
        let (start, width) = self.keys;
        let key = behind(self.bytes, start + index * width, width).and_then(|at| self.bytes.get(at..));
        key.and_then(|key| key.strip_prefix(name.as_bytes())).is_some_and(|rest| rest.first() == Some(&0))
    }
}

/// The place so many bytes before `at` as is written there.
fn behind(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    at.checked_sub(usize::try_from(unsigned(bytes, at, width)?).ok()?)
}

/// A number of 1, 2, 4 or 8 bytes.
fn unsigned(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let stated = matches!(width, 1 | 2 | 4 | 8).then_some(bytes)?.get(at..at.checked_add(width)?)?;
    let mut word = [0; 8];
    word[..width].copy_from_slice(stated);
    Some(u64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"a": 1, "b": 0.5, "c": true, "d": -3}` by the format's Python package.
    const MAP: &[u8] = b"a\0b\0c\0d\0\x04\x09\x08\x07\x06\0\0\0\x07\0\0\0\x01\0\0\0\x04\0\0\0\x01\0\0\0\0\0\0\x3f\x01\0\0\0\xfd\xff\xff\xff\x06\x0e\x6a\x06\x14\x26\x01";

    #[test]
    fn numbers_are_found_by_name() {
        let map = FlexMap::root(MAP).unwrap();
        let found = ["a", "b", "c", "d", "e", ""].map(|name| map.number(name));
        assert_eq!(found, [Some(1.0), Some(0.5), Some(1.0), Some(-3.0), None, None]);
    }

    #[test]
    fn keys_of_no_width_are_no_map() {
        let field = |value: u64| value.to_le_bytes();
        let mut bytes = [field(0), field(u64::MAX), field(3), field(0), field(8)].concat();
        bytes.extend([kind::MAP << 2 | 3, 8]);
        assert_eq!(FlexMap::root(&bytes), None);
        bytes[8..16].copy_from_slice(&field(1));
        assert!(FlexMap::root(&bytes).is_some_and(|map| map.number("a").is_none()));
    }

    #[test]
    fn damaged_bytes_are_no_panic() {
        for at in 0..MAP.len() {
            for value in 0..=255 {
                let mut bytes = MAP.to_vec();
                bytes[at] = value;
                for length in [at, bytes.len()] {
                    let map = FlexMap::root(&bytes[..length]);
                    _ = map.map(|map| ["a", "b", "c", "d"].map(|name| map.number(name)));
                }
            }
        }
    }
}
