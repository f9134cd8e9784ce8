//! How large a model may be, and the scan that enforces it before anything is allocated.
//!
//! Protobuf lets two bytes of input ask for hundreds of bytes of memory (an empty node, an empty tensor). The
//! scan walks the length-delimited structure without decoding it and adds up what decoding would allocate.

use crate::error::Error;

/// Largest file: a hundred times the weights that the largest geometry holds.
pub const MAX_MODEL_BYTES: u64 = 64 << 20;
/// Most memory the decoded file may take.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;
/// Most elements of one tensor.
pub const MAX_TENSOR_ELEMENTS: u64 = 1 << 25;
/// Most elements of all tensors of a network together.
pub const MAX_GRAPH_ELEMENTS: u64 = 1 << 27;
/// Most multiply-accumulates (or window taps) of one frame.
pub const MAX_FRAME_OPERATIONS: u64 = 1 << 34;
/// Most nodes.
pub const MAX_NODES: u64 = 1 << 16;
/// Most dimensions of a tensor.
pub const MAX_RANK: usize = 8;

/// What one field may allocate beside its own bytes: the largest message struct of the schema, in a vector that doubles.
const FIELD_COST: u64 = 512;
/// What a byte of packed integers may become.
const PACKED_COST: u64 = 16;

/// What a network has taken so far of the limits that hold for all of it.
#[derive(Debug, Default)]
pub struct Budget {
    elements: u64,
    operations: u64,
}

impl Budget {
    /// Counts the elements of one more tensor.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn elements(&mut self, count: usize) -> Result<(), Error> {
        self.elements = self.elements.saturating_add(count as u64);
        let what = "the number of elements of all tensors";
        at_most(what, self.elements, MAX_GRAPH_ELEMENTS)
    }

    /// Counts work of a frame.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn operations(&mut self, count: u64) -> Result<(), Error> {
        self.operations = self.operations.saturating_add(count);
        at_most("the number of multiply-accumulates of a frame", self.operations, MAX_FRAME_OPERATIONS)
    }
}

/// Refuses a size above its limit.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn at_most(what: &str, size: u64, limit: u64) -> Result<(), Error> {
    if size <= limit { Ok(()) } else { Err(Error::TooLarge { what: what.into(), size, limit }) }
}

/// Messages of the schema that contain other messages or packed integers.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

impl Message {
    /// What a length-delimited field holds.
    fn child(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Model, 8) | (Self::Tensor, 13) | (Self::Shape, 1) => Self::Leaf,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph | Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::Value,
            (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            _ => return None,
        })
    }

    /// Whether a length-delimited field holds packed integers.
    fn packed(self, field: u64) -> bool {
        matches!((self, field), (Self::Tensor, 1 | 4 | 5 | 7) | (Self::Attribute, 7 | 8))
    }
}

/// Refuses a file that is too large, or that would decode into too much memory.
///
/// # Errors
/// [`Error::TooLarge`]; [`Error::Malformed`] where the structure breaks off.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    let size = bytes.len() as u64;
    if size > MAX_MODEL_BYTES {
        return Err(Error::TooLarge { what: "the model file in bytes".into(), size, limit: MAX_MODEL_BYTES });
    }
    let mut cost = size;
    scan(bytes, Message::Model, &mut cost)
}

fn scan(mut bytes: &[u8], message: Message, cost: &mut u64) -> Result<(), Error> {
    let broken = |detail: &str| Error::Malformed { detail: detail.to_string() };
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(|| broken("a field key breaks off"))?;
        *cost += FIELD_COST;
        let length = match key & 7 {
            0 => varint(&mut bytes).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut bytes),
            // Group markers carry nothing; the decoder skips what lies between them.
            3 | 4 => Some(0),
            5 => Some(4),
            _ => None,
        };
        let length = length.ok_or_else(|| broken("a field breaks off or has an unknown wire type"))?;
        let length = usize::try_from(length).ok().filter(|&n| n <= bytes.len());
        let length = length.ok_or_else(|| broken("a field is longer than the file"))?;
        let (body, rest) = bytes.split_at(length);
        bytes = rest;
        if key & 7 == 2 {
            let field = key >> 3;
            if message.packed(field) {
                *cost += length as u64 * PACKED_COST;
            }
            if let Some(child) = message.child(field) {
                scan(body, child, cost)?;
            }
        }
        if *cost > MAX_DECODED_BYTES {
            let what = "the model's structure, decoded into bytes,".into();
            return Err(Error::TooLarge { what, size: *cost, limit: MAX_DECODED_BYTES });
        }
    }
    Ok(())
}

/// Reads a base-128 number; `None` where it breaks off or is too long.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for index in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_of_empty_nodes_is_refused_before_decoding() {
        // Field 7 (graph) holding two million empty nodes: 4 MB that would decode into hundreds.
        let nodes = [0x0a, 0x00].repeat(2_000_000);
        let mut bytes = vec![0x3a];
        let mut length = nodes.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(nodes);
        assert!(matches!(check(&bytes), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn a_broken_length_is_malformed() {
        assert!(matches!(check(&[0x3a, 0xff, 0xff, 0x03]), Err(Error::Malformed { .. })));
        assert!(matches!(check(&[0xff; 12]), Err(Error::Malformed { .. })));
        assert_eq!(check(&[]), Ok(()));
    }
}
