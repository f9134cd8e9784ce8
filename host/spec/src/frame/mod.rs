//! Link frames: what travels between host and chip over UART, TCP or a pseudo-terminal.
//!
//! On the wire a frame is COBS (consistent overhead byte stuffing) of `body, CRC-32C of the body
//! (little endian)`, closed by one [`DELIMITER`]. Empty frames are ignored, so a delimiter may be
//! sent at any time to cut off garbage. Frames with an empty body are not sound: the checksum of nothing
//! is 0, which five bytes of 1 would pass for.
//!
//! Request body: a [`Request`] header of [`REQUEST_BYTES`], then for [`Op::Write`] `count` beats.
//! Response body: a [`Response`] header of [`RESPONSE_BYTES`], then for [`Op::Read`] `count` beats
//! and for [`Op::Hello`] a [`Hello`] of [`HELLO_BYTES`].
//!
//! Chips whose beats have [`HALF_BYTES`] or more ([`Shape::compresses`]) know two operations more, whose beats travel
//! compressed ([`compress`]): each beat as one half after the other. That of a read is filled up with zeros to a
//! multiple of [`RESPONSE_UNIT`] bytes.
//!
//! # Rules
//! 1. The chip executes requests of the open session in the order of their sequence numbers
//!    (8 bits, wrapping), each once, and keeps every response until a later request of the session
//!    says, in `ack`, that the host has it.
//! 2. `ack` is the lowest sequence number whose response the host does not have.
//! 3. A request is held, also out of order, when its number is in `ack ..= ack + slots - 1` with the
//!    `ack` that the chip knew *before* this frame. A host that keeps at most `slots - 1` requests
//!    open therefore loses none in normal flow.
//! 4. A request that was executed already is answered again from the kept response.
//! 5. `hello` with a session number that is not the open one opens that session: the window starts
//!    at its sequence number and everything older is forgotten. That frame is not answered; a second
//!    copy is then an ordinary request of the session and is. Session 0 is never used.
//! 6. Frames that are malformed, corrupt or of another session change nothing and are not answered.

mod compress;

pub use compress::{HALF_BYTES, best_fill, compress, compressed_len, expand};

use crate::Geometry;

/// Ends a frame; never occurs inside one.
pub const DELIMITER: u8 = 0;
/// Bytes of a request header.
pub const REQUEST_BYTES: usize = 12;
/// Bytes of a response header.
pub const RESPONSE_BYTES: usize = 8;
/// Bytes of a [`Hello`].
pub const HELLO_BYTES: usize = 8;
/// Bodies of responses are a multiple of so many bytes.
pub const RESPONSE_UNIT: usize = 4;
/// Bytes of the checksum that closes a body.
pub const CRC_BYTES: usize = 4;
/// CRC-32C (Castagnoli) polynomial, reflected; initial value and final xor are all ones.
pub const CRC_POLYNOMIAL: u32 = 0x82f6_3b78;
/// The checksum register after a body and its own checksum, before the final xor.
pub const CRC_RESIDUE: u32 = 0xb798_b438;
/// The revision of these rules.
pub const LINK_VERSION: u8 = 2;
/// `status` of a response whose beats were all mapped.
pub const STATUS_DONE: u8 = 0x80;
/// `status` of a response of which at least one beat was not mapped.
pub const STATUS_UNMAPPED: u8 = 0x81;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// Identity of the chip; opens a session.
    Hello = 1,
    /// Write `count` beats from `address` on.
    Write = 2,
    /// Read `count` beats from `address` on.
    Read = 3,
    /// As `Write`, with all byte lanes, of beats that travel compressed.
    WriteCompressed = 6,
    /// As `Read`, of beats that travel compressed.
    ReadCompressed = 7,
}

impl Op {
    /// All operations with their RTL names.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Hello, "Hello"),
        (Self::Write, "Write"),
        (Self::Read, "Read"),
        (Self::WriteCompressed, "WriteCompressed"),
        (Self::ReadCompressed, "ReadCompressed"),
    ];

    /// The operation of that number.
    #[must_use]
    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.into_iter().map(|(op, _)| op).find(|op| *op as u8 == value)
    }

    /// Beats go to the chip.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::WriteCompressed)
    }

    /// Beats travel compressed.
    #[must_use]
    pub const fn compressed(self) -> bool {
        matches!(self, Self::WriteCompressed | Self::ReadCompressed)
    }
}

/// The storage of one chip's end of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Requests that the chip can hold: a power of two.
    pub slots: usize,
    /// Bytes of one slot: a power of two. It holds the longest body with its checksum.
    pub slot_bytes: usize,
    /// Bytes of a beat.
    pub word_bytes: usize,
}

impl Shape {
    /// The shape that the chips of a geometry are built with.
    #[must_use]
    pub const fn of(geometry: &Geometry) -> Self {
        let word_bytes = geometry.word_bytes();
        if word_bytes < 16 {
            Self { slots: 4, slot_bytes: 512, word_bytes }
        } else {
            Self { slots: 8, slot_bytes: 1024, word_bytes }
        }
    }

    /// Beats of the largest burst.
    #[must_use]
    pub const fn max_beats(&self) -> usize {
        (self.slot_bytes - REQUEST_BYTES - CRC_BYTES) / self.word_bytes
    }

    /// Beats travel compressed where that is asked for.
    #[must_use]
    pub const fn compresses(&self) -> bool {
        self.word_bytes.is_multiple_of(HALF_BYTES)
    }

    /// Halves of `beats` beats.
    #[must_use]
    pub const fn halves(&self, beats: usize) -> usize {
        beats * self.word_bytes / HALF_BYTES
    }

    /// Beats of the largest burst of a compressed read, which may turn out longer than its beats.
    #[must_use]
    pub const fn max_compressed_read(&self) -> usize {
        (self.slot_bytes - RESPONSE_BYTES - CRC_BYTES) / (self.word_bytes + self.word_bytes / HALF_BYTES)
    }

    /// Bytes of beats, compressed, that one write holds; it may have 255 beats.
    #[must_use]
    pub const fn compressed_room(&self) -> usize {
        self.slot_bytes - REQUEST_BYTES - CRC_BYTES
    }

    /// Requests that the host keeps open, at most.
    #[must_use]
    pub const fn window(&self) -> usize {
        self.slots - 1
    }
}

/// The header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Sequence number. Byte 0.
    pub sequence: u8,
    /// Lowest sequence number whose response the host does not have. Byte 1.
    pub ack: u8,
    /// Session number, not 0. Bytes 2 and 3.
    pub session: u16,
    /// Operation. Byte 4.
    pub op: Op,
    /// Beats, 1 to [`Shape::max_beats`], or [`Shape::max_compressed_read`], or 255 for a compressed write; 0 for `hello`.
    /// Byte 5.
    pub count: u8,
    /// Byte lanes that each beat of a write stores; of a compressed operation, the fill value; 0 otherwise. Bytes 6 and 7.
    pub strobe: u16,
    /// First beat address on the host bus; 0 for `hello`. Bytes 8 to 11.
    pub address: u32,
}

impl Request {
    /// The header as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; REQUEST_BYTES] {
        let [s0, s1] = self.session.to_le_bytes();
        let [m0, m1] = self.strobe.to_le_bytes();
        let [a0, a1, a2, a3] = self.address.to_le_bytes();
        [self.sequence, self.ack, s0, s1, self.op as u8, self.count, m0, m1, a0, a1, a2, a3]
    }

    /// Header and payload of a body without its checksum; `None` if it is malformed for `shape`.
    #[must_use]
    pub fn parse<'a>(body: &'a [u8], shape: &Shape) -> Option<(Self, &'a [u8])> {
        let (header, payload) = body.split_first_chunk::<REQUEST_BYTES>()?;
        let [sequence, ack, s0, s1, op, count, m0, m1, a0, a1, a2, a3] = *header;
        let request = Self {
            sequence,
            ack,
            session: u16::from_le_bytes([s0, s1]),
            op: Op::from_u8(op)?,
            count,
            strobe: u16::from_le_bytes([m0, m1]),
            address: u32::from_le_bytes([a0, a1, a2, a3]),
        };
        let beats = usize::from(count);
        let sound = match request.op {
            Op::Hello => beats == 0 && payload.is_empty(),
            Op::Read => (1..=shape.max_beats()).contains(&beats) && payload.is_empty(),
            Op::Write => (1..=shape.max_beats()).contains(&beats) && payload.len() == beats * shape.word_bytes,
            Op::ReadCompressed => {
                shape.compresses() && (1..=shape.max_compressed_read()).contains(&beats) && payload.is_empty()
            }
            Op::WriteCompressed => {
                let whole = || expand(payload, 0, shape.halves(beats)).is_some_and(|(_, taken)| taken == payload.len());
                shape.compresses() && beats > 0 && whole()
            }
        };
        sound.then_some((request, payload))
    }

    /// What is not in the masks of a compressed operation.
    #[must_use]
    pub const fn fill(&self) -> u8 {
        self.strobe as u8
    }
}

/// The header of a response: bytes 0 to 5 repeat the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// Sequence number of the request. Byte 0.
    pub sequence: u8,
    /// Session number. Bytes 2 and 3.
    pub session: u16,
    /// Operation. Byte 4.
    pub op: Op,
    /// Beats of the request. Byte 5.
    pub count: u8,
    /// Whether every beat was mapped: byte 6 is [`STATUS_DONE`] or [`STATUS_UNMAPPED`]. Byte 7 is 0, or the payload of
    /// a compressed read in [`RESPONSE_UNIT`]s.
    pub mapped: bool,
}

impl Response {
    /// Header and payload of a body without its checksum; `None` if it is malformed for `shape`.
    ///
    /// A request that comes back from a looped line is never a response: its length differs, or its
    /// byte 6 is 0.
    #[must_use]
    pub fn parse(body: &[u8], word_bytes: usize) -> Option<(Self, &[u8])> {
        let (header, payload) = body.split_first_chunk::<RESPONSE_BYTES>()?;
        let [sequence, _, s0, s1, op, count, status, units] = *header;
        let mapped = match status {
            STATUS_DONE => true,
            STATUS_UNMAPPED => false,
            _ => return None,
        };
        let response = Self { sequence, session: u16::from_le_bytes([s0, s1]), op: Op::from_u8(op)?, count, mapped };
        let (expected, measured) = match response.op {
            Op::Hello => (HELLO_BYTES, false),
            Op::Write | Op::WriteCompressed => (0, false),
            Op::Read => (usize::from(count) * word_bytes, false),
            Op::ReadCompressed => (usize::from(units) * RESPONSE_UNIT, true),
        };
        ((measured || units == 0) && payload.len() == expected).then_some((response, payload))
    }
}

/// What a chip says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// [`crate::tables::layout_hash`] of the contract that the bitstream was built from. Bytes 0 to 3.
    pub layout_hash: u32,
    /// Storage of the link: log2 of the slots in byte 4, log2 of the slot's bytes in byte 5, the
    /// bytes of a beat in byte 6.
    pub shape: Shape,
    /// [`LINK_VERSION`]. Byte 7.
    pub version: u8,
}

impl Hello {
    /// The payload as the chip sends it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HELLO_BYTES] {
        let [h0, h1, h2, h3] = self.layout_hash.to_le_bytes();
        let (slots, slot_bytes) = (self.shape.slots.ilog2() as u8, self.shape.slot_bytes.ilog2() as u8);
        [h0, h1, h2, h3, slots, slot_bytes, self.shape.word_bytes as u8, self.version]
    }

    /// The identity in a payload; `None` if no chip has such a shape.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [h0, h1, h2, h3, slots, slot_bytes, word, version] = *payload.first_chunk::<HELLO_BYTES>()?;
        let sound = (1..=7).contains(&slots) && (6..=12).contains(&slot_bytes) && (1..=16).contains(&word);
        let shape = Shape { slots: 1 << (slots & 7), slot_bytes: 1 << (slot_bytes & 15), word_bytes: word.into() };
        sound.then_some(Self { layout_hash: u32::from_le_bytes([h0, h1, h2, h3]), shape, version })
    }
}

/// What RTL takes: name, value, bits (0 for `int unsigned`).
#[must_use]
pub fn constants() -> Vec<(String, u64, u32)> {
    let mut all: Vec<(String, u64, u32)> = [
        ("FrameRequestBytes", REQUEST_BYTES as u64, 0),
        ("FrameResponseBytes", RESPONSE_BYTES as u64, 0),
        ("FrameHelloBytes", HELLO_BYTES as u64, 0),
        ("FrameCrcBytes", CRC_BYTES as u64, 0),
        ("FrameHalfBytes", HALF_BYTES as u64, 0),
        ("FrameResponseUnit", RESPONSE_UNIT as u64, 0),
        ("FrameCrcPolynomial", CRC_POLYNOMIAL.into(), 32),
        ("FrameCrcResidue", CRC_RESIDUE.into(), 32),
        ("FrameStatusDone", STATUS_DONE.into(), 8),
        ("FrameStatusUnmapped", STATUS_UNMAPPED.into(), 8),
        ("LinkVersion", LINK_VERSION.into(), 8),
    ]
    .map(|(name, value, bits)| (name.to_owned(), value, bits))
    .into();
    all.extend(Op::ALL.map(|(op, name)| (format!("Frame{name}"), op as u64, 8)));
    for geometry in Geometry::PRESETS {
        let shape = Shape::of(&geometry);
        let mut prefix = geometry.name.to_owned();
        prefix[..1].make_ascii_uppercase();
        all.push((format!("{prefix}LinkSlots"), shape.slots as u64, 0));
        all.push((format!("{prefix}LinkSlotBytes"), shape.slot_bytes as u64, 0));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_bytes() {
        let shape = Shape::of(&Geometry::BASE);
        let request = Request {
            sequence: 255,
            ack: 250,
            session: 0x1234,
            op: Op::Write,
            count: 2,
            strobe: 0x00ff,
            address: 0x3010_0007,
        };
        let mut body = request.to_bytes().to_vec();
        body.extend(0..32);
        assert_eq!(Request::parse(&body, &shape), Some((request, &body[REQUEST_BYTES..])));
        body.pop();
        assert_eq!(Request::parse(&body, &shape), None);
    }

    #[test]
    fn a_looped_request_is_never_a_response() {
        for shape in Geometry::PRESETS.map(|g| Shape::of(&g)) {
            for (op, _) in Op::ALL {
                for count in 0..=shape.max_beats() as u8 {
                    for strobe in [0, 0x80, 0x81] {
                        let strobe = if op.writes() || op.compressed() { strobe } else { 0 };
                        let request = Request { sequence: 1, ack: 1, session: 7, op, count, strobe, address: 0 };
                        let mut body = request.to_bytes().to_vec();
                        if op == Op::Write {
                            body.resize(REQUEST_BYTES + usize::from(count) * shape.word_bytes, 0);
                        } else if op == Op::WriteCompressed {
                            body.resize(REQUEST_BYTES + shape.halves(count.into()), 0);
                        }
                        let sound = Request::parse(&body, &shape).is_some();
                        assert!(!sound || Response::parse(&body, shape.word_bytes).is_none(), "{request:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn hello_survives_its_bytes_and_nonsense_is_refused() {
        for geometry in Geometry::PRESETS {
            let hello = Hello { layout_hash: 0x89ab_cdef, shape: Shape::of(&geometry), version: LINK_VERSION };
            assert_eq!(Hello::parse(&hello.to_bytes()), Some(hello));
        }
        assert_eq!(Hello::parse(&[0; HELLO_BYTES]), None);
    }

    #[test]
    fn every_slot_holds_its_longest_body() {
        for shape in Geometry::PRESETS.map(|g| Shape::of(&g)) {
            assert!(REQUEST_BYTES + shape.max_beats() * shape.word_bytes + CRC_BYTES <= shape.slot_bytes);
            assert!(shape.max_beats() <= 255 && shape.slots.is_power_of_two() && shape.slots <= 128);
            let longest = shape.max_compressed_read() * (shape.word_bytes + shape.halves(1));
            assert!(RESPONSE_BYTES + longest.next_multiple_of(RESPONSE_UNIT) + CRC_BYTES <= shape.slot_bytes);
            assert!(longest.div_ceil(RESPONSE_UNIT) <= 255);
        }
    }
}
