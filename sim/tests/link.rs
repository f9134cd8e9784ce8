//! The chip's end of the link: RTL against the golden bridge, and both ends over a bad line.

use lacuna_golden::link::{Bridge, Bus as _, Decoder, encode};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    frame::{DELIMITER, Op, Request, Shape, compress},
    tables::layout_hash,
};
use rand::Rng as _;

#[path = "link/bench.rs"]
mod bench;
#[path = "link/uart.rs"]
mod uart;

use bench::{Memory, Rtl, UNMAPPED};
use uart::Uart;

/// A request near `position`: sizes, sequence numbers and sessions at and past their limits.
fn random_request(shape: &Shape, (open, next): (u16, u8), rng: &mut Rng) -> Vec<u8> {
    let op = match rng.random_range(0..16) {
        _ if open == 0 => Op::Hello,
        0 => Op::Hello,
        1..=6 => Op::Write,
        7..=9 => Op::Read,
        10..=12 => Op::ReadCompressed,
        _ => Op::WriteCompressed,
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
        (Op::ReadCompressed, 1) => shape.max_compressed_read() as u8 + rng.random_range(0..2),
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
        strobe: match op {
            Op::Write => rng.random::<u16>() >> (16 - shape.word_bytes),
            // A value that is frequent, and what the chip ignores.
            Op::WriteCompressed | Op::ReadCompressed => rng.random_range(0..3) | rng.random::<u16>() & 0x100,
            Op::Hello | Op::Read => 0,
        },
        address: rng.random_range(0..12) + if unmapped { UNMAPPED - 2 } else { 0 },
    };
    let mut body = request.to_bytes().to_vec();
    if op.writes() {
        let zeros = rng.random_bool(0.5);
        let beats = if rng.random_range(0..30) == 0 { usize::from(count) + 1 } else { count.into() };
        let bytes: Vec<u8> =
            (0..beats * shape.word_bytes).map(|_| if zeros { rng.random_range(0..3) } else { rng.random() }).collect();
        if op == Op::Write {
            body.extend(bytes);
        } else {
            compress(&bytes, request.fill(), &mut body);
            // A mask or a byte too few or too many, at any place.
            match rng.random_range(0..20) {
                0 if body.len() > 12 => drop(body.remove(rng.random_range(12..body.len()))),
                1 => body.insert(rng.random_range(12..=body.len()), rng.random()),
                _ => {}
            }
        }
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

/// Of an answer without its delimiter.
fn is_compressed(answer: &[u8]) -> bool {
    let mut decoder = Decoder::new(1024);
    let body = answer.iter().chain(&[DELIMITER]).find_map(|&byte| decoder.take(byte));
    body.is_some_and(|body| Op::from_u8(body[4]).is_some_and(Op::compressed))
}

fn equals_golden(name: &str, geometry: Geometry, top: fn() -> Model) {
    randomised(name, |rng| {
        let shape = Shape::of(&geometry);
        let mut rtl = Rtl::new(top(), shape.word_bytes);
        let mut golden = Bridge::new(shape, layout_hash());
        let (mut memory, mut answers, mut compressed) = (Memory::default(), Vec::new(), 0);
        for _ in 0..400 {
            rtl.pace = if rng.random_bool(0.5) { 256 } else { rng.random_range(32..256) };
            let bytes = random_bytes(&shape, golden.position(), rng);
            // Golden answers at once: a repeat that meets its request still running is another test's.
            for frame in bytes.split_inclusive(|&byte| byte == DELIMITER) {
                golden.receive(frame, &mut memory, &mut answers);
                compressed += answers.split(|&byte| byte == DELIMITER).filter(|answer| is_compressed(answer)).count();
                rtl.to_chip.extend(frame);
                rtl.settle(rng);
                assert_eq!(rtl.from_chip, answers);
                assert_eq!(rtl.memory.log, memory.log);
                rtl.from_chip.clear();
                answers.clear();
            }
        }
        assert!(memory.log.len() > 500, "only {} beats reached the host bus", memory.log.len());
        assert_eq!(compressed > 20, shape.compresses(), "{compressed} answers to compressed requests");
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

/// The fill value of what travels compressed.
const FILL: u8 = 0x80;

/// Whether that byte is [`FILL`]: runs of 1, 2, 3 and 4 of each kind take turns.
fn half_filled(at: usize) -> bool {
    [1, 3, 4, 8, 9, 10, 14, 15, 16, 17].contains(&(at % 20))
}

/// A frame of the open session 5.
fn frame(op: Op, sequence: u8, ack: u8, count: u8, payload: &[u8]) -> Vec<u8> {
    let strobe = if op == Op::Write { u16::MAX } else { 0 };
    let request = Request { sequence, ack, session: 5, op, count, strobe, address: 0 };
    let mut wire = Vec::new();
    encode(&[&request.to_bytes()[..], payload].concat(), &mut wire);
    wire
}

#[test]
fn an_answer_whose_slot_is_used_again_is_cut_and_never_mixed() {
    randomised("an_answer_whose_slot_is_used_again_is_cut_and_never_mixed", |rng| {
        for _ in 0..24 {
            let mut rtl = Rtl::new(tops::bridge_base(), 16);
            let (mut first, mut second) = ([0u8; 1008], [0u8; 1008]);
            rng.fill(&mut first[..]);
            rng.fill(&mut second[..]);
            for wire in
                [frame(Op::Hello, 0, 0, 0, &[]), frame(Op::Hello, 0, 0, 0, &[]), frame(Op::Write, 1, 1, 63, &first)]
            {
                rtl.to_chip.extend(wire);
                rtl.settle(rng);
            }
            // The answer to 2 stops somewhere on its way; the host says it has it and uses its slot for 10.
            rtl.from_chip.clear();
            rtl.to_chip.extend(frame(Op::Read, 2, 2, 63, &[]));
            let stop = rng.random_range(1..1000);
            while rtl.from_chip.len() < stop {
                rtl.step(rng);
            }
            rtl.hold = true;
            for wire in [frame(Op::Read, 3, 3, 1, &[]), frame(Op::Write, 10, 3, 63, &second)] {
                rtl.to_chip.extend(wire);
                rtl.settle(rng);
            }
            rtl.hold = false;
            let held = rtl.from_chip.len();
            rtl.settle(rng);
            let rest = rtl.from_chip[held..].iter().position(|&byte| byte == DELIMITER);
            assert!(rest.is_some_and(|rest| rest <= 1), "{rest:?} bytes of a dead answer were still sent");
            let mut decoder = Decoder::new(1024);
            let bodies: Vec<_> = rtl.from_chip.iter().filter_map(|&byte| decoder.take(byte)).collect();
            let answers: Vec<u8> = bodies.iter().map(|body| body[0]).collect();
            assert_eq!(answers, [3], "the answer to 2 is cut, the next one arrives");
            assert_eq!(bodies[0][8..], first[..16]);
        }
    });
}

/// A session behind pins: sends requests as fast as the line takes them, keeping the window full. Of what travels
/// compressed, every second byte is the fill value, in runs of 1 to 4.
fn stream(name: &str, geometry: Geometry, top: fn() -> Model, clocks_a_bit: f64, op: Op) -> f64 {
    let shape = Shape::of(&geometry);
    let mut rtl = Rtl::new(top(), shape.word_bytes);
    let mut uart = Uart::new(&mut rtl.dut, clocks_a_bit);
    let mut decoder = Decoder::new(shape.slot_bytes);
    let frames = 24;
    let beats = if op.compressed() { shape.max_compressed_read() } else { shape.max_beats() };
    if op == Op::ReadCompressed {
        for (address, at) in (0..beats).zip((0..).step_by(shape.word_bytes)) {
            let beat: Vec<u8> =
                (at..at + shape.word_bytes).map(|i| if half_filled(i) { FILL } else { i as u8 | 1 }).collect();
            rtl.memory.write(address as u32, &beat, u16::MAX);
        }
    }
    let (mut sent, mut answered, mut clocks, mut begin) = (0u8, 0u8, 0u64, 0);
    let request = |sequence: u8, ack: u8| {
        let op = if sequence == 0 { Op::Hello } else { op };
        let count = if sequence == 0 { 0 } else { beats as u8 };
        let strobe = match op {
            Op::Write => u16::MAX >> (16 - shape.word_bytes),
            Op::WriteCompressed | Op::ReadCompressed => FILL.into(),
            Op::Hello | Op::Read => 0,
        };
        let header = Request { sequence, ack, session: 5, op, count, strobe, address: 0 };
        let mut body = header.to_bytes().to_vec();
        let bytes = (0..usize::from(count) * shape.word_bytes).map(|i| (i as u8).wrapping_mul(sequence));
        match op {
            Op::Write => body.extend(bytes),
            Op::WriteCompressed => {
                let sparse = bytes.enumerate().map(|(i, byte)| if half_filled(i) { FILL } else { byte | 1 });
                compress(&sparse.collect::<Vec<_>>(), FILL, &mut body);
            }
            Op::Hello | Op::Read | Op::ReadCompressed => {}
        }
        let mut wire = Vec::new();
        encode(&body, &mut wire);
        wire
    };
    uart.outgoing.extend([request(0, 0), request(0, 0)].concat());
    sent += 1;
    while answered <= frames {
        assert!(clocks < 3_000_000, "{name}: {answered} of {frames} answered");
        if answered > 0 && sent <= frames && usize::from(sent - answered) < shape.window() && uart.outgoing.len() < 64 {
            uart.outgoing.extend(request(sent, answered));
            sent += 1;
        }
        uart::step(&mut rtl, &mut uart);
        clocks += 1;
        for byte in uart.incoming.drain(..) {
            if let Some(body) = decoder.take(byte) {
                assert_eq!(body[0], answered, "{name}: responses leave in order");
                answered += 1;
                begin = if answered == 1 { clocks } else { begin };
            }
        }
    }
    let payload = f64::from(frames) * (beats * shape.word_bytes) as f64;
    let line = (clocks - begin) as f64 / (10.0 * clocks_a_bit);
    println!("{name}: {:.1} % of the line is payload", 100.0 * payload / line);
    payload / line
}

#[test]
fn writes_through_the_uart_use_95_percent_of_the_line() {
    assert!(stream("base, writes", Geometry::BASE, tops::link_base, 4.0, Op::Write) >= 0.97);
    assert!(stream("nano, writes", Geometry::NANO, tops::link_nano, 133.0 / 16.0, Op::Write) >= 0.95);
}

#[test]
fn reads_through_the_uart_use_95_percent_of_the_line() {
    assert!(stream("base, reads", Geometry::BASE, tops::link_base, 4.0, Op::Read) >= 0.95);
    assert!(stream("nano, reads", Geometry::NANO, tops::link_nano, 133.0 / 16.0, Op::Read) >= 0.95);
}

#[test]
fn beats_that_are_half_zeros_go_faster_than_the_line() {
    assert!(stream("base, writes of half zeros", Geometry::BASE, tops::link_base, 4.0, Op::WriteCompressed) >= 1.4);
    assert!(stream("base, reads of half zeros", Geometry::BASE, tops::link_base, 4.0, Op::ReadCompressed) >= 1.4);
}

#[test]
fn the_uart_bears_a_host_clock_that_is_off_by_two_percent() {
    for bit in [8.3125 * 0.98, 8.3125 * 1.02] {
        let share = stream("nano, clock off", Geometry::NANO, tops::link_nano, bit, Op::Write);
        assert!(share >= 0.90, "{share}");
    }
}
