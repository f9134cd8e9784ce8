//! What a movement asks for: which byte of which tile goes where.

use crate::{Deal, Layout, Op, OpError, Origins, PADDING, SolveError};
use lacuna_spec::Geometry;

/// Bytes that move together. A place is `tile * tile_bytes + address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Where they go.
    pub to: u32,
    /// Where they come from.
    pub from: u32,
    /// How many.
    pub bytes: u32,
}

/// All that one movement asks for. No byte is written twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Movement {
    /// Bytes that are moved.
    pub spans: Vec<Span>,
    /// Bytes of the target that are in place: nothing is done for them, and nothing may be put there on the way.
    pub kept: Vec<Span>,
    /// Bytes that are filled: each span starts with the first byte of `value`; `from` means nothing.
    pub fills: Vec<Span>,
    /// The padding: one element.
    pub value: Vec<u8>,
}

/// Where a tensor and its elements lie.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// The layout.
    pub layout: &'a Layout,
    /// The base that it was given.
    pub base: usize,
}

impl Movement {
    /// Bytes that change their place.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.spans.iter().map(|span| span.bytes as usize).sum()
    }

    /// From layouts and operators to bytes.
    ///
    /// # Errors
    /// [`OpError`] where they do not go together.
    pub fn between(sources: &[Placed], ops: &[Op], target: Placed, geometry: &Geometry) -> Result<Self, SolveError> {
        let element = target.layout.element;
        if let Some(other) = sources.iter().find(|source| source.layout.element != element) {
            let source_bytes = other.layout.element;
            return Err(OpError::Type { source_bytes, target_bytes: element }.into());
        }
        let mut tensors: Vec<Origins> = sources
            .iter()
            .map(|source| Origins {
                shape: source.layout.shape.clone(),
                from: source.layout.addresses(geometry.tile_bytes(), source.base),
            })
            .collect();
        let mut value = vec![0; element];
        for op in ops {
            if let Op::Pad { value: padding, .. } = op {
                value.copy_from_slice(&padding.to_le_bytes()[..element]);
            }
            tensors = vec![op.apply(&tensors)?];
        }
        let [result] = tensors.as_slice() else {
            return Err(OpError::Operands { op: "reshape", count: tensors.len() }.into());
        };
        let to = target.layout.addresses(geometry.tile_bytes(), target.base);
        if to.len() != result.from.len() {
            return Err(OpError::Elements { target: to.len(), given: result.from.len() }.into());
        }
        let mut movement = Self { value, ..Self::default() };
        let copies = if target.layout.deal == Deal::Copies { target.layout.tiles.len() } else { 1 };
        for copy in 0..copies {
            let moved = (copy * geometry.tile_bytes()) as u32;
            for (&from, &to) in result.from.iter().zip(&to) {
                let span = Span { from, to: to + moved, bytes: element as u32 };
                movement.push(span, geometry.tile_bytes() as u32);
            }
        }
        Ok(movement)
    }

    fn push(&mut self, span: Span, tile_bytes: u32) {
        if span.from == PADDING {
            append(&mut self.fills, Span { from: span.to, ..span }, tile_bytes);
        } else if span.from == span.to {
            append(&mut self.kept, span, tile_bytes);
        } else {
            append(&mut self.spans, span, tile_bytes);
        }
    }
}

/// Appends a span, to the last one if it continues it on both sides inside the same tiles.
pub(crate) fn append(spans: &mut Vec<Span>, span: Span, tile_bytes: u32) {
    if let Some(last) = spans.last_mut() {
        let continues = last.from + last.bytes == span.from && last.to + last.bytes == span.to;
        let begins = |at: u32| at.is_multiple_of(tile_bytes);
        if continues && !begins(span.from) && !begins(span.to) {
            last.bytes += span.bytes;
            return;
        }
    }
    spans.push(span);
}
