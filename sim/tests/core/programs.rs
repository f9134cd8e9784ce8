//! Random programs, memories and requests.

use crate::{host::Request, jobs};
use lacuna_sim::testing::Rng;
use lacuna_spec::{
    Geometry,
    instr::{Head, Instr, Opcode, Reshape},
    map::{self, Region},
    regs,
};
use rand::{Rng as _, seq::IndexedRandom as _};

pub fn set_head(instr: &mut Instr, change: impl FnOnce(&mut Head)) {
    match instr {
        Instr::Halt(h)
        | Instr::Fence(h)
        | Instr::Load(h)
        | Instr::Run(h, ..)
        | Instr::Post(h, ..)
        | Instr::Reshape(h, _) => {
            change(h);
        }
    }
}

pub fn random_job(rng: &mut Rng, g: &Geometry) -> jobs::Job {
    match rng.random_range(0..10) {
        0..5 => jobs::convolution(rng, g),
        5 if g.depthwise_taps > 0 => jobs::depthwise(rng, g, true),
        6 if g.depthwise_taps > 0 => jobs::product(rng, g, true),
        _ => jobs::elementwise(rng, g),
    }
}

/// Where `jobs` puts parameters; only they may be there.
fn params(g: &Geometry) -> i64 {
    g.tile_bytes() as i64 * 4 / 5
}

/// Reads almost anywhere, writes below the parameters.
fn random_reshape(rng: &mut Rng, g: &Geometry) -> Instr {
    let size = g.tile_bytes() as i64;
    let targets = rng.random_range(1..1 << g.tiles);
    let gather = i64::from(rng.random_bool(0.3));
    let head = Head {
        opcode: Opcode::Reshape as i64,
        tiles: match (gather, rng.random_bool(0.3)) {
            (1, _) => rng.random_range(1..1 << g.tiles),
            (_, true) => targets,
            (_, false) => 1 << rng.random_range(0..g.tiles),
        },
        targets,
        from_input: rng.random_range(0..2),
        ..Head::default()
    };
    let transpose = i64::from(g.transposer && rng.random_bool(0.5));
    let element = transpose * rng.random_range(0..3);
    let counts = [20, 4 + 20 * transpose, 3, 2, 2].map(|most| rng.random_range(1..=most));
    // Five twelfths of what there is, up or down, for all levels together.
    let mut steps = |range: i64| counts.map(|count| rng.random_range(-range..=range) / (12 * count));
    let (reads, writes) = (steps(size), steps(params(g)));
    let own = |step: i64| if transpose == 1 { 1 << element } else { step };
    let reshape = Reshape {
        element,
        transpose,
        source_step_0: own(reads[0]),
        source_step_1: reads[1],
        source_step_2: reads[2],
        source_step_3: reads[3],
        source_step_4: reads[4],
        target_step_0: writes[0],
        target_step_1: own(writes[1]),
        target_step_2: writes[2],
        target_step_3: writes[3],
        target_step_4: writes[4],
        count_0: counts[0],
        count_1: counts[1],
        count_2: counts[2],
        count_3: counts[3],
        count_4: counts[4],
        source: size / 2 - 8,
        target: params(g) / 2,
        bytes: rng.random_range(1..=g.word_bytes() as i64),
        fill: i64::from(rng.random_bool(0.2)),
        value: rng.random_range(-128..128),
        capacity: [0, rng.random_range(1..=20)][rng.random_range(0..2)],
        gather,
        // Between the highest target and the parameters.
        tile_step: rng.random_range(0..params(g) / 12 / g.tiles as i64),
    };
    Instr::Reshape(head, reshape)
}

/// Memory with parameters that are valid for every layer of `jobs`, whichever rule and operator.
pub fn random_memory(rng: &mut Rng, g: &Geometry) -> Vec<u8> {
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
    set_head(instr, |head| {
        (head.read_lo, head.read_hi, head.write_lo, head.write_hi) = (read.0, read.1, write.0, write.1);
    });
}

/// Only the last block's parameters may be more than nine words, for those of the next stand in [`random_memory`].
fn measure_one_block(instr: &mut Instr) {
    if let Instr::Run(_, walk, tail) = instr
        && walk.blocks > 1
    {
        tail.threshold = 0;
    }
}

/// Instructions and tiles that a program runs, and the program.
pub fn random_program(rng: &mut Rng, g: &Geometry, length: usize) -> (Vec<Instr>, Vec<(usize, usize)>) {
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
        measure_one_block(&mut instr);
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

/// A read or a write anywhere, mapped or not.
pub fn random_request(rng: &mut Rng, g: &Geometry) -> Request {
    let tile = rng.random_range(0..=g.tiles);
    let addr = match rng.random_range(0..8) {
        0 => *[regs::MAGIC, regs::STATUS, regs::PHASE, regs::INPUT_OFFSET, regs::FAULT, regs::RUNS, 12, 32]
            .choose(rng)
            .expect("some"),
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
