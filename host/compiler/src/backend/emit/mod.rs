//! Instructions of each layer.

mod bands;
mod blocks;
mod chains;
mod choose;
mod cut;
mod depthwise;
mod draft;
mod movement;
mod moves;
mod plan;
mod post;
mod product;
mod run;
mod search;
mod stripes;
mod turns;

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Head, Instr, Opcode};

use blocks::KnownRows;
pub use choose::{DRAIN, Known};
pub(in crate::backend) use draft::Draft;
use draft::Moves;

use super::memory::Memory;
use super::split::{Part, Split};
use super::steps::leave_out_repeats;
use super::{BackendError, Compiled, Layer, PageImage, Phase, Program, Step, TensorLayout, Transfer};
use crate::graph::{Graph, TensorId};
use crate::op::Op;

/// How much tile memory may go to what is not a tensor of the frame in hand.
#[derive(Debug, Clone, Copy)]
pub struct Fit {
    /// Bytes of parameters a tile; layers are split by blocks until they keep to it, as far as that helps.
    pub constants: usize,
    /// Inputs and outputs may have a second buffer.
    pub double: bool,
    /// Bytes of a tensor that every tile may hold whole, as far as another split helps.
    pub whole: usize,
    /// Layers are split by blocks to spare pages, before weights take turns.
    pub spare_pages: bool,
    /// Layers of few channels compute neighbouring pixels side by side, which takes more pages.
    pub widen: bool,
    /// Large tensors between convolutions pass in so many stripes, if more than one.
    pub stripes: usize,
    /// Which these are.
    pub large: Large,
    /// Bytes of parameters a tile that are in memory at a time; `None` if all stay there.
    pub turn: Option<usize>,
}

/// Which tensors between convolutions pass in stripes.
#[derive(Debug, Clone, Copy)]
pub enum Large {
    /// Those that take more than one part in so many of all tile memories.
    Than(usize),
    /// Those that leave too little room for what lives beside them.
    ThanRoom,
}

/// What is decided about a node before instructions are written.
#[derive(Debug, Clone)]
struct Plan {
    split: Split,
    parts: Vec<Part>,
    /// The same, cut into pieces that run one after another, so that one moves while the next is computed.
    pieces: Vec<Vec<Part>>,
    /// Byte address of the node's parameters, the same in every tile.
    params: usize,
    /// Where its weights lie.
    places: Vec<Place>,
}

/// Column blocks of a layer in consecutive pages of each tile.
#[derive(Debug, Clone)]
struct Place {
    /// Blocks, counted from the first one of each tile.
    blocks: Range<usize>,
    /// First page in each tile.
    page: Vec<usize>,
    /// Index of the phase that loads them; `None` if they stay.
    phase: Option<usize>,
}

/// Writes programs; pages and constants of all programs share one chip.
pub struct Emitter<'a> {
    graph: &'a Graph,
    geometry: Geometry,
    gating: Gating,
    memory: Memory,
    plans: HashMap<usize, Plan>,
    producers: Vec<Option<usize>>,
    /// For each tensor the nodes that read it.
    consumers: Vec<Vec<usize>>,
    runs: Vec<Range<usize>>,
    /// For each node of a band but the first the one whose weights it has.
    twins: HashMap<usize, usize>,
    /// Of the pages of a layer that runs in bands, by its first node, tile and page.
    digests: HashMap<(usize, (usize, usize)), u64>,
    single_program: bool,
    fit: Fit,
    known_rows: KnownRows,
    /// Nodes that run stripe by stripe.
    chains: Vec<Range<usize>>,
    /// Nodes whose parameters are in memory at a time; none if all stay there.
    parameter_turns: Vec<Range<usize>>,
    next_instr: usize,
    pages: Vec<PageImage>,
    constants: Vec<Transfer>,
    tile_pages: usize,
    phases: Vec<Phase>,
    /// For each phase the one whose pages it takes.
    follows: Vec<usize>,
}

/// Appends an instruction for one tile; equal work of several tiles becomes one instruction.
fn push(instrs: &mut Vec<Instr>, instr: &Instr) {
    for earlier in instrs.iter_mut() {
        if let Some(merged) = merge(earlier, instr) {
            *earlier = merged;
            return;
        }
    }
    instrs.push(*instr);
}

/// Both instructions as one, if they differ in nothing but their tiles.
fn merge(a: &Instr, b: &Instr) -> Option<Instr> {
    let with = |instr: &Instr, tiles: i64| match *instr {
        Instr::Run(h, w, t) => Some(Instr::Run(Head { tiles, ..h }, w, t)),
        Instr::Post(h, w, t) => Some(Instr::Post(Head { tiles, ..h }, w, t)),
        _ => None,
    };
    let (alone_a, alone_b) = (with(a, 0)?, with(b, 0)?);
    (alone_a == alone_b).then(|| with(a, a.head().tiles | b.head().tiles)).flatten()
}

impl<'a> Emitter<'a> {
    /// Plans every chip node: split, pages and parameters. `known` is of the same graph, whose nodes are placed alike.
    ///
    /// # Errors
    /// What does not fit.
    pub fn new(
        graph: &'a Graph,
        geometry: Geometry,
        gating: Gating,
        runs: &[Range<usize>],
        fit: Fit,
        known: &mut Known,
    ) -> Result<Self, BackendError> {
        let memory = Memory::new(geometry.tile_bytes(), geometry.word_bytes());
        let mut emitter = Self {
            graph,
            geometry,
            gating,
            memory,
            plans: HashMap::new(),
            producers: graph.producers(),
            consumers: graph.consumers(),
            runs: runs.to_vec(),
            twins: bands::twins(graph),
            digests: HashMap::new(),
            single_program: runs.len() == 1,
            fit,
            known_rows: known.rows.clone(),
            chains: Vec::new(),
            parameter_turns: Vec::new(),
            next_instr: 0,
            pages: Vec::new(),
            constants: Vec::new(),
            tile_pages: 0,
            phases: Vec::new(),
            follows: Vec::new(),
        };
        emitter.plan(runs, known)?;
        Ok(emitter)
    }

    /// Writes the programs of a draft, the first of which is step `step` of the frame: one, or as many as its instructions
    /// take turns in program memory, or its parameters in tile memory.
    ///
    /// # Errors
    /// What does not fit.
    pub(in crate::backend) fn programs(&mut self, mut draft: Draft, step: usize) -> Result<Vec<Program>, BackendError> {
        let nodes = draft.nodes.clone();
        let mut deferred = Moves { node: nodes.start, instrs: Vec::new() };
        for index in nodes {
            let before = self.constants.len();
            match self.chain_of(index).cloned() {
                Some(chain) if index == chain.start => self.chain(&mut draft, &chain, &mut deferred)?,
                Some(_) => {}
                None => self.node(&mut draft, index, &mut deferred)?,
            }
            if !self.parameter_turns.is_empty() {
                draft.parameters.extend(self.constants.drain(..).map(|transfer| (index, transfer)));
            } else if self.twins.contains_key(&index) {
                self.keep_missing(before);
            }
        }
        draft.take(&mut deferred);
        // Fields have the width of what chips do in one job; a layer beyond that is the host's.
        for (instr, &owner) in draft.instrs.iter().zip(&draft.owners) {
            let layer = || self.graph.nodes[owner].name.clone();
            instr.pack().map_err(|source| BackendError::Field { layer: layer(), source })?;
        }
        let turns = self.turns(&draft)?;
        let mut programs: Vec<Program> = Vec::with_capacity(turns.len());
        for turn in turns {
            let program = self.program(&mut draft, turn, step + programs.len());
            programs.push(program);
        }
        let with_layout = |ids: &[TensorId]| ids.iter().map(|&id| (id, draft.layouts[&id].clone())).collect();
        if let Some(first) = programs.first_mut() {
            first.inputs = with_layout(&draft.inputs);
            first.input_stride = draft.input_stride;
        }
        if let Some(last) = programs.last_mut() {
            last.outputs = with_layout(&draft.outputs);
            last.output_stride = draft.output_stride;
        }
        Ok(programs)
    }

    /// The network, but for its graph.
    #[must_use]
    pub fn finish(mut self, mut steps: Vec<Step>) -> Compiled {
        // Programs that take turns all begin where program memory does.
        if self.next_instr > self.geometry.program_len {
            for phase in &mut self.phases {
                if let Step::Chip(program) = &steps[phase.step] {
                    phase.load -= program.start;
                }
            }
            for step in &mut steps {
                if let Step::Chip(program) = step {
                    program.place = 0;
                }
            }
        }
        leave_out_repeats(&mut steps);
        Compiled {
            graph: Graph::default(),
            whole: None,
            geometry: self.geometry,
            gating: self.gating,
            batch: 1,
            steps,
            pages: self.pages,
            phases: self.phases,
            constants: self.constants,
            tile_bytes: self.memory.high_water(),
            tile_pages: self.tile_pages,
        }
    }

    /// What lets the program wait for a phase, and for all that came before it: from then on the host may load the next one. Nothing
    /// if it is there already. Cycles do not count while a `load` waits and nothing is busy, so they are the same however late a phase
    /// comes only behind a fence, the first one too.
    fn enter(&mut self, phase: usize) -> Vec<Instr> {
        if phase < self.phases.len() {
            return Vec::new();
        }
        // Step and instruction are known when the program is whole.
        self.phases.push(Phase { step: 0, load: 0, follows: self.follows[phase], pages: Vec::new() });
        let head = |opcode, phase| Head { opcode: opcode as i64, phase, ..Head::default() };
        vec![Instr::Fence(head(Opcode::Fence, 0)), Instr::Load(head(Opcode::Load, phase as i64 + 1))]
    }

    /// Writes the pieces of a layer and what moves after each. The moves of the last piece are deferred behind the first piece of
    /// the next layer where that does not wait for them.
    fn node(&mut self, draft: &mut Draft, index: usize, deferred: &mut Moves) -> Result<(), BackendError> {
        if self.is_alias(index) {
            return Ok(());
        }
        if self.graph.nodes[index].op.moves() {
            draft.take(deferred);
            let instrs = self.movement(draft, index)?;
            draft.push(index, instrs);
            return Ok(());
        }
        let pieces = self.pieces(draft, index)?;
        if let Some(fill) = self.fill(draft, index) {
            draft.take(deferred);
            draft.push(index, vec![fill]);
        }
        if !self.starts_early(draft, index, deferred.node) {
            draft.take(deferred);
        }
        for (piece, instrs) in pieces.into_iter().enumerate() {
            draft.push(index, instrs);
            draft.take(deferred);
            *deferred = Moves { node: index, instrs: self.moves(draft, index, piece) };
        }
        Ok(())
    }

    /// The instructions of each piece of a layer.
    fn pieces(&mut self, draft: &Draft, index: usize) -> Result<Vec<Vec<Instr>>, BackendError> {
        let node = &self.graph.nodes[index];
        match &node.op {
            Op::Conv(linear) if self.as_depthwise(&node.op).is_some() => Ok(self.depthwise(draft, index, linear)),
            Op::Conv(linear) | Op::Dense(linear) => self.run(draft, index, linear),
            op if op.is_product() => self.product(draft, index),
            _ => self.post(draft, index),
        }
    }

    /// The record of a layer of the program whose instructions these are.
    fn layer(&self, instrs: &[Instr], owners: &[usize], index: usize) -> Layer {
        let of = |moves: bool| {
            let is = move |at: &usize| owners[*at] == index && matches!(instrs[*at], Instr::Reshape(..)) == moves;
            (0..owners.len()).filter(is).map(|at| self.next_instr + at).collect()
        };
        let node = &self.graph.nodes[index];
        let plan = &self.plans[&index];
        let output = self.chw(node.output);
        let macs = match &node.op {
            Op::Conv(linear) | Op::Dense(linear) => (linear.products() * output.iter().product::<usize>()) as u64,
            _ => 0,
        };
        let pages = self.page_need(index, plan.split).into_iter().max().unwrap_or(0);
        Layer {
            name: node.name.clone(),
            op: node.op.name(),
            node: index,
            split: plan.split,
            instrs: of(false),
            moves: of(true),
            macs,
            pages,
            output,
        }
    }

    fn chw(&self, id: TensorId) -> [usize; 3] {
        let tensor = self.graph.tensor(id);
        tensor.chw().unwrap_or_else(|| movement::rows(tensor.elements()))
    }

    /// Words of a byte range, for the scoreboard.
    fn words(&self, bytes: Range<usize>) -> (i64, i64) {
        let word = self.geometry.word_bytes();
        ((bytes.start / word) as i64, bytes.end.div_ceil(word) as i64)
    }

    /// The program of a node.
    fn run_of(&self, index: usize) -> Option<&Range<usize>> {
        self.runs.iter().find(|run| run.contains(&index))
    }

    /// What a node reads of an input: the tensor itself, or its whole copy.
    fn source<'d>(&self, draft: &'d Draft, reader: usize, id: TensorId) -> &'d TensorLayout {
        let whole = if self.stays(reader) { None } else { draft.gathered.get(&id) };
        whole.unwrap_or_else(|| &draft.layouts[&id])
    }

    /// The head of a compute instruction of one tile: which rows it reads of the node's inputs, and which it writes.
    fn head(&self, draft: &Draft, opcode: Opcode, index: usize, tile: usize, part: &Part) -> Head {
        let node = &self.graph.nodes[index];
        let input = node.inputs.iter().any(|id| draft.inputs.contains(id));
        let output = draft.leaves.contains(&node.output);
        let read = |&id: &TensorId| {
            let layout = self.source(draft, index, id);
            let mut span = layout.span(tile, &self.rows_read(index, part, layout.chw[1]));
            span.end += if draft.inputs.contains(&id) { draft.input_stride } else { 0 };
            span
        };
        let read = node.inputs.iter().map(read).reduce(|a, b| super::layout::hull(&a, &b)).unwrap_or(0..0);
        let mut write = draft.layouts[&node.output].span(tile, &part.rows);
        write.end += if output { draft.output_stride } else { 0 };
        let ((read_lo, read_hi), (write_lo, write_hi)) = (self.words(read), self.words(write));
        Head {
            opcode: opcode as i64,
            tiles: 1 << tile,
            targets: 0,
            phase: 0,
            read_lo,
            read_hi,
            write_lo,
            write_hi,
            from_input: i64::from(input && draft.input_stride > 0),
            to_output: i64::from(output && draft.output_stride > 0),
        }
    }
}
