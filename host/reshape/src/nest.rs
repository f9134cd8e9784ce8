//! Spans folded into nested loops.

use std::collections::BTreeMap;

use crate::Span;

/// One loop over both sides of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loop {
    /// How often it runs, at least 2.
    pub count: u32,
    /// Bytes from one round to the next at the source.
    pub from: i32,
    /// The same at the target.
    pub to: i32,
}

/// A run of bytes, repeated by loops, innermost first. All its bytes are of one tile, and go to one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nest {
    /// Where the first run comes from.
    pub from: u32,
    /// Where it goes.
    pub to: u32,
    /// Bytes of a run.
    pub run: u32,
    /// The loops.
    pub loops: Vec<Loop>,
}

impl Nest {
    /// Bytes that it moves.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.run as usize * self.rounds()
    }

    /// Runs that it has.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.loops.iter().map(|l| l.count as usize).product()
    }

    /// The innermost loop made part of the run, if it only steps from byte to byte.
    fn with_whole_runs(mut self) -> Self {
        let beside = |l: &Loop| (l.from, l.to) == (self.run as i32, self.run as i32);
        if let Some(at) = self.loops.iter().position(beside) {
            self.run *= self.loops.remove(at).count;
            return self.with_whole_runs();
        }
        self
    }
}

/// The shape of a nest: everything but its place.
type Shape = (usize, u32, Vec<Loop>);

/// Nests that cover the spans: runs of one shape at equal distances become a loop, again and again.
///
/// Spans of different pairs of tiles are kept apart. Of several ways to fold those of a pair, the one of least `cost` is taken.
#[must_use]
pub fn fold(spans: &[Span], tile_bytes: usize, cost: impl Fn(&[Nest]) -> usize) -> Vec<Nest> {
    let mut pairs: BTreeMap<(u32, u32), Vec<Span>> = BTreeMap::new();
    for span in spans {
        let tile = |at: u32| at / tile_bytes as u32;
        pairs.entry((tile(span.from), tile(span.to))).or_default().push(*span);
    }
    pairs.into_values().flat_map(|spans| fold_pair(spans, tile_bytes, &cost)).collect()
}

/// Folds along the target and along the source, whole runs and single elements: where the end of one row happens to
/// lie beside the start of the next on both sides, longer runs hide the loops.
fn fold_pair(mut spans: Vec<Span>, tile_bytes: usize, cost: &impl Fn(&[Nest]) -> usize) -> Vec<Nest> {
    let mut best: Option<(usize, Vec<Nest>)> = None;
    for whole in [true, false] {
        let orders: [fn(&Place) -> Place; 2] = [|&(from, to)| (to, from), |&place| place];
        for order in orders {
            spans.sort_unstable_by_key(|span| order(&(span.from, span.to)));
            let runs = if whole { joined(&spans, tile_bytes) } else { single(&spans) };
            let nests = fold_in_order(&runs, order);
            if nests.len() == 1 {
                return nests;
            }
            let cost = cost(&nests);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, nests));
            }
        }
    }
    best.map(|(_, nests)| nests).unwrap_or_default()
}

fn joined(spans: &[Span], tile_bytes: usize) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        crate::movement::append(&mut runs, *span, tile_bytes as u32);
    }
    runs
}

/// All spans in pieces of one size: the largest that divides them all.
fn single(spans: &[Span]) -> Vec<Span> {
    let divisor = |mut a: u32, mut b: u32| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let bytes = spans.iter().map(|span| span.bytes).fold(0, divisor).max(1);
    let pieces = |span: &Span| {
        let (from, to) = (span.from, span.to);
        (0..span.bytes).step_by(bytes as usize).map(move |at| Span { from: from + at, to: to + at, bytes })
    };
    spans.iter().flat_map(pieces).collect()
}

fn fold_in_order(runs: &[Span], order: fn(&Place) -> Place) -> Vec<Nest> {
    let mut open: BTreeMap<Shape, Vec<(u32, u32)>> = BTreeMap::new();
    for span in runs {
        open.entry((0, span.bytes, Vec::new())).or_default().push((span.from, span.to));
    }
    let mut nests = Vec::new();
    // Shapes with fewer loops come first, so that a shape is whole when its turn comes.
    while let Some(((depth, run, loops), mut places)) = open.pop_first() {
        places.sort_unstable_by_key(order);
        let (groups, single) = group(places);
        for (first, count, step) in groups {
            let mut longer = loops.clone();
            push_loop(&mut longer, Loop { count, from: step.0, to: step.1 });
            open.entry((depth + 1, run, longer)).or_default().push(first);
        }
        nests.extend(
            single.into_iter().map(|(from, to)| Nest { from, to, run, loops: loops.clone() }.with_whole_runs()),
        );
    }
    nests
}

/// Adds an outer loop, as a part of the last one if it continues it.
fn push_loop(loops: &mut Vec<Loop>, outer: Loop) {
    match loops.last_mut() {
        Some(inner)
            if i64::from(outer.from) == i64::from(inner.from) * i64::from(inner.count)
                && i64::from(outer.to) == i64::from(inner.to) * i64::from(inner.count) =>
        {
            inner.count *= outer.count;
        }
        _ => loops.push(outer),
    }
}

type Place = (u32, u32);
type Group = (Place, u32, (i32, i32));

fn distance(a: Place, b: Place) -> (i32, i32) {
    (b.0.wrapping_sub(a.0) as i32, b.1.wrapping_sub(a.1) as i32)
}

/// Places at equal distances, and those that are left: neighbours first, then every second, third, ... of the rest.
fn group(places: Vec<Place>) -> (Vec<Group>, Vec<Place>) {
    let mut groups = Vec::new();
    let mut left = places;
    let mut stride = 1;
    while stride <= 16 && left.len() > stride {
        let mut single = vec![false; left.len()];
        let found = groups.len();
        for phase in 0..stride {
            let taken: Vec<usize> = (phase..left.len()).step_by(stride).collect();
            neighbours(&left, &taken, stride, &mut groups, &mut single);
        }
        left = left.into_iter().zip(single).filter_map(|(place, single)| single.then_some(place)).collect();
        if groups.len() == found {
            stride += 1;
        } else {
            stride = 1;
        }
    }
    (groups, left)
}

/// Groups of at least two neighbours, or three where `stride` makes neighbours of strangers.
fn neighbours(places: &[Place], taken: &[usize], stride: usize, groups: &mut Vec<Group>, single: &mut [bool]) {
    let least = if stride == 1 { 2 } else { 3 };
    let run = |at: usize| {
        let Some(&next) = taken.get(at + 1) else { return (1, (0, 0)) };
        let step = distance(places[taken[at]], places[next]);
        let same = taken[at + 1..].windows(2).take_while(|pair| distance(places[pair[0]], places[pair[1]]) == step);
        (2 + same.count(), step)
    };
    let mut at = 0;
    while at < taken.len() {
        let (count, step) = run(at);
        // A pair must not take the first of a longer group.
        if count < least || (count == 2 && at + 2 < taken.len() && run(at + 1).0 > 2) {
            single[taken[at]] = true;
            at += 1;
            continue;
        }
        groups.push((places[taken[at]], count as u32, step));
        at += count;
    }
}
