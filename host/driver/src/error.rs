//! Why a device could not do what it was asked.

/// Why a device could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The address is in no region, or past its end.
    #[error("beat address {beat:#010x} is not mapped on {device}; the program was compiled for another geometry")]
    Unmapped {
        /// Device name.
        device: String,
        /// The address.
        beat: u32,
    },
    /// Bytes that are not whole beats.
    #[error("{bytes} bytes are not whole beats of {word} bytes; pad the transfer")]
    Ragged {
        /// Bytes given.
        bytes: usize,
        /// Bytes of a beat.
        word: usize,
    },
    /// The chip stopped on a fault.
    #[error(
        "the chip stopped at instruction {instruction}: {cause}; the program does not suit this chip, compile it again for its geometry"
    )]
    Fault {
        /// Index of the instruction.
        instruction: u32,
        /// Cause in words.
        cause: &'static str,
    },
    /// The program did not halt in time.
    #[error("{device} did not finish within {cycles} cycles; reset it, and report the model if it happens again")]
    Hang {
        /// Device name.
        device: String,
        /// The limit.
        cycles: u64,
    },
    /// The peer is no Lacuna chip.
    #[error("{device} answers {found:#010x} where a Lacuna chip answers 0x4c414355; check the port and the bitstream")]
    NotLacuna {
        /// Device name.
        device: String,
        /// What it answered.
        found: u32,
    },
    /// The chip was built from another contract.
    #[error(
        "{device} has layout hash {found:#010x}, this program {expected:#010x}; rebuild the bitstream or the host from the same source"
    )]
    StaleLayout {
        /// Device name.
        device: String,
        /// The chip's hash.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// The chip's registers state no geometry this driver knows.
    #[error(
        "{device} reports {what} = {value}, which no geometry has; rebuild the bitstream or the host from the same source"
    )]
    Geometry {
        /// Device name.
        device: String,
        /// Which register.
        what: &'static str,
        /// Its value.
        value: u32,
    },
    /// A program for another chip.
    #[error("the program is for geometry {program} but {device} is {chip}; compile it for that geometry")]
    OtherGeometry {
        /// Device name.
        device: String,
        /// Geometry of the program.
        program: String,
        /// Geometry of the chip.
        chip: String,
    },
    /// A frame whose inputs do not fit the model.
    #[error(transparent)]
    Frame(#[from] lacuna_compiler::Error),
    /// An instruction that cannot be packed.
    #[error(transparent)]
    Pack(#[from] lacuna_spec::packed::PackError),
    /// A simulated chip failed an assertion.
    #[error("the simulated chip failed: {0}")]
    Simulation(String),
    /// The device is gone, or the line to it.
    #[error("{device} is disconnected ({reason}); reconnect it and run again")]
    Disconnected {
        /// Device name.
        device: String,
        /// What the operating system said.
        reason: String,
    },
    /// The device cannot be opened.
    #[error("{device} cannot be opened: {reason}")]
    Open {
        /// Device name.
        device: String,
        /// Why, with the remedy.
        reason: String,
    },
}

impl DeviceError {
    /// Reads the FAULT register.
    #[must_use]
    pub fn fault(register: u32) -> Self {
        let cause = match register >> 16 & 0xf {
            1 => "unknown opcode",
            2 => "address outside the tile memory",
            3 => "no such tile",
            _ => "unknown cause",
        };
        Self::Fault { instruction: register & 0xffff, cause }
    }
}
