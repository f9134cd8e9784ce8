//! `lacuna_scoreboard`: the tile-memory regions of the jobs in flight.

use super::{TileMask, tiles_of};
use lacuna_spec::instr::{Head, Opcode};

/// Words `lo` to `hi - 1`.
type Range = (i64, i64);

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    held: bool,
    reads: TileMask,
    writes: TileMask,
    read: Range,
    write: Range,
}

impl Entry {
    fn of(head: &Head) -> Self {
        let tiles = head.tiles as TileMask;
        let writes = if head.opcode == Opcode::Reshape as i64 { head.targets as TileMask } else { tiles };
        Self {
            held: true,
            reads: tiles,
            writes,
            read: (head.read_lo, head.read_hi),
            write: (head.write_lo, head.write_hi),
        }
    }
}

/// The jobs in flight: a compute job, the last one given, and a reshape a tile.
#[derive(Debug, Clone, Default)]
pub struct Scoreboard {
    compute: [Entry; 8],
    reshape: [Entry; 8],
}

impl Scoreboard {
    /// The instruction meets a job that is not done in this cycle. Compute jobs of a tile run one after the other and
    /// do not meet; `waits`: tiles with two of them, for which a reshape waits.
    #[must_use]
    pub fn conflict(&self, head: &Head, waits: TileMask, compute_done: TileMask, reshape_done: TileMask) -> bool {
        let new = Entry::of(head);
        let is_reshape = head.opcode == Opcode::Reshape as i64;
        let overlap = |a: Range, b: Range| a.0 < b.1 && b.0 < a.1;
        let meets = |(tile, entry): (usize, &Entry), done: TileMask| {
            entry.held
                && done >> tile & 1 == 0
                && ((new.reads & entry.writes != 0 && overlap(new.read, entry.write))
                    || (new.writes & entry.reads != 0 && overlap(new.write, entry.read))
                    || (new.writes & entry.writes != 0 && overlap(new.write, entry.write)))
        };
        is_reshape && (waits != 0 || self.compute.iter().enumerate().any(|entry| meets(entry, compute_done)))
            || self.reshape.iter().enumerate().any(|entry| meets(entry, reshape_done))
    }

    /// One clock: jobs that are done leave, those that start enter. `waits`: tiles whose last compute job is not the
    /// one that is done.
    pub fn step(&mut self, head: &Head, waits: TileMask, start: [TileMask; 2], done: [TileMask; 2]) {
        let done = [done[0] & !waits, done[1]];
        for (entries, (start, done)) in
            [&mut self.compute, &mut self.reshape].into_iter().zip(start.into_iter().zip(done))
        {
            for tile in tiles_of(done) {
                entries[tile].held = false;
            }
            for tile in tiles_of(start) {
                // Each tile's entry stands for that tile alone: what it shares with others is in theirs.
                let own = 1 << tile;
                let entry = Entry::of(head);
                let writes = if head.opcode == Opcode::Reshape as i64 { entry.writes } else { own };
                entries[tile] = Entry { reads: own, writes, ..entry };
            }
        }
    }
}
