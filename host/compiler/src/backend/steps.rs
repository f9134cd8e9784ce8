//! Cuts a placed graph into chip programs and host nodes, and compiles each program.

use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, INSTR_BYTES, Instr};

use super::io::{self, Transfer};
use super::split::Split;
use super::{BackendError, TensorLayout, budgets, emit};
use crate::graph::{Band, Graph, Node, Place, TensorId};

/// A weight page: one beat of the host bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageImage {
    /// Tile.
    pub tile: usize,
    /// Row lane.
    pub lane: usize,
    /// Page.
    pub page: usize,
    /// One weight a column.
    pub weights: Vec<i8>,
}

/// Weights that share pages with others: loaded for each frame, while the chip waits for them or computes what comes before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// The step whose program it belongs to.
    pub step: usize,
    /// The `load` that waits for it, in program memory; a fence before it waits for every job of the phases before.
    pub load: usize,
    /// Index of the phase that had its pages last: of this frame if lower than its own, else of the frame before.
    pub follows: usize,
    /// Its pages.
    pub pages: Vec<PageImage>,
}

/// What one layer became.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Layer {
    /// Node name.
    pub name: String,
    /// Operator.
    pub op: &'static str,
    /// Node of the graph.
    pub node: usize,
    /// How it is dealt over the tiles.
    pub split: Split,
    /// Its compute instructions, among those of the network.
    pub instrs: Vec<usize>,
    /// The moves that bring its output to where it is read.
    pub moves: Vec<usize>,
    /// Multiply-accumulates of the layer.
    pub macs: u64,
    /// Weight pages a lane, in the tile with the most.
    pub pages: usize,
    /// Output channels, height, width.
    pub output: [usize; 3],
}

/// Instructions between a start and a halt, and the data that the host brings and takes. What one leaves in tile memory, others
/// find there.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Its first instruction among those of the network.
    pub start: usize,
    /// Where program memory holds its first instruction.
    pub place: usize,
    /// The instructions, ending in a halt.
    pub instrs: Vec<Instr>,
    /// Whether program memory holds the instructions already: they are those of the program before.
    pub repeats: bool,
    /// Parameters in tile memory that take turns with those of other programs: the host writes them before each run. None if the
    /// program before has left the same there.
    pub parameters: Vec<Transfer>,
    /// What the host writes before a run.
    pub inputs: Vec<(TensorId, TensorLayout)>,
    /// What the host reads after a run.
    pub outputs: Vec<(TensorId, TensorLayout)>,
    /// INPUT_OFFSET of the second input buffer; 0 when there is only one.
    pub input_stride: usize,
    /// OUTPUT_OFFSET of the second output buffer; 0 when there is only one.
    pub output_stride: usize,
    /// Layers in program order.
    pub layers: Vec<Layer>,
}

/// One step of a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Run a program.
    Chip(Box<Program>),
    /// Execute a node of the graph on the host.
    Host(usize),
}

impl Step {
    fn program_mut(&mut self) -> Option<&mut Program> {
        match self {
            Self::Chip(program) => Some(program),
            Self::Host(_) => None,
        }
    }
}

/// A network compiled for one geometry and gating mode.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The graph that was compiled.
    pub graph: Graph,
    /// The same before layers were cut into bands, and of one frame, if that is another.
    pub whole: Option<Box<Graph>>,
    /// The chip it is for.
    pub geometry: Geometry,
    /// The gating mode it is for.
    pub gating: Gating,
    /// Frames that pass through the chip together: `graph` takes the inputs of all of them, one frame behind the other, and gives the
    /// outputs likewise.
    pub batch: usize,
    /// Steps of one frame.
    pub steps: Vec<Step>,
    /// Weight pages, loaded once.
    pub pages: Vec<PageImage>,
    /// Weights that take turns, in the order of the frame; `load` waits for the index plus 1.
    pub phases: Vec<Phase>,
    /// Parameters in tile memory that stay there, loaded once.
    pub constants: Vec<Transfer>,
    /// Bytes of tile memory used.
    pub tile_bytes: usize,
    /// Pages a lane used, in the fullest tile.
    pub tile_pages: usize,
}

impl Compiled {
    /// The programs of a frame, in order.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.steps.iter().filter_map(|step| match step {
            Step::Chip(program) => Some(program.as_ref()),
            Step::Host(_) => None,
        })
    }

    /// The graph of one frame before anything was cut, which computes the same.
    #[must_use]
    pub fn uncut(&self) -> &Graph {
        self.whole.as_deref().unwrap_or(&self.graph)
    }

    /// Whether program memory holds all programs at once; else they take turns, and the host writes each before it starts.
    #[must_use]
    pub fn is_resident(&self) -> bool {
        self.programs().all(|program| program.place == program.start)
    }

    /// The nodes of a frame that the host computes.
    pub fn host_nodes(&self) -> impl Iterator<Item = &Node> {
        let of_one = |&(index, _): &(usize, &Node)| self.graph.first_band(index) == index;
        let nodes = self.graph.nodes.iter().enumerate().filter(of_one).map(|(_, node)| node);
        nodes.filter(|node| matches!(node.place, Place::Host(_)))
    }

    /// Multiply-accumulates of a frame on the chip.
    #[must_use]
    pub fn macs(&self) -> u64 {
        self.programs().flat_map(|program| &program.layers).map(|layer| layer.macs).sum::<u64>() / self.batch as u64
    }

    /// Bytes of instructions that the host sends for each batch.
    #[must_use]
    pub fn program_bytes(&self) -> usize {
        let written = self.programs().filter(|program| !program.repeats);
        let instrs = written.map(|program| program.instrs.len()).sum::<usize>();
        if self.is_resident() { 0 } else { instrs * INSTR_BYTES }
    }

    /// Bytes of parameters that the host sends for each batch.
    #[must_use]
    pub fn parameter_bytes(&self) -> usize {
        self.programs().flat_map(|program| &program.parameters).map(|transfer| transfer.bytes.len()).sum()
    }

    /// Bytes of tensors that travel for each batch in bands, and as what becomes of them.
    #[must_use]
    pub fn band_bytes(&self) -> usize {
        let cut = |layer: &Layer| self.graph.banded(layer.node).is_some_and(|banded| banded.each != Band::Frame);
        let in_bands = |program: &&Program| program.layers.iter().any(cut);
        let of = |program: &Program| {
            let brought = program.inputs.iter().map(|(_, layout)| layout.held_bytes());
            let taken = program.outputs.iter().flat_map(|(_, layout)| io::output_ranges(layout));
            brought.sum::<usize>() + taken.map(|(_, _, bytes)| bytes).sum::<usize>()
        };
        self.programs().filter(in_bands).map(of).sum()
    }

    /// Bytes of weights that the host sends for each batch.
    #[must_use]
    pub fn reload_bytes(&self) -> usize {
        self.phases.iter().map(|phase| phase.pages.len()).sum::<usize>() * self.geometry.word_bytes()
    }
}

/// Leaves out what a program would write that the one before has written: bands of a layer are the same but at the picture's borders.
pub(super) fn leave_out_repeats(steps: &mut [Step]) {
    let mut programs: Vec<&mut Program> = steps.iter_mut().filter_map(Step::program_mut).collect();
    // From the last on, so that each meets the whole one before.
    for at in (1..programs.len()).rev() {
        let (before, program) = programs.split_at_mut(at);
        let (before, program) = (&before[at - 1], &mut program[0]);
        program.repeats = program.place == before.place && program.instrs == before.instrs;
        if program.parameters == before.parameters {
            program.parameters.clear();
        }
    }
}

/// Compiles a graph whose nodes have been placed; the caller moves the graph in.
///
/// Fast layouts are tried first; where tile memory is short, parameters are dealt over the tiles, then inputs and
/// outputs lose their second buffer, then layers keep their rows apart and weights take turns instead, then large tensors
/// pass from layer to layer in stripes, and at last parameters take turns, which the host sends for each frame: more of its line than
/// anything before costs of the chip. Weights that would take turns stay where that costs no more than pixels side by side.
///
/// # Errors
/// What does not fit, by how much and what to do.
pub fn compile_fitting(graph: &Graph, geometry: Geometry, gating: Gating) -> Result<Compiled, BackendError> {
    let mut known = emit::Known::default();
    let wide = first_that_fits(graph, geometry, gating, true, &mut known)?;
    if wide.phases.is_empty() {
        return Ok(wide);
    }
    match first_that_fits(graph, geometry, gating, false, &mut known) {
        Ok(narrow) if narrow.phases.is_empty() => Ok(narrow),
        _ => Ok(wide),
    }
}

fn first_that_fits(
    graph: &Graph,
    geometry: Geometry,
    gating: Gating,
    widen: bool,
    known: &mut emit::Known,
) -> Result<Compiled, BackendError> {
    let fits = budgets::all(geometry);
    let last = fits.len() - 1;
    for (attempt, fit) in fits.into_iter().enumerate() {
        match compile_within(graph, geometry, gating, emit::Fit { widen, ..fit }, known) {
            Err(BackendError::TileMemory { .. }) if attempt < last => {}
            other => return other,
        }
    }
    unreachable!("the last attempt returns")
}

/// As [`compile_fitting`], but only with the layouts that need least: for a quick look.
///
/// # Errors
/// As [`compile_fitting`].
pub(super) fn compile_tightly(graph: &Graph, geometry: Geometry, gating: Gating) -> Result<Compiled, BackendError> {
    let mut known = emit::Known::default();
    let mut first = None;
    for fit in budgets::tightest(geometry) {
        match compile_within(graph, geometry, gating, fit, &mut known) {
            Err(error) => first = first.or(Some(error)),
            fitting => return fitting,
        }
    }
    Err(first.expect("several budgets"))
}

/// Compiles within a budget of tile memory; the caller adds the graph.
///
/// # Errors
/// What does not fit.
pub(super) fn compile_within(
    graph: &Graph,
    geometry: Geometry,
    gating: Gating,
    fit: emit::Fit,
    known: &mut emit::Known,
) -> Result<Compiled, BackendError> {
    let runs = cut(graph);
    let mut emitter = emit::Emitter::new(graph, geometry, gating, &runs, fit, known)?;
    // All tensors are placed before any weight is: most budgets fail there.
    let drafts = runs.iter().map(|run| emitter.draft(run)).collect::<Result<Vec<_>, _>>()?;
    let mut steps = Vec::new();
    let mut next = 0;
    for (run, draft) in runs.iter().zip(drafts) {
        steps.extend((next..run.start).map(Step::Host));
        let programs = emitter.programs(draft, steps.len())?;
        steps.extend(programs.into_iter().map(|program| Step::Chip(Box::new(program))));
        next = run.end;
    }
    steps.extend((next..graph.nodes.len()).map(Step::Host));
    Ok(emitter.finish(steps))
}

/// Maximal ranges of consecutive chip nodes.
fn cut(graph: &Graph) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if node.place != Place::Chip {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == index => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}
