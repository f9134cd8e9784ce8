//! Instructions: 64 bytes each, little-endian, opcode first.
//!
//! All addresses and strides are in *bytes* of tile memory; any alignment is legal. Scoreboard
//! regions are in words, `lo` inclusive and `hi` exclusive. `hdl/README.md` tells what each unit
//! does with its instruction, cycle by cycle.

mod compute;
mod reshape;

pub use compute::{Gating, PostConstants, PostOp, PostTail, Rule, RunTail, Walk};
pub use reshape::{LINEAR, LINEAR_COLUMNS, RESHAPE_LEVELS, Reshape};

use crate::packed;

/// Bytes of one instruction.
pub const INSTR_BYTES: usize = 64;

/// What an instruction asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Ends the program when every unit is idle.
    Halt = 0,
    /// Waits until every unit is idle.
    Fence = 1,
    /// Waits until the host has loaded the pages of a phase.
    Load = 2,
    /// Runs a convolution or dense layer through the array and the post unit.
    Run = 3,
    /// Runs an element-wise, pooling or depthwise operator through the post unit.
    Post = 4,
    /// Moves a tensor between tile memories.
    Reshape = 5,
}

impl Opcode {
    /// All opcodes with their RTL names.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Halt, "Halt"),
        (Self::Fence, "Fence"),
        (Self::Load, "Load"),
        (Self::Run, "Run"),
        (Self::Post, "Post"),
        (Self::Reshape, "Reshape"),
    ];
}

packed! {
    /// The fields that every instruction starts with.
    Head: 128 {
        /// Opcode.
        opcode: u 4,
        /// Tiles that take part, bit t for tile t. For `reshape`: the source tile, or several, each of
        /// which writes itself alone, or with `gather` all targets.
        tiles: u 8,
        /// Destination tiles of a `reshape`, those of `tiles` if it has several sources and no `gather`; 0
        /// otherwise.
        targets: u 8,
        /// Phase that `load` waits for; 0 otherwise.
        phase: u 12,
        /// First word read, for the scoreboard.
        read_lo: u 16,
        /// One past the last word read.
        read_hi: u 16,
        /// First word written.
        write_lo: u 16,
        /// One past the last word written.
        write_hi: u 16,
        /// INPUT_OFFSET is added to the address of every window; parameters stay where they are.
        from_input: u 1,
        /// OUTPUT_OFFSET is added to every write address.
        to_output: u 1,
    }
}

/// One instruction, unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Instr {
    /// `halt`.
    Halt(Head),
    /// `fence`.
    Fence(Head),
    /// `load`.
    Load(Head),
    /// `run`.
    Run(Head, Walk, RunTail),
    /// `post`.
    Post(Head, Walk, PostTail),
    /// `reshape`.
    Reshape(Head, Reshape),
}

/// Bytes that do not start with a known opcode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("opcode {0} is unknown; opcodes are 0 to 5")]
pub struct UnknownOpcode(pub i64);

impl Instr {
    /// The common head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        match self {
            Self::Halt(h)
            | Self::Fence(h)
            | Self::Load(h)
            | Self::Run(h, ..)
            | Self::Post(h, ..)
            | Self::Reshape(h, _) => h,
        }
    }

    /// Packs into [`INSTR_BYTES`] bytes.
    ///
    /// # Errors
    /// A value that does not fit its field.
    pub fn pack(&self) -> Result<[u8; INSTR_BYTES], packed::PackError> {
        let mut out = [0u8; INSTR_BYTES];
        let mut put = |at: usize, bytes: Vec<u8>| out[at..at + bytes.len()].copy_from_slice(&bytes);
        put(0, self.head().pack()?);
        match self {
            Self::Halt(_) | Self::Fence(_) | Self::Load(_) => {}
            Self::Run(_, walk, tail) => {
                put(16, walk.pack()?);
                put(48, tail.pack()?);
            }
            Self::Post(_, walk, tail) => {
                put(16, walk.pack()?);
                put(48, tail.pack()?);
            }
            Self::Reshape(_, reshape) => put(16, reshape.pack()?),
        }
        Ok(out)
    }

    /// Unpacks an instruction.
    ///
    /// # Errors
    /// [`UnknownOpcode`].
    pub fn unpack(bytes: &[u8; INSTR_BYTES]) -> Result<Self, UnknownOpcode> {
        let head = Head::unpack(bytes);
        let (walk, reshape) = (Walk::unpack(&bytes[16..]), Reshape::unpack(&bytes[16..]));
        Ok(match head.opcode {
            0 => Self::Halt(head),
            1 => Self::Fence(head),
            2 => Self::Load(head),
            3 => Self::Run(head, walk, RunTail::unpack(&bytes[48..])),
            4 => Self::Post(head, walk, PostTail::unpack(&bytes[48..])),
            5 => Self::Reshape(head, reshape),
            other => return Err(UnknownOpcode(other)),
        })
    }
}
