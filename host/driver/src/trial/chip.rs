//! Chips under trial, and the memory behind their host bus.

use std::collections::HashMap;

use lacuna_golden::link::{Bridge, Bus};
use lacuna_spec::{frame::Shape, tables::layout_hash};

/// One access that reached the host bus: address, and the data of a write.
pub type Access = (u32, Option<Vec<u8>>);

/// A chip's end of the link, with a [`Memory`] or the like of it behind its host bus.
pub trait Tested {
    /// Lets the chip work on these bytes, perhaps none, for a moment; gives what it answers.
    fn exchange(&mut self, bytes: &[u8]) -> Vec<u8>;
    /// Everything that has reached its host bus.
    fn log(&self) -> &[Access];
}

/// A memory of 256 beats that remembers every access.
///
/// Only the low byte of an address selects the beat. The rest is free to tell whose access it is.
#[derive(Debug, Default)]
pub struct Memory {
    beats: HashMap<u8, Vec<u8>>,
    /// Every access so far.
    pub log: Vec<Access>,
}

impl Bus for Memory {
    fn write(&mut self, address: u32, beat: &[u8], _: u16) -> bool {
        self.log.push((address, Some(beat.to_vec())));
        self.beats.insert(address as u8, beat.to_vec());
        true
    }

    fn read(&mut self, address: u32, beat: &mut [u8]) -> bool {
        self.log.push((address, None));
        match self.beats.get(&(address as u8)) {
            Some(held) => beat.copy_from_slice(held),
            None => beat.fill(0),
        }
        true
    }
}

/// The golden bridge with a memory.
#[derive(Debug)]
pub struct GoldenEnd {
    bridge: Bridge,
    memory: Memory,
}

impl GoldenEnd {
    /// A bridge of that shape as it is after reset.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self { bridge: Bridge::new(shape, layout_hash()), memory: Memory::default() }
    }
}

impl Tested for GoldenEnd {
    fn exchange(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.bridge.receive(bytes, &mut self.memory, &mut out);
        out
    }

    fn log(&self) -> &[Access] {
        &self.memory.log
    }
}
