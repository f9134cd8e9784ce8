//! The graph that every pass reads and rewrites: tensors, and nodes in execution order.

use std::ops::Range;

use crate::error::Error;
use crate::op::Op;
use crate::reference::Value;

/// Names a tensor of one [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// The element type of a tensor inside the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// Quantised value; a file's uint8 is rebased by 128 (see [`Tensor::unsigned`]).
    I8,
    /// Bias.
    I32,
    /// Shapes, axes and places; what layers keep of 16 bits.
    I64,
    /// Before the first `Quantize`, after the last `Dequantize`.
    F32,
}

/// Constant contents of a tensor, row-major as in ONNX.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Quantised values.
    I8(Vec<i8>),
    /// Bias values.
    I32(Vec<i32>),
    /// Shape values.
    I64(Vec<i64>),
    /// Real values.
    F32(Vec<f32>),
}

impl Data {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::I8(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            Self::I8(_) => DType::I8,
            Self::I32(_) => DType::I32,
            Self::I64(_) => DType::I64,
            Self::F32(_) => DType::F32,
        }
    }
}

/// What an int8 stands for: `scale * (q - zero_point)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quant {
    /// The size of one step.
    pub scale: f32,
    /// The int8 that means 0, in `-128..=127` (rebased for uint8 files).
    pub zero_point: i32,
}

/// One value of the network. A frame is one batch item, so dimension 0 of an activation is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The file's name for it.
    pub name: String,
    /// Logical shape, NCHW as in ONNX.
    pub shape: Vec<usize>,
    /// Element type inside the compiler.
    pub dtype: DType,
    /// The file stores uint8: outside values are inside values plus 128.
    pub unsigned: bool,
    /// What the values stand for, where known.
    pub quant: Option<Quant>,
    /// Contents, if constant.
    pub data: Option<Data>,
}

impl Tensor {
    /// Number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The shape as channels, height and width: missing spatial dimensions count as 1.
    ///
    /// A 3-D tensor is one row high. Anything but 2 to 4 dimensions with batch 1 gives `None`.
    #[must_use]
    pub fn chw(&self) -> Option<[usize; 3]> {
        match *self.shape.as_slice() {
            [1, c] => Some([c, 1, 1]),
            [1, c, w] => Some([c, 1, w]),
            [1, c, h, w] => Some([c, h, w]),
            _ => None,
        }
    }
}

/// Where a node runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the chip.
    Chip,
    /// On the host, for the stated reason.
    Host(String),
    /// On the host, which but cuts what is larger than the chip, or joins it.
    Cut,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The file's name for it, or one made from its output.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// What it reads at run time; parameters are inside `op` once quantised.
    pub inputs: Vec<TensorId>,
    /// What it writes.
    pub output: TensorId,
    /// Where it runs; [`crate::passes::partition`] decides.
    pub place: Place,
}

/// A value that the network keeps from one frame to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The file's name for it.
    pub name: String,
    /// What a frame reads: the value that the frame before it left.
    pub read: TensorId,
    /// What a frame leaves; equal to `read` if it changes nothing.
    pub write: TensorId,
    /// What the first frame reads.
    pub initial: Value,
}

/// A network. `nodes` is always in execution order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The model's name.
    pub name: String,
    /// Every value, indexed by [`TensorId`].
    pub tensors: Vec<Tensor>,
    /// Every operation, producers before consumers.
    pub nodes: Vec<Node>,
    /// What the caller supplies.
    pub inputs: Vec<TensorId>,
    /// What the caller receives.
    pub outputs: Vec<TensorId>,
    /// What is kept between frames.
    pub states: Vec<State>,
    /// Layers that run band by band.
    pub bands: Vec<Bands>,
}

/// Layers that run again and again with the same weights, each time for a part of all that they compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bands {
    /// The name of each layer, which is a node in every band, and its whole output, or that of the first frame.
    pub layers: Vec<(String, TensorId)>,
    /// The nodes of each band; the nth of every band has the weights of the nth of the first.
    pub nodes: Vec<Range<usize>>,
    /// What a band is.
    pub each: Band,
}

/// Of what a layer computes again and again, that which it computes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// Some rows of a picture that is larger than the chip, which tiles deal by rows.
    Rows,
    /// The same, which they deal by output channels.
    RowsByChannels,
    /// One of the frames that pass through the chip together.
    Frame,
}

/// A layer that runs band by band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banded<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its whole output.
    pub output: TensorId,
    /// The node of its first band.
    pub first: usize,
    /// The number of bands.
    pub count: usize,
    /// What a band is.
    pub each: Band,
}

impl Graph {
    /// The tensor of that name tag.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// What enters a frame: the caller's inputs and what the frame before left.
    pub fn sources(&self) -> impl Iterator<Item = TensorId> {
        self.inputs.iter().copied().chain(self.states.iter().map(|state| state.read))
    }

    /// What must outlive a frame: the caller's outputs and what the next frame reads.
    pub fn results(&self) -> impl Iterator<Item = TensorId> {
        self.outputs.iter().copied().chain(self.states.iter().map(|state| state.write))
    }

    /// Whether a tensor is one of [`Self::results`].
    #[must_use]
    pub fn is_result(&self, id: TensorId) -> bool {
        self.results().any(|result| result == id)
    }

    /// The layer of which a node computes a band.
    #[must_use]
    pub fn banded(&self, index: usize) -> Option<Banded<'_>> {
        self.bands.iter().find_map(|bands| {
            let band = bands.nodes.iter().find(|band| band.contains(&index))?;
            let at = index - band.start;
            let (name, output) = &bands.layers[at];
            let (first, count) = (bands.nodes[0].start + at, bands.nodes.len());
            Some(Banded { name, output: *output, first, count, each: bands.each })
        })
    }

    /// The node of the first band that computes what a node does of its own; itself, if it does not run band by band.
    #[must_use]
    pub fn first_band(&self, index: usize) -> usize {
        self.banded(index).map_or(index, |banded| banded.first)
    }

    /// Adds a tensor.
    pub fn add_tensor(&mut self, tensor: Tensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId(self.tensors.len() - 1)
    }

    /// For each tensor, the node that writes it.
    #[must_use]
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut table = vec![None; self.tensors.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            table[node.output.0] = Some(index);
        }
        table
    }

    /// For each tensor, the nodes that read it (a node that reads it twice is listed twice).
    #[must_use]
    pub fn consumers(&self) -> Vec<Vec<usize>> {
        let mut table = vec![Vec::new(); self.tensors.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                table[input.0].push(index);
            }
        }
        table
    }

    /// Makes every reader of `old`, and the lists of outputs and states, use `new` instead.
    pub fn redirect(&mut self, old: TensorId, new: TensorId) {
        let readers = self.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut());
        let writes = self.states.iter_mut().map(|state| &mut state.write);
        for id in readers.chain(self.outputs.iter_mut()).chain(writes) {
            if *id == old {
                *id = new;
            }
        }
    }

    /// Checks what every pass promises: each value is defined before it is read, and once.
    ///
    /// # Errors
    /// [`Error::MissingValue`] or [`Error::Duplicate`], naming the value.
    pub fn validate(&self) -> Result<(), Error> {
        let mut defined: Vec<bool> = self.tensors.iter().map(|t| t.data.is_some()).collect();
        for source in self.sources() {
            defined[source.0] = true;
        }
        for node in &self.nodes {
            if let Some(id) = node.inputs.iter().find(|id| !defined[id.0]) {
                return Err(Error::MissingValue { node: node.name.clone(), value: self.tensor(*id).name.clone() });
            }
            if defined[node.output.0] {
                return Err(Error::Duplicate { value: self.tensor(node.output).name.clone() });
            }
            defined[node.output.0] = true;
        }
        match self.results().find(|id| !defined[id.0]) {
            Some(id) => Err(Error::MissingValue { node: "graph output".into(), value: self.tensor(id).name.clone() }),
            None => Ok(()),
        }
    }
}
