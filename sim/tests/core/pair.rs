//! RTL and golden with the same contents, run side by side.

use crate::{
    host::{Host, Request},
    jobs::Job,
};
use lacuna_golden::{Chip, RunError};
use lacuna_sim::{Model, testing::Rng};
use lacuna_spec::{
    Geometry,
    instr::Instr,
    map::{self, Region},
    regs::{self, ProfileField},
};
use rand::Rng as _;

const LIMIT: usize = 20_000;

/// RTL and golden with the same contents.
pub struct Pair {
    pub host: Host,
    pub chip: Chip,
}

impl Pair {
    pub fn new(geometry: Geometry, dut: Model) -> Self {
        let mut pair = Self { host: Host::new(dut, geometry.word_bytes()), chip: Chip::new(geometry) };
        // RTL's memories hold random bits until they are written.
        (0..geometry.tiles).for_each(|tile| pair.load_memory(tile, &vec![0; geometry.tile_bytes()]));
        pair
    }

    pub fn write(&mut self, requests: &[Request]) -> u64 {
        for request in requests {
            let data = request.data.as_deref().expect("a write");
            self.chip.write_beat(request.addr, data).expect("it is mapped");
        }
        let (responses, cycles) = self.host.send(requests);
        assert!(responses.iter().all(Option::is_some), "a write was refused");
        cycles
    }

    pub fn load_memory(&mut self, tile: usize, bytes: &[u8]) {
        let word = self.chip.geometry().word_bytes();
        let writes: Vec<Request> =
            bytes.chunks(word).enumerate().map(|(at, data)| Request::write(map::tile_word(tile, at), data)).collect();
        let cycles = self.write(&writes);
        assert!(cycles < writes.len() as u64 + 5, "{cycles} cycles for {} beats", writes.len());
    }

    pub fn load_job(&mut self, tile: usize, job: &Job) {
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

    pub fn load_program(&mut self, program: &[Instr]) {
        let word = self.chip.geometry().word_bytes();
        let bytes: Vec<u8> = program.iter().flat_map(|instr| instr.pack().expect("the fields fit")).collect();
        let writes: Vec<Request> = bytes
            .chunks(word)
            .enumerate()
            .map(|(at, data)| Request::write(Region::Program.at(at as u32), data))
            .collect();
        self.write(&writes);
    }

    pub fn set(&mut self, index: u32, value: u32) {
        let mut data = vec![0; self.chip.geometry().word_bytes()];
        data[..4].copy_from_slice(&value.to_le_bytes());
        self.write(&[Request::write(index, &data)]);
    }

    /// Runs both to the end, reading memory beside the chip's own accesses.
    pub fn run(&mut self, rng: &mut Rng) -> Result<(), RunError> {
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
    pub fn compare(&mut self, jobs: &[(usize, usize)]) {
        let g = *self.chip.geometry();
        for register in regs::REGISTERS {
            let (seen, golden) = (self.host.register(register.index), self.chip.register(register.index));
            assert_eq!(Some(seen), golden, "register {}", register.name);
        }
        for &(instruction, tile) in jobs {
            let fields = [ProfileField::Start, ProfileField::Cycles, ProfileField::Work, ProfileField::Monitor];
            for addr in fields.map(|field| map::profile(instruction, tile, field)) {
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
