//! `reshape` instructions that bring each tile the rows and channels that its next layers read.

use std::collections::BTreeMap;
use std::ops::Range;

use lacuna_spec::instr::{Head, Instr, Opcode, Reshape};

use super::{Draft, Emitter};
use crate::backend::layout::{hull, overlap};
use crate::backend::split::Split;

/// One contiguous-by-levels copy between two tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Copy {
    source_tile: usize,
    source: usize,
    target: usize,
    /// Bytes of a run, count of runs, bytes from run to run (both sides).
    run: usize,
    runs: usize,
    step: usize,
}

impl Emitter<'_> {
    /// Writes the moves that follow a layer.
    pub(super) fn moves(&self, draft: &mut Draft, index: usize) {
        let node = &self.graph.nodes[index];
        let layout = &draft.layouts[&node.output];
        let [channels, height, width] = layout.chw;
        let columns = self.geometry.columns();
        let plan = &self.plans[&index];
        let mut targets: BTreeMap<Copy, i64> = BTreeMap::new();
        for target in 0..self.geometry.tiles {
            let need = self.reader_need(draft, index, target, height);
            for (source_tile, part) in plan.parts.iter().enumerate() {
                let rows = overlap(&need, &part.rows);
                if source_tile == target || part.is_empty() || rows.is_empty() {
                    continue;
                }
                let from = part.blocks.start * columns..(part.blocks.end * columns).min(channels);
                let whole = from.len() == channels;
                let copy = Copy {
                    source_tile,
                    source: layout.row(source_tile, rows.start) + from.start,
                    target: layout.row(target, rows.start) + from.start,
                    run: if whole { rows.len() * layout.row_pitch() } else { from.len() },
                    runs: if whole { 1 } else { rows.len() * width },
                    step: channels,
                };
                *targets.entry(copy).or_default() |= 1 << target;
            }
        }
        for (copy, mask) in targets {
            for instr in self.copy_instrs(&copy, mask) {
                draft.instrs.push(instr);
            }
        }
    }

    /// Whether each tile reads in a depthwise layer just the channels that it computed.
    fn stays(&self, index: usize, reader: usize) -> bool {
        let (own, next) = (&self.plans[&index], &self.plans[&reader]);
        let reads = &self.graph.nodes[reader];
        own.split == Split::Blocks
            && next.split == Split::Blocks
            && self.as_depthwise(&reads.op).is_some()
            && reads.inputs[0] == self.graph.nodes[index].output
            && own.parts.iter().map(|part| &part.blocks).eq(next.parts.iter().map(|part| &part.blocks))
    }

    /// Rows of a node's output that readers in its program need in a tile.
    fn reader_need(&self, draft: &Draft, index: usize, tile: usize, height: usize) -> Range<usize> {
        self.readers(self.graph.nodes[index].output, &draft.nodes)
            .into_iter()
            .filter(|&reader| !self.stays(index, reader))
            .fold(0..0, |need, reader| hull(&need, &self.need(reader, tile, height)))
    }

    /// Whole words first, then the ragged end of each run.
    fn copy_instrs(&self, copy: &Copy, targets: i64) -> Vec<Instr> {
        let word = self.geometry.word_bytes();
        let pieces = [(0, word, copy.run / word), (copy.run / word * word, copy.run % word, 1)];
        let span = (copy.runs - 1) * copy.step + copy.run;
        let (read_lo, read_hi) = self.words(copy.source..copy.source + span);
        let (write_lo, write_hi) = self.words(copy.target..copy.target + span);
        let head = Head {
            opcode: Opcode::Reshape as i64,
            tiles: 1 << copy.source_tile,
            targets,
            phase: 0,
            read_lo,
            read_hi,
            write_lo,
            write_hi,
            from_input: 0,
            to_output: 0,
        };
        pieces
            .into_iter()
            .filter(|&(_, bytes, count)| bytes > 0 && count > 0)
            .map(|(offset, bytes, count)| {
                let reshape = Reshape {
                    source: (copy.source + offset) as i64,
                    target: (copy.target + offset) as i64,
                    bytes: bytes as i64,
                    count_0: count as i64,
                    count_1: copy.runs as i64,
                    count_2: 1,
                    count_3: 1,
                    count_4: 1,
                    source_step_0: word as i64,
                    target_step_0: word as i64,
                    source_step_1: copy.step as i64,
                    target_step_1: copy.step as i64,
                    ..Reshape::default()
                };
                Instr::Reshape(head, reshape)
            })
            .collect()
    }
}
