//! Reshape engines, route and tile memories: RTL against golden in every cycle, and both against a
//! plain copy.

#[path = "reshape/bench.rs"]
mod bench;

use bench::{Bench, Job};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, Opcode, Reshape},
};
use rand::{Rng as _, seq::IndexedRandom as _};

/// Bytes that a window of `bytes` at any of `at` touches lie in `low..high`, without wrapping.
fn inside(mut at: impl Iterator<Item = i64>, bytes: i64, low: i64, high: i64) -> bool {
    at.all(|at| at >= low && at + bytes <= high)
}

/// A job of `tile` that reads `source` and writes `target`, both ranges of bytes.
fn job(rng: &mut Rng, g: &Geometry, tile: usize, source: (i64, i64), target: (i64, i64), offsets: [i64; 2]) -> Job {
    let size = g.tile_bytes() as i64;
    loop {
        let mut count = || *[1, 1, 2, 3, 5].choose(rng).expect("some");
        let counts = [count() * 3, count(), count(), count(), count()];
        let mut step = || rng.random_range(-40..=40);
        let steps: Vec<i64> = (0..10).map(|_| step()).collect();
        let flags = [rng.random_range(0..2), rng.random_range(0..2)];
        let start = [rng.random_range(source.0..source.1), rng.random_range(target.0..target.1)];
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
        let job = Job { tile, head, reshape };
        let plain = Job {
            reshape: Reshape { source: start[0], target: start[1], ..reshape },
            head: Head { from_input: 0, to_output: 0, ..head },
            tile,
        };
        let beats = plain.beats([0, 0]);
        let fits = inside(beats.iter().map(|beat| beat.0), reshape.bytes, source.0, source.1)
            && inside(beats.iter().map(|beat| beat.1), reshape.bytes, target.0, target.1);
        if fits {
            return job;
        }
    }
}

fn small(tiles: usize, lanes: usize, tile_words: usize) -> Geometry {
    Geometry { tiles, lanes, tile_words, ..Geometry::BASE }
}

/// Engines of all tiles run at once. Each reads the lower half and writes a part of the upper half
/// that is its own, so that the outcome does not depend on their order.
fn jobs_copy_what_a_plain_loop_copies(rng: &mut Rng, g: Geometry, dut: Model, rounds: usize) {
    let mut bench = Bench::new(g, dut, rng);
    let size = g.tile_bytes() as i64;
    let part = (size / 2 - g.word_bytes() as i64) / g.tiles as i64;
    let mut expected: Vec<Vec<u8>> = bench.memories.iter().map(|memory| memory.bytes().to_vec()).collect();
    for round in 0..rounds {
        let jobs: Vec<Job> = (0..3 * g.tiles)
            .map(|number| {
                let tile = number % g.tiles;
                let low = size / 2 + part * tile as i64;
                job(rng, &g, tile, (0, size / 2), (low, low + part), bench.offsets)
            })
            .collect();
        for job in &jobs {
            job.apply(&mut expected, bench.offsets);
        }
        // A serial engine has the ports to itself.
        let rate = if g.tiles == 1 { 0.0 } else { [0.0, 0.1, 0.6][round % 3] };
        bench.run(rng, &jobs, rate);
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
    let head = Head { opcode: Opcode::Reshape as i64, tiles: 1 << tile, targets: 1 << target, ..Head::default() };
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
    Job { tile, head, reshape }
}

#[test]
fn every_engine_moves_a_beat_a_cycle() {
    randomised("every_engine_moves_a_beat_a_cycle", |rng| {
        let mut bench = Bench::new(small(4, 8, 64), tops::reshape_bench_4(), rng);
        let jobs: Vec<Job> = (0..4).map(|tile| stream(tile, (tile + 1) % 4, 1000)).collect();
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
        assert!((2000..2010).contains(&cycles), "{cycles} cycles for 2000 beats into one port");
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
