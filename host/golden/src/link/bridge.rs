//! Window, executor and responses of the chip's end.

use super::{Decoder, encode};
use lacuna_spec::frame::{
    HELLO_BYTES, Hello, LINK_VERSION, Op, RESPONSE_BYTES, RESPONSE_UNIT, Request, STATUS_DONE, STATUS_UNMAPPED, Shape,
    compress, expand,
};

/// What the bridge masters: the host bus of a chip.
pub trait Bus {
    /// Stores the byte lanes of `beat` that `strobe` selects; `false` if the address is not mapped.
    fn write(&mut self, address: u32, beat: &[u8], strobe: u16) -> bool;
    /// Loads a beat; `false` if the address is not mapped.
    fn read(&mut self, address: u32, beat: &mut [u8]) -> bool;
}

/// One slot of the chip's store.
#[derive(Debug, Clone, Default)]
enum Slot {
    #[default]
    Empty,
    /// A request that has not run, with its payload.
    Held(Box<(Request, Vec<u8>)>),
    /// The response of the last request here.
    Kept(Vec<u8>),
}

/// The chip's end of the link.
#[derive(Debug, Clone)]
pub struct Bridge {
    shape: Shape,
    layout_hash: u32,
    decoder: Decoder,
    session: u16,
    /// Lowest sequence number whose response must be kept.
    base: u8,
    /// Sequence number that runs next.
    next: u8,
    slots: Vec<Slot>,
}

impl Bridge {
    /// A bridge as it is after reset.
    #[must_use]
    pub fn new(shape: Shape, layout_hash: u32) -> Self {
        let slots = vec![Slot::Empty; shape.slots];
        Self { shape, layout_hash, decoder: Decoder::new(shape.slot_bytes), session: 0, base: 0, next: 0, slots }
    }

    /// The open session (0: none) and the sequence number that runs next.
    #[must_use]
    pub const fn position(&self) -> (u16, u8) {
        (self.session, self.next)
    }

    /// Takes bytes from the line, runs on `bus` what they ask for, appends the answers to `out`.
    pub fn receive(&mut self, bytes: &[u8], bus: &mut impl Bus, out: &mut Vec<u8>) {
        for &byte in bytes {
            if let Some(body) = self.decoder.take(byte)
                && let Some((request, payload)) = Request::parse(&body, &self.shape)
            {
                self.request(request, payload, bus, out);
            }
        }
    }

    fn request(&mut self, request: Request, payload: &[u8], bus: &mut impl Bus, out: &mut Vec<u8>) {
        if request.session == 0 {
            return;
        }
        if request.session != self.session {
            if request.op == Op::Hello {
                self.session = request.session;
                self.base = request.sequence;
                self.next = request.sequence;
                self.slots.fill(Slot::Empty);
            }
            return;
        }
        let executed = self.next.wrapping_sub(self.base);
        let offset = request.sequence.wrapping_sub(self.base);
        let index = self.index(request.sequence);
        if offset < executed {
            if let Slot::Kept(body) = &self.slots[index] {
                encode(body, out);
            }
        } else if usize::from(offset) < self.shape.slots && !matches!(self.slots[index], Slot::Held(_)) {
            self.slots[index] = Slot::Held(Box::new((request, payload.to_vec())));
        }
        // Only now: what this frame frees came too late for its own bytes.
        if request.ack.wrapping_sub(self.base) <= executed {
            self.base = request.ack;
        }
        self.run(bus, out);
    }

    fn run(&mut self, bus: &mut impl Bus, out: &mut Vec<u8>) {
        loop {
            let index = self.index(self.next);
            let Slot::Held(held) = &self.slots[index] else { break };
            let body = self.execute(&held.0, &held.1, bus);
            encode(&body, out);
            self.slots[index] = Slot::Kept(body);
            self.next = self.next.wrapping_add(1);
        }
    }

    /// Runs one request; gives the body of its response.
    fn execute(&self, request: &Request, payload: &[u8], bus: &mut impl Bus) -> Vec<u8> {
        let word = self.shape.word_bytes;
        let mut mapped = true;
        let mut body = request.to_bytes()[..RESPONSE_BYTES].to_vec();
        match request.op {
            Op::Hello => {
                let hello = Hello { layout_hash: self.layout_hash, shape: self.shape, version: LINK_VERSION };
                body.extend::<[u8; HELLO_BYTES]>(hello.to_bytes());
            }
            Op::Write => mapped = write(request, payload, request.strobe, word, bus),
            Op::WriteCompressed => {
                let halves = self.shape.halves(request.count.into());
                let (beats, _) = expand(payload, request.fill(), halves).expect("a request is whole");
                mapped = write(request, &beats, u16::MAX >> (16 - word), word, bus);
            }
            Op::Read | Op::ReadCompressed => {
                let mut beat = vec![0; word];
                for i in 0..u32::from(request.count) {
                    mapped &= bus.read(request.address.wrapping_add(i), &mut beat);
                    if request.op == Op::Read {
                        body.extend_from_slice(&beat);
                    } else {
                        compress(&beat, request.fill(), &mut body);
                    }
                }
                body.resize(body.len().next_multiple_of(RESPONSE_UNIT), 0);
            }
        }
        body[6] = if mapped { STATUS_DONE } else { STATUS_UNMAPPED };
        let units = (body.len() - RESPONSE_BYTES) / RESPONSE_UNIT;
        body[7] = if request.op == Op::ReadCompressed { units as u8 } else { 0 };
        body
    }

    fn index(&self, sequence: u8) -> usize {
        usize::from(sequence) % self.shape.slots
    }
}

/// Writes beats one after the other; whether all are mapped.
fn write(request: &Request, beats: &[u8], strobe: u16, word: usize, bus: &mut impl Bus) -> bool {
    let addresses = (0..).map(|i| request.address.wrapping_add(i));
    addresses
        .zip(beats.chunks_exact(word))
        .fold(true, |mapped, (address, beat)| bus.write(address, beat, strobe) && mapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lacuna_spec::Geometry;

    /// Counts what reaches it.
    #[derive(Default)]
    struct Log(Vec<(u32, Vec<u8>)>);

    impl Bus for Log {
        fn write(&mut self, address: u32, beat: &[u8], _: u16) -> bool {
            self.0.push((address, beat.to_vec()));
            true
        }
        fn read(&mut self, address: u32, beat: &mut [u8]) -> bool {
            beat.fill(address as u8);
            false
        }
    }

    struct Bench {
        bridge: Bridge,
        bus: Log,
    }

    impl Bench {
        fn new() -> Self {
            let mut bench = Self { bridge: Bridge::new(Shape::of(&Geometry::BASE), 0x1234), bus: Log::default() };
            assert_eq!(bench.send(Op::Hello, 10, 10, 0, 0), [] as [Vec<u8>; 0]);
            assert_eq!(bench.send(Op::Hello, 10, 10, 0, 0).len(), 1);
            bench
        }

        fn send(&mut self, op: Op, sequence: u8, ack: u8, count: u8, address: u32) -> Vec<Vec<u8>> {
            let request = Request { sequence, ack, session: 9, op, count, strobe: 0, address };
            let mut body = request.to_bytes().to_vec();
            if op == Op::Write {
                body.resize(body.len() + usize::from(count) * 16, sequence);
            }
            let (mut wire, mut answer) = (Vec::new(), Vec::new());
            encode(&body, &mut wire);
            self.bridge.receive(&wire, &mut self.bus, &mut answer);
            let mut decoder = Decoder::new(1024);
            answer.into_iter().filter_map(|b| decoder.take(b)).collect()
        }
    }

    #[test]
    fn a_repeated_write_is_answered_and_not_run_again() {
        let mut bench = Bench::new();
        let first = bench.send(Op::Write, 11, 11, 2, 7);
        assert_eq!(bench.send(Op::Write, 11, 11, 2, 7), first);
        assert_eq!(bench.bus.0.iter().map(|(a, _)| *a).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn requests_out_of_order_wait_for_the_missing_one() {
        let mut bench = Bench::new();
        assert!(bench.send(Op::Write, 12, 11, 1, 2).is_empty());
        assert!(bench.send(Op::Write, 13, 11, 1, 3).is_empty());
        assert_eq!(bench.send(Op::Write, 11, 11, 1, 1).len(), 3);
        assert_eq!(bench.bus.0.iter().map(|(a, _)| *a).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_response_is_kept_until_it_is_acknowledged() {
        let mut bench = Bench::new();
        for sequence in 11..18 {
            assert_eq!(bench.send(Op::Write, sequence, 10, 1, 0).len(), 1);
        }
        // All 8 slots hold responses from 10 on: nothing more is taken, nothing is lost.
        assert!(bench.send(Op::Write, 18, 10, 1, 0).is_empty());
        assert_eq!(bench.send(Op::Hello, 10, 10, 0, 0).len(), 1);
        // The acknowledgement counts for the next frame, not for its own.
        assert!(bench.send(Op::Write, 18, 12, 1, 0).is_empty());
        assert_eq!(bench.send(Op::Write, 18, 12, 1, 0).len(), 1);
        assert_eq!(bench.bus.0.len(), 8);
    }

    #[test]
    fn an_unmapped_beat_is_reported() {
        let mut bench = Bench::new();
        let answer = bench.send(Op::Read, 11, 11, 1, 0x55);
        assert_eq!(answer[0][6], STATUS_UNMAPPED);
        assert_eq!(answer[0][8..], [0x55; 16]);
    }
}
