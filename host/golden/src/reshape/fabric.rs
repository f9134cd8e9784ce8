//! All reshape engines and the route between them, as `lacuna_core` connects them.

use super::{Engine, Taken};
use crate::{
    control::{TileMask, tiles_of},
    feeder::MAX_WORD,
    memory::TileMemory,
    stream::Xbar,
};
use lacuna_spec::{
    Geometry,
    instr::{Head, Reshape},
};

/// The tile memories that the engines read and write.
pub trait Memories {
    /// A read of this cycle.
    fn read(&self, tile: usize, addr: usize) -> [u8; MAX_WORD];
    /// A write of this cycle.
    fn write(&mut self, tile: usize, addr: usize, bytes: &[u8]);
}

impl Memories for [TileMemory] {
    fn read(&self, tile: usize, addr: usize) -> [u8; MAX_WORD] {
        self[tile].read(addr, 0)
    }

    fn write(&mut self, tile: usize, addr: usize, bytes: &[u8]) {
        self[tile].write(addr, bytes);
    }
}

/// What happened in a cycle, one bit a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FabricCycle {
    /// Engines whose read was granted.
    pub read: TileMask,
    /// Engines whose read was refused.
    pub refused: TileMask,
    /// Tiles that took a beat.
    pub written: TileMask,
    /// Engines whose beat left.
    pub sent: TileMask,
    /// Engines in the last cycle of their job.
    pub done: TileMask,
}

/// One engine a tile, and the route.
#[derive(Debug, Clone)]
pub struct Fabric {
    engines: Vec<Engine>,
    route: Xbar,
    busy: TileMask,
}

impl Fabric {
    /// Idle engines.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            engines: vec![Engine::new(geometry); geometry.tiles],
            route: Xbar::new(geometry.tiles, geometry.tiles),
            busy: 0,
        }
    }

    /// The engine of a tile.
    #[must_use]
    pub fn engine(&self, tile: usize) -> &Engine {
        &self.engines[tile]
    }

    /// Starts a job on a tile's engine; call it after [`Fabric::step`] of the job's cycle 0.
    pub fn start(&mut self, tile: usize, head: &Head, job: &Reshape, input_offset: usize, output_offset: usize) {
        self.engines[tile].start(head, job, input_offset, output_offset);
        self.busy |= 1 << tile;
    }

    /// One cycle, in which feeders use the read ports of `feeding` and post units the write ports of
    /// `posting`.
    pub fn step<M: Memories + ?Sized>(
        &mut self,
        feeding: TileMask,
        posting: TileMask,
        memories: &mut M,
    ) -> FabricCycle {
        let mut cycle = FabricCycle::default();
        if self.busy == 0 {
            return cycle;
        }
        let mut taken = [Taken::default(); 8];
        for tile in tiles_of(self.busy) {
            match self.engines[tile].read_request() {
                Some(_) if feeding >> tile & 1 == 1 => cycle.refused |= 1 << tile,
                Some(addr) => {
                    taken[tile].read = Some(memories.read(tile, addr));
                    cycle.read |= 1 << tile;
                }
                None => {}
            }
        }
        self.deliver(posting, memories, &mut taken, &mut cycle);
        for tile in tiles_of(self.busy) {
            let engine = &mut self.engines[tile];
            cycle.done |= TileMask::from(engine.done()) << tile;
            engine.step(&taken[tile]);
        }
        self.busy &= !cycle.done;
        cycle
    }

    fn deliver<M: Memories + ?Sized>(
        &mut self,
        posting: TileMask,
        memories: &mut M,
        taken: &mut [Taken; 8],
        cycle: &mut FabricCycle,
    ) {
        let items: Vec<Option<u64>> = self.engines.iter().map(Engine::targets).collect();
        if items.iter().all(Option::is_none) {
            return;
        }
        let free = u64::from(!posting);
        let routed = self.route.cycle(&items, free);
        for (target, source) in routed.sources.iter().enumerate() {
            let Some(engine) = source.map(|source| &self.engines[source]) else {
                continue;
            };
            if let (1, Some(beat)) = (free >> target & 1, engine.beat()) {
                memories.write(target, beat.addr, &beat.data[..beat.bytes]);
                cycle.written |= 1 << target;
            }
        }
        for (source, item) in items.iter().enumerate() {
            if item.is_some() && routed.ready[source] {
                taken[source].beat = true;
                cycle.sent |= 1 << source;
            }
        }
        self.route.step(&items, free);
    }
}
