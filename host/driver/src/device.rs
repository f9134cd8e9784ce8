//! One trait for every way to reach a chip.

use lacuna_spec::{Geometry, regs, tables};

use crate::DeviceError;

/// Whole beats at consecutive addresses, to the chip or from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Burst {
    /// Writes `bytes` from address `beat` on.
    Write {
        /// The first address.
        beat: u32,
        /// Whole beats.
        bytes: Vec<u8>,
    },
    /// Reads `beats` from address `beat` on.
    Read {
        /// The first address.
        beat: u32,
        /// How many.
        beats: usize,
    },
}

impl Burst {
    /// Reads a register.
    #[must_use]
    pub const fn read_register(register: u32) -> Self {
        Self::Read { beat: register, beats: 1 }
    }

    /// Writes a register of a chip whose beats have `word_bytes`.
    #[must_use]
    pub fn write_register(register: u32, value: u32, word_bytes: usize) -> Self {
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.resize(word_bytes, 0);
        Self::Write { beat: register, bytes }
    }
}

/// A chip on a host bus: the golden model, the Verilated chip, a serial port or a TCP peer.
///
/// Addresses and counts are in beats of [`Geometry::word_bytes`] bytes; see [`lacuna_spec::map`].
#[async_trait::async_trait]
pub trait Device: Send {
    /// The chip's geometry, as its registers state it.
    fn geometry(&self) -> Geometry;

    /// What a user calls this device, such as `sim` or `serial:/dev/ttyUSB0`.
    fn name(&self) -> String;

    /// Cycles simulated so far, transfers included; `None` where nothing in this process counts them.
    fn simulated(&self) -> Option<u64> {
        None
    }

    /// Writes whole beats to consecutive addresses.
    ///
    /// # Errors
    /// [`DeviceError`] when the address is not mapped or the device is gone.
    async fn write(&mut self, beat: u32, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Reads whole beats from consecutive addresses.
    ///
    /// # Errors
    /// As [`Device::write`].
    async fn read(&mut self, beat: u32, beats: usize) -> Result<Vec<u8>, DeviceError>;

    /// Runs bursts in their order and gives what each read among them read. Over a line as many are under way as it takes,
    /// so that they cost one round trip and not one each.
    ///
    /// # Errors
    /// As [`Device::write`]; bursts behind one that is not mapped may have run.
    async fn batch(&mut self, bursts: Vec<Burst>) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut read = Vec::new();
        for burst in bursts {
            match burst {
                Burst::Write { beat, bytes } => self.write(beat, &bytes).await?,
                Burst::Read { beat, beats } => read.push(self.read(beat, beats).await?),
            }
        }
        Ok(read)
    }

    /// Waits until the running program has halted or, if given, has come to `instruction`, those before it having had their
    /// turn; at most `cycles` chip cycles or an equivalent time.
    ///
    /// # Errors
    /// [`DeviceError::Fault`] when the chip stopped on a fault, [`DeviceError::Hang`] when it did not stop.
    async fn wait(&mut self, instruction: Option<usize>, cycles: u64) -> Result<(), DeviceError>;
}

/// Register access over any device.
pub struct Registers<'a>(pub &'a mut dyn Device);

impl Registers<'_> {
    /// Reads a 32-bit register.
    ///
    /// # Errors
    /// As [`Device::read`].
    pub async fn read(&mut self, register: u32) -> Result<u32, DeviceError> {
        let beat = self.0.read(register, 1).await?;
        Ok(low_word(&beat))
    }

    /// Writes a 32-bit register.
    ///
    /// # Errors
    /// As [`Device::write`].
    pub async fn write(&mut self, register: u32, value: u32) -> Result<(), DeviceError> {
        let write = Burst::write_register(register, value, self.0.geometry().word_bytes());
        self.0.batch(vec![write]).await.map(drop)
    }

    /// The fault that stopped the chip, if any; `Ok(false)` while it runs.
    ///
    /// # Errors
    /// [`DeviceError::Fault`], or as [`Device::read`].
    pub async fn halted(&mut self) -> Result<bool, DeviceError> {
        let status = self.read(regs::STATUS).await?;
        if status & 1 == 1 {
            return Ok(false);
        }
        if status & 2 == 2 {
            let fault = self.read(regs::FAULT).await?;
            return Err(DeviceError::fault(fault));
        }
        Ok(true)
    }

    /// Whether the program has halted or, if given, has come to `instruction`.
    ///
    /// # Errors
    /// As [`Registers::halted`].
    pub async fn came_to(&mut self, instruction: Option<usize>) -> Result<bool, DeviceError> {
        // Read before STATUS: it tells something as long as the program ran.
        let at = match instruction {
            Some(_) => self.read(regs::INSTRUCTION).await? as usize,
            None => 0,
        };
        Ok(self.halted().await? || instruction.is_some_and(|instruction| at >= instruction))
    }

    /// Refuses a chip that was built from another contract.
    ///
    /// # Errors
    /// [`DeviceError::NotLacuna`] or [`DeviceError::StaleLayout`].
    pub async fn check_contract(&mut self) -> Result<(), DeviceError> {
        let magic = self.read(regs::MAGIC).await?;
        if magic != regs::MAGIC_VALUE {
            return Err(DeviceError::NotLacuna { device: self.0.name(), found: magic });
        }
        let found = self.read(regs::LAYOUT_HASH).await?;
        let expected = tables::layout_hash();
        if found != expected {
            return Err(DeviceError::StaleLayout { device: self.0.name(), found, expected });
        }
        Ok(())
    }
}

/// The first 32 bits of a beat.
#[must_use]
pub fn low_word(beat: &[u8]) -> u32 {
    beat.iter().take(4).rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}
