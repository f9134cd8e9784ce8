//! Descriptors from nests.

use std::ops::Range;

use crate::nest::{Loop, Nest};
use crate::schedule::OVERHEAD;
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Head, Instr, LINEAR, LINEAR_COLUMNS, Opcode, RESHAPE_LEVELS, Reshape};

/// Largest count of a level: 11 bits.
const MAX_COUNT: u32 = 2047;

/// One descriptor, with what the scheduler must know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The tile whose engine runs it.
    pub source: usize,
    /// Tiles that it writes, bit t for tile t.
    pub targets: u32,
    /// The descriptor.
    pub reshape: Reshape,
    /// Bytes that it may read, in the source tile; empty for a fill.
    pub reads: Range<usize>,
    /// Bytes that it may write, in each target.
    pub writes: Range<usize>,
    /// Cycles in which it needs its ports, at one beat a cycle.
    pub beats: usize,
}

impl Job {
    /// The instruction, whose regions are those of the scoreboard, in words.
    #[must_use]
    pub fn instr(&self, word: usize) -> Instr {
        let words = |bytes: &Range<usize>| ((bytes.start / word) as i64, bytes.end.div_ceil(word) as i64);
        let ((read_lo, read_hi), (write_lo, write_hi)) = (words(&self.reads), words(&self.writes));
        let head = Head {
            opcode: Opcode::Reshape as i64,
            tiles: 1 << self.source,
            targets: i64::from(self.targets),
            read_lo,
            read_hi,
            write_lo,
            write_hi,
            ..Head::default()
        };
        Instr::Reshape(head, self.reshape)
    }
}

/// What a nest is copied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Beats straight through.
    Straight,
    /// The transposer swaps these two loops: contiguous at the source, and at the target.
    Across { along_source: usize, along_target: usize },
    /// The same with matrices of so many rows that leave no gaps in the source, read word by word.
    Linear { along_source: usize, along_target: usize, rows: u32 },
}

/// The jobs of a nest whose target lies in the tile of `nest.to` and, at the same address, in all of `targets`;
/// of a fill with one byte if `value` is given.
#[must_use]
pub fn jobs(nest: &Nest, targets: u32, value: Option<u8>, geometry: &Geometry) -> Vec<Job> {
    match way(nest, value.is_some(), geometry) {
        Way::Straight => straight(nest, targets, value, geometry),
        Way::Across { along_source, along_target } => across(nest, targets, along_source, along_target, geometry),
        Way::Linear { along_source, along_target, rows } => {
            linear(nest, targets, along_source, along_target, rows, geometry)
        }
    }
}

fn way(nest: &Nest, fill: bool, geometry: &Geometry) -> Way {
    if !geometry.transposer || fill || !matches!(nest.run, 1 | 2 | 4) {
        return Way::Straight;
    }
    let run = nest.run as i32;
    let find = |step: fn(&Loop) -> i32, other: fn(&Loop) -> i32| {
        let fits = |at: &usize| step(&nest.loops[*at]) == run && other(&nest.loops[*at]) != run;
        (0..nest.loops.len()).filter(fits).max_by_key(|&at| nest.loops[at].count)
    };
    let (Some(along_source), Some(along_target)) = (find(|l| l.from, |l| l.to), find(|l| l.to, |l| l.from)) else {
        return Way::Straight;
    };
    let block = geometry.word_bytes();
    let inner = |at: usize| nest.loops[at].count as usize;
    let outer = nest.rounds() / inner(along_source) / inner(along_target);
    let beats = across_beats(inner(along_source), inner(along_target), nest.run as usize, block) * outer;
    let linear = linear_rows(nest, along_source, along_target, geometry).and_then(|rows| {
        let beats_of = |rows: usize| linear_beats(inner(along_source), rows, block);
        let (whole, rest) = (inner(along_target) / rows as usize, inner(along_target) % rows as usize);
        let ragged = if rest > 0 { beats_of(rest) * outer + OVERHEAD } else { 0 };
        let taken = beats_of(rows as usize) * whole * outer + ragged;
        (taken < beats).then_some((taken, Way::Linear { along_source, along_target, rows }))
    });
    let (beats, way) = linear.unwrap_or((beats, Way::Across { along_source, along_target }));
    if beats + 2 * block < nest.rounds() { way } else { Way::Straight }
}

/// Rows of the largest matrix that the engine reads without regard to where rows end, if these are such.
fn linear_rows(nest: &Nest, along_source: usize, along_target: usize, geometry: &Geometry) -> Option<u32> {
    let (inner, outer) = (nest.loops[along_source], nest.loops[along_target]);
    let word = geometry.word_bytes() as u32;
    let fits = nest.run == 1
        && inner.count % 2 == 1
        && i64::from(inner.count) <= LINEAR_COLUMNS
        && outer.from == inner.count as i32;
    fits.then(|| word.min(word * word / inner.count).min(outer.count))
}

/// Cycles of a matrix that is read word by word: its words or its columns, whichever are more.
fn linear_beats(columns: usize, rows: usize, word: usize) -> usize {
    columns.max((columns * rows).div_ceil(word))
}

/// Beats of the busier side of a transposition: each row of either side ends with a beat of its own.
fn across_beats(columns: usize, rows: usize, element: usize, word: usize) -> usize {
    (rows * (columns * element).div_ceil(word)).max(columns * (rows * element).div_ceil(word))
}

/// Whole words first, then the ragged end of each run.
fn straight(nest: &Nest, targets: u32, value: Option<u8>, geometry: &Geometry) -> Vec<Job> {
    let word = geometry.word_bytes() as u32;
    let whole = nest.run / word;
    let pieces = [(0, word, whole), (whole * word, nest.run % word, 1)];
    let mut jobs = Vec::new();
    for (offset, bytes, count) in pieces.into_iter().filter(|&(_, bytes, count)| bytes > 0 && count > 0) {
        let mut loops = nest.loops.clone();
        if count > 1 {
            loops.insert(0, Loop { count, from: word as i32, to: word as i32 });
        }
        for part in within_levels(nest.from + offset, nest.to + offset, &loops, RESHAPE_LEVELS) {
            let mut reshape = Reshape { bytes: i64::from(bytes), ..Reshape::default() };
            if let Some(value) = value {
                (reshape.fill, reshape.value) = (1, i64::from(value as i8));
            }
            let beats = part.loops.iter().map(|l| l.count as usize).product();
            jobs.push(job(&part, bytes as usize, targets, reshape, beats, geometry));
        }
    }
    jobs
}

fn across(nest: &Nest, targets: u32, along_source: usize, along_target: usize, geometry: &Geometry) -> Vec<Job> {
    let element = nest.run as usize;
    let (inner, outer) = (nest.loops[along_source], nest.loops[along_target]);
    let mut rest = nest.loops.clone();
    rest.retain(|l| *l != inner && *l != outer);
    let mut jobs = Vec::new();
    for columns in parts(inner.count) {
        for rows in parts(outer.count) {
            let moved = |at: u32, by: (i32, i32)| {
                (i64::from(at) + i64::from(columns.start) * i64::from(by.0) + i64::from(rows.start) * i64::from(by.1))
                    as u32
            };
            let (from, to) = (moved(nest.from, (inner.from, outer.from)), moved(nest.to, (inner.to, outer.to)));
            let block = [Loop { count: columns.len() as u32, ..inner }, Loop { count: rows.len() as u32, ..outer }];
            for mut part in within_levels(from, to, &rest, RESHAPE_LEVELS - 2) {
                let rounds: usize = part.loops.iter().map(|l| l.count as usize).product();
                let beats = rounds * across_beats(columns.len(), rows.len(), element, geometry.word_bytes());
                part.loops.splice(0..0, block);
                let reshape = Reshape { transpose: 1, element: i64::from(element.ilog2()), ..Reshape::default() };
                jobs.push(job(&part, element, targets, reshape, beats, geometry));
            }
        }
    }
    jobs
}

/// Matrices of `rows` rows, as many as there are, and one of those that are left.
fn linear(
    nest: &Nest,
    targets: u32,
    along_source: usize,
    along_target: usize,
    rows: u32,
    geometry: &Geometry,
) -> Vec<Job> {
    let (inner, outer) = (nest.loops[along_source], nest.loops[along_target]);
    let mut rest = nest.loops.clone();
    rest.retain(|l| *l != inner && *l != outer);
    let (whole, left) = (outer.count / rows, outer.count % rows);
    let mut jobs = Vec::new();
    for (first, rows, matrices) in [(0, rows, whole), (whole * rows, left, 1)] {
        if rows == 0 {
            continue;
        }
        let mut rest = rest.clone();
        if matrices > 1 {
            let (from, to) = (outer.from * rows as i32, outer.to * rows as i32);
            rest.insert(0, Loop { count: matrices, from, to });
        }
        let (from, to) = (nest.from + first * outer.from as u32, nest.to + first * outer.to as u32);
        for mut part in within_levels(from, to, &rest, RESHAPE_LEVELS - 2) {
            let rounds: usize = part.loops.iter().map(|l| l.count as usize).product();
            let word = geometry.word_bytes();
            let beats = rounds * linear_beats(inner.count as usize, rows as usize, word);
            part.loops.splice(0..0, [inner, Loop { count: rows, ..outer }]);
            let words = (inner.count * rows).div_ceil(word as u32);
            let reshape = Reshape { transpose: 1, element: LINEAR, bytes: i64::from(words), ..Reshape::default() };
            jobs.push(job(&part, 1, targets, reshape, beats, geometry));
        }
    }
    jobs
}

/// A count in parts that a level can hold, all but the last one even.
fn parts(count: u32) -> Vec<Range<u32>> {
    let most = if count <= MAX_COUNT { count } else { MAX_COUNT & !15 };
    (0..count.div_ceil(most)).map(|part| part * most..count.min((part + 1) * most)).collect()
}

/// A part of a nest that fits the levels of one descriptor.
struct Part {
    from: u32,
    to: u32,
    loops: Vec<Loop>,
}

/// Splits loops that count too far, and unrolls the shortest ones beyond `levels`.
fn within_levels(from: u32, to: u32, loops: &[Loop], levels: usize) -> Vec<Part> {
    let unrolled = if loops.len() > levels {
        (0..loops.len()).min_by_key(|&at| loops[at].count)
    } else {
        loops.iter().position(|l| l.count > MAX_COUNT)
    };
    let Some(at) = unrolled else { return vec![Part { from, to, loops: loops.to_vec() }] };
    let pieces = if loops.len() > levels {
        (0..loops[at].count).map(|round| round..round + 1).collect()
    } else {
        parts(loops[at].count)
    };
    let mut done = Vec::new();
    for piece in pieces {
        let moved = |start: u32, step: i32| (i64::from(start) + i64::from(piece.start) * i64::from(step)) as u32;
        let mut rest = loops.to_vec();
        if piece.len() == 1 {
            rest.remove(at);
        } else {
            rest[at].count = piece.len() as u32;
        }
        done.extend(within_levels(moved(from, loops[at].from), moved(to, loops[at].to), &rest, levels));
    }
    done
}

fn job(part: &Part, bytes: usize, targets: u32, shape: Reshape, beats: usize, geometry: &Geometry) -> Job {
    let size = geometry.tile_bytes() as u32;
    let level = |at: usize| part.loops.get(at).copied().unwrap_or(Loop { count: 1, from: 0, to: 0 });
    let [l0, l1, l2, l3, l4] = [0, 1, 2, 3, 4].map(level);
    let reshape = Reshape {
        source: i64::from(part.from % size),
        target: i64::from(part.to % size),
        count_0: i64::from(l0.count),
        count_1: i64::from(l1.count),
        count_2: i64::from(l2.count),
        count_3: i64::from(l3.count),
        count_4: i64::from(l4.count),
        source_step_0: i64::from(l0.from),
        source_step_1: i64::from(l1.from),
        source_step_2: i64::from(l2.from),
        source_step_3: i64::from(l3.from),
        source_step_4: i64::from(l4.from),
        target_step_0: i64::from(l0.to),
        target_step_1: i64::from(l1.to),
        target_step_2: i64::from(l2.to),
        target_step_3: i64::from(l3.to),
        target_step_4: i64::from(l4.to),
        ..shape
    };
    let hull = |at: u32, step: fn(&Loop) -> i32| {
        let reach = |sign: i64| -> i64 {
            part.loops.iter().map(|l| (i64::from(l.count - 1) * i64::from(step(l)) * sign).max(0)).sum()
        };
        let at = i64::from(at % size);
        (at - reach(-1)) as usize..(at + reach(1)) as usize + bytes
    };
    let reads = if shape.fill == 1 { 0..0 } else { hull(part.from, |l| l.from) };
    Job { source: (part.from / size) as usize, targets, reshape, reads, writes: hull(part.to, |l| l.to), beats }
}
