//! Reshape engines, route and tile memories: RTL against golden in every cycle, and both against a
//! plain copy.

#[path = "reshape/bench.rs"]
mod bench;
#[path = "reshape/job.rs"]
mod job;

use bench::Bench;
use job::Job;
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{LINEAR, Reshape},
};

/// One tile, words of four bytes, no transposer.
fn tiny() -> Geometry {
    Geometry { tile_words: 256, ..Geometry::NANO }
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
                job::random(rng, &g, tile, (0, size / 2), (low, low + part), bench.offsets)
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
        jobs_copy_what_a_plain_loop_copies(rng, Geometry::BASE, tops::reshape_bench_4(), 100);
    });
}

#[test]
fn jobs_of_one_tile_copy_what_a_plain_loop_copies() {
    randomised("jobs_of_one_tile_copy_what_a_plain_loop_copies", |rng| {
        jobs_copy_what_a_plain_loop_copies(rng, tiny(), tops::reshape_bench_1(), 30);
    });
}

/// `beats` whole words, one after the other, to one target.
fn stream(tile: usize, target: usize, beats: i64) -> Job {
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
    Job::new(tile, 1 << target, reshape)
}

#[test]
fn every_engine_moves_a_beat_a_cycle() {
    randomised("every_engine_moves_a_beat_a_cycle", |rng| {
        let mut bench = Bench::new(Geometry::BASE, tops::reshape_bench_4(), rng);
        let jobs: Vec<Job> = (0..4).map(|tile| stream(tile, (tile + 1) % 4, 1000)).collect();
        // Three later starts, the start's own cycle, four of latency, and done.
        assert_eq!(bench.run(rng, &jobs, 0.0), 1000 + 3 + 1 + 3 + 1);
    });
}

#[test]
fn engines_that_share_a_target_share_its_port_evenly() {
    randomised("engines_that_share_a_target_share_its_port_evenly", |rng| {
        let mut bench = Bench::new(Geometry::BASE, tops::reshape_bench_4(), rng);
        let jobs: Vec<Job> = (0..4).map(|tile| stream(tile, 2, 500)).collect();
        let cycles = bench.run(rng, &jobs, 0.0);
        assert!((2000..2010).contains(&cycles), "{cycles} cycles for 2000 beats into one port");
    });
}

/// The transpose of a `c` x `r` matrix of elements of `1 << element` bytes, rows without gaps on both
/// sides, `batch` of them one after the other.
fn transpose(tile: usize, target: usize, element: i64, (c, r): (i64, i64), batch: i64) -> Job {
    let unit = 1 << element;
    let reshape = Reshape {
        target: 16384,
        element,
        transpose: 1,
        count_0: c,
        count_1: r,
        count_2: batch,
        count_3: 1,
        count_4: 1,
        source_step_0: unit,
        target_step_0: r * unit,
        source_step_1: c * unit,
        target_step_1: unit,
        source_step_2: c * r * unit,
        target_step_2: c * r * unit,
        ..Reshape::default()
    };
    Job::new(tile, 1 << target, reshape)
}

/// Cycles from the start of the first job to the done of the last, both inclusive; what they leave
/// is compared with plain loops.
fn cycles(rng: &mut Rng, bench: &mut Bench, jobs: &[Job]) -> u64 {
    let mut expected = bench.contents();
    for job in jobs {
        job.apply(&mut expected, bench.offsets);
    }
    let cycles = bench.run(rng, jobs, 0.0);
    assert!(bench.contents() == expected, "{jobs:?}");
    cycles
}

#[test]
fn transposes_reach_the_limit_of_the_ports() {
    randomised("transposes_reach_the_limit_of_the_ports", |rng| {
        let mut bench = Bench::new(Geometry::BASE, tops::reshape_bench_4(), rng);
        let all = |element, shape, batch| -> Vec<Job> {
            (0..4).map(|tile| transpose(tile, (tile + 1) % 4, element, shape, batch)).collect()
        };
        let linear = |mut jobs: Vec<Job>| {
            for reshape in jobs.iter_mut().map(|job| &mut job.reshape) {
                reshape.element = LINEAR;
                reshape.bytes = (reshape.count_0 * reshape.count_1 + 15) / 16;
            }
            jobs
        };
        let repeated = |mut jobs: Vec<Job>| {
            for job in &mut jobs {
                job.reshape.count_4 = 4;
            }
            jobs
        };
        println!("| movement | tiles | bytes a tile | limit | cycles | of the limit |");
        println!("|---|---|---|---|---|---|");
        for (name, jobs, least) in [
            ("64x64 int8, once", vec![transpose(0, 1, 0, (64, 64), 1)], 0.90),
            ("64x64 int8, once", all(0, (64, 64), 1), 0.90),
            ("64x64 int16, once", all(1, (64, 64), 1), 0.90),
            ("64x64 int32, once", all(2, (64, 64), 1), 0.90),
            ("32x32x64 int8, NCHW to NHWC", all(0, (256, 64), 1), 0.95),
            ("32x32x64 int8, NHWC to NCHW", all(0, (64, 256), 1), 0.95),
            ("13x19 int8, linear, steady", repeated(linear(all(0, (19, 13), 64))), 0.80),
            ("13x19 int8, linear, once", linear(all(0, (19, 13), 1)), 0.35),
            ("13x19 int8, in blocks, steady", repeated(all(0, (19, 13), 64)), 0.58),
            ("130x70 int8, once", all(0, (70, 130), 1), 0.80),
            ("128x128 int8, steady", repeated(all(0, (128, 128), 1)), 0.99),
            ("64x128 int16, steady", repeated(all(1, (64, 128), 1)), 0.99),
            ("32x128 int32, steady", repeated(all(2, (32, 128), 1)), 0.99),
        ] {
            let bytes = jobs[0].counts().iter().product::<i64>() * jobs[0].run();
            let limit = (bytes + 15) / 16;
            let taken = cycles(rng, &mut bench, &jobs);
            let part = limit as f64 / taken as f64;
            println!("| {name} | {} | {bytes} | {limit} | {taken} | {:.1} % |", jobs.len(), 100.0 * part);
            assert!(part >= least, "{name}: {taken} cycles of {limit}");
        }
    });
}

#[test]
fn the_longest_rows_are_transposed() {
    randomised("the_longest_rows_are_transposed", |rng| {
        let mut bench = Bench::new(Geometry::BASE, tops::reshape_bench_4(), rng);
        cycles(rng, &mut bench, &[transpose(1, 2, 2, (2047, 2), 1)]);
        cycles(rng, &mut bench, &[transpose(3, 0, 2, (2, 2047), 1)]);
    });
}

#[test]
fn a_job_with_a_count_of_zero_ends_at_once() {
    randomised("a_job_with_a_count_of_zero_ends_at_once", |rng| {
        let mut bench = Bench::new(Geometry::BASE, tops::reshape_bench_4(), rng);
        let mut empty = stream(1, 0, 5);
        empty.reshape.count_3 = 0;
        assert_eq!(bench.run(rng, &[empty], 0.0), 2);
        assert_eq!(bench.fabric.engine(1).work(), 0);
    });
}
