//! An RTL bridge with a memory behind its host bus and queues at its byte streams.

use std::collections::{HashMap, VecDeque};

use lacuna_golden::link::Bus;
use lacuna_sim::{Model, Port, testing::Rng};
use rand::Rng as _;

/// Beats from here on are not mapped.
pub const UNMAPPED: u32 = 0x8000_0000;

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
}

impl Bus for Memory {
    fn write(&mut self, address: u32, beat: &[u8], strobe: u16) -> bool {
        self.log.push(Access::Write(address, beat.to_vec(), strobe));
        let held = self.beats.entry(address).or_insert_with(|| vec![0; beat.len()]);
        for (lane, (old, new)) in held.iter_mut().zip(beat).enumerate() {
            if strobe >> lane & 1 == 1 {
                *old = *new;
            }
        }
        address < UNMAPPED
    }

    fn read(&mut self, address: u32, beat: &mut [u8]) -> bool {
        self.log.push(Access::Read(address));
        match self.beats.get(&address) {
            Some(held) => beat.copy_from_slice(held),
            None => beat.fill(0),
        }
        address < UNMAPPED
    }
}

struct Ports {
    rx_valid: Port,
    rx_ready: Port,
    rx_data: Port,
    tx_valid: Port,
    tx_ready: Port,
    tx_data: Port,
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
    ports: Ports,
    answers: VecDeque<(Vec<u8>, bool)>,
}

impl Rtl {
    pub fn new(mut dut: Model, word_bytes: usize) -> Self {
        let ports = Ports {
            rx_valid: dut.port("rx_valid_i"),
            rx_ready: dut.port("rx_ready_o"),
            rx_data: dut.port("rx_data_i"),
            tx_valid: dut.port("tx_valid_o"),
            tx_ready: dut.port("tx_ready_i"),
            tx_data: dut.port("tx_data_o"),
            req_valid: dut.port("req_valid_o"),
            req_ready: dut.port("req_ready_i"),
            rsp_valid: dut.port("rsp_valid_i"),
            rsp_ready: dut.port("rsp_ready_o"),
        };
        for input in [ports.rx_valid, ports.tx_ready, ports.req_ready, ports.rsp_valid] {
            dut.set(input, 0);
        }
        dut.reset();
        Self {
            dut,
            word_bytes,
            memory: Memory::default(),
            to_chip: VecDeque::new(),
            from_chip: Vec::new(),
            pace: 256,
            ports,
            answers: VecDeque::new(),
        }
    }

    /// One clock; whether any stream moved.
    pub fn step(&mut self, rng: &mut Rng) -> bool {
        let mut go = || rng.random_range(0..256) < self.pace;
        let dut = &mut self.dut;
        let p = &self.ports;
        // A stream that was offered and not taken stays: only idle ones are drawn anew.
        let offer = self.to_chip.front().copied().filter(|_| dut.get(p.rx_valid) == 1 || go());
        dut.set(p.rx_valid, offer.is_some().into());
        dut.set(p.rx_data, offer.unwrap_or(0).into());
        dut.set(p.tx_ready, go().into());
        dut.set(p.req_ready, go().into());
        let answer = if dut.get(p.rsp_valid) == 1 || go() { self.answers.front() } else { None };
        dut.set(p.rsp_valid, answer.is_some().into());
        if let Some((beat, mapped)) = answer {
            let words: Vec<u32> =
                beat.chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
            dut.set_words("rsp_rdata_i", &words);
            dut.set("rsp_error_i", (!mapped).into());
        }
        dut.eval();
        let taken = offer.is_some() && dut.bit(p.rx_ready);
        let sent = dut.bit(p.tx_valid) && dut.get(p.tx_ready) == 1;
        let asked = dut.bit(p.req_valid) && dut.get(p.req_ready) == 1;
        let answered = answer.is_some() && dut.bit(p.rsp_ready);
        if taken {
            self.to_chip.pop_front();
        }
        if sent {
            self.from_chip.push(dut.get(p.tx_data) as u8);
        }
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
        dut.step();
        if taken {
            dut.set(p.rx_valid, 0);
        }
        if answered {
            dut.set(p.rsp_valid, 0);
        }
        taken || sent || asked || answered
    }

    /// Runs until nothing has moved for as long as the slowest inner step takes.
    pub fn settle(&mut self, rng: &mut Rng) {
        let mut quiet = 0;
        while quiet < 1200 {
            quiet = if self.step(rng) { 0 } else { quiet + 1 };
        }
    }
}
