//! The whole chip behind its bus against golden: every register, record and byte of random programs.

mod host;
#[allow(dead_code)]
mod jobs;
#[path = "core/pair.rs"]
mod pair;
#[path = "core/programs.rs"]
mod programs;

use host::Request;
use lacuna_golden::RunError;
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, Instr, Opcode, RunTail, Walk},
    map::{self, Region},
    regs,
};
use pair::Pair;
use programs::{random_job, random_memory, random_program, random_request, set_head};
use rand::Rng as _;

fn core_4x4() -> Geometry {
    Geometry {
        name: "core_4x4",
        tiles: 4,
        lanes: 4,
        pages: 64,
        digit_bits: 4,
        tile_words: 256,
        reduce_columns: 2,
        slack: 2,
        acc_bits: 22,
        program_len: 32,
        depthwise_taps: 32,
        transposer: true,
        monitor: true,
    }
}

fn random_programs_leave_what_golden_leaves(rng: &mut Rng, g: Geometry, dut: Model, rounds: usize) {
    let mut pair = Pair::new(g, dut);
    for tile in 0..g.tiles {
        for lane in 0..g.lanes {
            let page = |page| {
                let data: Vec<u8> = (0..g.word_bytes()).map(|_| rng.random()).collect();
                Request::write(map::weight_page(tile, lane, page), &data)
            };
            let writes: Vec<Request> = (0..g.pages).map(page).collect();
            pair.write(&writes);
        }
    }
    for round in 0..rounds {
        for tile in 0..g.tiles {
            let bytes = random_memory(rng, &g);
            pair.load_memory(tile, &bytes);
        }
        let length = rng.random_range(1..12);
        let (program, ran) = random_program(rng, &g, length);
        pair.load_program(&program);
        pair.set(regs::INPUT_OFFSET, rng.random_range(0..50));
        pair.set(regs::OUTPUT_OFFSET, rng.random_range(0..50));
        println!("round {round}: {program:?}");
        pair.run(rng).expect("the program is valid");
        pair.compare(&ran);
    }
}

#[test]
fn random_programs_of_four_tiles_leave_what_golden_leaves() {
    randomised("random_programs_of_four_tiles_leave_what_golden_leaves", |rng| {
        random_programs_leave_what_golden_leaves(rng, core_4x4(), tops::core_4x4(), 12);
    });
}

#[test]
fn random_programs_of_nano_leave_what_golden_leaves() {
    randomised("random_programs_of_nano_leave_what_golden_leaves", |rng| {
        random_programs_leave_what_golden_leaves(rng, Geometry::NANO, tops::core_nano(), 6);
    });
}

#[test]
fn layers_on_all_tiles_give_what_plain_integers_give() {
    randomised("layers_on_all_tiles_give_what_plain_integers_give", |rng| {
        let g = core_4x4();
        let mut pair = Pair::new(g, tops::core_4x4());
        for _ in 0..8 {
            let mut job = random_job(rng, &g);
            (0..g.tiles).for_each(|tile| pair.load_job(tile, &job));
            set_head(&mut job.instr, |head| head.tiles = 0b1111);
            pair.load_program(&[job.instr, Instr::Halt(Head::default())]);
            pair.set(regs::INPUT_OFFSET, job.input_offset as u32);
            pair.set(regs::OUTPUT_OFFSET, job.output_offset as u32);
            pair.run(rng).expect("the program is valid");
            for tile in 0..g.tiles {
                assert!(pair.chip.tile(tile).memory().bytes() == job.after, "tile {tile}: {:?}", job.instr);
            }
            pair.compare(&[(0, 0), (0, 1), (0, 2), (0, 3)]);
        }
    });
}

#[test]
fn a_fault_ends_the_program_and_a_start_clears_it() {
    randomised("a_fault_ends_the_program_and_a_start_clears_it", |rng| {
        let mut pair = Pair::new(core_4x4(), tops::core_4x4());
        let bad = Instr::Run(
            Head { opcode: Opcode::Run as i64, tiles: 1, read_hi: 257, ..Head::default() },
            Walk::default(),
            RunTail::default(),
        );
        let fence = Instr::Fence(Head { opcode: Opcode::Fence as i64, ..Head::default() });
        pair.load_program(&[fence, fence, bad]);
        assert!(matches!(pair.run(rng), Err(RunError::Fault(fault)) if fault.instruction == 2));
        assert_eq!(pair.host.register(regs::FAULT), 2 << 16 | 2);
        assert_eq!(pair.host.register(regs::STATUS), 0b10);
        pair.compare(&[]);
        pair.load_program(&[Instr::Halt(Head::default())]);
        pair.run(rng).expect("the program is valid");
        assert_eq!((pair.host.register(regs::FAULT), pair.host.register(regs::STATUS)), (0, 0));
        pair.compare(&[]);
    });
}

#[test]
fn load_waits_until_the_host_has_written_its_phase() {
    randomised("load_waits_until_the_host_has_written_its_phase", |_| {
        let mut pair = Pair::new(core_4x4(), tops::core_4x4());
        let load = |phase| Instr::Load(Head { opcode: Opcode::Load as i64, phase, ..Head::default() });
        pair.load_program(&[load(0), load(3), Instr::Halt(Head::default())]);
        assert_eq!(pair.chip.run(0), Err(RunError::Phase { instruction: 1, phase: 3 }));
        pair.host.set_register(regs::START, 0);
        pair.host.dut.run(500);
        pair.set(regs::PHASE, 2);
        pair.host.dut.run(500);
        assert_eq!(pair.host.register(regs::STATUS), 1);
        assert_eq!([pair.host.register(regs::INSTRUCTION), pair.chip.register(regs::INSTRUCTION).unwrap()], [1, 1]);
        pair.set(regs::PHASE, 70_000);
        pair.host.dut.run(50);
        assert_eq!(pair.host.register(regs::STATUS), 0);
        assert_eq!(pair.host.register(regs::PHASE), 4095);
        pair.chip.resume().expect("the phase is there");
        pair.compare(&[]);
    });
}

#[test]
fn every_request_is_answered_in_order_as_golden_answers() {
    randomised("every_request_is_answered_in_order_as_golden_answers", |rng| {
        let g = core_4x4();
        let mut pair = Pair::new(g, tops::core_4x4());
        pair.load_program(&vec![Instr::Halt(Head::default()); g.program_len]);
        for _ in 0..40 {
            let requests: Vec<Request> = (0..100).map(|_| random_request(rng, &g)).collect();
            let seen = pair.host.send_haltingly(rng, &requests);
            for (request, seen) in requests.iter().zip(seen) {
                let golden = match &request.data {
                    Some(data) => pair.chip.write_beat(request.addr, data).map(|()| vec![0; g.word_bytes()]).ok(),
                    None => pair.chip.read_beat(request.addr).ok(),
                };
                let record = request.addr >> map::REGION_LSB == Region::Profile as u32;
                // A record of an instruction that has not run means nothing.
                assert!(
                    seen == golden || record && seen.is_some() == golden.is_some(),
                    "{request:?}: {seen:?} {golden:?}"
                );
            }
        }
    });
}
