//! The chip's end of the link: RTL against the golden bridge, and both ends over a bad line.

use lacuna_golden::link::{Bridge, encode};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    frame::{DELIMITER, Op, Request, Shape},
    tables::layout_hash,
};
use rand::Rng as _;

#[path = "link/bench.rs"]
mod bench;

use bench::{Memory, Rtl, UNMAPPED};

/// A request near `position`: sizes, sequence numbers and sessions at and past their limits.
fn random_request(shape: &Shape, (open, next): (u16, u8), rng: &mut Rng) -> Vec<u8> {
    let op = match rng.random_range(0..16) {
        _ if open == 0 => Op::Hello,
        0 => Op::Hello,
        1..=9 => Op::Write,
        _ => Op::Read,
    };
    let sequence = match rng.random_range(0..10) {
        0 => next.wrapping_sub(rng.random_range(0..12)),
        1 => next.wrapping_add(rng.random_range(0..12)),
        2 => rng.random(),
        _ => next,
    };
    let count = match (op, rng.random_range(0..8)) {
        (Op::Hello, 1..) => 0,
        (_, 0) => rng.random(),
        (_, 1) => shape.max_beats() as u8,
        _ => rng.random_range(1..5),
    };
    let unmapped = rng.random_range(0..8) == 0;
    let request = Request {
        sequence,
        ack: if rng.random_bool(0.9) { sequence } else { sequence.wrapping_sub(rng.random_range(0..9)) },
        session: if rng.random_range(0..20) == 0 || open == 0 { rng.random_range(0..4) } else { open },
        op,
        count,
        strobe: if op == Op::Write { rng.random::<u16>() >> (16 - shape.word_bytes) } else { 0 },
        address: rng.random_range(0..64) + if unmapped { UNMAPPED - 2 } else { 0 },
    };
    let mut body = request.to_bytes().to_vec();
    if op == Op::Write {
        let zeros = rng.random_bool(0.5);
        let beats = if rng.random_range(0..30) == 0 { usize::from(count) + 1 } else { count.into() };
        body.extend((0..beats * shape.word_bytes).map(|_| if zeros { rng.random_range(0..3) } else { rng.random() }));
    }
    body
}

/// What goes over the line: mostly sound frames, some corrupted, cut, glued or garbage.
fn random_bytes(shape: &Shape, position: (u16, u8), rng: &mut Rng) -> Vec<u8> {
    let mut wire = Vec::new();
    if rng.random_range(0..40) == 0 {
        wire.extend((0..rng.random_range(1..2500)).map(|_| rng.random::<u8>()));
        wire.push(0);
    }
    encode(&random_request(shape, position, rng), &mut wire);
    match rng.random_range(0..16) {
        0 => {
            let at = rng.random_range(0..wire.len());
            wire[at] ^= 1 << rng.random_range(0..8);
        }
        1 => {
            wire.remove(rng.random_range(0..wire.len()));
        }
        2 => wire.extend_from_within(..),
        _ => {}
    }
    wire
}

fn equals_golden(name: &str, geometry: Geometry, top: fn() -> Model) {
    randomised(name, |rng| {
        let shape = Shape::of(&geometry);
        let mut rtl = Rtl::new(top(), shape.word_bytes);
        let mut golden = Bridge::new(shape, layout_hash());
        let (mut memory, mut answers) = (Memory::default(), Vec::new());
        for _ in 0..400 {
            rtl.pace = if rng.random_bool(0.5) { 256 } else { rng.random_range(32..256) };
            let bytes = random_bytes(&shape, golden.position(), rng);
            // Golden answers at once: a repeat that meets its request still running is another test's.
            for frame in bytes.split_inclusive(|&byte| byte == DELIMITER) {
                golden.receive(frame, &mut memory, &mut answers);
                rtl.to_chip.extend(frame);
                rtl.settle(rng);
                assert_eq!(rtl.from_chip, answers);
                assert_eq!(rtl.memory.log, memory.log);
                rtl.from_chip.clear();
                answers.clear();
            }
        }
        assert!(memory.log.len() > 500, "only {} beats reached the host bus", memory.log.len());
    });
}

#[test]
fn bridge_base_answers_as_golden_does() {
    equals_golden("bridge_base_answers_as_golden_does", Geometry::BASE, tops::bridge_base);
}

#[test]
fn bridge_nano_answers_as_golden_does() {
    equals_golden("bridge_nano_answers_as_golden_does", Geometry::NANO, tops::bridge_nano);
}
