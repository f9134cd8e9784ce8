//! Tile memory: windows of 1 to W bytes at any byte address.

use crate::feeder::MAX_WORD;
use lacuna_spec::Geometry;

/// One write port access: up to a word of bytes.
#[derive(Debug, Clone, Copy)]
struct Write {
    addr: usize,
    count: usize,
    data: [u8; MAX_WORD],
}

/// The memory of one tile. [`step`](Self::step) begins a cycle; reads and writes after it belong to
/// that cycle. A write is seen by the reads of two cycles later.
#[derive(Debug, Clone)]
pub struct TileMemory {
    bytes: Vec<u8>,
    word: usize,
    /// Presented in this cycle.
    written: Option<Write>,
    /// Presented in the cycle before; in the banks when this one ends.
    rotated: Option<Write>,
}

impl TileMemory {
    /// A memory full of zeros.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self { bytes: vec![0; geometry.tile_bytes()], word: geometry.word_bytes(), written: None, rotated: None }
    }

    /// Begins the next cycle.
    pub fn step(&mut self) {
        if let Some(write) = self.rotated {
            self.put(write.addr, &write.data[..write.count]);
        }
        self.rotated = self.written.take();
    }

    /// What a read of this cycle gives two cycles later: the byte at `addr + k` is byte
    /// `(position + k) mod W`.
    #[must_use]
    pub fn read(&self, addr: usize, position: usize) -> [u8; MAX_WORD] {
        let mut data = [0; MAX_WORD];
        let addr = addr & (self.bytes.len() - 1);
        if let Some(window) = self.bytes.get(addr..addr + self.word) {
            let (low, high) = window.split_at(self.word - position);
            data[position..self.word].copy_from_slice(low);
            data[..position].copy_from_slice(high);
        } else {
            for k in 0..self.word {
                data[(position + k) & (self.word - 1)] = self.bytes[(addr + k) & (self.bytes.len() - 1)];
            }
        }
        data
    }

    /// Writes up to a word of bytes in this cycle.
    ///
    /// # Panics
    /// On a second write in one cycle, or on more bytes than a word has: the ports rule both out.
    pub fn write(&mut self, addr: usize, bytes: &[u8]) {
        assert!(self.written.is_none(), "the memory takes one write a cycle");
        let mut data = [0; MAX_WORD];
        data[..bytes.len()].copy_from_slice(bytes);
        self.written = Some(Write { addr, count: bytes.len(), data });
    }

    /// Everything that has reached the banks.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts bytes into the banks at once, between cycles. Addresses wrap at the end.
    pub fn put(&mut self, addr: usize, bytes: &[u8]) {
        let mask = self.bytes.len() - 1;
        for (k, byte) in bytes.iter().enumerate() {
            self.bytes[(addr + k) & mask] = *byte;
        }
    }
}
