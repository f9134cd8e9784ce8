//! From layouts to a plan: where the target goes if nobody says, and what is spare.

use std::ops::Range;

use crate::plan::limit;
use crate::{Deal, Layout, Movement, Op, Placed, Plan, SolveError, plan};
use lacuna_spec::Geometry;

/// A movement between layouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is there; bases that are left open follow each other from address 0.
    pub sources: Vec<Layout>,
    /// What happens to it, in order.
    pub ops: Vec<Op>,
    /// What shall be there.
    pub target: Layout,
}

/// A plan, and where everything lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The base of each source.
    pub sources: Vec<usize>,
    /// The base of the target.
    pub target: usize,
    /// What moves.
    pub movement: Movement,
    /// How.
    pub plan: Plan,
}

/// The part of the tensor that may be spare memory, as a divisor: a quarter.
const SPARE: usize = 4;

/// Solves a problem. If the target's base is open, it goes where it takes the fewest cycles: over the source where
/// that leaves elements in place, beside it, or over it because there is no room.
///
/// # Errors
/// [`SolveError`].
pub fn solve(problem: &Problem, geometry: &Geometry) -> Result<Solution, SolveError> {
    let bases = source_bases(problem, geometry)?;
    within("the target", &problem.target, problem.target.base.unwrap_or(0), geometry)?;
    let candidates = match problem.target.base {
        Some(base) => vec![base],
        None => candidates(problem, &bases, geometry)?,
    };
    let mut best: Option<Solution> = None;
    let mut failure = SolveError::NoSpare;
    for target in candidates {
        let movement = movement(problem, &bases, target, geometry)?;
        let cost = |solution: &Solution| (solution.plan.estimate(geometry.tiles), solution.plan.bytes);
        // A circle costs far more than its ports: it is worth a look only where much stays in place.
        let hopeless = |best: &Solution| 4 * limit(&movement, geometry) > 3 * cost(best).0;
        if best.as_ref().is_some_and(hopeless) {
            continue;
        }
        match plan(&movement, &spare(problem, &bases, target, geometry), geometry) {
            Ok(plan) => {
                let solution = Solution { sources: bases.clone(), target, movement, plan };
                if best.as_ref().is_none_or(|best| cost(&solution) < cost(best)) {
                    best = Some(solution);
                }
            }
            Err(error) => failure = error,
        }
    }
    best.ok_or(failure)
}

/// What moves with the target at a base.
fn movement(problem: &Problem, bases: &[usize], target: usize, geometry: &Geometry) -> Result<Movement, SolveError> {
    let sources: Vec<Placed> =
        problem.sources.iter().zip(bases).map(|(layout, &base)| Placed { layout, base }).collect();
    let views = problem.ops.iter().all(|op| matches!(op, Op::Reshape(_)));
    match (sources.as_slice(), views) {
        // Seen from the layouts alone: no element needs a look.
        ([source], true) if source.base == target && source.layout.coincides(&problem.target) => {
            Ok(Movement::default())
        }
        _ => Movement::between(&sources, &problem.ops, Placed { layout: &problem.target, base: target }, geometry),
    }
}

fn within(what: &'static str, layout: &Layout, base: usize, geometry: &Geometry) -> Result<(), SolveError> {
    let (tiles, available) = (geometry.tiles, geometry.tile_bytes());
    if layout.tiles.end > tiles {
        return Err(SolveError::Tiles { what, last: layout.tiles.end - 1, tiles });
    }
    let needed = layout.footprint();
    if base + needed > available {
        return Err(SolveError::Memory { what, base, needed, available });
    }
    Ok(())
}

fn source_bases(problem: &Problem, geometry: &Geometry) -> Result<Vec<usize>, SolveError> {
    let word = geometry.word_bytes();
    let mut next = 0;
    let mut bases = Vec::new();
    let mut taken = vec![false; geometry.tiles * geometry.tile_bytes()];
    for layout in &problem.sources {
        let base = layout.base.unwrap_or(next);
        within("a source", layout, base, geometry)?;
        next = (base + layout.footprint()).next_multiple_of(word);
        for range in regions(layout, base, geometry) {
            for at in range {
                if std::mem::replace(&mut taken[at as usize], true) {
                    let (tile, address) = (at as usize / geometry.tile_bytes(), at as usize % geometry.tile_bytes());
                    return Err(SolveError::Overlap { tile, address });
                }
            }
        }
        bases.push(base);
    }
    Ok(bases)
}

/// What a layout takes in each tile.
fn regions(layout: &Layout, base: usize, geometry: &Geometry) -> Vec<Range<u32>> {
    let size = geometry.tile_bytes();
    let at = |tile: usize| (tile * size + base) as u32..(tile * size + base + layout.footprint()) as u32;
    layout.tiles.clone().map(at).collect()
}

/// Bases that may be good: beyond the sources or before them, else over them; and where most elements stay in place.
fn candidates(problem: &Problem, bases: &[usize], geometry: &Geometry) -> Result<Vec<usize>, SolveError> {
    let (size, word) = (geometry.tile_bytes(), geometry.word_bytes());
    let room = size - problem.target.footprint();
    let end = |(layout, base): (&Layout, &usize)| (base + layout.footprint()).next_multiple_of(word);
    let beyond = problem.sources.iter().zip(bases).map(end).max().unwrap_or(0);
    let before = bases.iter().copied().min().unwrap_or(0);
    let mut candidates = if beyond <= room {
        vec![beyond]
    } else if problem.target.footprint() <= before {
        vec![0]
    } else {
        vec![before.min(room), 0]
    };
    if problem.target.deal != Deal::Copies {
        candidates.extend(most_in_place(problem, bases, geometry)?.filter(|&base| base <= room));
    }
    candidates.dedup();
    Ok(candidates)
}

/// The base that leaves most elements where they are, if any.
fn most_in_place(
    problem: &Problem,
    bases: &[usize],
    geometry: &Geometry,
) -> Result<impl Iterator<Item = usize>, SolveError> {
    let size = geometry.tile_bytes() as u32;
    let movement = movement(problem, bases, 0, geometry)?;
    let mut votes: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
    let still = problem.target.bytes().saturating_sub(movement.bytes()) as u32;
    votes.insert(0, still);
    for span in movement.spans.iter().filter(|span| span.from / size == span.to / size && span.from > span.to) {
        *votes.entry(span.from - span.to).or_default() += span.bytes;
    }
    let best = votes.into_iter().max_by_key(|&(base, votes)| (votes, std::cmp::Reverse(base)));
    Ok(best.filter(|&(_, votes)| votes > 0).map(|(base, _)| base as usize).into_iter())
}

/// Memory that is neither source nor target: as much as a quarter of the larger tensor (or a word, if that is more), an
/// equal part of each of the target's tiles first.
fn spare(problem: &Problem, bases: &[usize], target: usize, geometry: &Geometry) -> Vec<Range<u32>> {
    let (tiles, size) = (geometry.tiles, geometry.tile_bytes());
    let mut taken = vec![false; tiles * size];
    let placed = problem.sources.iter().zip(bases.iter().copied()).chain([(&problem.target, target)]);
    for range in placed.flat_map(|(layout, base)| regions(layout, base, geometry)) {
        taken[range.start as usize..range.end as usize].fill(true);
    }
    let tensor = problem.target.bytes().max(problem.sources.iter().map(Layout::bytes).sum());
    let mut left = (tensor / SPARE).max(geometry.word_bytes());
    let holders: Vec<usize> = problem.target.tiles.clone().collect();
    let share = left.div_ceil(holders.len());
    let others = (0..tiles).filter(|tile| !holders.contains(tile));
    let mut spare = Vec::new();
    let turns = holders.iter().map(|&tile| (tile, share)).chain(others.map(|tile| (tile, usize::MAX)));
    for (tile, most) in turns {
        let mut most = most.min(left);
        // From the top: what is free lies mostly there, and in one piece.
        let free: Vec<usize> = (tile * size..(tile + 1) * size).rev().filter(|&at| !taken[at]).collect();
        most = most.min(free.len());
        let mut places: Vec<usize> = free[..most].to_vec();
        places.reverse();
        left -= most;
        for run in places.chunk_by(|a, b| a + 1 == *b) {
            spare.push(run[0] as u32..run[run.len() - 1] as u32 + 1);
        }
    }
    spare
}
