//! Random problems, chips that run their plans, and what must come out.

#![allow(dead_code, missing_docs)]

use lacuna_golden::Chip;
use lacuna_reshape::reference::{Tensor, apply};
use lacuna_reshape::{Deal, Factor, Job, Layout, Op, Piece, Problem, Solution, solve};
use lacuna_spec::{Geometry, map};
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};

pub type Rng = rand_chacha::ChaCha8Rng;

/// Runs a test on a fresh seed or on `LACUNA_SEED`, and prints it.
pub fn randomised(name: &str, test: impl Fn(&mut Rng)) {
    let seed = std::env::var("LACUNA_SEED")
        .map_or_else(|_| rand::rng().random::<u64>() >> 16, |text| text.parse().expect("a decimal number"));
    println!("{name}: seed {seed} (LACUNA_SEED={seed} runs it again)");
    test(&mut Rng::seed_from_u64(seed));
}

/// The memories before and after: what every solution must do, whatever runs it.
pub struct Case {
    pub problem: Problem,
    pub solution: Solution,
    pub before: Vec<u8>,
    expected: Vec<(usize, u8)>,
}

impl Case {
    /// Solves a problem over random contents.
    pub fn new(problem: Problem, geometry: &Geometry, rng: &mut Rng) -> Self {
        let before = (0..geometry.tiles * geometry.tile_bytes()).map(|_| rng.random()).collect();
        Self::over(before, problem, geometry)
    }

    /// Solves a problem over these contents; where a source has copies, they are made alike.
    pub fn over(mut before: Vec<u8>, problem: Problem, geometry: &Geometry) -> Self {
        let size = geometry.tile_bytes();
        let solution = solve(&problem, geometry).unwrap_or_else(|error| panic!("{problem:?}: {error}"));
        let mut sources = Vec::new();
        for (layout, &base) in problem.sources.iter().zip(&solution.sources) {
            let places = layout.addresses(size, base);
            let element = |&at: &u32| before[at as usize..][..layout.element].to_vec();
            sources.push(Tensor { shape: layout.shape.clone(), values: places.iter().map(element).collect() });
            if layout.deal == Deal::Copies {
                for copy in 1..layout.tiles.len() {
                    for &at in &places {
                        let (from, to) = (at as usize, at as usize + copy * size);
                        before.copy_within(from..from + layout.element, to);
                    }
                }
            }
        }
        let padding = |value: i64| value.to_le_bytes()[..problem.target.element].to_vec();
        let result = apply(&sources, &problem.ops, padding).expect("the solver took it");
        let target = problem.target.addresses(size, solution.target);
        let copies = if problem.target.deal == Deal::Copies { problem.target.tiles.len() } else { 1 };
        let mut expected = Vec::new();
        for (bytes, at) in result.values.iter().zip(target) {
            for copy in 0..copies {
                expected.extend(bytes.iter().enumerate().map(|(k, &byte)| (at as usize + copy * size + k, byte)));
            }
        }
        Self { problem, solution, before, expected }
    }

    /// Panics if a byte is not what it should be, or one changed that is not the target's, the sources' or spare.
    pub fn check(&self, after: &[u8], size: usize) {
        for &(at, byte) in &self.expected {
            assert!(
                after[at] == byte,
                "byte {at} (tile {}, address {}) is {} instead of {byte}: {:?} {:?}",
                at / size,
                at % size,
                after[at],
                self.problem,
                self.solution
            );
        }
        let sources: usize = self.problem.sources.iter().map(Layout::bytes).sum();
        let quarter = (sources.max(self.problem.target.bytes()) / 4).max(16);
        assert!(self.solution.plan.spare_bytes <= quarter, "{} bytes of spare", self.solution.plan.spare_bytes);
        if !self.problem.target.order.iter().any(|factor| factor.block.is_some()) && self.solution.plan.spare_bytes == 0
        {
            let mut changed: Vec<bool> = self.before.iter().zip(after).map(|(a, b)| a != b).collect();
            self.expected.iter().for_each(|&(at, _)| changed[at] = false);
            assert_eq!(changed.iter().position(|&changed| changed), None, "{:?} {:?}", self.problem, self.solution);
        }
    }
}

/// Runs jobs one after the other, element by element, as the descriptor's definition says.
pub fn interpret(solution: &Solution, memory: &mut [u8], geometry: &Geometry) {
    for job in solution.plan.jobs() {
        run(job, memory, geometry.tile_bytes());
    }
}

fn run(job: &Job, memory: &mut [u8], size: usize) {
    let r = &job.reshape;
    let bytes = r.run() as usize;
    if r.transpose == 1 {
        assert_eq!((r.source_step_0, r.target_step_1), (bytes as i64, bytes as i64));
    }
    let old = memory.to_vec();
    let read = |at: i64, memory: &[u8]| {
        assert!(at >= 0 && at as usize + bytes <= size, "a read leaves the memory");
        assert!(job.reads.contains(&(at as usize)) && job.reads.contains(&(at as usize + bytes - 1)));
        // The transposer reads a block before it writes it, so a job of it must not read what it writes.
        let from = if r.transpose == 1 { &old } else { memory };
        from[job.source * size + at as usize..][..bytes].to_vec()
    };
    for i4 in 0..r.count_4 {
        for i3 in 0..r.count_3 {
            for i2 in 0..r.count_2 {
                for i1 in 0..r.count_1 {
                    for i0 in 0..r.count_0 {
                        let step = |s0, s1, s2, s3, s4| i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3 + i4 * s4;
                        let from = r.source
                            + step(r.source_step_0, r.source_step_1, r.source_step_2, r.source_step_3, r.source_step_4);
                        let to = r.target
                            + step(r.target_step_0, r.target_step_1, r.target_step_2, r.target_step_3, r.target_step_4);
                        let data = if r.fill == 1 { vec![r.value as u8; bytes] } else { read(from, memory) };
                        assert!(to >= 0 && to as usize + bytes <= size, "a write leaves the memory");
                        assert!(job.writes.contains(&(to as usize)) && job.writes.contains(&(to as usize + bytes - 1)));
                        for tile in (0..32).filter(|tile| job.targets >> tile & 1 == 1) {
                            memory[tile * size + to as usize..][..bytes].copy_from_slice(&data);
                        }
                    }
                }
            }
        }
    }
}

/// Runs a plan on the golden chip, in as many programs as it takes; returns the memories and the engines' cycles.
pub fn golden(case: &Case, geometry: &Geometry) -> (Vec<u8>, u64) {
    let word = geometry.word_bytes();
    let mut chip = Chip::new(*geometry);
    for (tile, bytes) in case.before.chunks(geometry.tile_bytes()).enumerate() {
        for (at, beat) in bytes.chunks(word).enumerate() {
            chip.write_beat(map::tile_word(tile, at), beat).unwrap();
        }
    }
    let mut cycles = 0;
    for program in case.solution.plan.programs(geometry) {
        for (at, instr) in program.iter().enumerate() {
            let bytes = instr.pack().unwrap_or_else(|error| panic!("{error}: {instr:?}"));
            for (beat, bytes) in bytes.chunks(word).enumerate() {
                let place = map::Region::Program.at((at * geometry.instr_beats() + beat) as u32);
                chip.write_beat(place, bytes).unwrap();
            }
        }
        let report = chip.run(0).unwrap_or_else(|error| panic!("{error}: {:?}", case.problem));
        let first = report.jobs.iter().map(|job| job.record.start).min();
        let last = report.jobs.iter().map(|job| job.record.start + job.record.cycles).max();
        cycles += u64::from(last.unwrap_or(0) - first.unwrap_or(0));
    }
    let read = |tile: usize| (0..geometry.tile_words).map(move |at| (tile, at));
    let words = (0..geometry.tiles).flat_map(read);
    (words.flat_map(|(tile, at)| chip.read_beat(map::tile_word(tile, at)).unwrap()).collect(), cycles)
}

fn extents(rng: &mut Rng, rank: usize, most: usize) -> Vec<usize> {
    loop {
        let shape: Vec<usize> = (0..rank).map(|_| *[1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 19].choose(rng).unwrap()).collect();
        if shape.iter().product::<usize>() <= most {
            return shape;
        }
    }
}

/// A random layout of a shape; its base is left open or set.
pub fn layout(rng: &mut Rng, shape: &[usize], element: usize, tiles: usize) -> Layout {
    let mut order: Vec<Factor> = (0..shape.len()).map(|dim| Factor { dim, block: None }).collect();
    if rng.random_bool(0.6) {
        order.shuffle(rng);
    }
    if rng.random_bool(0.2) {
        let dim = rng.random_range(0..shape.len());
        if shape[dim] > 1 {
            let block = *[2, 3, 4, 8].choose(rng).unwrap();
            order.push(Factor { dim, block: Some(block) });
        }
    }
    let first = rng.random_range(0..tiles);
    let count = rng.random_range(1..=tiles - first);
    let deal = match rng.random_range(0..6) {
        0 => Deal::Dim(rng.random_range(0..shape.len())),
        1 if rng.random_bool(0.3) => Deal::Copies,
        _ => Deal::Outermost,
    };
    Layout { shape: shape.to_vec(), order, element, tiles: first..first + count, deal, base: None }
}

fn op(rng: &mut Rng, shape: &[usize], most: usize) -> Op {
    let rank = shape.len();
    let total: usize = shape.iter().product();
    match rng.random_range(0..8) {
        0 | 1 => {
            let mut order: Vec<usize> = (0..rank).collect();
            order.shuffle(rng);
            Op::Transpose(order)
        }
        2 => {
            let piece = |&size: &usize, rng: &mut Rng| {
                let step: i64 = *[1, 1, 1, 2, 3, -1, -2].choose(rng).unwrap();
                let start = rng.random_range(0..size);
                let room = if step > 0 { size - 1 - start } else { start };
                Piece { start, count: rng.random_range(1..=room / step.unsigned_abs() as usize + 1), step }
            };
            Op::Slice(shape.iter().map(|size| piece(size, rng)).collect())
        }
        3 => {
            let pads = |rng: &mut Rng| (0..rank).map(|_| *[0, 0, 1, 2, 3].choose(rng).unwrap()).collect();
            Op::Pad { before: pads(rng), after: pads(rng), value: *[0, -1, 5, 0x1234_5678].choose(rng).unwrap() }
        }
        4 => {
            let axis = rng.random_range(0..rank);
            let at = (0..rng.random_range(1..=2 * shape[axis])).map(|_| rng.random_range(0..shape[axis])).collect();
            Op::Gather { axis, at }
        }
        5 => Op::Tile((0..rank).map(|_| *[1, 1, 2, 3].choose(rng).unwrap()).collect()),
        6 => {
            let grown = shape.iter().map(|&size| if size == 1 { *[1, 2, 3, 5].choose(rng).unwrap() } else { size });
            Op::Expand(grown.collect())
        }
        _ if rank == 4 && shape[2..].iter().all(|size| size.is_multiple_of(2)) => Op::SpaceToDepth(2),
        _ if rank == 4 && shape[1].is_multiple_of(4) => Op::DepthToSpace(2),
        _ => Op::Reshape(reshaped(rng, total.min(most).max(total))),
    }
}

/// A random shape of so many elements.
fn reshaped(rng: &mut Rng, total: usize) -> Vec<usize> {
    let mut shape = vec![1; rng.random_range(1..=6)];
    let mut left = total;
    for prime in [2, 3, 5, 7, 11, 13, 17, 19] {
        while left.is_multiple_of(prime) {
            let dim = rng.random_range(0..shape.len());
            shape[dim] *= prime;
            left /= prime;
        }
    }
    *shape.last_mut().unwrap() *= left;
    shape
}

/// A random problem that fits; at most `most` elements on each side.
pub fn problem(rng: &mut Rng, geometry: &Geometry, most: usize) -> Problem {
    loop {
        let element = *[1, 1, 2, 4].choose(rng).unwrap();
        let rank = rng.random_range(1..=6);
        let shape = extents(rng, rank, most);
        let mut sources = vec![layout(rng, &shape, element, geometry.tiles)];
        let mut ops = Vec::new();
        let mut present = shape.clone();
        if rng.random_bool(0.15) {
            let axis = rng.random_range(0..rank);
            for _ in 0..rng.random_range(1..3) {
                let mut other = shape.clone();
                other[axis] = rng.random_range(1..6);
                sources.push(layout(rng, &other, element, geometry.tiles));
            }
            present[axis] = sources.iter().map(|source| source.shape[axis]).sum();
            ops.push(Op::Concat(axis));
        }
        for _ in 0..rng.random_range(0..3) {
            let op = op(rng, &present, most);
            let padded = ops.iter().any(|op| matches!(op, Op::Pad { .. })) && matches!(op, Op::Pad { .. });
            match op.shape(&[&present]) {
                Ok(next) if !padded && next.iter().product::<usize>() <= most && next.len() <= 8 => {
                    present = next;
                    ops.push(op);
                }
                _ => {}
            }
        }
        let shape = if rng.random_bool(0.3) { reshaped(rng, present.iter().product()) } else { present };
        let mut target = layout(rng, &shape, element, geometry.tiles);
        let size = geometry.tile_bytes();
        let taken: usize =
            sources.iter().map(|source| source.footprint().next_multiple_of(geometry.word_bytes())).sum();
        if taken > size || target.footprint() > size {
            continue;
        }
        match rng.random_range(0..4) {
            // Over the source, or beyond it by little: in place.
            0 => target.base = Some(0),
            1 => target.base = Some(rng.random_range(0..=(size - target.footprint()).min(40))),
            _ => {}
        }
        let quarter_free =
            taken.max(target.base.unwrap_or(0) + target.footprint()) + target.bytes().max(taken) / 4 + 16 <= size;
        if quarter_free {
            return Problem { sources, ops, target };
        }
    }
}
