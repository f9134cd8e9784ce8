//! A bad line between the host's end and some chip's end, in virtual time.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use lacuna_driver::link::{Command, Endpoint, Greeting};
use lacuna_golden::link::Bus;
use lacuna_spec::{frame::Op, tables::layout_hash};
use rand::{Rng as _, SeedableRng as _};

pub type Rng = rand_chacha::ChaCha8Rng;

/// What reached the host bus: address, and the data of a write.
pub type Access = (u32, Option<Vec<u8>>);

/// Something that answers link bytes.
pub trait Chip {
    /// One millisecond of a chip that gets these bytes.
    fn exchange(&mut self, bytes: &[u8], rng: &mut Rng) -> Vec<u8>;
    /// Everything that reached its host bus.
    fn log(&self) -> &[Access];
}

/// A memory that remembers every access.
#[derive(Default)]
pub struct Memory {
    beats: HashMap<u32, Vec<u8>>,
    pub log: Vec<Access>,
}

impl Bus for Memory {
    fn write(&mut self, address: u32, beat: &[u8], _: u16) -> bool {
        self.log.push((address, Some(beat.to_vec())));
        self.beats.insert(address, beat.to_vec());
        true
    }

    fn read(&mut self, address: u32, beat: &mut [u8]) -> bool {
        self.log.push((address, None));
        match self.beats.get(&address) {
            Some(held) => beat.copy_from_slice(held),
            None => beat.fill(0),
        }
        true
    }
}

/// How bad a line is: chances for each byte.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    pub flip: f64,
    pub drop: f64,
    pub garbage: f64,
    /// A piece of up to 2,000 bytes that passed lately comes once more.
    pub echo: f64,
}

impl Faults {
    pub const NONE: Self = Self { flip: 0.0, drop: 0.0, garbage: 0.0, echo: 0.0 };
    pub const BAD: Self = Self { flip: 1e-4, drop: 1e-4, garbage: 1e-4, echo: 1e-4 };
}

/// One direction: first in, first out, a fixed number of bytes a millisecond.
struct Lane {
    faults: Faults,
    queue: VecDeque<u8>,
    recent: VecDeque<u8>,
}

impl Lane {
    /// 3 Mbaud, 8N1.
    const RATE: usize = 300;

    fn new(faults: Faults) -> Self {
        Self { faults, queue: VecDeque::new(), recent: VecDeque::new() }
    }

    fn tick(&mut self, rng: &mut Rng) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < Self::RATE {
            let Some(byte) = self.queue.pop_front() else { break };
            if self.recent.len() == 2000 {
                self.recent.pop_front();
            }
            self.recent.push_back(byte);
            if !rng.random_bool(self.faults.drop) {
                out.push(byte ^ if rng.random_bool(self.faults.flip) { 1 << rng.random_range(0..8) } else { 0 });
            }
            if rng.random_bool(self.faults.garbage) {
                out.extend((0..rng.random_range(1..40)).map(|_| rng.random::<u8>()));
            }
            if rng.random_bool(self.faults.echo) {
                let from = rng.random_range(0..self.recent.len());
                out.extend(self.recent.range(from..));
            }
        }
        out
    }
}

/// The seed of this run: `LACUNA_SEED`, or a fresh one, printed either way.
pub fn seeded(name: &str) -> Rng {
    let seed = std::env::var("LACUNA_SEED").map_or_else(
        |_| rand::rng().random::<u32>().into(),
        |text| text.parse().expect("LACUNA_SEED is a decimal number"),
    );
    println!("{name}: seed {seed} (LACUNA_SEED={seed} runs it again)");
    Rng::seed_from_u64(seed)
}

/// Milliseconds after which a run counts as hung.
const HANG: u64 = 600_000;

/// Opens a session over the line; also gives the time.
fn open(chip: &mut impl Chip, lanes: &mut [Lane; 2], rng: &mut Rng) -> (Endpoint, u64) {
    let mut greeting = Greeting::new(layout_hash(), rng.random());
    for ms in 0..HANG {
        let now = Duration::from_millis(ms);
        if greeting.expire(now).is_err() {
            greeting = Greeting::new(layout_hash(), rng.random());
        }
        lanes[0].queue.extend(greeting.outgoing(now).into_iter().flatten());
        let bytes = chip.exchange(&lanes[0].tick(rng), rng);
        lanes[1].queue.extend(bytes);
        if let Some(endpoint) = greeting.receive(&lanes[1].tick(rng), now).expect("the contract is ours") {
            return (endpoint, ms);
        }
    }
    panic!("the greeting hangs");
}

/// Runs random commands over the line; each must run exactly once and every read give the right bytes.
/// Gives the milliseconds that it took and the endpoint's view of the line.
pub fn every_command_runs_once(
    chip: &mut impl Chip,
    faults: Faults,
    commands: usize,
    rng: &mut Rng,
) -> (u64, lacuna_driver::link::Stats) {
    let mut lanes = [Lane::new(faults), Lane::new(faults)];
    let (mut endpoint, start) = open(chip, &mut lanes, rng);
    let shape = endpoint.hello().shape;
    let (mut model, mut expected) = (Memory::default(), HashMap::new());
    for token in 0..commands as u64 {
        let op = if rng.random_bool(0.6) { Op::Write } else { Op::Read };
        let longest = if rng.random_range(0..4) == 0 { shape.max_beats() } else { 4 };
        let count = rng.random_range(1..=longest);
        let address = rng.random_range(0..256);
        let mut read = Vec::new();
        let mut payload = Vec::new();
        for beat in address..address + count as u32 {
            let mut bytes = vec![0; shape.word_bytes];
            if op == Op::Write {
                rng.fill(&mut bytes[..]);
                model.write(beat, &bytes, 0);
                payload.extend(bytes);
            } else {
                model.read(beat, &mut bytes);
                read.extend(bytes);
            }
        }
        expected.insert(token, read);
        let strobe = if op == Op::Write { u16::MAX >> (16 - shape.word_bytes) } else { 0 };
        endpoint.submit(token, Command { op, address, count: count as u8, strobe, payload });
    }
    let mut ms = start;
    while !expected.is_empty() {
        ms += 1;
        assert!(ms < HANG, "{} commands hang: {:?}", expected.len(), endpoint.stats());
        let now = Duration::from_millis(ms);
        endpoint.expire(now).expect("the line is bad, not dead");
        while lanes[0].queue.len() < 2 * Lane::RATE
            && let Some(frame) = endpoint.outgoing(now)
        {
            lanes[0].queue.extend(frame);
        }
        let answers = chip.exchange(&lanes[0].tick(rng), rng);
        lanes[1].queue.extend(answers);
        for reply in endpoint.receive(&lanes[1].tick(rng), now).expect("no sound frame contradicts") {
            let read = expected.remove(&reply.token).expect("each token is answered once");
            assert_eq!(reply.payload, read, "token {}", reply.token);
        }
    }
    assert_eq!(chip.log(), model.log, "what reached the host bus is not what was asked, in order, once");
    (ms - start, endpoint.stats())
}
