//! RTL and golden side by side.

use super::job::Job;
use lacuna_golden::{
    memory::TileMemory,
    reshape::{Fabric, FabricCycle},
};
use lacuna_sim::{Model, testing::Rng};
use lacuna_spec::{Geometry, instr::Instr};
use rand::Rng as _;

/// Three jobs of an engine, of up to 15 x 5 x 5 x 5 x 5 runs each, may take over 100,000 cycles.
const LIMIT: u64 = 1_000_000;

/// RTL and golden side by side.
pub struct Bench {
    geometry: Geometry,
    dut: Model,
    pub fabric: Fabric,
    pub memories: Vec<TileMemory>,
    pub offsets: [i64; 2],
    cycle: u64,
}

impl Bench {
    pub fn new(geometry: Geometry, mut dut: Model, rng: &mut Rng) -> Self {
        for port in ["start_i", "feed_i", "post_i", "host_rd_i", "host_addr_i", "post_addr_i"] {
            dut.set(port, 0);
        }
        dut.reset();
        let size = geometry.tile_bytes() as i64;
        let offsets = [rng.random_range(0..size), rng.random_range(0..size)];
        dut.set("input_offset_i", offsets[0] as u64);
        dut.set("output_offset_i", offsets[1] as u64);
        let memories = vec![TileMemory::new(&geometry); geometry.tiles];
        let mut bench = Self { geometry, dut, fabric: Fabric::new(&geometry), memories, offsets, cycle: 0 };
        for word in 0..geometry.tile_words {
            for tile in 0..geometry.tiles {
                let data: Vec<u8> = (0..geometry.word_bytes()).map(|_| rng.random()).collect();
                bench.post(tile, word * geometry.word_bytes(), &data);
                bench.step(0, 1 << tile, &[]);
            }
        }
        bench.settle();
        bench
    }

    /// Lets the last writes land.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            self.step(0, 0, &[]);
        }
    }

    /// What post writes in the next cycle in which it writes.
    fn post(&mut self, tile: usize, addr: usize, data: &[u8]) {
        self.dut.set("post_addr_i", addr as u64);
        self.dut.set_words("post_data_i", &words(data));
        self.memories[tile].write(addr, data);
    }

    /// One cycle on both, with every output compared.
    fn step(&mut self, feed: u8, post: u8, start: &[&Job]) -> FabricCycle {
        self.dut.set("feed_i", u64::from(feed));
        self.dut.set("post_i", u64::from(post));
        self.dut.set("start_i", start.iter().map(|job| 1 << job.tile).sum());
        if let Some(job) = start.first() {
            let bytes = Instr::Reshape(job.head, job.reshape).pack().expect("the fields fit");
            self.dut.set_words("instr_i", &words(&bytes));
        }
        self.dut.eval();
        let cycle = self.fabric.step(feed, post, self.memories.as_mut_slice());
        for job in start {
            let [input, output] = self.offsets.map(|offset| offset as usize);
            self.fabric.start(job.tile, &job.head, &job.reshape, input, output);
        }
        let seen = FabricCycle {
            read: self.dut.get("read_o") as u8,
            written: self.dut.get("written_o") as u8,
            sent: self.dut.get("sent_o") as u8,
            done: self.dut.get("done_o") as u8,
            // Not an output: a feeder is told in the tile.
            refused: cycle.refused,
        };
        assert_eq!(seen, cycle, "cycle {}", self.cycle);
        for tile in (0..self.geometry.tiles).filter(|tile| cycle.done >> tile & 1 == 1) {
            let work = self.dut.field("work_o", 24 * tile as u32, 24);
            assert_eq!(work, u64::from(self.fabric.engine(tile).work()), "work of tile {tile} in cycle {}", self.cycle);
        }
        self.dut.step();
        self.memories.iter_mut().for_each(TileMemory::step);
        self.cycle += 1;
        cycle
    }

    /// Starts jobs one a cycle, each on an engine that is idle, and runs until all are done.
    pub fn run(&mut self, rng: &mut Rng, jobs: &[Job], contention: f64) -> u64 {
        let (mut next, mut busy, began) = (0, 0u8, self.cycle);
        while next < jobs.len() || busy != 0 {
            let start: Vec<&Job> = jobs[next..].iter().take(1).filter(|job| busy >> job.tile & 1 == 0).collect();
            let (feed, post) = self.contend(rng, contention);
            let cycle = self.step(feed, post, &start);
            busy &= !cycle.done;
            for job in &start {
                busy |= 1 << job.tile;
                next += 1;
            }
            assert!(self.cycle - began < LIMIT, "the jobs do not end");
        }
        self.cycle - began
    }

    /// Feeder and post traffic; post writes back what a word holds, so that it changes nothing.
    fn contend(&mut self, rng: &mut Rng, rate: f64) -> (u8, u8) {
        let feed = (0..self.geometry.tiles).fold(0, |mask, tile| mask | u8::from(rng.random_bool(rate)) << tile);
        if !rng.random_bool(rate) {
            return (feed, 0);
        }
        // The last word of a tile is kept out of all jobs.
        let tile = rng.random_range(0..self.geometry.tiles);
        let addr = self.geometry.tile_bytes() - self.geometry.word_bytes();
        let data = self.memories[tile].bytes()[addr..].to_vec();
        self.post(tile, addr, &data);
        (feed, 1 << tile)
    }

    /// All bytes of both.
    pub fn contents(&mut self) -> Vec<Vec<u8>> {
        self.settle();
        let bytes = self.geometry.word_bytes();
        let mut seen = vec![Vec::new(); self.geometry.tiles];
        self.dut.set("feed_i", 0);
        self.dut.set("host_rd_i", (1 << self.geometry.tiles) - 1);
        for word in 0..self.geometry.tile_words {
            self.dut.set("host_addr_i", (word * bytes) as u64);
            self.dut.run(2);
            let words = self.dut.words("rd_data_o");
            for (tile, words) in words.chunks(bytes / 4).enumerate() {
                seen[tile].extend(words.iter().flat_map(|word| word.to_le_bytes()));
            }
        }
        self.dut.set("host_rd_i", 0);
        for (tile, seen) in seen.iter().enumerate() {
            assert!(seen == self.memories[tile].bytes(), "memory of tile {tile}");
        }
        seen
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|chunk| chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect()
}
