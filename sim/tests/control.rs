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
    instr::{Head, INSTR_BYTES, Instr, Opcode, PostTail, Reshape, RunTail, Walk},
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
    Head {
        opcode,
        tiles: if reshape { 1 << rng.random_range(0..g.tiles) } else { rng.random_range(1..all) },
        targets: if reshape { rng.random_range(1..all) } else { 0 },
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
        // A compute job is several, one a tile.
        let own = if unit < tiles { 1 << unit } else { !0 };
        let [a_read, a_write] = touched(&heads[earlier]).map(|(mask, lo, hi)| (mask & own, lo, hi));
        for &(start, later, _) in log.starts.iter().filter(|entry| entry.1 > earlier) {
            let [b_read, b_write] = touched(&heads[later]);
            let meets = overlap(a_write, b_read) || overlap(a_read, b_write) || overlap(a_write, b_write);
            assert!(!meets || start > done, "{later} started in {start}, {earlier} was done in {done}");
        }
    }
}

fn random_programs(rng: &mut Rng, g: Geometry, dut: Model) {
    let mut bench = Bench::new(g, dut);
    for round in 0..60 {
        let length = rng.random_range(1..g.program_len);
        let heads: Vec<Head> = (0..length).map(|_| random_head(rng, &g)).collect();
        let mut program: Vec<_> = heads.iter().map(|head| pack(*head)).collect();
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
        random_programs(rng, control(4, 8, 64, 32), tops::control_4());
    });
}

#[test]
fn random_programs_of_one_tile_run_as_golden_and_without_hazards() {
    randomised("random_programs_of_one_tile_run_as_golden_and_without_hazards", |rng| {
        random_programs(rng, control(1, 2, 256, 16), tops::control_1());
    });
}

#[test]
fn a_faulty_instruction_stops_the_program_with_its_cause() {
    randomised("a_faulty_instruction_stops_the_program_with_its_cause", |rng| {
        let g = control(4, 8, 64, 32);
        let run = Head { opcode: Opcode::Run as i64, tiles: 0b11, ..Head::default() };
        let reshape = Head { opcode: Opcode::Reshape as i64, tiles: 1, targets: 2, ..Head::default() };
        let transpose = Instr::Reshape(reshape, Reshape { transpose: 1, element: 3, ..Reshape::default() });
        let mut unknown = halt();
        unknown[0] = 6 + rng.random_range(0..10) as u8;
        let cases = [
            (unknown, Cause::Opcode),
            (transpose.pack().expect("the fields fit"), Cause::Opcode),
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

#[test]
fn a_program_without_waits_takes_seven_cycles_an_instruction() {
    randomised("a_program_without_waits_takes_seven_cycles_an_instruction", |rng| {
        let mut bench = Bench::new(control(4, 8, 64, 32), tops::control_4());
        let fence = pack(Head { opcode: Opcode::Fence as i64, ..Head::default() });
        bench.load(&[fence, fence, halt()]);
        let log = bench.run(rng, 0, 1);
        assert_eq!((log.cycles, log.stalls), (3 * 7, 0));
    });
}
