//! What is wrong with a layout, an operator or a plan.

/// A layout that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Too many dimensions, or none.
    #[error("a shape has 1 to 8 dimensions, not {0}")]
    Rank(usize),
    /// No element.
    #[error("no dimension may be 0")]
    Empty,
    /// A dimension without its place, or with two.
    #[error("dimension {0} must appear once as a whole, before its blocks")]
    Order(usize),
}

/// An operator that does not suit its operands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// What does not go together.
    #[error("{op} does not suit shape {shape}: {why}")]
    Shape {
        /// The operator.
        op: &'static str,
        /// The shape, as the layout language writes it.
        shape: String,
        /// Why.
        why: &'static str,
    },
    /// Several sources where one is expected.
    #[error("{op} reads one tensor but there are {count}; join them with concat first")]
    Operands {
        /// The operator.
        op: &'static str,
        /// How many there are.
        count: usize,
    },
    /// The elements of source and target do not match.
    #[error("the target has {target} elements but the source gives {given}; they must be equal")]
    Elements {
        /// Elements of the target.
        target: usize,
        /// Elements that are left after all operators.
        given: usize,
    },
    /// Types of different sizes.
    #[error(
        "elements of {source_bytes} bytes do not become elements of {target_bytes}; the engine moves them unchanged"
    )]
    Type {
        /// Bytes of a source element.
        source_bytes: usize,
        /// Bytes of a target element.
        target_bytes: usize,
    },
}

/// A movement that no plan exists for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// A tensor beyond the memories.
    #[error(
        "{what} needs {needed} bytes of each tile from address {base} but a tile has {available}; use more tiles or a larger geometry"
    )]
    Memory {
        /// The tensor.
        what: &'static str,
        /// Its base.
        base: usize,
        /// Bytes that it needs in a tile.
        needed: usize,
        /// Bytes of a tile memory.
        available: usize,
    },
    /// More tiles than there are.
    #[error("{what} lies in tiles up to {last} but the chip has {tiles}")]
    Tiles {
        /// The tensor.
        what: &'static str,
        /// The last tile that it names.
        last: usize,
        /// Tiles of the chip.
        tiles: usize,
    },
    /// Source and target overlap in a circle, and nothing is free.
    #[error("source and target overlap in a circle and no byte is free to break it; leave some memory free")]
    NoSpare,
    /// Sources over each other.
    #[error("the bytes at address {address} of tile {tile} belong to two sources; give them other bases")]
    Overlap {
        /// The tile.
        tile: usize,
        /// The address.
        address: usize,
    },
    /// What cannot be computed.
    #[error(transparent)]
    Op(#[from] OpError),
}
