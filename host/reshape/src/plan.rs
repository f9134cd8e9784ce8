//! From a movement to jobs in order.

use std::collections::BTreeMap;
use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::instr::{Head, Instr, Opcode};

use crate::emit::{self, Job};
use crate::nest::{self, Nest};
use crate::overlap::{ordered, waves};
use crate::{Movement, SolveError, Span, schedule};

/// What the engines have to do, and what it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Phases in order; jobs of one phase do not touch what others of it read.
    pub phases: Vec<Vec<Job>>,
    /// Bytes that change their place or are filled.
    pub bytes: usize,
    /// Cycles in which the busiest port could do it, at one word a cycle.
    pub limit_cycles: usize,
    /// Spare bytes that are written on the way.
    pub spare_bytes: usize,
}

impl Plan {
    /// All jobs in order.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.phases.iter().flatten()
    }

    /// Instructions beside others: the scoreboard keeps everything in order, by their regions.
    #[must_use]
    pub fn instrs(&self, geometry: &Geometry) -> Vec<Instr> {
        self.phases.iter().flat_map(|phase| together(phase, geometry.word_bytes())).collect()
    }

    /// Instructions of a program of its own: fences keep phases apart, and inside a phase nothing waits.
    #[must_use]
    pub fn fenced(&self, geometry: &Geometry) -> Vec<Instr> {
        let fence = Instr::Fence(Head { opcode: Opcode::Fence as i64, ..Head::default() });
        let mut instrs = Vec::new();
        for (index, phase) in self.phases.iter().enumerate() {
            if index > 0 {
                instrs.push(fence);
            }
            for instr in together(phase, geometry.word_bytes()) {
                let Instr::Reshape(head, reshape) = instr else { continue };
                let free = Head { read_lo: 0, read_hi: 0, write_lo: 0, write_hi: 0, ..head };
                instrs.push(Instr::Reshape(free, reshape));
            }
        }
        instrs
    }

    /// [`Plan::fenced`] in programs that fit the program memory, each ending in a halt; none if nothing moves.
    #[must_use]
    pub fn programs(&self, geometry: &Geometry) -> Vec<Vec<Instr>> {
        let halt = Instr::Halt(Head { opcode: Opcode::Halt as i64, ..Head::default() });
        let instrs = self.fenced(geometry);
        instrs.chunks(geometry.program_len - 1).map(|part| [part, &[halt]].concat()).collect()
    }

    /// Beats of the busiest port, and what each job takes beyond them: an estimate of the cycles.
    #[must_use]
    pub fn estimate(&self, tiles: usize) -> usize {
        estimate(&self.phases, tiles)
    }
}

/// Instructions of a phase. If the engines of several tiles do the same all through it, each inside its tile, one
/// instruction starts them all. One engine with more to do than the others would have them start late after it.
fn together(phase: &[Job], word: usize) -> Vec<Instr> {
    let mut rounds: BTreeMap<usize, Vec<&Job>> = BTreeMap::new();
    for job in phase {
        rounds.entry(job.source).or_default().push(job);
    }
    let inside = phase.iter().all(|job| job.targets == 1 << job.source);
    let all = rounds.keys().fold(0, |all, source| all | 1 << source);
    let mut each = rounds.values();
    let Some(first) = each.next().filter(|_| inside) else {
        return phase.iter().map(|job| job.instr(word)).collect();
    };
    let alike = |other: &Vec<&Job>| other.iter().map(|job| job.reshape).eq(first.iter().map(|job| job.reshape));
    if !each.all(alike) {
        return phase.iter().map(|job| job.instr(word)).collect();
    }
    let shared = |job: &&Job| match job.instr(word) {
        Instr::Reshape(head, reshape) => Instr::Reshape(Head { tiles: all, targets: all, ..head }, reshape),
        other => other,
    };
    first.iter().map(shared).collect()
}

/// Plans a movement. Sources that are overwritten are lost; `spare` are places that may be written on the way.
///
/// # Errors
/// [`SolveError::NoSpare`] if source and target overlap in a circle and nothing is spare.
pub fn plan(movement: &Movement, spare: &[Range<u32>], geometry: &Geometry) -> Result<Plan, SolveError> {
    let tiles = geometry.tiles;
    let even = movement.value.windows(2).all(|pair| pair[0] == pair[1]);
    let mut all = jobs(&movement.spans, None, geometry);
    if even {
        all.extend(jobs(&movement.fills, Some(movement.value.first().copied().unwrap_or(0)), geometry));
    }
    let (mut phases, spare_bytes) = if let Some(phases) = ordered(&all, geometry) {
        (phases, 0)
    } else {
        let (mut phases, spare_bytes) = circular(movement, spare, geometry)?;
        if even && !movement.fills.is_empty() {
            phases.push(jobs(&movement.fills, movement.value.first().copied(), geometry));
        }
        (phases, spare_bytes)
    };
    if !even && !movement.fills.is_empty() {
        phases.extend(uneven_fill(&movement.fills, &movement.value, geometry));
    }
    let phases = phases.into_iter().map(|phase| schedule::order(phase, tiles)).collect();
    let bytes = movement.bytes() + movement.fills.iter().map(|span| span.bytes as usize).sum::<usize>();
    Ok(Plan { phases, bytes, limit_cycles: limit(movement, geometry), spare_bytes })
}

/// Phases of a movement that overlaps itself, and the spare bytes that they use. Elements that are in place may break
/// the others' regularity; then they had better move as well.
fn circular(
    movement: &Movement,
    spare: &[Range<u32>],
    geometry: &Geometry,
) -> Result<(Vec<Vec<Job>>, usize), SolveError> {
    let all = Movement { spans: [&movement.spans[..], &movement.kept].concat(), kept: Vec::new(), ..movement.clone() };
    let phases = |movement: &Movement| {
        let waves = waves(movement, spare, geometry)?;
        let phases: Vec<Vec<Job>> = waves.steps.iter().map(|spans| jobs(spans, None, geometry)).collect();
        Ok((phases, waves.spare))
    };
    if movement.kept.is_empty() {
        return phases(&all);
    }
    let cost = |(phases, _): &(Vec<Vec<Job>>, usize)| estimate(phases, geometry.tiles);
    match (phases(movement), phases(&all)) {
        (Ok(kept), Ok(moved)) => Ok(if cost(&moved) < cost(&kept) { moved } else { kept }),
        (kept, moved) => kept.or(moved),
    }
}

fn estimate(phases: &[Vec<Job>], tiles: usize) -> usize {
    phases.iter().map(|phase| schedule::length(phase, tiles)).sum()
}

/// Jobs of spans; the same bytes for several tiles at one address are sent once.
fn jobs(spans: &[Span], value: Option<u8>, geometry: &Geometry) -> Vec<Job> {
    let size = geometry.tile_bytes();
    let mut casts: BTreeMap<Nest, u32> = BTreeMap::new();
    let cycles = |job: &Job| job.beats + schedule::OVERHEAD;
    let cost = |nests: &[Nest]| -> usize {
        nests.iter().flat_map(|nest| emit::jobs(nest, 1, value, geometry)).map(|job| cycles(&job)).sum()
    };
    for nest in nest::fold(spans, size, cost) {
        let tile = nest.to as usize / size;
        let from = if value.is_some() { nest.from % size as u32 } else { nest.from };
        *casts.entry(Nest { from, to: nest.to % size as u32, ..nest }).or_default() |= 1 << tile;
    }
    let own = |nest: &Nest, targets: u32| {
        // A fill comes from the engine of its first target.
        let base = if value.is_some() { targets.trailing_zeros() * size as u32 } else { 0 };
        Nest { from: nest.from + base, ..nest.clone() }
    };
    casts.iter().flat_map(|(nest, &targets)| emit::jobs(&own(nest, targets), targets, value, geometry)).collect()
}

/// Fills with an element of different bytes: a seed is filled byte by byte, and copied.
fn uneven_fill(fills: &[Span], value: &[u8], geometry: &Geometry) -> [Vec<Job>; 2] {
    let (word, size) = (geometry.word_bytes() as u32, geometry.tile_bytes() as u32);
    let mut seeds: BTreeMap<u32, Span> = BTreeMap::new();
    for span in fills {
        let seed = seeds.entry(span.to / size).or_insert(*span);
        if span.bytes.min(word) > seed.bytes.min(word) {
            *seed = *span;
        }
    }
    for seed in seeds.values_mut() {
        seed.bytes = seed.bytes.min(word);
    }
    let mut first = Vec::new();
    for (lane, &byte) in value.iter().enumerate() {
        let of = |seed: &Span| {
            let at = (seed.to + lane as u32..seed.to + seed.bytes).step_by(value.len());
            at.map(|at| Span { from: at, to: at, bytes: 1 }).collect::<Vec<_>>()
        };
        let spans: Vec<Span> = seeds.values().flat_map(of).collect();
        first.extend(jobs(&spans, Some(byte), geometry));
    }
    let mut copies = Vec::new();
    for span in fills {
        let seed = seeds[&(span.to / size)];
        for at in (0..span.bytes).step_by(seed.bytes as usize) {
            let to = span.to + at;
            if to != seed.to {
                copies.push(Span { from: seed.to, to, bytes: seed.bytes.min(span.bytes - at) });
            }
        }
    }
    [first, jobs(&copies, None, geometry)]
}

/// Words of the busiest port: every byte of a source is read once, every byte of a target written once.
pub(crate) fn limit(movement: &Movement, geometry: &Geometry) -> usize {
    let size = geometry.tile_bytes();
    let mut read = vec![false; geometry.tiles * size];
    let mut written = vec![0; geometry.tiles];
    for span in &movement.spans {
        read[span.from as usize..][..span.bytes as usize].fill(true);
    }
    for span in movement.spans.iter().chain(&movement.fills) {
        written[span.to as usize / size] += span.bytes as usize;
    }
    let reads = read.chunks(size).map(|tile| tile.iter().filter(|&&read| read).count());
    reads.chain(written).max().unwrap_or(0).div_ceil(geometry.word_bytes())
}
