//! First-fit placement of tensors by lifetime.

use std::ops::Range;

use super::BackendError;

/// Places blocks of bytes in one tile memory (every tile uses the same addresses).
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    align: usize,
    taken: Vec<(Range<usize>, Range<usize>)>,
}

impl Memory {
    /// An empty memory of `limit` bytes, whose blocks start at multiples of `align`.
    #[must_use]
    pub fn new(limit: usize, align: usize) -> Self {
        Self { limit, align, taken: Vec::new() }
    }

    /// Finds the lowest place for `bytes` that are needed during `life` (node indices).
    ///
    /// # Errors
    /// [`BackendError::TileMemory`] names the block and by how much it does not fit.
    pub fn place(&mut self, name: &str, bytes: usize, life: Range<usize>) -> Result<usize, BackendError> {
        let bytes = bytes.next_multiple_of(self.align);
        let mut busy: Vec<_> = self
            .taken
            .iter()
            .filter(|(_, other)| other.start < life.end && life.start < other.end)
            .map(|(space, _)| space.clone())
            .collect();
        busy.sort_by_key(|space| space.start);
        let mut at = 0;
        for space in busy {
            if at + bytes <= space.start {
                break;
            }
            at = at.max(space.end);
        }
        if at + bytes > self.limit {
            return Err(BackendError::TileMemory {
                tensor: name.to_owned(),
                needed: at + bytes,
                available: self.limit,
            });
        }
        self.taken.push((at..at + bytes, life));
        Ok(at)
    }

    /// Bytes up to the highest block.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.taken.iter().map(|(space, _)| space.end).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_live_together_never_overlap() {
        let mut memory = Memory::new(100, 1);
        let a = memory.place("a", 40, 0..2).unwrap();
        let b = memory.place("b", 40, 1..3).unwrap();
        let c = memory.place("c", 40, 2..4).unwrap();
        assert_eq!((a, b, c), (0, 40, 0));
        let error = memory.place("d", 40, 2..3).unwrap_err();
        assert!(error.to_string().contains("by 20 bytes"), "{error}");
    }
}
