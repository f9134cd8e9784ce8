//! `lacuna_bus` and `lacuna_registers`, outside of time: a beat is read or written between cycles.

use super::Chip;
use lacuna_spec::{
    instr::INSTR_BYTES,
    map::{LANE_LSB, REGION_LSB, Region, TILE_LSB},
    regs,
};

/// A request that the chip answers with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No such address.
    #[error("beat address {0:#010x} is not mapped; see the memory map of this geometry")]
    Unmapped(u32),
    /// A read of weights.
    #[error("beat address {0:#010x} is write-only; the chip does not give weights back")]
    WriteOnly(u32),
    /// A write of the profile.
    #[error("beat address {0:#010x} is read-only")]
    ReadOnly(u32),
    /// The wrong number of bytes.
    #[error("{given} bytes at beat address {addr:#010x}; give {beat}, or fewer for tile memory")]
    Length {
        /// The address.
        addr: u32,
        /// Bytes that were given.
        given: usize,
        /// Bytes of a beat.
        beat: usize,
    },
}

/// A decoded address.
enum Place {
    Register(u32),
    Program { instruction: usize, byte: usize },
    Weights { tile: usize, lane: usize, page: usize },
    Memory { tile: usize, word: usize },
    Profile { instruction: usize, tile: usize, field: u32 },
}

impl Chip {
    fn place(&self, addr: u32) -> Option<Place> {
        let g = &self.geometry;
        let offset = addr & ((1 << REGION_LSB) - 1);
        let tile = (offset >> TILE_LSB) as usize;
        let inside = offset & ((1 << TILE_LSB) - 1);
        let region = addr >> REGION_LSB;
        if region == Region::Registers as u32 {
            return regs::REGISTERS.iter().any(|register| register.index == offset).then_some(Place::Register(offset));
        }
        if region == Region::Program as u32 {
            let (instruction, beat) = (offset as usize / g.instr_beats(), offset as usize % g.instr_beats());
            return (instruction < g.program_len)
                .then_some(Place::Program { instruction, byte: beat * g.word_bytes() });
        }
        if region == Region::Weights as u32 {
            let (lane, page) = ((inside >> LANE_LSB) as usize, (inside & ((1 << LANE_LSB) - 1)) as usize);
            return (tile < g.tiles && lane < g.lanes && page < g.pages).then_some(Place::Weights { tile, lane, page });
        }
        if region == Region::TileMemory as u32 {
            let word = inside as usize;
            return (tile < g.tiles && word < g.tile_words).then_some(Place::Memory { tile, word });
        }
        if region == Region::Profile as u32 {
            let (instruction, tile, field) = ((offset >> 5) as usize, (offset >> 2 & 7) as usize, offset & 3);
            return (instruction < g.program_len && tile < g.tiles && (field < 3 || g.monitor))
                .then_some(Place::Profile { instruction, tile, field });
        }
        None
    }

    /// Writes one beat; into tile memory also its first bytes only.
    ///
    /// # Errors
    /// [`BusError`]; nothing is written then.
    pub fn write_beat(&mut self, addr: u32, data: &[u8]) -> Result<(), BusError> {
        let beat = self.geometry.word_bytes();
        let place = self.place(addr).ok_or(BusError::Unmapped(addr))?;
        let partial = matches!(place, Place::Memory { .. });
        if data.len() > beat || (data.len() < beat && !partial) {
            return Err(BusError::Length { addr, given: data.len(), beat });
        }
        match place {
            Place::Register(index) => {
                let value = data[..4].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                self.write_register(index, value);
            }
            Place::Program { instruction, byte } => {
                let bytes: &mut [u8; INSTR_BYTES] = &mut self.sequencer.program_mut()[instruction];
                bytes[byte..byte + beat].copy_from_slice(data);
            }
            Place::Weights { tile, lane, page } => {
                let weights: Vec<i8> = data.iter().map(|byte| *byte as i8).collect();
                self.tiles[tile].write_weights(lane, page, &weights);
            }
            Place::Memory { tile, word } => self.tiles[tile].memory_mut().put(word * beat, data),
            Place::Profile { .. } => return Err(BusError::ReadOnly(addr)),
        }
        Ok(())
    }

    /// Reads one beat.
    ///
    /// # Errors
    /// [`BusError`].
    pub fn read_beat(&self, addr: u32) -> Result<Vec<u8>, BusError> {
        let beat = self.geometry.word_bytes();
        let value = match self.place(addr).ok_or(BusError::Unmapped(addr))? {
            Place::Weights { .. } => return Err(BusError::WriteOnly(addr)),
            Place::Program { instruction, byte } => {
                return Ok(self.sequencer.program()[instruction][byte..byte + beat].to_vec());
            }
            Place::Memory { tile, word } => {
                return Ok(self.tiles[tile].memory().bytes()[word * beat..(word + 1) * beat].to_vec());
            }
            Place::Register(index) => self.register(index).unwrap_or_default(),
            Place::Profile { instruction, tile, field } => {
                let record = self.profile.record(instruction, tile);
                [record.start, record.cycles, record.work, record.decisions.pack()][field as usize]
            }
        };
        let mut data = vec![0; beat];
        data[..4].copy_from_slice(&value.to_le_bytes());
        Ok(data)
    }

    /// What a register reads as; `None` at an index without one.
    #[must_use]
    pub fn register(&self, index: u32) -> Option<u32> {
        let (g, c) = (&self.geometry, &self.counters);
        Some(match index {
            regs::MAGIC => regs::MAGIC_VALUE,
            regs::LAYOUT_HASH => lacuna_spec::tables::layout_hash(),
            regs::TILES => g.tiles as u32,
            regs::LANES => g.lanes as u32,
            regs::PAGES => g.pages as u32,
            regs::DIGIT_BITS => g.digit_bits as u32,
            regs::TILE_WORDS => g.tile_words as u32,
            regs::PROGRAM_LEN => g.program_len as u32,
            regs::SLACK => g.slack as u32,
            regs::ACC_BITS => g.acc_bits as u32,
            regs::REDUCE_COLUMNS => g.reduce_columns as u32,
            regs::DEPTHWISE_TAPS => g.depthwise_taps as u32,
            regs::TRANSPOSER => g.transposer as u32,
            regs::MONITOR => g.monitor as u32,
            regs::STATUS => u32::from(self.running()) | u32::from(self.fault.is_some()) << 1,
            regs::RUNS => self.runs,
            regs::INPUT_OFFSET => self.offsets[0] as u32,
            regs::OUTPUT_OFFSET => self.offsets[1] as u32,
            regs::PHASE => self.phase,
            regs::FAULT => self.fault.map_or(0, |fault| (fault.cause as u32) << 16 | fault.instruction as u32),
            regs::CYCLES => c.cycles,
            regs::DIGITS => c.digits,
            regs::CELLS => c.cells,
            regs::STALL_FEED => c.stall_feed,
            regs::STALL_REDUCE => c.stall_reduce,
            regs::STALL_HAZARD => c.stall_hazard,
            regs::RESHAPE_BEATS => c.reshape_beats,
            regs::INSTRUCTION if self.running() => self.sequencer.index() as u32,
            regs::START | regs::INSTRUCTION => 0,
            _ => return None,
        })
    }

    /// Writes a register; one that is read-only ignores it.
    fn write_register(&mut self, index: u32, value: u32) {
        let offset = value as usize & (self.geometry.tile_bytes() - 1);
        match index {
            regs::START => self.start(value as usize % self.geometry.program_len),
            regs::INPUT_OFFSET => self.offsets[0] = offset,
            regs::OUTPUT_OFFSET => self.offsets[1] = offset,
            regs::PHASE => self.phase = value.min(4095),
            _ => {}
        }
    }
}
