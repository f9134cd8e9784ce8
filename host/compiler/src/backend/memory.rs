//! Placement of tensors by lifetime: first fit, in the order that holds them all.

use std::cmp::Reverse;
use std::ops::Range;

use super::BackendError;

/// Orders that are tried where blocks do not fit as they come.
const ORDERS: usize = 32;

/// What is to be placed.
#[derive(Debug)]
pub struct Block<'a> {
    /// Whose it is, for errors.
    pub name: &'a str,
    /// Its size.
    pub bytes: usize,
    /// When it is needed, in node indices.
    pub life: Range<usize>,
}

/// Places blocks of bytes in one tile memory (every tile uses the same addresses).
#[derive(Debug, Clone)]
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

    /// Finds places for blocks, in their order. First fit leaves holes behind short-lived blocks, so where that order
    /// fails the largest go first, and then, again and again, the one that found no place.
    ///
    /// # Errors
    /// [`BackendError::TileMemory`] names the largest block where too much is needed at once, else the first that found no place as
    /// they come.
    pub fn place_all(&mut self, blocks: &[Block<'_>]) -> Result<Vec<usize>, BackendError> {
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        let (error, _) = match self.place_in(blocks, &order) {
            Ok(places) => return Ok(places),
            Err(failed) => failed,
        };
        let (moment, needed) = self.fullest(blocks);
        if needed > self.limit {
            let alive = blocks.iter().filter(|block| block.life.contains(&moment));
            let Some(largest) = alive.max_by_key(|block| block.bytes) else { return Err(error) };
            return Err(BackendError::TileMemory { tensor: largest.name.to_owned(), needed, available: self.limit });
        }
        order.sort_by_key(|&at| Reverse(blocks[at].bytes));
        for _ in 0..ORDERS {
            match self.place_in(blocks, &order) {
                Ok(places) => return Ok(places),
                Err((_, rank)) => order[..=rank].rotate_right(1),
            }
        }
        Err(error)
    }

    /// Places blocks in one order, all or none; else the error and the rank of the block that it is about.
    fn place_in(&mut self, blocks: &[Block<'_>], order: &[usize]) -> Result<Vec<usize>, (BackendError, usize)> {
        let mut places = vec![0; blocks.len()];
        let before = self.taken.len();
        for (rank, &at) in order.iter().enumerate() {
            let Block { name, bytes, life } = &blocks[at];
            match self.place(name, *bytes, life.clone()) {
                Ok(place) => places[at] = place,
                Err(error) => {
                    self.taken.truncate(before);
                    return Err((error, rank));
                }
            }
        }
        Ok(places)
    }

    /// When most bytes are needed, and how many: less room than that holds them in no order.
    fn fullest(&self, blocks: &[Block<'_>]) -> (usize, usize) {
        let all = || {
            let taken = self.taken.iter().map(|(space, life)| (space.len(), life));
            taken.chain(blocks.iter().map(|block| (block.bytes.next_multiple_of(self.align), &block.life)))
        };
        let at = |moment: usize| all().filter(|(_, life)| life.contains(&moment)).map(|(bytes, _)| bytes).sum();
        let moments = all().map(|(_, life)| (life.start, at(life.start)));
        moments.max_by_key(|&(_, bytes)| bytes).unwrap_or_default()
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
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

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

    fn block(bytes: usize, life: Range<usize>) -> Block<'static> {
        Block { name: "block", bytes, life }
    }

    #[test]
    fn blocks_that_leave_holes_as_they_come_are_placed_in_another_order() {
        // As they come: 0, 24, 80, and the last would end at 230.
        let blocks = [block(24, 0..1), block(56, 0..2), block(46, 1..3), block(100, 2..4)];
        let mut memory = Memory::new(146, 1);
        memory.place_all(&blocks).unwrap();
        assert!(memory.high_water() <= 146);
        let error = Memory::new(145, 1).place_all(&blocks).unwrap_err();
        assert!(error.to_string().contains("up to byte 146"), "{error}");
    }

    #[test]
    fn blocks_placed_together_never_overlap_those_that_live_with_them() {
        let seed = rand::random();
        println!("seed {seed}");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut placed = 0;
        for _ in 0..300 {
            let mut memory = Memory::new(400, 16);
            memory.place("parameters", rng.random_range(1..100), 0..usize::MAX).unwrap();
            let count = rng.random_range(1..20);
            let random = |start: usize, rng: &mut ChaCha8Rng| {
                block(rng.random_range(1..200), start..start + rng.random_range(1..4))
            };
            let blocks: Vec<_> = (0..count).map(|start| random(start, &mut rng)).collect();
            let alone = memory.taken.len();
            if memory.place_all(&blocks).is_ok() {
                placed += 1;
                assert_eq!(memory.taken.len(), alone + count);
            } else {
                assert_eq!(memory.taken.len(), alone);
            }
            for (i, (space, life)) in memory.taken.iter().enumerate() {
                assert!(space.end <= 400);
                let meets = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
                assert!(memory.taken[..i].iter().all(|(other, when)| !meets(space, other) || !meets(life, when)));
            }
        }
        assert!(placed > 20, "only {placed} of 300 fit");
    }
}
