//! Why a placed graph cannot become a program.

use lacuna_spec::packed::PackError;

/// Why a placed graph cannot become a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The weights of one column block exceed the pages of a tile, so that not even phases help.
    #[error("layer {layer:?} needs {needed} weight pages at a time but a lane has {available}; its dot product is larger than the chip by {} pages: use a larger geometry or prune it", needed - available)]
    Pages {
        /// The layer.
        layer: String,
        /// Pages of one of its column blocks.
        needed: usize,
        /// Pages of a lane.
        available: usize,
    },
    /// Activations and parameters exceed the tile memory.
    #[error("tensor {tensor:?} needs tile memory up to byte {needed} but a tile has {available}; the model is larger than the chip by {} bytes a tile: use a larger geometry or a smaller input", needed - available)]
    TileMemory {
        /// The tensor that no longer fits.
        tensor: String,
        /// Bytes needed up to and including it.
        needed: usize,
        /// Bytes of a tile memory.
        available: usize,
    },
    /// One layer has more instructions than the program memory holds.
    #[error(
        "layer {layer:?} takes {needed} instructions at a time but the program memory holds {available}; use a larger geometry"
    )]
    Program {
        /// The layer.
        layer: String,
        /// Its instructions, and a halt.
        needed: usize,
        /// Instructions that the program memory holds.
        available: usize,
    },
    /// A field of an instruction is too small for the layer.
    #[error("layer {layer:?}: {source}")]
    Field {
        /// The layer.
        layer: String,
        /// The field and its value.
        source: PackError,
    },
    /// A node was placed on the chip that the back end has no instruction for.
    #[error(
        "node {node:?} ({op}) was placed on the chip, which has no instruction for it: {why}; place it on the host"
    )]
    Unsupported {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What is missing.
        why: &'static str,
    },
    /// Frames that cannot pass through the chip together.
    #[error(
        "{batch} frames cannot pass through the chip together: the network keeps {state:?} from each for the next; run them one by one, in a batch of 1"
    )]
    Batch {
        /// Frames that were to pass together.
        batch: usize,
        /// What is kept.
        state: String,
    },
    /// A layer's weights exceed the pages.
    #[error(
        "{batch} frames cannot pass through the chip together: layer {layer:?} takes {needed} weight pages a lane, all of which every frame needs, but there are {available}; run them one by one, in a batch of 1"
    )]
    BatchPages {
        /// Frames that were to pass together.
        batch: usize,
        /// The layer.
        layer: String,
        /// Its pages.
        needed: usize,
        /// Pages of a lane.
        available: usize,
    },
    /// Tensors of so many frames exceed the chip.
    #[error("{batch} frames do not fit the chip together: {error}, or run fewer together")]
    BatchRoom {
        /// Frames that were to pass together.
        batch: usize,
        /// What does not fit.
        error: Box<BackendError>,
    },
    /// A lane's sum could exceed the accumulator of a cell.
    #[error(
        "layer {layer:?}: a lane's sum can reach {reach}, beyond the {bits}-bit accumulator of a cell; place it on the host or use a geometry with wider accumulators"
    )]
    Accumulator {
        /// The layer.
        layer: String,
        /// Largest magnitude that can occur.
        reach: i64,
        /// Bits of the accumulator.
        bits: usize,
    },
}

impl BackendError {
    /// Whether the network may run frame by frame.
    #[must_use]
    pub const fn is_about_batches(&self) -> bool {
        matches!(self, Self::Batch { .. } | Self::BatchRoom { .. } | Self::BatchPages { .. })
    }
}
