//! The whole chip behind its bus against golden: every register, record and byte of random programs.

mod host;
#[allow(dead_code)]
mod jobs;

use host::{Host, Request};
use lacuna_golden::{Chip, RunError};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, Instr, Opcode, Reshape},
    map::{self, Region},
    regs::{self, ProfileField},
};
use rand::{Rng as _, seq::IndexedRandom as _};

const LIMIT: usize = 20_000;

fn core_4x4() -> Geometry {
    Geometry {
        name: "core_4x4", tiles: 4, lanes: 4, pages: 64, digit_bits: 4, tile_words: 256,
        reduce_columns: 2, acc_bits: 22, program_len: 32,
    }
}

/// RTL and golden with the same contents.
struct Pair {
    host: Host,
    chip: Chip,
}

impl Pair {
    fn new(geometry: Geometry, dut: Model) -> Self {
        let mut pair = Self { host: Host::new(dut, geometry.word_bytes()), chip: Chip::new(geometry) };
        // RTL's memories hold random bits until they are written.
        (0..geometry.tiles).for_each(|tile| pair.load_memory(tile, &vec![0; geometry.tile_bytes()]));
        pair
    }

    fn write(&mut self, requests: &[Request]) -> u64 {
        for request in requests {
            let data = request.data.as_deref().expect("a write");
            self.chip.write_beat(request.addr, data).expect("it is mapped");
        }
        let (responses, cycles) = self.host.send(requests);
        assert!(responses.iter().all(Option::is_some), "a write was refused");
        cycles
    }

    fn load_memory(&mut self, tile: usize, bytes: &[u8]) {
        let word = self.chip.geometry().word_bytes();
        let writes: Vec<Request> =
            bytes.chunks(word).enumerate().map(|(at, data)| Request::write(map::tile_word(tile, at), data)).collect();
        let cycles = self.write(&writes);
        assert!(cycles < writes.len() as u64 + 5, "{cycles} cycles for {} beats", writes.len());
    }

    fn load_job(&mut self, tile: usize, job: &jobs::Job) {
        self.load_memory(tile, &job.before);
        let writes: Vec<Request> = job
            .weights
            .iter()
            .map(|(lane, page, weights)| {
                let data: Vec<u8> = weights.iter().map(|weight| *weight as u8).collect();
                Request::write(map::weight_page(tile, *lane, *page), &data)
            })
            .collect();
        self.write(&writes);
    }

    fn load_program(&mut self, program: &[Instr]) {
        let word = self.chip.geometry().word_bytes();
        let bytes: Vec<u8> = program.iter().flat_map(|instr| instr.pack().expect("the fields fit")).collect();
        let writes: Vec<Request> = bytes
            .chunks(word)
            .enumerate()
            .map(|(at, data)| Request::write(Region::Program.at(at as u32), data))
            .collect();
        self.write(&writes);
    }

    fn set(&mut self, index: u32, value: u32) {
        let mut data = vec![0; self.chip.geometry().word_bytes()];
        data[..4].copy_from_slice(&value.to_le_bytes());
        self.write(&[Request::write(index, &data)]);
    }

    /// Runs both to the end, reading memory beside the chip's own accesses.
    fn run(&mut self, rng: &mut Rng) -> Result<(), RunError> {
        let golden = self.chip.run(0).map(drop);
        self.host.set_register(regs::START, 0);
        let busy = rng.random_bool(0.5);
        for _ in 0..LIMIT {
            if self.host.register(regs::STATUS) & 1 == 0 {
                return golden;
            }
            let tile = rng.random_range(0..self.chip.geometry().tiles);
            let word = rng.random_range(0..self.chip.geometry().tile_words);
            let reads = if busy { vec![Request::read(map::tile_word(tile, word)); 8] } else { Vec::new() };
            self.host.send(&reads);
        }
        panic!("the program does not end")
    }

    /// Compares all that can be read.
    fn compare(&mut self, jobs: &[(usize, usize)]) {
        let g = *self.chip.geometry();
        for register in regs::REGISTERS {
            let (seen, golden) = (self.host.register(register.index), self.chip.register(register.index));
            assert_eq!(Some(seen), golden, "register {}", register.name);
        }
        for &(instruction, tile) in jobs {
            let fields = [ProfileField::Start, ProfileField::Cycles, ProfileField::Work];
            let addrs = fields.map(|field| map::profile(instruction, tile, field));
            for addr in addrs {
                let golden = self.chip.read_beat(addr).ok();
                assert_eq!(self.host.read(addr), golden, "record of {instruction} on {tile}, address {addr:#x}");
            }
        }
        for tile in 0..g.tiles {
            let reads: Vec<Request> = (0..g.tile_words).map(|word| Request::read(map::tile_word(tile, word))).collect();
            let seen = self.host.send(&reads).0;
            for (word, seen) in seen.into_iter().enumerate() {
                let golden = self.chip.read_beat(map::tile_word(tile, word)).ok();
                assert_eq!(seen, golden, "word {word} of tile {tile}");
            }
        }
    }
}

fn set_head(instr: &mut Instr, change: impl FnOnce(&mut Head)) {
    match instr {
        Instr::Halt(h) | Instr::Fence(h) | Instr::Load(h) | Instr::Run(h, ..) | Instr::Post(h, ..) | Instr::Reshape(h, _) => {
            change(h);
        }
    }
}

fn random_job(rng: &mut Rng, g: &Geometry) -> jobs::Job {
    if rng.random_bool(0.6) { jobs::convolution(rng, g) } else { jobs::elementwise(rng, g) }
}

/// Where `jobs` puts parameters; only they may be there.
fn params(g: &Geometry) -> i64 {
    g.tile_bytes() as i64 * 4 / 5
}

/// Reads anywhere, writes below the parameters.
fn random_reshape(rng: &mut Rng, g: &Geometry) -> Instr {
    let size = g.tile_bytes() as i64;
    let head = Head {
        opcode: Opcode::Reshape as i64,
        tiles: 1 << rng.random_range(0..g.tiles),
        targets: rng.random_range(1..1 << g.tiles),
        from_input: rng.random_range(0..2),
        ..Head::default()
    };
    let counts = [20, 4, 3, 2, 2].map(|most| rng.random_range(1..=most));
    let reads: [i64; 5] = [(); 5].map(|()| rng.random_range(-size..size) / 4);
    let writes = counts.map(|count| rng.random_range(-params(g)..params(g)) / (12 * count));
    let reshape = Reshape {
        source_step_0: reads[0], source_step_1: reads[1], source_step_2: reads[2], source_step_3: reads[3], source_step_4: reads[4],
        target_step_0: writes[0], target_step_1: writes[1], target_step_2: writes[2], target_step_3: writes[3], target_step_4: writes[4],
        count_0: counts[0], count_1: counts[1], count_2: counts[2], count_3: counts[3], count_4: counts[4],
        source: rng.random_range(0..size),
        target: params(g) / 2,
        bytes: rng.random_range(1..=g.word_bytes() as i64),
        fill: i64::from(rng.random_bool(0.2)),
        value: rng.random_range(-128..128),
        ..Reshape::default()
    };
    Instr::Reshape(head, reshape)
}

/// Memory with parameters that are valid for every layer of `jobs`, whichever rule and operator.
fn random_memory(rng: &mut Rng, g: &Geometry) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..g.tile_bytes()).map(|_| rng.random()).collect();
    let (word, params) = (g.word_bytes(), params(g) as usize);
    // The top byte of a multiplier: large in Q31, finite as f32.
    let top = |rng: &mut Rng| rng.random_range(0x40..0x7e);
    for block in 0..3 {
        let base = params + 9 * word * block;
        for multiplier in bytes[base + 4 * word..base + 8 * word].chunks_mut(4) {
            multiplier[3] = top(rng);
        }
        bytes[base + 8 * word..base + 9 * word].fill_with(|| rng.random_range(-30..31) as u8);
    }
    // Constants of `sum` and `add` share the first biases: ma, mb, 48 bits of bias, shift.
    bytes[params + 3] = top(rng);
    bytes[params + 7] &= 0x7f;
    bytes[params + 12..params + 14].fill(0);
    bytes[params + 14] = rng.random_range(17..31);
    bytes
}

/// Declares regions at random, so that a program may also race: golden must race the same way.
fn declare(rng: &mut Rng, g: &Geometry, instr: &mut Instr) {
    let mut range = || {
        let lo = rng.random_range(0..=g.tile_words as i64);
        (lo, rng.random_range(lo..=g.tile_words as i64))
    };
    let (read, write) = (range(), range());
    set_head(instr, |head| (head.read_lo, head.read_hi, head.write_lo, head.write_hi) = (read.0, read.1, write.0, write.1));
}

/// Instructions and tiles that a program runs, and the program.
fn random_program(rng: &mut Rng, g: &Geometry, length: usize) -> (Vec<Instr>, Vec<(usize, usize)>) {
    let mut program: Vec<Instr> = Vec::new();
    for _ in 0..length {
        let mut instr = match rng.random_range(0..10) {
            0 => Instr::Fence(Head { opcode: Opcode::Fence as i64, ..Head::default() }),
            1..=4 => random_reshape(rng, g),
            _ => random_job(rng, g).instr,
        };
        if matches!(instr, Instr::Run(..) | Instr::Post(..)) {
            let tiles = rng.random_range(1..1 << g.tiles);
            set_head(&mut instr, |head| head.tiles = tiles);
        }
        declare(rng, g, &mut instr);
        program.push(instr);
    }
    program.push(Instr::Halt(Head::default()));
    let on_tiles = |(index, instr): (usize, &Instr)| {
        let mask = instr.head().tiles;
        (0..8).filter(move |tile| mask >> tile & 1 == 1).map(move |tile| (index, tile)).collect::<Vec<_>>()
    };
    let ran = program.iter().enumerate().flat_map(on_tiles).collect();
    (program, ran)
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
            Default::default(),
            Default::default(),
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
        pair.set(regs::PHASE, 70_000);
        pair.host.dut.run(50);
        assert_eq!(pair.host.register(regs::STATUS), 0);
        assert_eq!(pair.host.register(regs::PHASE), 4095);
        pair.chip.resume().expect("the phase is there");
    });
}

/// A read or a write anywhere, mapped or not.
fn random_request(rng: &mut Rng, g: &Geometry) -> Request {
    let tile = rng.random_range(0..=g.tiles);
    let addr = match rng.random_range(0..8) {
        0 => *[regs::MAGIC, regs::STATUS, regs::PHASE, regs::INPUT_OFFSET, regs::FAULT, regs::RUNS, 11, 32].choose(rng).expect("some"),
        1 => Region::Program.at(rng.random_range(0..(g.program_len * g.instr_beats()) as u32 + 5)),
        2 => map::weight_page(tile, rng.random_range(0..=g.lanes), rng.random_range(0..g.pages + 2)),
        3..=5 => map::tile_word(tile, rng.random_range(0..g.tile_words + 2)),
        6 => Region::Profile.at(rng.random_range(0..32 * g.program_len as u32 + 40)),
        _ => rng.random(),
    };
    let memory = addr >> map::REGION_LSB == Region::TileMemory as u32;
    let length = if memory { rng.random_range(0..=g.word_bytes()) } else { g.word_bytes() };
    let data: Vec<u8> = (0..length).map(|_| rng.random()).collect();
    let write = rng.random_bool(0.5) && addr != regs::START;
    if write { Request::write(addr, &data) } else { Request::read(addr) }
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
                assert!(seen == golden || record && seen.is_some() == golden.is_some(), "{request:?}: {seen:?} {golden:?}");
            }
        }
    });
}
