//! Sequencer, scoreboard and profile: RTL against golden in every cycle, with units that take random
//! times, and both against the rules that programs rely on.

#[path = "control/bench.rs"]
mod bench;

use bench::{Bench, Log};
use lacuna_golden::control::{Cause, tiles_of};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, INSTR_BYTES, Instr, LINEAR, Opcode, PostTail, Reshape, RunTail, Walk},
};
use rand::Rng as _;

fn pack(head: Head) -> [u8; INSTR_BYTES] {
    let instr = match head.opcode {
        0 => Instr::Halt(head),
        1 => Instr::Fence(head),
        2 => Instr::Load(head),
        3 => Instr::Run(head, Walk::default(), RunTail::default()),
        4 => Instr::Post(head, Walk::default(), PostTail::default()),
        _ => Instr::Reshape(head, Reshape::default()),
    };
    instr.pack().expect("the fields fit")
}

/// Several sources whose targets are others than themselves.
fn gathers(head: &Head) -> bool {
    head.opcode == Opcode::Reshape as i64 && head.tiles.count_ones() > 1 && head.targets != head.tiles
}

fn halt() -> [u8; INSTR_BYTES] {
    pack(Head::default())
}

fn random_head(rng: &mut Rng, g: &Geometry) -> Head {
    let opcode = [1, 2, 3, 3, 4, 4, 5, 5, 5][rng.random_range(0..9)];
    let mut range = || {
        let lo = rng.random_range(0..=g.tile_words as i64);
        (lo, (lo + rng.random_range(0..20)).min(g.tile_words as i64))
    };
    let (read, write) = (range(), range());
    let all = 1 << g.tiles;
    let reshape = opcode == Opcode::Reshape as i64;
    let tiles = rng.random_range(1..all);
    let source = 1 << rng.random_range(0..g.tiles);
    let (tiles, targets) = match (reshape, rng.random_range(0..3)) {
        (false, _) => (tiles, 0),
        (true, 0) => (tiles, tiles),
        (true, 1) => (tiles, rng.random_range(1..all)),
        (true, _) => (source, rng.random_range(1..all)),
    };
    Head {
        opcode,
        tiles,
        targets,
        phase: if opcode == Opcode::Load as i64 { rng.random_range(0..4) } else { 0 },
        read_lo: read.0,
        read_hi: read.1,
        write_lo: write.0,
        write_hi: write.1,
        ..Head::default()
    }
}

fn control(tiles: usize, lanes: usize, tile_words: usize, program_len: usize) -> Geometry {
    Geometry { tiles, lanes, tile_words, program_len, transposer: tiles > 1, ..Geometry::BASE }
}

/// Tiles and word ranges that an instruction reads and writes.
fn touched(head: &Head) -> [(i64, i64, i64); 2] {
    let writes = if head.opcode == Opcode::Reshape as i64 { head.targets } else { head.tiles };
    [(head.tiles, head.read_lo, head.read_hi), (writes, head.write_lo, head.write_hi)]
}

fn overlap(a: (i64, i64, i64), b: (i64, i64, i64)) -> bool {
    a.0 & b.0 != 0 && (a.1.max(b.1)..a.2.min(b.2)).next().is_some()
}

/// A job starts after every earlier job that touches the same words of a tile, one of them writing.
fn no_hazard(log: &Log, heads: &[Head], tiles: usize) {
    for &(done, earlier, unit) in &log.dones {
        // A compute job is several, one a tile; so is a reshape with several sources.
        let head = &heads[earlier];
        let own = if unit < tiles || head.tiles.count_ones() > 1 { 1 << (unit % tiles) } else { !0 };
        let [a_read, mut a_write] = touched(head).map(|(mask, lo, hi)| (mask & own, lo, hi));
        if gathers(head) {
            a_write.0 = head.targets;
        }
        for &(start, later, unit) in log.starts.iter().filter(|entry| entry.1 > earlier) {
            // The tiles of a compute job begin it one by one.
            let own = if unit < tiles { 1 << unit } else { !0 };
            let [b_read, b_write] = touched(&heads[later]).map(|(mask, lo, hi)| (mask & own, lo, hi));
            let meets = overlap(a_write, b_read) || overlap(a_read, b_write) || overlap(a_write, b_write);
            assert!(!meets || start > done, "{later} started in {start}, {earlier} was done in {done}");
        }
    }
}

fn random_heads(rng: &mut Rng, g: &Geometry, length: usize) -> Vec<Head> {
    (0..length).map(|_| random_head(rng, g)).collect()
}

fn random_programs(rng: &mut Rng, g: Geometry, dut: Model, heads: fn(&mut Rng, &Geometry, usize) -> Vec<Head>) {
    let mut bench = Bench::new(g, dut);
    for round in 0..60 {
        let length = rng.random_range(1..g.program_len);
        let heads = heads(rng, &g, length);
        let packed = |head: &Head| {
            if gathers(head) {
                let reshape = Reshape { gather: 1, ..Reshape::default() };
                Instr::Reshape(*head, reshape).pack().expect("the fields fit")
            } else {
                pack(*head)
            }
        };
        let mut program: Vec<_> = heads.iter().map(packed).collect();
        program.push(halt());
        bench.load(&program);
        let start = if round % 4 == 0 { rng.random_range(0..length) } else { 0 };
        let longest = [1, 10, 200][round % 3];
        let log = bench.run(rng, start, longest);
        assert_eq!(log.fault, None);
        no_hazard(&log, &heads, g.tiles);
        for (index, head) in heads.iter().enumerate().skip(start).filter(|(_, head)| head.opcode > 2) {
            for tile in tiles_of(head.tiles as u8) {
                let record = bench.profile.record(index, tile);
                assert_eq!(bench.rtl_record(index, tile), [record.start, record.cycles, record.work]);
                let unit = |log: &[(u32, usize, usize)]| {
                    log.iter().find(|entry| entry.1 == index && entry.2 % g.tiles == tile).expect("it ran").0
                };
                let (start, done) = (unit(&log.starts), unit(&log.dones));
                assert_eq!((record.start, record.cycles), (start, done - start + 1));
            }
        }
    }
}

#[test]
fn random_programs_of_four_tiles_run_as_golden_and_without_hazards() {
    randomised("random_programs_of_four_tiles_run_as_golden_and_without_hazards", |rng| {
        random_programs(rng, control(4, 8, 64, 32), tops::control_4(), random_heads);
    });
}

#[test]
fn random_programs_of_one_tile_run_as_golden_and_without_hazards() {
    randomised("random_programs_of_one_tile_run_as_golden_and_without_hazards", |rng| {
        random_programs(rng, control(1, 2, 256, 16), tops::control_1(), random_heads);
    });
}

/// Two units are done at once and a lower one a cycle later; the next job waits for the higher of the two.
#[test]
fn a_unit_that_is_started_again_has_had_its_record() {
    randomised("a_unit_that_is_started_again_has_had_its_record", |rng| {
        let heads = |_: &mut Rng, _: &Geometry, length: usize| {
            let tiles = [0b0001, 0b0110, 0b0100].into_iter().cycle();
            tiles.take(length).map(|tiles| Head { opcode: Opcode::Run as i64, tiles, ..Head::default() }).collect()
        };
        for _ in 0..40 {
            random_programs(rng, control(4, 8, 64, 32), tops::control_4(), heads);
        }
    });
}

#[test]
fn a_faulty_instruction_stops_the_program_with_its_cause() {
    randomised("a_faulty_instruction_stops_the_program_with_its_cause", |rng| {
        let g = control(4, 8, 64, 32);
        let run = Head { opcode: Opcode::Run as i64, tiles: 0b11, ..Head::default() };
        let reshape = Head { opcode: Opcode::Reshape as i64, tiles: 1, targets: 2, ..Head::default() };
        let linear =
            Reshape { transpose: 1, element: LINEAR, count_0: 31, count_1: 16, bytes: 16, ..Reshape::default() };
        let transpose = |job: Reshape| Instr::Reshape(reshape, job).pack().expect("the fields fit");
        let mut unknown = halt();
        unknown[0] = 6 + rng.random_range(0..10) as u8;
        let cases = [
            (unknown, Cause::Opcode),
            (transpose(Reshape { count_0: 30, ..linear }), Cause::Opcode),
            (transpose(Reshape { count_0: 33, ..linear }), Cause::Opcode),
            (transpose(Reshape { count_1: 17, ..linear }), Cause::Opcode),
            (transpose(Reshape { bytes: 0, ..linear }), Cause::Opcode),
            (transpose(Reshape { bytes: 17, ..linear }), Cause::Opcode),
            (pack(Head { read_hi: 65, ..run }), Cause::Region),
            (pack(Head { write_lo: 3, write_hi: 2, ..run }), Cause::Region),
            (pack(Head { read_lo: 64, read_hi: 65, tiles: 0, ..reshape }), Cause::Region),
            (pack(Head { write_hi: 65535, ..reshape }), Cause::Region),
            (pack(Head { tiles: 0, ..run }), Cause::Tile),
            (pack(Head { tiles: 0b1_0001, ..run }), Cause::Tile),
            (pack(Head { tiles: 0b11, ..reshape }), Cause::Tile),
            (pack(Head { tiles: 0, ..reshape }), Cause::Tile),
            (pack(Head { targets: 0, ..reshape }), Cause::Tile),
            (pack(Head { targets: 0b1000_0001, ..reshape }), Cause::Tile),
        ];
        let mut bench = Bench::new(g, tops::control_4());
        for (bad, cause) in cases {
            // A job is still running when the fault is found, and must be waited for.
            bench.load(&[pack(run), bad, pack(run), halt()]);
            let log = bench.run(rng, 0, 100);
            assert_eq!(log.fault, Some((1, cause)));
            assert_eq!(log.starts.len(), 2, "nothing after the fault starts");
            assert_eq!(log.dones.len(), 2, "the program ends when the units have");
        }
    });
}

/// A reshape near the edges of its memories, in counts that a walk could take or could not.
fn random_reshape(rng: &mut Rng, g: &Geometry) -> Reshape {
    let size = g.tile_bytes() as i64;
    let near = |rng: &mut Rng| match rng.random_range(0..3) {
        0 => rng.random_range(0..40),
        1 => rng.random_range(0..size),
        _ => rng.random_range(size - 40..(size + 2).min(1 << 18)),
    };
    // One in twenty is empty.
    let counts = [(); 5].map(|()| match rng.random_range(0..100) {
        0 => 0,
        1..60 => 1,
        60..80 => 2,
        80..90 => 3,
        _ => rng.random_range(1..2048),
    });
    let mut step = |count: i64| match rng.random_range(0..3) {
        0 => rng.random_range(-(1 << 18)..1 << 18),
        1 => rng.random_range(-size..=size) / count.max(1),
        _ => rng.random_range(-20..=20),
    };
    let steps = counts.map(|count| (step(count), step(count)));
    let transpose = i64::from(rng.random_bool(0.5));
    let element = rng.random_range(0..3);
    let own = |step: i64| if transpose == 1 { 1 << element } else { step };
    Reshape {
        source: near(rng),
        target: near(rng),
        bytes: if transpose == 1 || rng.random_bool(0.1) { rng.random_range(0..32) } else { rng.random_range(1..=16) },
        fill: i64::from(rng.random_bool(0.2)),
        element,
        transpose,
        count_0: counts[0],
        count_1: counts[1],
        count_2: counts[2],
        count_3: counts[3],
        count_4: counts[4],
        source_step_0: own(steps[0].0),
        source_step_1: steps[1].0,
        source_step_2: steps[2].0,
        source_step_3: steps[3].0,
        source_step_4: steps[4].0,
        target_step_0: steps[0].1,
        target_step_1: own(steps[1].1),
        target_step_2: steps[2].1,
        target_step_3: steps[3].1,
        target_step_4: steps[4].1,
        gather: i64::from(rng.random_bool(0.3)),
        tile_step: if rng.random_bool(0.5) { rng.random_range(0..1 << 13) } else { rng.random_range(0..20) },
        ..Reshape::default()
    }
}

/// By the corners of the loops: some byte of the job lies outside its memories.
fn leaves(job: &Reshape, offsets: [i64; 2], size: i64) -> bool {
    let counts = [job.count_0, job.count_1, job.count_2, job.count_3, job.count_4];
    let reads = [job.source_step_0, job.source_step_1, job.source_step_2, job.source_step_3, job.source_step_4];
    let writes = [job.target_step_0, job.target_step_1, job.target_step_2, job.target_step_3, job.target_step_4];
    let run = if job.transpose == 1 { 1 << job.element } else { job.bytes };
    let last_tile = if job.gather == 1 { 3 * job.tile_step } else { 0 };
    let out = |start: i64, offset: i64, ahead: i64, steps: [i64; 5]| {
        let first = (start + offset) % size;
        start >= size
            || (0..32).any(|corner| {
                let last = |level: usize| if corner >> level & 1 == 1 { counts[level] - 1 } else { 0 };
                let at = first + (0..5).map(|level| last(level) * steps[level]).sum::<i64>();
                at < 0 || at + run + ahead > size
            })
    };
    !counts.contains(&0)
        && (!(1..=16).contains(&run)
            || out(job.target, offsets[1], last_tile, writes)
            || (job.fill == 0 && out(job.source, offsets[0], 0, reads)))
}

#[test]
fn a_reshape_that_leaves_its_memories_does_not_start() {
    randomised("a_reshape_that_leaves_its_memories_does_not_start", |rng| {
        let g = control(4, 8, 64, 32);
        let size = g.tile_bytes() as i64;
        let mut bench = Bench::new(g, tops::control_4());
        let mut refused = 0;
        for _ in 0..3000 {
            let job = random_reshape(rng, &g);
            let [from_input, to_output] = [(); 2].map(|()| i64::from(rng.random_bool(0.3)));
            bench.offsets = [(); 2].map(|()| rng.random_range(0..size) as usize);
            let offsets = [from_input * bench.offsets[0] as i64, to_output * bench.offsets[1] as i64];
            let opcode = Opcode::Reshape as i64;
            let head = Head { opcode, tiles: 1, targets: 2, from_input, to_output, ..Head::default() };
            bench.load(&[Instr::Reshape(head, job).pack().expect("the fields fit"), halt()]);
            let log = bench.run(rng, 0, 3);
            let bad = leaves(&job, offsets, size);
            assert_eq!(log.fault, bad.then_some((0, Cause::Bounds)), "{job:?} with {offsets:?}");
            assert_eq!(log.starts.is_empty(), bad);
            refused += u32::from(bad);
        }
        assert!((500..2500).contains(&refused), "{refused} of 3000 are refused");
    });
}

#[test]
fn the_check_of_bounds_takes_four_cycles() {
    randomised("the_check_of_bounds_takes_four_cycles", |rng| {
        let mut bench = Bench::new(control(4, 8, 64, 32), tops::control_4());
        let head = Head { opcode: Opcode::Reshape as i64, tiles: 1, targets: 2, ..Head::default() };
        bench.load(&[pack(head), halt()]);
        let log = bench.run(rng, 0, 1);
        assert_eq!(log.starts[0].0, 7 + 4 - 1);
    });
}

#[test]
fn a_program_without_waits_takes_six_cycles_an_instruction_and_one_more() {
    randomised("a_program_without_waits_takes_six_cycles_an_instruction_and_one_more", |rng| {
        let mut bench = Bench::new(control(4, 8, 64, 32), tops::control_4());
        let fence = pack(Head { opcode: Opcode::Fence as i64, ..Head::default() });
        bench.load(&[fence, fence, halt()]);
        let log = bench.run(rng, 0, 1);
        assert_eq!((log.cycles, log.stalls), (3 * 6 + 1, 0));
    });
}
