//! The host bus: one address space in *beats* of [`crate::Geometry::word_bytes`] bytes.
//!
//! | region | bits 31:28 | address inside |
//! |---|---|---|
//! | registers | 0 | register index; one 32-bit register in the low bits of a beat |
//! | program | 1 | beat of program memory; instruction `i` starts at `i * instr_beats` |
//! | weights | 2 | `tile << 20 \| lane << 16 \| page`; a page is one beat of `columns` weights |
//! | tile memory | 3 | `tile << 20 \| word` |
//! | profile | 4 | `(instruction << 3 \| tile) << 2 \| field`; see [`crate::regs::ProfileField`] |

/// Lowest bit of the region number.
pub const REGION_LSB: u32 = 28;
/// Lowest bit of the tile number inside weights and tile memory.
pub const TILE_LSB: u32 = 20;
/// Lowest bit of the lane number inside weights.
pub const LANE_LSB: u32 = 16;

/// A region of the host bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Region {
    /// Registers.
    Registers = 0,
    /// Program memory.
    Program = 1,
    /// Weight pages.
    Weights = 2,
    /// Tile memories.
    TileMemory = 3,
    /// Profile records.
    Profile = 4,
}

impl Region {
    /// All regions with their RTL names.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Registers, "Registers"),
        (Self::Program, "Program"),
        (Self::Weights, "Weights"),
        (Self::TileMemory, "TileMemory"),
        (Self::Profile, "Profile"),
    ];

    /// The beat address `offset` beats into the region.
    #[must_use]
    pub const fn at(self, offset: u32) -> u32 {
        ((self as u32) << REGION_LSB) | offset
    }
}

/// Address of one weight page.
#[must_use]
pub const fn weight_page(tile: usize, lane: usize, page: usize) -> u32 {
    Region::Weights.at(((tile as u32) << TILE_LSB) | ((lane as u32) << LANE_LSB) | page as u32)
}

/// Address of one tile-memory word.
#[must_use]
pub const fn tile_word(tile: usize, word: usize) -> u32 {
    Region::TileMemory.at(((tile as u32) << TILE_LSB) | word as u32)
}

/// Address of one field of the profile record of an instruction on a tile.
#[must_use]
pub const fn profile(instruction: usize, tile: usize, field: crate::regs::ProfileField) -> u32 {
    Region::Profile.at((((instruction as u32) << 3 | tile as u32) << 2) | field as u32)
}
