//! What a program is made of before its instructions are written: its tensors and where they lie.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::instr::Instr;

use super::plan::windows;
use super::{BackendError, Emitter};
use crate::backend::layout::hull;
use crate::backend::memory::Block;
use crate::backend::split::{self, Part, Split};
use crate::backend::{TensorLayout, Transfer};
use crate::graph::TensorId;
use crate::op::{Linear, Op, Window};

/// A program being written.
pub(in crate::backend) struct Draft {
    pub(super) nodes: Range<usize>,
    pub(super) layouts: HashMap<TensorId, TensorLayout>,
    /// Whole copies of tensors of which each tile computes some channels.
    pub(super) gathered: HashMap<TensorId, TensorLayout>,
    pub(super) inputs: Vec<TensorId>,
    pub(super) outputs: Vec<TensorId>,
    /// The tensors behind `outputs`, views looked through.
    pub(super) leaves: Vec<TensorId>,
    pub(super) input_stride: usize,
    pub(super) output_stride: usize,
    pub(super) instrs: Vec<Instr>,
    /// The node of each instruction.
    pub(super) owners: Vec<usize>,
    /// Parameters that take turns, each with its node.
    pub(super) parameters: Vec<(usize, Transfer)>,
}

impl Draft {
    /// Appends a node's instructions.
    pub(super) fn push(&mut self, node: usize, instrs: Vec<Instr>) {
        self.owners.extend(std::iter::repeat_n(node, instrs.len()));
        self.instrs.extend(instrs);
    }

    /// Appends moves that were kept back.
    pub(super) fn take(&mut self, moves: &mut Moves) {
        self.push(moves.node, std::mem::take(&mut moves.instrs));
    }
}

/// Moves of a node's output that are still to be written.
pub(super) struct Moves {
    pub node: usize,
    pub instrs: Vec<Instr>,
}

impl Emitter<'_> {
    /// Places the tensors of a range of nodes.
    ///
    /// # Errors
    /// What does not fit.
    pub(in crate::backend) fn draft(&mut self, nodes: &Range<usize>) -> Result<Draft, BackendError> {
        let (inputs, outputs) = self.boundary(nodes);
        let leaves = outputs.iter().map(|&id| self.seen(id, nodes)).collect();
        let mut draft = Draft {
            nodes: nodes.clone(),
            layouts: HashMap::new(),
            gathered: HashMap::new(),
            inputs,
            outputs,
            leaves,
            input_stride: 0,
            output_stride: 0,
            instrs: Vec::new(),
            owners: Vec::new(),
            parameters: Vec::new(),
        };
        let mut order: Vec<(TensorId, Option<usize>)> = draft.inputs.iter().map(|&id| (id, None)).collect();
        order.extend(nodes.clone().map(|n| (self.graph.nodes[n].output, Some(n))));

        let input_bytes: usize = draft
            .inputs
            .iter()
            .map(|&id| self.bare_layout(id, None, &self.readers(id, nodes)).bytes())
            .max()
            .unwrap_or(0);
        let output_bytes = draft.outputs.iter().map(|&id| self.chw(id).iter().product::<usize>()).max().unwrap_or(0);
        let word = self.geometry.word_bytes();
        if self.single_program && self.fit.double && self.buffers_apart(&draft, nodes) {
            draft.input_stride = input_bytes.next_multiple_of(word);
            draft.output_stride = output_bytes.next_multiple_of(word);
        }
        let mut blocks = Vec::new();
        for &(id, producer) in order.iter().filter(|(_, producer)| producer.is_none_or(|n| !self.is_alias(n))) {
            let readers = self.readers(id, nodes);
            let mut layout = self.bare_layout(id, producer, &readers);
            if let Some(index) = producer.filter(|&index| self.is_striped(index)) {
                layout.held = self.longest_stripes(index);
            }
            let name = &self.graph.tensor(id).name;
            let boundary = draft.inputs.contains(&id) || draft.leaves.contains(&id);
            let stride = if draft.inputs.contains(&id) { draft.input_stride } else { draft.output_stride };
            // All layers of a chain begin with its first stripe.
            let begin = |index: usize| self.chain_of(index).map_or(index, |chain| chain.start);
            let last = readers.iter().copied().max().unwrap_or(nodes.start);
            let start = producer.map_or(nodes.start, begin);
            let life = match (boundary && draft.input_stride > 0, draft.leaves.contains(&id)) {
                // The host writes the next frame and reads the last one while this one is computed.
                (true, _) => 0..usize::MAX,
                (false, true) => start..nodes.end,
                (false, false) => start..last + 1,
            };
            let bytes = layout.bytes().max(1) + if boundary { stride } else { 0 };
            if let Some(whole) = (!layout.channels.is_empty()).then(|| self.gathered(id, &readers)).flatten() {
                blocks.push(Block { name, bytes: whole.bytes(), life: start..last + 1 });
                draft.gathered.insert(id, whole);
            }
            blocks.push(Block { name, bytes, life });
            draft.layouts.insert(id, layout);
        }
        let mut places = self.memory.place_all(&blocks)?.into_iter();
        let mut next = || places.next().expect("a place for every block");
        for (id, producer) in order {
            if let Some(index) = producer.filter(|&n| self.is_alias(n)) {
                let source = self.graph.nodes[index].inputs[0];
                let alias = draft.layouts[&source].clone();
                draft.layouts.insert(id, alias);
                if let Some(whole) = draft.gathered.get(&source).cloned() {
                    draft.gathered.insert(id, whole);
                }
                continue;
            }
            if let Some(whole) = draft.gathered.get_mut(&id) {
                whole.base = next();
            }
            draft.layouts.get_mut(&id).expect("laid out above").base = next();
        }
        Ok(draft)
    }

    /// The layers of a program that read a tensor, views looked through.
    pub(super) fn readers(&self, id: TensorId, nodes: &Range<usize>) -> Vec<usize> {
        let mut found = Vec::new();
        for &index in self.consumers[id.0].iter().filter(|index| nodes.contains(index)) {
            if self.is_alias(index) {
                found.extend(self.readers(self.graph.nodes[index].output, nodes));
            } else if found.last() != Some(&index) {
                // A node may read a tensor twice.
                found.push(index);
            }
        }
        found
    }

    /// The tensor that a view shows.
    fn seen(&self, id: TensorId, nodes: &Range<usize>) -> TensorId {
        let view = nodes.clone().find(|&n| self.graph.nodes[n].output == id && self.is_alias(n));
        view.map_or(id, |n| self.seen(self.graph.nodes[n].inputs[0], nodes))
    }

    /// Tensors that enter and leave a range of nodes.
    fn boundary(&self, nodes: &Range<usize>) -> (Vec<TensorId>, Vec<TensorId>) {
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for node in &self.graph.nodes[nodes.clone()] {
            for &id in &node.inputs {
                if self.producers[id.0].is_none_or(|p| !nodes.contains(&p)) && !inputs.contains(&id) {
                    inputs.push(id);
                }
            }
            let leaves =
                self.graph.is_result(node.output) || self.consumers[node.output.0].iter().any(|c| !nodes.contains(c));
            if leaves && !outputs.contains(&node.output) {
                outputs.push(node.output);
            }
        }
        (inputs, outputs)
    }

    /// Whether a second buffer can be reached by an offset: no instruction reads an input beside
    /// another tensor, and no output is read again on the chip or passed through unchanged.
    fn buffers_apart(&self, draft: &Draft, nodes: &Range<usize>) -> bool {
        nodes.clone().all(|index| {
            let node = &self.graph.nodes[index];
            let from = node.inputs.iter().filter(|id| draft.inputs.contains(id)).count();
            (from == 0 || from == node.inputs.len() || node.op.moves())
                && !node.inputs.iter().any(|id| draft.outputs.contains(id))
                && !self.is_alias(index)
        })
    }

    /// The layout of a tensor but for its base: what each tile produces and, unless tiles produce some channels of every row, what its
    /// readers need there.
    fn bare_layout(&self, id: TensorId, producer: Option<usize>, readers: &[usize]) -> TensorLayout {
        let chw = self.chw(id);
        let plan = producer.map(|index| &self.plans[&index]);
        if let Some(plan) = plan.filter(|plan| plan.split == Split::Blocks) {
            let of = |part: &Part| if part.is_empty() { 0..0 } else { self.channels(part, chw[0]) };
            let rows = |part: &Part| if part.is_empty() { 0..0 } else { part.rows.clone() };
            let (held, channels) = (plan.parts.iter().map(rows).collect(), plan.parts.iter().map(of).collect());
            return TensorLayout { chw, pad_x: [0, 0], pad: 0, pad_y: None, base: 0, held, channels };
        }
        let mut held = vec![0..0; self.geometry.tiles];
        for (tile, rows) in held.iter_mut().enumerate() {
            if let Some(part) = plan.map(|plan| &plan.parts[tile]).filter(|part| !part.is_empty()) {
                *rows = part.rows.clone();
            }
            for &reader in readers {
                let fetched = producer.is_none() && self.graph.nodes[reader].op.moves();
                let dealt = if fetched { split::deal(chw[1], self.geometry.tiles, tile) } else { 0..0 };
                *rows = hull(rows, &hull(&dealt, &self.need(reader, tile, chw[1])));
            }
        }
        if let (None, [reader]) = (producer, readers)
            && self.arrives_by_channels(*reader)
        {
            let channels = self.plans[reader].parts.iter().map(|part| self.channels(part, chw[0])).collect();
            return TensorLayout { chw, pad_x: [0, 0], pad: 0, pad_y: None, base: 0, held, channels };
        }
        if held.iter().all(Range::is_empty) {
            held[0] = 0..chw[1];
        }
        let columns = match readers {
            [reader] if producer.is_none() => self.column_padding(id, *reader),
            _ => None,
        };
        let (pad_x, pad) = columns.map_or_else(|| self.packed_padding(id, producer, readers), |(_, pad)| ([0, 0], pad));
        let pad_y = columns.map(|(pad_y, _)| pad_y);
        TensorLayout { chw, pad_x, pad, pad_y, base: 0, held, channels: Vec::new() }
    }

    /// The whole copy of a tensor of which each tile computes some channels, if a reader needs the others.
    fn gathered(&self, id: TensorId, readers: &[usize]) -> Option<TensorLayout> {
        let chw = self.chw(id);
        let mut held = vec![0..0; self.geometry.tiles];
        for (tile, rows) in held.iter_mut().enumerate() {
            for &reader in readers.iter().filter(|&&reader| !self.stays(reader)) {
                *rows = hull(rows, &self.need(reader, tile, chw[1]));
            }
        }
        let layout = TensorLayout { chw, pad_x: [0, 0], pad: 0, pad_y: None, base: 0, held, channels: Vec::new() };
        layout.held.iter().any(|rows| !rows.is_empty()).then_some(layout)
    }

    /// Rows of padding to keep in memory, and what they hold, if an input is better kept column by column: where its one
    /// reader is a convolution of fewer channels than a word has bytes whose kernel takes fewer windows that way.
    pub(super) fn column_padding(&self, id: TensorId, reader: usize) -> Option<([usize; 2], i8)> {
        let Op::Conv(linear) = &self.graph.nodes[reader].op else { return None };
        let linear = self.on_array(reader, linear);
        let [by_rows, by_columns] = windows(&linear, self.geometry.word_bytes());
        let Window { kernel, stride, dilation, pads: [above, _, below, _] } = linear.window;
        // No output lies in padding alone, of which a tile would hold nothing.
        let inside = above < kernel[0] && below < kernel[0];
        let channels = self.chw(id)[0];
        // The walk's step to the next output has 16 bits, its sign included; bands share weights, whose order in pages follows.
        let fits = |node: usize| {
            let node = &self.graph.nodes[node];
            let pads = node.op.window().map_or(0, |window| window.pads[0] + window.pads[2]);
            let height = self.chw(node.inputs[0])[1];
            (height + pads) * channels * stride[1].max(dilation[1]) < 1 << 15
        };
        let steps_fit = self.all_bands(reader).all(fits);
        let better = by_columns < by_rows && inside && steps_fit && self.is_sole(id, reader);
        better.then_some(([above, below], linear.x_zero_point as i8))
    }

    /// Whether a tensor, views looked through, has one reader and is no result.
    pub(super) fn is_sole(&self, id: TensorId, reader: usize) -> bool {
        let [index] = self.consumers[id.0][..] else { return false };
        let view = index != reader && self.is_alias(index);
        !self.graph.is_result(id) && (index == reader || (view && self.is_sole(self.graph.nodes[index].output, reader)))
    }

    /// Columns of padding to keep in memory, and what they hold: for an input with fewer channels than a word whose one
    /// reader is a padded convolution, so that a kernel row is one window; and for a depthwise layer that computes several pixels as one.
    fn packed_padding(&self, id: TensorId, producer: Option<usize>, readers: &[usize]) -> ([usize; 2], i8) {
        let [reader] = readers else { return ([0, 0], 0) };
        match &self.graph.nodes[*reader].op {
            Op::Conv(linear)
                if producer.is_none()
                    && packs(linear, self.chw(id)[0], self.geometry.word_bytes())
                    && self.is_sole(id, *reader) =>
            {
                ([linear.window.pads[1], linear.window.pads[3]], linear.x_zero_point as i8)
            }
            op => match self.as_depthwise(op) {
                Some(linear) if self.keeps_padding(*reader, linear) => {
                    ([linear.window.pads[1], linear.window.pads[3]], linear.x_zero_point as i8)
                }
                _ => ([0, 0], 0),
            },
        }
    }
}

fn packs(linear: &Linear, channels: usize, word: usize) -> bool {
    channels < word && linear.groups == 1 && linear.window.dilation[1] == 1
}
