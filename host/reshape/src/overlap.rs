//! Order among jobs whose sources and targets overlap, and circles broken through spare memory.
//!
//! A *phase* is a list of jobs none of which writes what another one reads; phases run one after the other.

use std::ops::Range;

use crate::emit::Job;
use crate::movement::append;
use crate::{Movement, SolveError, Span};
use lacuna_spec::Geometry;

/// Nobody.
const NONE: u32 = u32::MAX;

/// Beats of a job in order: where each reads, and where in which target each writes. Places are over all tiles.
pub(crate) fn beats(job: &Job, tile_bytes: usize) -> Vec<(u32, u32)> {
    let r = &job.reshape;
    let levels = [
        (r.count_0, r.source_step_0, r.target_step_0),
        (r.count_1, r.source_step_1, r.target_step_1),
        (r.count_2, r.source_step_2, r.target_step_2),
        (r.count_3, r.source_step_3, r.target_step_3),
        (r.count_4, r.source_step_4, r.target_step_4),
    ];
    let base = (job.source * tile_bytes) as i64;
    let mut at = vec![(r.source + base, r.target)];
    for (count, from, to) in levels.into_iter().rev() {
        at = at.into_iter().flat_map(|(s, t)| (0..count).map(move |i| (s + i * from, t + i * to))).collect();
    }
    at.into_iter().map(|(s, t)| (s as u32, t as u32)).collect()
}

/// Bytes of a beat.
fn width(job: &Job) -> u32 {
    job.reshape.run() as u32
}

fn targets(job: &Job, tile_bytes: usize) -> impl Iterator<Item = u32> {
    let mask = job.targets;
    (0..32).filter(move |tile| mask >> tile & 1 == 1).map(move |tile| tile * tile_bytes as u32)
}

/// Who writes each byte, by index.
fn writers(jobs: &[Job], bytes: usize, tile_bytes: usize) -> Vec<u32> {
    let mut writer = vec![NONE; bytes];
    for (index, job) in jobs.iter().enumerate() {
        for (_, to) in beats(job, tile_bytes) {
            for tile in targets(job, tile_bytes) {
                writer[(tile + to) as usize..][..width(job) as usize].fill(index as u32);
            }
        }
    }
    writer
}

/// The same beats in the opposite order.
fn reversed(job: &Job) -> Job {
    let r = &job.reshape;
    let end = |steps: [i64; 5]| -> i64 {
        [r.count_0, r.count_1, r.count_2, r.count_3, r.count_4]
            .iter()
            .zip(steps)
            .map(|(count, step)| (count - 1) * step)
            .sum()
    };
    let from = end([r.source_step_0, r.source_step_1, r.source_step_2, r.source_step_3, r.source_step_4]);
    let to = end([r.target_step_0, r.target_step_1, r.target_step_2, r.target_step_3, r.target_step_4]);
    let reshape = lacuna_spec::instr::Reshape {
        source: r.source + from,
        target: r.target + to,
        source_step_0: -r.source_step_0,
        source_step_1: -r.source_step_1,
        source_step_2: -r.source_step_2,
        source_step_3: -r.source_step_3,
        source_step_4: -r.source_step_4,
        target_step_0: -r.target_step_0,
        target_step_1: -r.target_step_1,
        target_step_2: -r.target_step_2,
        target_step_3: -r.target_step_3,
        target_step_4: -r.target_step_4,
        ..*r
    };
    Job { reshape, ..job.clone() }
}

/// Whether no beat reads what an earlier one of the same job has written.
fn keeps_its_source(job: &Job, tile_bytes: usize) -> bool {
    if job.reshape.fill == 1 || !targets(job, tile_bytes).any(|tile| tile as usize == job.source * tile_bytes) {
        return true;
    }
    if job.reads.end <= job.writes.start || job.writes.end <= job.reads.start {
        return true;
    }
    if job.reshape.transpose == 1 {
        return false;
    }
    let mut written = vec![false; tile_bytes];
    let width = width(job) as usize;
    beats(job, tile_bytes).into_iter().all(|(from, to)| {
        let clean = written[from as usize % tile_bytes..][..width].iter().all(|&written| !written);
        written[to as usize..][..width].fill(true);
        clean
    })
}

/// Phases in which every job reads before others write, if there is such an order; jobs may turn round.
pub(crate) fn ordered(jobs: &[Job], geometry: &Geometry) -> Option<Vec<Vec<Job>>> {
    let (bytes, tile_bytes) = (geometry.tiles * geometry.tile_bytes(), geometry.tile_bytes());
    let mut turned = Vec::with_capacity(jobs.len());
    for job in jobs {
        let back =
            || Some(reversed(job)).filter(|back| job.reshape.transpose == 0 && keeps_its_source(back, tile_bytes));
        turned.push(if keeps_its_source(job, tile_bytes) { job.clone() } else { back()? });
    }
    let writer = writers(&turned, bytes, tile_bytes);
    let mut later: Vec<Vec<u32>> = Vec::with_capacity(turned.len());
    let mut waits = vec![0usize; turned.len()];
    for (index, job) in turned.iter().enumerate().filter(|(_, job)| job.reshape.fill == 0) {
        later.resize(index, Vec::new());
        let read = beats(job, tile_bytes).into_iter().flat_map(|(from, _)| from..from + width(job));
        let mut after: Vec<u32> = read.map(|at| writer[at as usize]).collect();
        after.sort_unstable();
        after.dedup();
        after.retain(|&other| other != NONE && other as usize != index);
        for &other in &after {
            waits[other as usize] += 1;
        }
        later.push(after);
    }
    later.resize(turned.len(), Vec::new());
    let mut phases = Vec::new();
    let mut ready: Vec<usize> = (0..turned.len()).filter(|&job| waits[job] == 0).collect();
    let mut done = 0;
    while !ready.is_empty() {
        done += ready.len();
        let mut next = Vec::new();
        for &job in &ready {
            for &other in &later[job] {
                waits[other as usize] -= 1;
                if waits[other as usize] == 0 {
                    next.push(other as usize);
                }
            }
        }
        phases.push(ready.iter().map(|&job| turned[job].clone()).collect());
        next.sort_unstable();
        ready = next;
    }
    (done == turned.len()).then_some(phases)
}

/// A movement cut into steps, each of which reads nothing that it writes, and the spare bytes that they use.
pub(crate) struct Waves {
    /// The steps.
    pub steps: Vec<Vec<Span>>,
    /// Bytes of spare memory that are written.
    pub spare: usize,
}

/// Follows the circles of an overlapping movement: targets are filled as they fall free; where too few are, a part of
/// what occupies the next ones steps aside into spare memory, or into places that fell free.
pub(crate) fn waves(movement: &Movement, spare: &[Range<u32>], geometry: &Geometry) -> Result<Waves, SolveError> {
    let (bytes, tile_bytes) = (geometry.tiles * geometry.tile_bytes(), geometry.tile_bytes() as u32);
    let mut state = State::new(movement, spare, bytes, tile_bytes);
    let mut steps = Vec::new();
    let total = state.left.len();
    while !state.left.is_empty() {
        let dead = state.left.iter().filter(|(to, _)| state.readers[*to as usize] == 0).count();
        if dead * 8 < total && dead < state.left.len() {
            match state.step_aside() {
                Some(step) => steps.push(step),
                None if dead == 0 => return Err(SolveError::NoSpare),
                None => {}
            }
        }
        steps.push(state.settle());
    }
    let used = state.used.iter().zip(&state.is_spare).filter(|(used, spare)| **used && **spare).count();
    Ok(Waves { steps, spare: used })
}

struct State {
    tile_bytes: u32,
    /// Bytes still to be settled: where to, and where they are now; by target.
    left: Vec<(u32, u32)>,
    /// For each byte of memory, those in `left` that read it.
    readers: Vec<u32>,
    /// Bytes that may be written at any time.
    spots: Vec<u32>,
    is_spare: Vec<bool>,
    used: Vec<bool>,
    /// Bytes that have got what they wait for.
    settled: Vec<bool>,
}

impl State {
    fn new(movement: &Movement, spare: &[Range<u32>], bytes: usize, tile_bytes: u32) -> Self {
        let each = |span: &Span| (0..span.bytes).map(|k| (span.to + k, span.from + k)).collect::<Vec<_>>();
        let mut left: Vec<(u32, u32)> = movement.spans.iter().flat_map(each).collect();
        left.sort_unstable();
        let mut readers = vec![0; bytes];
        for &(_, from) in &left {
            readers[from as usize] += 1;
        }
        let mut is_spare = vec![false; bytes];
        for at in spare.iter().cloned().flatten() {
            is_spare[at as usize] = true;
        }
        let mut spots: Vec<u32> = spare.iter().cloned().flatten().collect();
        // Sources that are no targets are free once they are read; so are targets until they are settled.
        spots.extend(left.iter().flat_map(|&(to, from)| [to, from]));
        spots.sort_unstable();
        spots.dedup();
        let mut settled = vec![false; bytes];
        for span in &movement.kept {
            settled[span.to as usize..][..span.bytes as usize].fill(true);
        }
        Self { tile_bytes, left, readers, spots, is_spare, used: vec![false; bytes], settled }
    }

    /// Frees the targets that come next, as many as there are free places elsewhere.
    fn step_aside(&mut self) -> Option<Vec<Span>> {
        let free: Vec<u32> = self
            .spots
            .iter()
            .copied()
            .filter(|&at| self.readers[at as usize] == 0 && !self.settled[at as usize])
            .collect();
        let total = free.len();
        let mut chunk = vec![false; self.readers.len()];
        let (mut occupants, mut lost) = (Vec::new(), 0);
        for &(to, _) in &self.left {
            let occupied = self.readers[to as usize] > 0;
            if occupants.len() + usize::from(occupied) + lost + usize::from(!occupied) > total {
                break;
            }
            chunk[to as usize] = true;
            if occupied { occupants.push(to) } else { lost += 1 }
        }
        if occupants.is_empty() {
            return None;
        }
        let mut spots: Vec<u32> = free.into_iter().filter(|&at| !chunk[at as usize]).collect();
        // Spare memory first: what steps aside into a later target steps aside again.
        spots.sort_by_key(|&at| (!self.is_spare[at as usize], at));
        spots.truncate(occupants.len());
        spots.sort_unstable();
        let moved = self.pair(&occupants, spots);
        let mut now: Vec<u32> = Vec::new();
        now.resize(self.readers.len(), NONE);
        let mut spans = Vec::new();
        for (from, to) in moved {
            now[from as usize] = to;
            self.used[to as usize] = true;
            self.readers[to as usize] = self.readers[from as usize];
            self.readers[from as usize] = 0;
            append(&mut spans, Span { from, to, bytes: 1 }, self.tile_bytes);
        }
        for (_, from) in &mut self.left {
            if now[*from as usize] != NONE {
                *from = now[*from as usize];
            }
        }
        Some(spans)
    }

    /// Pairs occupants with spots, those of their own tile first; both lists are sorted.
    fn pair(&self, occupants: &[u32], spots: Vec<u32>) -> Vec<(u32, u32)> {
        let tile = |at: u32| at / self.tile_bytes;
        let mut pairs = Vec::with_capacity(occupants.len());
        let mut rest = Vec::new();
        let mut taken = vec![false; spots.len()];
        let mut next = 0;
        for &from in occupants {
            while next < spots.len() && tile(spots[next]) < tile(from) {
                next += 1;
            }
            if next < spots.len() && tile(spots[next]) == tile(from) {
                taken[next] = true;
                pairs.push((from, spots[next]));
                next += 1;
            } else {
                rest.push(from);
            }
        }
        let others = spots.into_iter().zip(taken).filter_map(|(spot, taken)| (!taken).then_some(spot));
        pairs.extend(rest.into_iter().zip(others));
        pairs.sort_unstable();
        pairs
    }

    /// Moves everything whose target is free.
    fn settle(&mut self) -> Vec<Span> {
        let (ready, left): (Vec<_>, Vec<_>) =
            self.left.iter().copied().partition(|&(to, _)| self.readers[to as usize] == 0);
        self.left = left;
        let mut spans = Vec::new();
        for (to, from) in ready {
            self.settled[to as usize] = true;
            append(&mut spans, Span { from, to, bytes: 1 }, self.tile_bytes);
            self.readers[from as usize] -= 1;
        }
        spans
    }
}
