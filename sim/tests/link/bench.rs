//! An RTL bridge with a memory behind its host bus and queues at its byte streams.

use std::collections::{HashMap, VecDeque};

use lacuna_golden::link::Bus;
use lacuna_sim::{Model, Port, testing::Rng};
use rand::Rng as _;

/// First of eight beats that are not mapped.
pub const UNMAPPED: u32 = 0x8000_0000;

fn mapped(address: u32) -> bool {
    !(UNMAPPED..UNMAPPED + 8).contains(&address)
}

/// One access that reached the host bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Address, data, strobe.
    Write(u32, Vec<u8>, u16),
    /// Address.
    Read(u32),
}

/// A memory that remembers every access.
#[derive(Debug, Default)]
pub struct Memory {
    beats: HashMap<u32, Vec<u8>>,
    pub log: Vec<Access>,
    /// Only the low byte of an address selects the beat.
    pub aliased: bool,
}

impl Memory {
    fn beat(&self, address: u32) -> u32 {
        if self.aliased { address & 0xff } else { address }
    }
}

impl Bus for Memory {
    fn write(&mut self, address: u32, beat: &[u8], strobe: u16) -> bool {
        self.log.push(Access::Write(address, beat.to_vec(), strobe));
        let held = self.beats.entry(self.beat(address)).or_insert_with(|| vec![0; beat.len()]);
        for (lane, (old, new)) in held.iter_mut().zip(beat).enumerate() {
            if strobe >> lane & 1 == 1 {
                *old = *new;
            }
        }
        mapped(address)
    }

    fn read(&mut self, address: u32, beat: &mut [u8]) -> bool {
        self.log.push(Access::Read(address));
        match self.beats.get(&self.beat(address)) {
            Some(held) => beat.copy_from_slice(held),
            None => beat.fill(0),
        }
        mapped(address)
    }
}

/// The byte streams of a bare bridge.
#[derive(Clone, Copy)]
struct Streams {
    rx_valid: Port,
    rx_ready: Port,
    rx_data: Port,
    tx_valid: Port,
    tx_ready: Port,
    tx_data: Port,
}

/// The host bus of a bridge.
struct Pins {
    req_valid: Port,
    req_ready: Port,
    rsp_valid: Port,
    rsp_ready: Port,
}

/// The bridge under test.
pub struct Rtl {
    pub dut: Model,
    pub word_bytes: usize,
    pub memory: Memory,
    /// Bytes on their way to the chip.
    pub to_chip: VecDeque<u8>,
    /// Bytes that the chip sent.
    pub from_chip: Vec<u8>,
    /// Of 256 cycles, those in which each stream is allowed to move.
    pub pace: u16,
    /// The line from the chip is stopped.
    pub hold: bool,
    /// None behind a UART.
    streams: Option<Streams>,
    pins: Pins,
    answers: VecDeque<(Vec<u8>, bool)>,
}

impl Rtl {
    pub fn new(mut dut: Model, word_bytes: usize) -> Self {
        let pins = Pins {
            req_valid: dut.port("req_valid_o"),
            req_ready: dut.port("req_ready_i"),
            rsp_valid: dut.port("rsp_valid_i"),
            rsp_ready: dut.port("rsp_ready_o"),
        };
        let streams = dut.top().find("rx_valid_i").is_some().then(|| Streams {
            rx_valid: dut.port("rx_valid_i"),
            rx_ready: dut.port("rx_ready_o"),
            rx_data: dut.port("rx_data_i"),
            tx_valid: dut.port("tx_valid_o"),
            tx_ready: dut.port("tx_ready_i"),
            tx_data: dut.port("tx_data_o"),
        });
        if let Some(streams) = &streams {
            dut.set(streams.rx_valid, 0);
            dut.set(streams.tx_ready, 0);
        }
        dut.set(pins.req_ready, 0);
        dut.set(pins.rsp_valid, 0);
        dut.reset();
        Self {
            dut,
            word_bytes,
            memory: Memory::default(),
            to_chip: VecDeque::new(),
            from_chip: Vec::new(),
            pace: 256,
            hold: false,
            streams,
            pins,
            answers: VecDeque::new(),
        }
    }

    /// One clock of a bare bridge; whether any stream moved.
    pub fn step(&mut self, rng: &mut Rng) -> bool {
        let p = self.streams.expect("a bare bridge has byte streams");
        let dut = &mut self.dut;
        let pace = self.pace;
        let mut go = || rng.random_range(0..256) < pace;
        // A stream that was offered and not taken stays: only idle ones are drawn anew.
        let offer = self.to_chip.front().copied().filter(|_| dut.get(p.rx_valid) == 1 || go());
        dut.set(p.rx_valid, offer.is_some().into());
        dut.set(p.rx_data, offer.unwrap_or(0).into());
        dut.set(p.tx_ready, (go() && !self.hold).into());
        let (request, answer) = (go(), go());
        let (asked, answered) = self.offer(request, answer);
        let dut = &mut self.dut;
        let taken = offer.is_some() && dut.bit(p.rx_ready);
        let sent = dut.bit(p.tx_valid) && dut.get(p.tx_ready) == 1;
        if taken {
            self.to_chip.pop_front();
        }
        if sent {
            self.from_chip.push(dut.get(p.tx_data) as u8);
        }
        dut.step();
        if taken {
            dut.set(p.rx_valid, 0);
        }
        self.retire(answered);
        taken || sent || asked || answered
    }

    /// One clock of a bridge behind pins, its host bus always ready.
    pub fn serve(&mut self) {
        let (_, answered) = self.offer(true, true);
        self.dut.step();
        self.retire(answered);
    }

    /// Drives the host bus, settles, does what is asked; gives whether a request and a response moved.
    fn offer(&mut self, request: bool, answer: bool) -> (bool, bool) {
        let (dut, p) = (&mut self.dut, &self.pins);
        dut.set(p.req_ready, request.into());
        let answer = if dut.get(p.rsp_valid) == 1 || answer { self.answers.front() } else { None };
        dut.set(p.rsp_valid, answer.is_some().into());
        if let Some((beat, mapped)) = answer {
            let words: Vec<u32> = beat.chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
            dut.set_words("rsp_rdata_i", &words);
            dut.set("rsp_error_i", (!mapped).into());
        }
        dut.eval();
        let asked = dut.bit(p.req_valid) && request;
        let answered = answer.is_some() && dut.bit(p.rsp_ready);
        if answered {
            self.answers.pop_front();
        }
        if asked {
            let address = dut.get("req_addr_o") as u32;
            let mut beat: Vec<u8> =
                dut.words("req_wdata_o").iter().flat_map(|w| w.to_le_bytes()).take(self.word_bytes).collect();
            let mapped = if dut.bit("req_write_o") {
                let strobe = dut.get("req_wstrb_o") as u16;
                let mapped = self.memory.write(address, &beat, strobe);
                beat.fill(0);
                mapped
            } else {
                self.memory.read(address, &mut beat)
            };
            self.answers.push_back((beat, mapped));
        }
        (asked, answered)
    }

    fn retire(&mut self, answered: bool) {
        if answered {
            self.dut.set(self.pins.rsp_valid, 0);
        }
    }

    /// Runs until nothing has moved for as long as the slowest inner step takes.
    pub fn settle(&mut self, rng: &mut Rng) {
        let mut quiet = 0;
        while quiet < 3000 {
            quiet = if self.step(rng) { 0 } else { quiet + 1 };
        }
    }
}
