//! The host's end of the link and a chip, with a line in each direction between them.

use std::collections::HashMap;
use std::time::Duration;

use lacuna_golden::link::Bus as _;
use lacuna_spec::frame::{Op, Shape, compress};
use lacuna_spec::tables::layout_hash;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::chip::{Access, Memory, Tested};
use super::faults::{Faults, Line};
use crate::link::{Command, Endpoint, Greeting, LinkError, Token};

/// What most bytes of a compressed command are: the zero point of many activations.
const FILL: u8 = 0x80;

/// Both ends of a link in virtual time, and what must come of the commands that were submitted.
pub struct Rig<'a> {
    pub(super) chip: &'a mut dyn Tested,
    pub(super) to_chip: Line,
    pub(super) from_chip: Line,
    pub(super) now: Duration,
    pub(super) rng: ChaCha8Rng,
    /// What the chip's memory must be like, and the accesses in order.
    model: Memory,
    /// The answer that each command must get that has none yet.
    pub(super) expected: HashMap<Token, Vec<u8>>,
    /// Answers that were not the right ones.
    pub(super) wrong: u64,
    submitted: Token,
}

impl<'a> Rig<'a> {
    /// A millisecond.
    const TICK: Duration = Duration::from_millis(1);

    /// A chip behind a line with these faults, the same again for the same seed.
    #[must_use]
    pub fn new(chip: &'a mut dyn Tested, faults: Faults, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            chip,
            to_chip: Line::new(faults, rng.random()),
            from_chip: Line::new(faults, rng.random()),
            now: Duration::ZERO,
            rng,
            model: Memory::default(),
            expected: HashMap::new(),
            wrong: 0,
            submitted: 0,
        }
    }

    /// A greeting of a session that has not been before.
    pub(super) fn greeting(&mut self) -> Greeting {
        Greeting::new(layout_hash(), self.rng.random(), self.now)
    }

    /// Moves time and bytes on while `greeting` waits; gives the endpoint once the chip has answered.
    pub(super) fn greet(&mut self, greeting: &mut Greeting, bytes: usize) -> Result<Option<Endpoint>, LinkError> {
        greeting.expire(self.now)?;
        if let Some(wire) = greeting.outgoing(self.now) {
            self.to_chip.send(&wire);
        }
        let arrived = self.carry(bytes);
        greeting.receive(&arrived, self.now)
    }

    /// Moves time and bytes on under an open session; counts the answers.
    pub(super) fn step(&mut self, endpoint: &mut Endpoint, bytes: usize) -> Result<(), LinkError> {
        endpoint.expire(self.now)?;
        while self.to_chip.waiting() < 2 * Line::RATE
            && let Some(frame) = endpoint.outgoing(self.now)
        {
            self.to_chip.send(&frame);
        }
        let arrived = self.carry(bytes);
        for reply in endpoint.receive(&arrived, self.now)? {
            let right = self.expected.remove(&reply.token).is_some_and(|bytes| bytes == reply.payload);
            self.wrong += u64::from(!right || !reply.mapped);
        }
        Ok(())
    }

    /// Passes `bytes` bytes each way, or those of a whole millisecond if that is more than a line carries.
    fn carry(&mut self, bytes: usize) -> Vec<u8> {
        let move_on = |line: &mut Line| if bytes < Line::RATE { line.pass(bytes) } else { line.tick() };
        let answers = self.chip.exchange(&move_on(&mut self.to_chip));
        self.from_chip.send(&answers);
        self.now += Self::TICK.mul_f64((bytes.min(Line::RATE) as f64) / Line::RATE as f64);
        move_on(&mut self.from_chip)
    }

    /// Opens a session, with new greetings as long as none is answered; `None` if that takes ten minutes.
    pub(super) fn open(&mut self) -> Option<Endpoint> {
        let end = self.now + Duration::from_secs(600);
        let mut greeting = self.greeting();
        while self.now < end {
            match self.greet(&mut greeting, Line::RATE) {
                Ok(Some(endpoint)) => return Some(endpoint),
                Ok(None) => {}
                Err(_) => greeting = self.greeting(),
            }
        }
        None
    }

    /// A random command.
    pub(super) fn command(&mut self, shape: &Shape) -> (Token, Command) {
        let op = match (self.rng.random_bool(0.6), shape.compresses() && self.rng.random()) {
            (true, false) => Op::Write,
            (true, true) => Op::WriteCompressed,
            (false, false) => Op::Read,
            (false, true) => Op::ReadCompressed,
        };
        // Random beats do not get shorter: a compressed write has room for as many as a compressed read.
        let most = if op.compressed() { shape.max_compressed_read() } else { shape.max_beats() };
        let longest = if self.rng.random_range(0..4) == 0 { most } else { 4 };
        let count = self.rng.random_range(1..=longest) as u32;
        self.command_of(op, count, shape)
    }

    /// A command of random data. Its number is in its address, above the byte that the memory looks at.
    pub(super) fn command_of(&mut self, op: Op, count: u32, shape: &Shape) -> (Token, Command) {
        let token = self.submitted;
        self.submitted += 1;
        let address = (token as u32) << 8 | self.rng.random_range(0..=256 - count);
        let (mut read, mut payload) = (Vec::new(), Vec::new());
        for beat in address..address + count {
            let mut bytes = vec![0; shape.word_bytes];
            if op.writes() {
                self.rng.fill(&mut bytes[..]);
                if op.compressed() {
                    // A quarter of the bytes stay.
                    bytes.iter_mut().filter(|byte| **byte < 192).for_each(|byte| *byte = FILL);
                    compress(&bytes, FILL, &mut payload);
                } else {
                    payload.extend(&bytes);
                }
                self.model.write(beat, &bytes, 0);
            } else {
                self.model.read(beat, &mut bytes);
                read.extend(bytes);
            }
        }
        self.expected.insert(token, read);
        let strobe = match op {
            Op::Write => u16::MAX >> (16 - shape.word_bytes),
            Op::WriteCompressed | Op::ReadCompressed => FILL.into(),
            Op::Read | Op::Hello => 0,
        };
        (token, Command { op, address, count: count as u8, strobe, payload })
    }

    /// Forgets the commands that are not answered: what they did not do is not asked for any more. What they
    /// did beside the order of the commands stays asked for, and missing.
    pub(super) fn give_up(&mut self) {
        self.expected.clear();
        let seen = self.chip.log();
        if self.model.log.starts_with(seen) {
            self.model = Memory::default();
            for (address, written) in seen {
                match written {
                    Some(beat) => drop(self.model.write(*address, beat, 0)),
                    None => self.model.log.push((*address, None)),
                }
            }
        }
    }

    /// Compares what reached the host bus with what the commands asked for.
    pub(super) fn executions(&self) -> Executions {
        Executions::count(self.submitted, &self.model.log, self.chip.log())
    }
}

/// How often commands ran on a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Executions {
    /// Commands whose accesses came once each, as many as were asked for.
    pub once: u64,
    /// Commands of which at least one access came more than once.
    pub repeated: u64,
    /// Commands of which at least one access is missing, and none came more than once.
    pub missing: u64,
    /// Whether the accesses of all commands, with their data, are those asked for, in order.
    pub in_order: bool,
}

impl Executions {
    fn count(commands: Token, asked: &[Access], seen: &[Access]) -> Self {
        let mut times: HashMap<u32, u32> = HashMap::new();
        for (address, _) in seen {
            *times.entry(*address).or_default() += 1;
        }
        // Least and most often that an access of each command came.
        let mut range = vec![(1, 1); commands as usize];
        for (address, _) in asked {
            let times = times.get(address).copied().unwrap_or_default();
            let (least, most) = &mut range[(address >> 8) as usize];
            (*least, *most) = ((*least).min(times), (*most).max(times));
        }
        let repeated = range.iter().filter(|(_, most)| *most > 1).count() as u64;
        let once = range.iter().filter(|range| **range == (1, 1)).count() as u64;
        Self { once, repeated, missing: commands - once - repeated, in_order: asked == seen }
    }
}
