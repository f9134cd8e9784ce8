//! Instructions of each layer.

mod depthwise;
mod moves;
mod plan;
mod post;
mod run;

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Head, Instr, Opcode};

use super::memory::Memory;
use super::split::{Part, Split};
use super::{BackendError, Layer, PageImage, Program, TensorLayout, Transfer};
use crate::graph::{Graph, TensorId};
use crate::op::Op;

/// How much tile memory may go to what is not a tensor of the frame in hand.
#[derive(Debug, Clone, Copy)]
pub struct Fit {
    /// Bytes of parameters a tile; layers are split by blocks until they keep to it, as far as that helps.
    pub constants: usize,
    /// Inputs and outputs may have a second buffer.
    pub double: bool,
}

/// What is decided about a node before instructions are written.
#[derive(Debug, Clone)]
struct Plan {
    split: Split,
    parts: Vec<Part>,
    /// Byte address of the node's parameters, the same in every tile.
    params: usize,
    /// First page in each tile.
    page: Vec<usize>,
}

/// Writes programs; pages and constants of all programs share one chip.
pub struct Emitter<'a> {
    graph: &'a Graph,
    geometry: Geometry,
    gating: Gating,
    memory: Memory,
    plans: HashMap<usize, Plan>,
    single_program: bool,
    fit: Fit,
    next_instr: usize,
    pages: Vec<PageImage>,
    constants: Vec<Transfer>,
    tile_pages: usize,
}

/// A program being written.
struct Draft {
    nodes: Range<usize>,
    layouts: HashMap<TensorId, TensorLayout>,
    inputs: Vec<TensorId>,
    outputs: Vec<TensorId>,
    /// The tensors behind `outputs`, views looked through.
    leaves: Vec<TensorId>,
    input_stride: usize,
    output_stride: usize,
    instrs: Vec<Instr>,
}

impl Draft {
    /// Appends an instruction for one tile; equal work of neighbouring tiles becomes one instruction.
    fn push(&mut self, first: usize, instr: &Instr) {
        for earlier in &mut self.instrs[first..] {
            if let Some(merged) = merge(earlier, instr) {
                *earlier = merged;
                return;
            }
        }
        self.instrs.push(*instr);
    }
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
    /// Plans every chip node: split, pages and parameters.
    ///
    /// # Errors
    /// What does not fit.
    pub fn new(
        graph: &'a Graph,
        geometry: Geometry,
        gating: Gating,
        runs: &[Range<usize>],
        fit: Fit,
    ) -> Result<Self, BackendError> {
        let memory = Memory::new(geometry.tile_bytes(), geometry.word_bytes());
        let mut emitter = Self {
            graph,
            geometry,
            gating,
            memory,
            plans: HashMap::new(),
            single_program: runs.len() == 1,
            fit,
            next_instr: 0,
            pages: Vec::new(),
            constants: Vec::new(),
            tile_pages: 0,
        };
        emitter.plan(runs)?;
        Ok(emitter)
    }

    /// Writes the program of a range of nodes.
    ///
    /// # Errors
    /// What does not fit.
    pub fn program(&mut self, nodes: Range<usize>) -> Result<Program, BackendError> {
        let mut draft = self.draft(&nodes)?;
        let mut layers = Vec::new();
        for index in nodes {
            let first = draft.instrs.len();
            let node = &self.graph.nodes[index];
            match &node.op {
                Op::Conv(linear) if self.as_depthwise(&node.op).is_some() => self.depthwise(&mut draft, index, linear),
                Op::Conv(linear) | Op::Dense(linear) => self.run(&mut draft, index, linear)?,
                Op::Reshape => continue,
                _ => self.post(&mut draft, index)?,
            }
            let compute = first..draft.instrs.len();
            self.moves(&mut draft, index);
            let place = |range: Range<usize>| self.next_instr + range.start..self.next_instr + range.end;
            let moves = compute.end..draft.instrs.len();
            layers.push(self.layer(index, place(compute), place(moves)));
        }
        draft.instrs.push(Instr::Halt(Head { opcode: Opcode::Halt as i64, ..Head::default() }));
        let start = self.next_instr;
        self.next_instr += draft.instrs.len();
        if self.next_instr > self.geometry.program_len {
            return Err(BackendError::Program { needed: self.next_instr, available: self.geometry.program_len });
        }
        let with_layout = |ids: &[TensorId]| ids.iter().map(|&id| (id, draft.layouts[&id].clone())).collect();
        Ok(Program {
            start,
            inputs: with_layout(&draft.inputs),
            outputs: with_layout(&draft.outputs),
            input_stride: draft.input_stride,
            output_stride: draft.output_stride,
            instrs: draft.instrs,
            layers,
        })
    }

    /// Pages, constants, bytes of tile memory and pages a lane used.
    #[must_use]
    pub fn finish(self) -> (Vec<PageImage>, Vec<Transfer>, usize, usize) {
        (self.pages, self.constants, self.memory.high_water(), self.tile_pages)
    }

    fn layer(&self, index: usize, instrs: Range<usize>, moves: Range<usize>) -> Layer {
        let node = &self.graph.nodes[index];
        let plan = &self.plans[&index];
        let output = self.chw(node.output);
        let macs = match &node.op {
            Op::Conv(linear) | Op::Dense(linear) => (linear.rows() * output.iter().product::<usize>()) as u64,
            _ => 0,
        };
        let pages = self.page_need(index, plan.split).into_iter().max().unwrap_or(0);
        Layer {
            name: node.name.clone(),
            op: node.op.name(),
            node: index,
            split: plan.split,
            instrs,
            moves,
            macs,
            pages,
            output,
        }
    }

    fn chw(&self, id: TensorId) -> [usize; 3] {
        self.graph.tensor(id).chw().expect("partition keeps other ranks off the chip")
    }

    /// Words of a byte range, for the scoreboard.
    fn words(&self, bytes: Range<usize>) -> (i64, i64) {
        let word = self.geometry.word_bytes();
        ((bytes.start / word) as i64, bytes.end.div_ceil(word) as i64)
    }

    /// The head of a compute instruction of one tile.
    fn head(&self, draft: &Draft, opcode: Opcode, tile: usize, reads: &[TensorId], write: TensorId) -> Head {
        let input = reads.iter().any(|id| draft.inputs.contains(id));
        let output = draft.leaves.contains(&write);
        let span = |id: TensorId| {
            let layout = &draft.layouts[&id];
            let buffers = match (draft.inputs.contains(&id), draft.leaves.contains(&id)) {
                (true, _) => draft.input_stride,
                (_, true) => draft.output_stride,
                _ => 0,
            };
            layout.base..layout.base + layout.held[tile].len() * layout.row_pitch() + buffers
        };
        let read = reads.iter().map(|&id| span(id)).reduce(|a, b| super::layout::hull(&a, &b)).unwrap_or(0..0);
        let ((read_lo, read_hi), (write_lo, write_hi)) = (self.words(read), self.words(span(write)));
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
