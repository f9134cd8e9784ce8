//! Jobs as plain loops over indices, and random ones.

use lacuna_sim::testing::Rng;
use lacuna_spec::{
    Geometry,
    instr::{Head, LINEAR, Opcode, Reshape},
};
use rand::{Rng as _, seq::IndexedRandom as _};

/// One job: the tile whose engine runs it, and its instruction.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    pub tile: usize,
    pub head: Head,
    pub reshape: Reshape,
}

impl Job {
    /// A job without offsets.
    pub fn new(tile: usize, targets: i64, reshape: Reshape) -> Self {
        let head = Head { opcode: Opcode::Reshape as i64, tiles: 1 << tile, targets, ..Head::default() };
        Self { tile, head, reshape }
    }

    pub fn counts(&self) -> [i64; 5] {
        let r = &self.reshape;
        [r.count_0, r.count_1, r.count_2, r.count_3, r.count_4]
    }

    fn steps(&self) -> [(i64, i64); 5] {
        let r = &self.reshape;
        [
            (r.source_step_0, r.target_step_0),
            (r.source_step_1, r.target_step_1),
            (r.source_step_2, r.target_step_2),
            (r.source_step_3, r.target_step_3),
            (r.source_step_4, r.target_step_4),
        ]
    }

    /// Bytes that stay together.
    pub fn run(&self) -> i64 {
        self.reshape.run()
    }

    /// Source and target address of every run of bytes, by the definition: start + sum of index * step.
    pub fn runs(&self, offsets: [i64; 2]) -> Vec<(i64, i64)> {
        let moved = |flag: i64, offset: i64| flag * offset;
        let start = (
            self.reshape.source + moved(self.head.from_input, offsets[0]),
            self.reshape.target + moved(self.head.to_output, offsets[1]),
        );
        (0..self.counts().iter().product())
            .map(|mut number: i64| {
                let mut at = start;
                for (count, step) in self.counts().into_iter().zip(self.steps()) {
                    at.0 += number % count * step.0;
                    at.1 += number % count * step.1;
                    number /= count;
                }
                at
            })
            .collect()
    }

    /// Copies byte by byte.
    pub fn apply(&self, memories: &mut [Vec<u8>], offsets: [i64; 2]) {
        let size = memories[0].len() as i64;
        for (from, to) in self.runs(offsets) {
            for k in 0..self.run() {
                let byte = if self.reshape.fill == 1 {
                    self.reshape.value as u8
                } else {
                    memories[self.tile][(from + k).rem_euclid(size) as usize]
                };
                for target in (0..memories.len()).filter(|t| self.head.targets >> t & 1 == 1) {
                    memories[target][(to + k).rem_euclid(size) as usize] = byte;
                }
            }
        }
    }

    /// Moves it so that it reads within `source` and writes within `target`, both ranges of bytes, without
    /// wrapping; `None` if it is too large, or if it transposes, in an order of its own, and writes a byte twice.
    fn placed(mut self, rng: &mut Rng, source: (i64, i64), target: (i64, i64)) -> Option<Self> {
        let (runs, run) = (self.runs([0, 0]), self.run());
        let (mut from, mut to): (Vec<i64>, Vec<i64>) = runs.into_iter().unzip();
        from.sort_unstable();
        to.sort_unstable();
        let mut place = |sorted: &[i64], range: (i64, i64)| {
            let (low, high) = (range.0 - sorted[0], range.1 - run - sorted[sorted.len() - 1]);
            (low <= high).then(|| rng.random_range(low..=high))
        };
        self.reshape.source = place(&from, source)?;
        self.reshape.target = place(&to, target)?;
        (self.reshape.transpose == 0 || to.windows(2).all(|pair| pair[1] - pair[0] >= run)).then_some(self)
    }
}

/// A job of `tile` that reads `source` and writes `target`, both ranges of bytes.
pub fn random(
    rng: &mut Rng,
    g: &Geometry,
    tile: usize,
    source: (i64, i64),
    target: (i64, i64),
    offsets: [i64; 2],
) -> Job {
    let size = g.tile_bytes() as i64;
    loop {
        let transposing = g.transposer && rng.random_bool(0.6);
        let shape = match rng.random_range(0..4) {
            0 if transposing => linear(blocks(rng, g), rng, g),
            _ if transposing => blocks(rng, g),
            _ => beats(rng, g),
        };
        let reshape = Reshape {
            fill: i64::from(rng.random_bool(0.1)),
            value: rng.random_range(-128..128),
            capacity: *[0, 0, 1, 2, 5, 15, 16, 17, 255].choose(rng).expect("some"),
            ..shape
        };
        let job = Job::new(tile, rng.random_range(1..1 << g.tiles), reshape);
        if let Some(plain) = job.placed(rng, source, target) {
            let flags = [rng.random_range(0..2), rng.random_range(0..2)];
            let reshape = plain.reshape;
            return Job {
                reshape: Reshape {
                    source: (reshape.source - flags[0] * offsets[0]).rem_euclid(size),
                    target: (reshape.target - flags[1] * offsets[1]).rem_euclid(size),
                    ..reshape
                },
                head: Head { from_input: flags[0], to_output: flags[1], ..plain.head },
                tile,
            };
        }
    }
}

fn beats(rng: &mut Rng, g: &Geometry) -> Reshape {
    let mut count = || *[1, 1, 2, 3, 5].choose(rng).expect("some");
    let counts = [count() * 3, count(), count(), count(), count()];
    let mut step = || rng.random_range(-40..=40);
    let steps: Vec<i64> = (0..10).map(|_| step()).collect();
    Reshape {
        bytes: rng.random_range(1..=g.word_bytes() as i64),
        count_0: counts[0],
        count_1: counts[1],
        count_2: counts[2],
        count_3: counts[3],
        count_4: counts[4],
        source_step_0: steps[0],
        source_step_1: steps[1],
        source_step_2: steps[2],
        source_step_3: steps[3],
        source_step_4: steps[4],
        target_step_0: steps[5],
        target_step_1: steps[6],
        target_step_2: steps[7],
        target_step_3: steps[8],
        target_step_4: steps[9],
        ..Reshape::default()
    }
}

/// Matrices up to three blocks high and wide, a few of them, their rows near each other or apart.
fn blocks(rng: &mut Rng, g: &Geometry) -> Reshape {
    let element = rng.random_range(0..3);
    let (unit, block) = (1 << element, g.word_bytes() as i64 >> element);
    let mut count = || {
        let most = *[block / 2, block, 2 * block, 3 * block].choose(rng).expect("some");
        rng.random_range(1..=most)
    };
    let (c, r) = (count(), count());
    let mut sign = |step: i64| if rng.random_bool(0.3) { -step } else { step };
    let mut pitches = [sign(c * unit), sign(r * unit)];
    for pitch in &mut pitches {
        *pitch += pitch.signum() * [0, 0, rng.random_range(0..9)][rng.random_range(0..3)];
    }
    let mut outer = || *[1, 1, 1, 2, 3].choose(rng).expect("some");
    let outer = [outer(), outer(), outer()];
    let mut steps = [0; 6];
    let (mut from, mut to) = (pitches[0].abs() * r, pitches[1].abs() * c);
    for (level, count) in outer.into_iter().enumerate() {
        steps[2 * level] = if rng.random_bool(0.3) { -from } else { rng.random_range(-from..=from) };
        steps[2 * level + 1] = if rng.random_bool(0.3) { -to } else { to };
        (from, to) = (from * count, to * count);
    }
    Reshape {
        bytes: rng.random_range(0..=31),
        element,
        transpose: 1,
        count_0: c,
        count_1: r,
        count_2: outer[0],
        count_3: outer[1],
        count_4: outer[2],
        source_step_0: unit,
        source_step_1: pitches[0],
        target_step_0: pitches[1],
        target_step_1: unit,
        source_step_2: steps[0],
        target_step_2: steps[1],
        source_step_3: steps[2],
        target_step_3: steps[3],
        source_step_4: steps[4],
        target_step_4: steps[5],
        ..Reshape::default()
    }
}

/// One that is linear, in the nesting of another transpose.
fn linear(other: Reshape, rng: &mut Rng, g: &Geometry) -> Reshape {
    let word = g.word_bytes() as i64;
    let c = 2 * rng.random_range(0..16) + 1;
    let r = rng.random_range(1..=word.min(word * word / c));
    let pitch = r + rng.random_range(0..4);
    Reshape {
        element: LINEAR,
        bytes: (c * r + word - 1) / word,
        count_0: c,
        count_1: r,
        source_step_0: 1,
        source_step_1: c,
        target_step_0: if rng.random_bool(0.3) { -pitch } else { pitch },
        target_step_1: 1,
        target_step_2: other.target_step_2.signum() * pitch * c,
        target_step_3: other.target_step_3.signum() * pitch * c * other.count_2,
        target_step_4: other.target_step_4.signum() * pitch * c * other.count_2 * other.count_3,
        ..other
    }
}
