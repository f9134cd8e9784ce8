//! Reshape engines, route and tile memories: RTL against golden in every cycle, and both against a
//! plain copy.

use lacuna_golden::{
    memory::TileMemory,
    reshape::{Fabric, FabricCycle},
};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, Instr, Opcode, Reshape},
};
use rand::{Rng as _, seq::IndexedRandom as _};

const LIMIT: u64 = 100_000;

/// One job: the tile whose engine runs it, and its instruction.
struct Job {
    tile: usize,
    head: Head,
    reshape: Reshape,
}

impl Job {
    fn counts(&self) -> [i64; 5] {
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

    /// Source and target address of every beat, by the definition: start + sum of index * step.
    fn beats(&self, offsets: [i64; 2]) -> Vec<(i64, i64)> {
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

    /// Copies beat by beat.
    fn apply(&self, memories: &mut [Vec<u8>], offsets: [i64; 2]) {
        let size = memories[0].len() as i64;
        for (from, to) in self.beats(offsets) {
            for k in 0..self.reshape.bytes {
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
}

/// RTL and golden side by side.
struct Bench {
    geometry: Geometry,
    dut: Model,
    fabric: Fabric,
    memories: Vec<TileMemory>,
    offsets: [i64; 2],
    cycle: u64,
}

impl Bench {
    fn new(geometry: Geometry, mut dut: Model, rng: &mut Rng) -> Self {
        for port in [
            "start_i",
            "feed_i",
            "post_i",
            "host_rd_i",
            "host_addr_i",
            "post_addr_i",
        ] {
            dut.set(port, 0);
        }
        dut.reset();
        let size = geometry.tile_bytes() as i64;
        let offsets = [rng.random_range(0..size), rng.random_range(0..size)];
        dut.set("input_offset_i", offsets[0] as u64);
        dut.set("output_offset_i", offsets[1] as u64);
        let memories = vec![TileMemory::new(&geometry); geometry.tiles];
        let mut bench = Self {
            geometry,
            dut,
            fabric: Fabric::new(&geometry),
            memories,
            offsets,
            cycle: 0,
        };
        for word in 0..geometry.tile_words {
            for tile in 0..geometry.tiles {
                let data: Vec<u8> = (0..geometry.word_bytes()).map(|_| rng.random()).collect();
                bench.post(tile, word * geometry.word_bytes(), &data);
                bench.step(0, 1 << tile, &[]);
            }
        }
        bench.settle();
        bench
    }

    /// Lets the last writes land.
    fn settle(&mut self) {
        for _ in 0..2 {
            self.step(0, 0, &[]);
        }
    }

    /// What post writes in the next cycle in which it writes.
    fn post(&mut self, tile: usize, addr: usize, data: &[u8]) {
        self.dut.set("post_addr_i", addr as u64);
        self.dut.set_words("post_data_i", &words(data));
        self.memories[tile].write(addr, data);
    }

    /// One cycle on both, with every output compared.
    fn step(&mut self, feed: u8, post: u8, start: &[&Job]) -> FabricCycle {
        self.dut.set("feed_i", u64::from(feed));
        self.dut.set("post_i", u64::from(post));
        self.dut
            .set("start_i", start.iter().map(|job| 1 << job.tile).sum());
        if let Some(job) = start.first() {
            let bytes = Instr::Reshape(job.head, job.reshape)
                .pack()
                .expect("the fields fit");
            self.dut.set_words("instr_i", &words(&bytes));
        }
        self.dut.eval();
        let cycle = self.fabric.step(feed, post, self.memories.as_mut_slice());
        for job in start {
            let [input, output] = self.offsets.map(|offset| offset as usize);
            self.fabric
                .start(job.tile, &job.head, &job.reshape, input, output);
        }
        let seen = FabricCycle {
            read: self.dut.get("read_o") as u8,
            written: self.dut.get("written_o") as u8,
            sent: self.dut.get("sent_o") as u8,
            done: self.dut.get("done_o") as u8,
        };
        assert_eq!(seen, cycle, "cycle {}", self.cycle);
        for tile in (0..self.geometry.tiles).filter(|tile| cycle.done >> tile & 1 == 1) {
            let work = self.dut.field("work_o", 24 * tile as u32, 24);
            assert_eq!(
                work,
                u64::from(self.fabric.engine(tile).work()),
                "work of tile {tile} in cycle {}",
                self.cycle
            );
        }
        self.dut.step();
        self.memories.iter_mut().for_each(TileMemory::step);
        self.cycle += 1;
        cycle
    }

    /// Starts jobs one a cycle, each on an engine that is idle, and runs until all are done.
    fn run(&mut self, rng: &mut Rng, jobs: &[Job], contention: f64) -> u64 {
        let (mut next, mut busy, began) = (0, 0u8, self.cycle);
        while next < jobs.len() || busy != 0 {
            let start: Vec<&Job> = jobs[next..]
                .iter()
                .take(1)
                .filter(|job| busy >> job.tile & 1 == 0)
                .collect();
            let (feed, post) = self.contend(rng, contention);
            let cycle = self.step(feed, post, &start);
            busy &= !cycle.done;
            for job in &start {
                busy |= 1 << job.tile;
                next += 1;
            }
            assert!(self.cycle - began < LIMIT, "the jobs do not end");
        }
        self.cycle - began
    }

    /// Feeder and post traffic; post writes back what a word holds, so that it changes nothing.
    fn contend(&mut self, rng: &mut Rng, rate: f64) -> (u8, u8) {
        let feed = (0..self.geometry.tiles).fold(0, |mask, tile| {
            mask | u8::from(rng.random_bool(rate)) << tile
        });
        if !rng.random_bool(rate) {
            return (feed, 0);
        }
        // The last word of a tile is kept out of all jobs.
        let tile = rng.random_range(0..self.geometry.tiles);
        let addr = self.geometry.tile_bytes() - self.geometry.word_bytes();
        let data = self.memories[tile].bytes()[addr..].to_vec();
        self.post(tile, addr, &data);
        (feed, 1 << tile)
    }

    /// All bytes of both.
    fn contents(&mut self) -> Vec<Vec<u8>> {
        self.settle();
        let bytes = self.geometry.word_bytes();
        let mut seen = vec![Vec::new(); self.geometry.tiles];
        self.dut.set("feed_i", 0);
        self.dut.set("host_rd_i", (1 << self.geometry.tiles) - 1);
        for word in 0..self.geometry.tile_words {
            self.dut.set("host_addr_i", (word * bytes) as u64);
            self.dut.run(2);
            for (tile, seen) in seen.iter_mut().enumerate() {
                for byte in 0..bytes {
                    let lsb = 8 * (tile * bytes + byte) as u32;
                    seen.push(self.dut.field("rd_data_o", lsb, 8) as u8);
                }
            }
        }
        self.dut.set("host_rd_i", 0);
        for (tile, seen) in seen.iter().enumerate() {
            assert!(seen == self.memories[tile].bytes(), "memory of tile {tile}");
        }
        seen
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks(4)
        .map(|chunk| {
            chunk
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))
        })
        .collect()
}

/// Bytes that a window of `bytes` at any of `at` touches lie in `low..high`, without wrapping.
fn inside(mut at: impl Iterator<Item = i64>, bytes: i64, low: i64, high: i64) -> bool {
    at.all(|at| at >= low && at + bytes <= high)
}

/// A job of `tile` that reads `source` and writes `target`, both ranges of bytes.
fn job(
    rng: &mut Rng,
    g: &Geometry,
    tile: usize,
    source: (i64, i64),
    target: (i64, i64),
    offsets: [i64; 2],
) -> Job {
    let size = g.tile_bytes() as i64;
    loop {
        let mut count = || *[1, 1, 2, 3, 5].choose(rng).expect("some");
        let counts = [count() * 3, count(), count(), count(), count()];
        let mut step = || rng.random_range(-40..=40);
        let steps: Vec<i64> = (0..10).map(|_| step()).collect();
        let flags = [rng.random_range(0..2), rng.random_range(0..2)];
        let start = [
            rng.random_range(source.0..source.1),
            rng.random_range(target.0..target.1),
        ];
        let reshape = Reshape {
            source: (start[0] - flags[0] * offsets[0]).rem_euclid(size),
            target: (start[1] - flags[1] * offsets[1]).rem_euclid(size),
            bytes: rng.random_range(1..=g.word_bytes() as i64),
            fill: i64::from(rng.random_bool(0.2)),
            value: rng.random_range(-128..128),
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
        };
        let head = Head {
            opcode: Opcode::Reshape as i64,
            tiles: 1 << tile,
            targets: rng.random_range(1..1 << g.tiles),
            from_input: flags[0],
            to_output: flags[1],
            ..Head::default()
        };
        let job = Job {
            tile,
            head,
            reshape,
        };
        let plain = Job {
            reshape: Reshape {
                source: start[0],
                target: start[1],
                ..reshape
            },
            head: Head {
                from_input: 0,
                to_output: 0,
                ..head
            },
            tile,
        };
        let beats = plain.beats([0, 0]);
        let fits = inside(
            beats.iter().map(|beat| beat.0),
            reshape.bytes,
            source.0,
            source.1,
        ) && inside(
            beats.iter().map(|beat| beat.1),
            reshape.bytes,
            target.0,
            target.1,
        );
        if fits {
            return job;
        }
    }
}

fn small(tiles: usize, lanes: usize, tile_words: usize) -> Geometry {
    Geometry {
        tiles,
        lanes,
        tile_words,
        ..Geometry::BASE
    }
}

/// Engines of all tiles run at once. Each reads the lower half and writes a part of the upper half
/// that is its own, so that the outcome does not depend on their order.
fn jobs_copy_what_a_plain_loop_copies(rng: &mut Rng, g: Geometry, dut: Model, rounds: usize) {
    let mut bench = Bench::new(g, dut, rng);
    let size = g.tile_bytes() as i64;
    let part = (size / 2 - g.word_bytes() as i64) / g.tiles as i64;
    let mut expected: Vec<Vec<u8>> = bench
        .memories
        .iter()
        .map(|memory| memory.bytes().to_vec())
        .collect();
    for round in 0..rounds {
        let jobs: Vec<Job> = (0..3 * g.tiles)
            .map(|number| {
                let tile = number % g.tiles;
                let low = size / 2 + part * tile as i64;
                job(
                    rng,
                    &g,
                    tile,
                    (0, size / 2),
                    (low, low + part),
                    bench.offsets,
                )
            })
            .collect();
        jobs.iter()
            .for_each(|job| job.apply(&mut expected, bench.offsets));
        bench.run(rng, &jobs, [0.0, 0.1, 0.6][round % 3]);
        assert!(bench.contents() == expected, "round {round}");
    }
}

#[test]
fn jobs_of_four_tiles_copy_what_a_plain_loop_copies() {
    randomised("jobs_of_four_tiles_copy_what_a_plain_loop_copies", |rng| {
        jobs_copy_what_a_plain_loop_copies(rng, small(4, 8, 64), tops::reshape_bench_4(), 30);
    });
}

#[test]
fn jobs_of_one_tile_copy_what_a_plain_loop_copies() {
    randomised("jobs_of_one_tile_copy_what_a_plain_loop_copies", |rng| {
        jobs_copy_what_a_plain_loop_copies(rng, small(1, 2, 256), tops::reshape_bench_1(), 30);
    });
}

/// `beats` whole words, one after the other, to one target.
fn stream(tile: usize, target: usize, beats: i64) -> Job {
    let head = Head {
        opcode: Opcode::Reshape as i64,
        tiles: 1 << tile,
        targets: 1 << target,
        ..Head::default()
    };
    let reshape = Reshape {
        source: 3,
        target: 7,
        bytes: 16,
        count_0: beats,
        count_1: 1,
        count_2: 1,
        count_3: 1,
        count_4: 1,
        source_step_0: 16,
        target_step_0: 16,
        ..Reshape::default()
    };
    Job {
        tile,
        head,
        reshape,
    }
}

#[test]
fn every_engine_moves_a_beat_a_cycle() {
    randomised("every_engine_moves_a_beat_a_cycle", |rng| {
        let mut bench = Bench::new(small(4, 8, 64), tops::reshape_bench_4(), rng);
        let jobs: Vec<Job> = (0..4)
            .map(|tile| stream(tile, (tile + 1) % 4, 1000))
            .collect();
        // Three later starts, the start's own cycle, four of latency, and done.
        assert_eq!(bench.run(rng, &jobs, 0.0), 1000 + 3 + 1 + 3 + 1);
    });
}

#[test]
fn engines_that_share_a_target_share_its_port_evenly() {
    randomised("engines_that_share_a_target_share_its_port_evenly", |rng| {
        let mut bench = Bench::new(small(4, 8, 64), tops::reshape_bench_4(), rng);
        let jobs: Vec<Job> = (0..4).map(|tile| stream(tile, 2, 500)).collect();
        let cycles = bench.run(rng, &jobs, 0.0);
        assert!(
            (2000..2010).contains(&cycles),
            "{cycles} cycles for 2000 beats into one port"
        );
    });
}

#[test]
fn a_job_with_a_count_of_zero_ends_at_once() {
    randomised("a_job_with_a_count_of_zero_ends_at_once", |rng| {
        let mut bench = Bench::new(small(4, 8, 64), tops::reshape_bench_4(), rng);
        let mut empty = stream(1, 0, 5);
        empty.reshape.count_3 = 0;
        assert_eq!(bench.run(rng, &[empty], 0.0), 2);
        assert_eq!(bench.fabric.engine(1).work(), 0);
    });
}
