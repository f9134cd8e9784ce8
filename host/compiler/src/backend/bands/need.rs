//! What a band of a group needs: rows, room, cycles.

use std::ops::Range;

use lacuna_spec::Geometry;
use lacuna_spec::geometry::PARAM_WORDS;

use crate::backend::emit::DRAIN;
use crate::backend::split::{self, Split};
use crate::backend::weights::depthwise_words;
use crate::graph::{Graph, TensorId};
use crate::op::{Linear, Op};

/// Of the memory of a tile, the share that alignment takes.
const SLACK: usize = 32;

/// Rows that a band reads and writes.
#[derive(Debug)]
pub struct Reach {
    /// Of each node's output.
    pub writes: Vec<Range<usize>>,
    /// Of each node's inputs.
    pub reads: Vec<Vec<Range<usize>>>,
}

impl Reach {
    /// Of some rows of the last node's output.
    pub fn of(graph: &Graph, nodes: &[usize], band: Range<usize>) -> Self {
        let mut reach = Self { writes: vec![0..0; nodes.len()], reads: vec![Vec::new(); nodes.len()] };
        if let Some(last) = reach.writes.last_mut() {
            *last = band;
        }
        for (at, &index) in nodes.iter().enumerate().rev() {
            let node = &graph.nodes[index];
            for &id in &node.inputs {
                let height = graph.tensor(id).shape[2];
                let rows = match (node.op.window(), &node.op) {
                    (Some(window), _) => split::input_rows(&window, &reach.writes[at], height),
                    (None, Op::GlobalAveragePool(_) | Op::Mean(_)) => 0..height,
                    (None, _) => reach.writes[at].clone(),
                };
                if let Some(writer) = nodes[..at].iter().position(|&index| graph.nodes[index].output == id) {
                    reach.writes[writer] = rows.clone();
                }
                reach.reads[at].push(rows);
            }
        }
        reach
    }
}

/// Layers that run together, and how they are dealt over the tiles.
pub struct Need<'a> {
    pub graph: &'a Graph,
    pub geometry: &'a Geometry,
    pub nodes: &'a [usize],
    pub split: Split,
}

impl Need<'_> {
    /// Whether a tile holds weights, parameters and what is alive at any moment of a band.
    pub fn fits(&self, band: Range<usize>) -> bool {
        let reach = Reach::of(self.graph, self.nodes, band);
        let limit = self.geometry.tile_bytes() - self.geometry.tile_bytes() / SLACK;
        !reach.reads.iter().flatten().any(Range::is_empty)
            && self.pages() <= self.geometry.pages
            && self.parameters() + self.most_alive(&reach) <= limit
    }

    /// Cycles of a band on the chip, and on its host bus, which carries a word in each.
    pub fn cycles(&self, band: Range<usize>) -> usize {
        let reach = Reach::of(self.graph, self.nodes, band);
        let last = self.nodes.len() - 1;
        let mut carried = self.elements(self.graph.nodes[self.nodes[last]].output, reach.writes[last].len());
        let mut cycles = 0;
        for (at, &index) in self.nodes.iter().enumerate() {
            let node = &self.graph.nodes[index];
            let [channels, _, width] = self.chw(node.output);
            let rows = reach.writes[at].len().div_ceil(if self.split == Split::Rows { self.geometry.tiles } else { 1 });
            let word = match self.layer(index) {
                Some(linear) if !self.in_post(linear) => self.rows_of_block(linear).div_ceil(self.geometry.lanes),
                Some(linear) => linear.rows(),
                None => node.op.window().map_or(2, |window| window.kernel.iter().product()),
            };
            cycles += DRAIN + rows * width * self.blocks(channels) * word;
            for (&id, rows) in node.inputs.iter().zip(&reach.reads[at]).filter(|(id, _)| self.writer(**id).is_none()) {
                // What a tile reads of others' channels is brought to each.
                let copies = if self.split == Split::Rows || self.by_channel(index) { 1 } else { self.geometry.tiles };
                carried += copies * self.elements(id, rows.len());
            }
        }
        cycles + carried / self.geometry.word_bytes()
    }

    fn pages(&self) -> usize {
        let of = |linear: &Linear| {
            let blocks = self.blocks(linear.outputs());
            if self.in_post(linear) { 0 } else { blocks * self.rows_of_block(linear).div_ceil(self.geometry.lanes) }
        };
        self.nodes.iter().filter_map(|&index| self.layer(index)).map(of).sum()
    }

    /// Rows that a column block of a layer on the array has: those of all groups that it meets.
    fn rows_of_block(&self, linear: &Linear) -> usize {
        let (columns, group) = (self.geometry.columns(), linear.outputs() / linear.groups);
        let uneven = !columns.is_multiple_of(group) && !group.is_multiple_of(columns);
        linear.rows() * (columns.div_ceil(group) + usize::from(uneven)).min(linear.groups)
    }

    /// Bytes of parameters in a tile.
    fn parameters(&self) -> usize {
        let of = |linear: &Linear| {
            let words = PARAM_WORDS + if self.in_post(linear) { depthwise_words(linear) } else { 0 };
            self.blocks(linear.outputs()) * words * self.geometry.word_bytes()
        };
        self.nodes.iter().filter_map(|&index| self.layer(index)).map(of).sum()
    }

    /// Most bytes of tensors that a tile holds at once. What comes from the host is there from the start.
    fn most_alive(&self, reach: &Reach) -> usize {
        // Life and bytes of each.
        let mut blocks: Vec<(Range<usize>, usize)> = Vec::new();
        for (at, &index) in self.nodes.iter().enumerate() {
            for (&id, rows) in self.graph.nodes[index].inputs.iter().zip(&reach.reads[at]) {
                let writer = self.writer(id);
                let life = writer.unwrap_or(0)..at + 1;
                let dealt = self.split == Split::Blocks && self.by_channel(index);
                let bytes = match self.split {
                    Split::Rows => self.elements(id, self.rows_held(at, rows, reach, writer.is_some())),
                    Split::Blocks if dealt => self.channels_held(id, rows.len()),
                    Split::Blocks => self.elements(id, rows.len()),
                };
                blocks.push((life.clone(), bytes + self.padding(at, id, rows.len())));
                if self.split == Split::Blocks && !dealt && writer.is_some() {
                    // The channels of which all tiles get a copy.
                    blocks.push((life, self.channels_held(id, rows.len())));
                }
            }
        }
        let last = self.nodes.len() - 1;
        let (output, rows) = (self.graph.nodes[self.nodes[last]].output, reach.writes[last].len());
        let written = match self.split {
            Split::Rows => self.elements(output, rows.div_ceil(self.geometry.tiles)),
            Split::Blocks => self.channels_held(output, rows),
        };
        blocks.push((last..last + 1, written));
        let alive = |at: usize| blocks.iter().filter(|(life, _)| life.contains(&at)).map(|(_, bytes)| bytes).sum();
        (0..self.nodes.len()).map(alive).max().unwrap_or(0)
    }

    /// Bytes of padding that may lie beside rows of few channels in memory.
    fn padding(&self, at: usize, id: TensorId, rows: usize) -> usize {
        let [channels, ..] = self.chw(id);
        let window = self.graph.nodes[self.nodes[at]].op.window().filter(|_| channels < self.geometry.word_bytes());
        window.map_or(0, |window| (window.pads[1] + window.pads[3]) * channels * rows)
    }

    /// Rows that a tile holds of what a node reads, where rows are dealt. Deals of what the chip wrote and what it reads do not meet
    /// by as many rows as kernels reach beyond.
    fn rows_held(&self, at: usize, rows: &Range<usize>, reach: &Reach, inside: bool) -> usize {
        let written = reach.writes[at].len();
        let share = written.div_ceil(self.geometry.tiles);
        let held = match self.graph.nodes[self.nodes[at]].op.window() {
            Some(window) => {
                let kernel = (window.kernel[0] - 1) * window.dilation[0] + 1;
                let beyond = kernel.saturating_sub(window.stride[0]);
                share * window.stride[0] + if inside { 2 * beyond } else { beyond }
            }
            None if written == rows.len() => share,
            None => rows.len(),
        };
        held.min(rows.len())
    }

    /// Bytes of a tensor in a tile, where blocks of channels are dealt.
    fn channels_held(&self, id: TensorId, rows: usize) -> usize {
        let [channels, _, width] = self.chw(id);
        rows * width * (self.blocks(channels) * self.geometry.columns()).min(channels)
    }

    /// Column blocks in the tile with the most.
    fn blocks(&self, channels: usize) -> usize {
        let tiles = if self.split == Split::Blocks { self.geometry.tiles } else { 1 };
        split::blocks(channels, self.geometry).div_ceil(tiles)
    }

    fn elements(&self, id: TensorId, rows: usize) -> usize {
        let [channels, _, width] = self.chw(id);
        rows * channels * width
    }

    fn chw(&self, id: TensorId) -> [usize; 3] {
        self.graph.tensor(id).chw().unwrap_or_default()
    }

    /// The node of the group that writes a tensor.
    fn writer(&self, id: TensorId) -> Option<usize> {
        self.nodes.iter().position(|&index| self.graph.nodes[index].output == id)
    }

    /// The layer of a node with weights.
    fn layer(&self, index: usize) -> Option<&Linear> {
        match &self.graph.nodes[index].op {
            Op::Conv(linear) => Some(linear),
            _ => None,
        }
    }

    /// Whether each output channel depends on the same channel of the inputs alone.
    fn by_channel(&self, index: usize) -> bool {
        self.layer(index).is_none_or(|linear| self.in_post(linear))
    }

    /// Whether the post units' multipliers compute a layer.
    fn in_post(&self, linear: &Linear) -> bool {
        linear.is_multiplied(self.geometry.depthwise_taps)
    }
}
