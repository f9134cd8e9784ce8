//! `reshape` instructions that bring each tile the rows and channels that its next layers read.

use std::collections::BTreeMap;
use std::ops::Range;

use lacuna_reshape::nest::{Loop, Nest};
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Head, Instr, Reshape};

use super::{Draft, Emitter};
use crate::backend::TensorLayout;
use crate::backend::layout::{hull, overlap};
use crate::backend::split::{Part, Split};
use crate::op::Op;

/// A copy of some channels of some rows between two tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Copy {
    source_tile: usize,
    source: usize,
    target: usize,
    /// Bytes of a run, and of the runs the counts and steps, innermost first.
    run: usize,
    runs: [usize; 2],
    source_steps: [usize; 2],
    target_steps: [usize; 2],
}

impl Copy {
    fn of(part: &Part, channels: &Range<usize>, tiles: [usize; 2], from: &TensorLayout, to: &TensorLayout) -> Self {
        let [source, target] = tiles;
        let (rows, width) = (&part.rows, from.chw[2]);
        let copy = Self {
            source_tile: source,
            source: from.row(source, rows.start) + from.channel(source, channels.start),
            target: to.row(target, rows.start) + to.channel(target, channels.start),
            run: channels.len(),
            runs: [width, rows.len()],
            source_steps: [from.pixel(), from.row_pitch()],
            target_steps: [to.pixel(), to.row_pitch()],
        };
        if channels.len() == from.pixel() && channels.len() == to.pixel() {
            let run = rows.len() * from.row_pitch();
            return Self { run, runs: [1, 1], source_steps: [0, 0], target_steps: [0, 0], ..copy };
        }
        copy
    }
}

/// Channels of several tiles interleave in a whole copy, so that the words written by one move span those of the others. Each
/// is given a share of the words instead, that they may run together: the first who reads there meets all shares.
fn share_regions(instrs: &mut [Instr]) {
    let heads: Vec<Head> = instrs.iter().map(|instr| *instr.head()).collect();
    let (Some(lo), Some(hi)) = (heads.iter().map(|h| h.write_lo).min(), heads.iter().map(|h| h.write_hi).max()) else {
        return;
    };
    let count = heads.len() as i64;
    let interleave = heads.iter().map(|h| h.write_lo).max() < heads.iter().map(|h| h.write_hi).min();
    if !interleave || heads.iter().any(|head| head.targets != heads[0].targets) || hi - lo < count {
        return;
    }
    for (at, instr) in (0..).zip(instrs) {
        if let Instr::Reshape(head, _) = instr {
            (head.write_lo, head.write_hi) = (lo + (hi - lo) * at / count, lo + (hi - lo) * (at + 1) / count);
        }
    }
}

/// The one instruction for moves that differ in nothing but their tile and, from each to the next, a step of the target.
fn gathered_at_once(instrs: &[Instr], geometry: &Geometry) -> Option<Instr> {
    let moves: Vec<(&Head, &Reshape)> = instrs
        .iter()
        .map(|instr| match instr {
            Instr::Reshape(head, reshape) => Some((head, reshape)),
            _ => None,
        })
        .collect::<Option<_>>()?;
    // The chip checks the bounds of its last tile.
    let [(first_head, first), (_, second), ..] = moves[..] else { return None };
    if moves.len() != geometry.tiles {
        return None;
    }
    let tile_step = second.target - first.target;
    let gather = Reshape { gather: 1, tile_step, ..*first };
    let alike = |(tile, (head, reshape)): (usize, &(&Head, &Reshape))| {
        head.tiles == 1 << tile
            && head.targets == first_head.targets
            && **reshape == Reshape { target: first.target + gather.tiles_ahead(tile), ..*first }
    };
    if !moves.iter().enumerate().all(alike) {
        return None;
    }
    let head = Head {
        tiles: (1 << moves.len()) - 1,
        read_lo: moves.iter().map(|(head, _)| head.read_lo).min()?,
        read_hi: moves.iter().map(|(head, _)| head.read_hi).max()?,
        write_lo: moves.iter().map(|(head, _)| head.write_lo).min()?,
        write_hi: moves.iter().map(|(head, _)| head.write_hi).max()?,
        ..*first_head
    };
    let instr = Instr::Reshape(head, gather);
    // The step has few bits.
    instr.pack().is_ok().then_some(instr)
}

/// First a move of each engine, then another of those that have more: the sequencer issues in order and would wait for an
/// engine that is at work while others are idle.
fn take_turns(instrs: Vec<Instr>) -> Vec<Instr> {
    let mut turns: BTreeMap<i64, usize> = BTreeMap::new();
    let mut dealt: Vec<(usize, Instr)> = Vec::with_capacity(instrs.len());
    for instr in instrs {
        let turn = turns.entry(instr.head().tiles).or_default();
        dealt.push((*turn, instr));
        *turn += 1;
    }
    dealt.sort_by_key(|(turn, _)| *turn);
    dealt.into_iter().map(|(_, instr)| instr).collect()
}

impl Emitter<'_> {
    /// The moves that follow a piece of a layer.
    pub(super) fn moves(&self, draft: &Draft, index: usize, piece: usize) -> Vec<Instr> {
        let id = self.graph.nodes[index].output;
        let from = &draft.layouts[&id];
        let gathered = draft.gathered.get(&id);
        let to = gathered.unwrap_or(from);
        let [channels, height, _] = from.chw;
        let mut targets: BTreeMap<Copy, u32> = BTreeMap::new();
        let mut shared = gathered.is_some();
        for target in 0..self.geometry.tiles {
            let need = self.reader_need(draft, index, target, height);
            for (source, part) in self.plans[&index].pieces[piece].iter().enumerate() {
                let rows = overlap(&need, &part.rows);
                if (source == target && gathered.is_none()) || part.is_empty() || rows.is_empty() {
                    continue;
                }
                shared &= self.read_at_once(draft, index, target, &rows, height);
                let part = Part { rows, blocks: part.blocks.clone() };
                let copy = Copy::of(&part, &self.channels(&part, channels), [source, target], from, to);
                *targets.entry(copy).or_default() |= 1 << target;
            }
        }
        let mut instrs: Vec<Instr> = targets.iter().flat_map(|(copy, &mask)| self.copy_instrs(copy, mask)).collect();
        if let Some(gather) = gathered_at_once(&instrs, &self.geometry) {
            return vec![gather];
        }
        if shared {
            share_regions(&mut instrs);
        }
        take_turns(instrs)
    }

    /// The solver's descriptors of a copy.
    fn copy_instrs(&self, copy: &Copy, targets: u32) -> Vec<Instr> {
        let (size, steps) = (self.geometry.tile_bytes(), copy.source_steps.iter().zip(&copy.target_steps));
        let each = |(&count, (&from, &to)): (&usize, (&usize, &usize))| {
            (count > 1).then_some(Loop { count: count as u32, from: from as i32, to: to as i32 })
        };
        let nest = Nest {
            from: (copy.source_tile * size + copy.source) as u32,
            to: copy.target as u32,
            run: copy.run as u32,
            loops: copy.runs.iter().zip(steps).filter_map(each).collect(),
        };
        let jobs = lacuna_reshape::emit::jobs(&nest, targets, None, &self.geometry);
        jobs.iter().map(|job| job.instr(self.geometry.word_bytes())).collect()
    }

    /// Whether the first instruction that reads some of these rows in a tile reads them all.
    fn read_at_once(&self, draft: &Draft, index: usize, tile: usize, rows: &Range<usize>, height: usize) -> bool {
        let readers = self.readers(self.graph.nodes[index].output, &draft.nodes);
        let readers = readers.into_iter().filter(|&reader| !self.stays(reader));
        let reads = readers.flat_map(|reader| {
            self.plans[&reader].pieces.iter().map(move |parts| self.rows_read(reader, &parts[tile], height))
        });
        reads.map(|read| overlap(&read, rows)).find(|read| !read.is_empty()).is_some_and(|read| read == *rows)
    }

    /// Channels of a part's blocks.
    pub(super) fn channels(&self, part: &Part, channels: usize) -> Range<usize> {
        let columns = self.geometry.columns();
        part.blocks.start * columns..(part.blocks.end * columns).min(channels)
    }

    /// Whether each tile reads of every input just the channels that it computed, or got.
    pub(super) fn stays(&self, reader: usize) -> bool {
        let node = &self.graph.nodes[reader];
        let plan = &self.plans[&reader];
        let own = |index: usize| {
            let own = self.plans.get(&index);
            own.is_some_and(|own| {
                own.split == Split::Blocks && own.parts.iter().zip(&plan.parts).all(|(a, b)| a.blocks == b.blocks)
            })
        };
        let same_run = |index: &usize| self.run_of(*index) == self.run_of(reader);
        self.by_channel(&node.op)
            && plan.split == Split::Blocks
            && (node.inputs.iter().all(|id| self.producers[id.0].filter(same_run).is_some_and(own))
                || self.arrives_by_channels(reader))
    }

    /// Whether each output channel depends on the same channel of the inputs alone.
    pub(super) fn by_channel(&self, op: &Op) -> bool {
        match op {
            Op::Dense(_) => false,
            op if op.moves() => false,
            Op::Conv(_) => self.as_depthwise(op).is_some(),
            _ => true,
        }
    }

    /// Rows of a node's output that readers in its program need in a tile.
    fn reader_need(&self, draft: &Draft, index: usize, tile: usize, height: usize) -> Range<usize> {
        self.readers(self.graph.nodes[index].output, &draft.nodes)
            .into_iter()
            .filter(|&reader| !self.stays(reader))
            .fold(0..0, |need, reader| hull(&need, &self.need(reader, tile, height)))
    }

    /// Whether a layer's first piece may start before the moves of another's last piece are done.
    pub(super) fn starts_early(&self, draft: &Draft, index: usize, before: usize) -> bool {
        let pieces = &self.plans[&index].pieces;
        if index == before || (pieces.len() == 1 && !self.is_of_frames(index)) {
            return false;
        }
        if self.stays(index) || !self.readers(self.graph.nodes[before].output, &draft.nodes).contains(&index) {
            return true;
        }
        let height = self.chw(self.graph.nodes[before].output)[1];
        let moved = self.plans[&before].pieces.split_last().map_or(&[][..], |(_, moved)| moved);
        let there = |y: usize| moved.iter().flatten().any(|part| part.rows.contains(&y));
        pieces[0].iter().all(|part| self.rows_read(index, part, height).all(there))
    }
}
