//! Decides splits, pages, parameters and tensor places before instructions are written.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::geometry::PARAM_WORDS;
use lacuna_spec::instr::PostConstants;

use super::{BackendError, Draft, Emitter, Plan, run};
use crate::backend::TensorLayout;
use crate::backend::layout::hull;
use crate::backend::split::{self, Part, Split, Work};
use crate::graph::TensorId;
use crate::op::{Linear, Op, Window};

impl Emitter<'_> {
    pub(super) fn plan(&mut self, runs: &[Range<usize>]) -> Result<(), BackendError> {
        let nodes: Vec<usize> = runs.iter().cloned().flatten().collect();
        let splits = self.splits(&nodes)?;
        let mut cursors = vec![0usize; self.geometry.tiles];
        for &index in &nodes {
            let node = &self.graph.nodes[index];
            let chw = self.chw(node.output);
            let split = splits[&index];
            let parts = split::parts(split, chw[1], split::blocks(chw[0], &self.geometry), self.geometry.tiles);
            let need = self.page_need(index, split);
            if split == Split::Rows {
                // Equal pages in every tile let one instruction serve them all.
                let highest = cursors.iter().copied().max().unwrap_or(0);
                cursors.fill(highest);
            }
            let page = cursors.clone();
            for (cursor, need) in cursors.iter_mut().zip(&need) {
                *cursor += need;
            }
            let params = self.memory.place(&node.name, self.constant_bytes(&node.op, &parts), 0..usize::MAX)?;
            self.plans.insert(index, Plan { split, parts, params, page });
        }
        self.tile_pages = cursors.into_iter().max().unwrap_or(0);
        Ok(())
    }

    /// The split of every node; layers turn from rows to blocks until the weights fit.
    fn splits(&self, nodes: &[usize]) -> Result<HashMap<usize, Split>, BackendError> {
        let choose = |&index: &usize| {
            let node = &self.graph.nodes[index];
            let (input, output) = (self.chw(node.inputs[0]), self.chw(node.output));
            let work = match &node.op {
                Op::Conv(linear) if self.as_depthwise(&node.op).is_some() => {
                    Work::of_depthwise(linear.rows(), input, output, &self.geometry)
                }
                Op::Conv(linear) | Op::Dense(linear) => Work::of_array(linear, input, output, &self.geometry),
                _ => return (index, Split::Rows),
            };
            (index, split::choose(&work, output, &self.geometry))
        };
        let mut splits: HashMap<usize, Split> = nodes.iter().map(choose).collect();
        self.shrink_constants(nodes, &mut splits);
        loop {
            let mut total = 0;
            let mut over = None;
            for index in nodes {
                total += self.page_need(*index, splits[index]).into_iter().max().unwrap_or(0);
                if total > self.geometry.pages && over.is_none() {
                    over = Some(*index);
                }
            }
            let Some(over) = over else { return Ok(splits) };
            let saving = |index: &&usize| {
                let most = |split| self.page_need(**index, split).into_iter().max().unwrap_or(0);
                if splits[*index] == Split::Rows { most(Split::Rows).saturating_sub(most(Split::Blocks)) } else { 0 }
            };
            let Some(index) = nodes.iter().max_by_key(saving).filter(|index| saving(index) > 0) else {
                let layer = self.graph.nodes[over].name.clone();
                return Err(BackendError::Pages { layer, needed: total, available: self.geometry.pages });
            };
            splits.insert(*index, Split::Blocks);
        }
    }

    /// Turns layers from rows to blocks until their parameters keep to the budget.
    fn shrink_constants(&self, nodes: &[usize], splits: &mut HashMap<usize, Split>) {
        let bytes = |index: usize, split| {
            let node = &self.graph.nodes[index];
            let [channels, height, _] = self.chw(node.output);
            let parts = split::parts(split, height, split::blocks(channels, &self.geometry), self.geometry.tiles);
            self.constant_bytes(&node.op, &parts)
        };
        let tensors = |index: usize| {
            let node = &self.graph.nodes[index];
            let elements = |id: TensorId| self.chw(id).iter().product::<usize>();
            node.inputs.iter().chain([&node.output]).map(|&id| elements(id)).sum::<usize>()
        };
        while nodes.iter().map(|index| bytes(*index, splits[index])).sum::<usize>() > self.fit.constants {
            let saving = |index: &&usize| match (&self.graph.nodes[**index].op, splits[*index]) {
                // A layer split by blocks keeps its whole input and output in every tile.
                (Op::Conv(_) | Op::Dense(_), Split::Rows) => {
                    let saved = bytes(**index, Split::Rows).saturating_sub(bytes(**index, Split::Blocks));
                    saved * self.geometry.tile_bytes() / tensors(**index).max(1)
                }
                _ => 0,
            };
            let Some(index) = nodes.iter().max_by_key(saving).filter(|index| saving(index) > 0) else { return };
            splits.insert(*index, Split::Blocks);
        }
    }

    /// Pages a lane that a node takes in each tile.
    pub(super) fn page_need(&self, index: usize, split: Split) -> Vec<usize> {
        let node = &self.graph.nodes[index];
        let (Op::Conv(linear) | Op::Dense(linear)) = &node.op else { return vec![0; self.geometry.tiles] };
        if self.as_depthwise(&node.op).is_some() {
            return vec![0; self.geometry.tiles];
        }
        let [channels, height, _] = self.chw(node.output);
        split::parts(split, height, split::blocks(channels, &self.geometry), self.geometry.tiles)
            .iter()
            .map(|part| {
                if part.is_empty() && split == Split::Blocks {
                    return 0;
                }
                let subs = run::sub_runs(linear, &part.blocks, &self.geometry);
                subs.iter().map(|sub| sub.blocks.len() * sub.rows.pages(&self.geometry)).sum()
            })
            .collect()
    }

    fn constant_bytes(&self, op: &Op, parts: &[Part]) -> usize {
        match op {
            Op::Conv(_) | Op::Dense(_) => {
                let blocks = parts.iter().map(|p| p.blocks.len()).max().unwrap_or(0);
                let block = PARAM_WORDS * self.geometry.word_bytes();
                blocks * self.as_depthwise(op).map_or(block, |linear| self.depthwise_bytes(linear))
            }
            Op::Reshape => 0,
            _ => (PostConstants::LAYOUT.bits as usize / 8).next_multiple_of(self.geometry.word_bytes()),
        }
    }

    /// Places the tensors of a program.
    pub(super) fn draft(&mut self, nodes: &Range<usize>) -> Result<Draft, BackendError> {
        let (inputs, outputs) = self.boundary(nodes);
        let leaves = outputs.iter().map(|&id| self.source(id, nodes)).collect();
        let mut draft = Draft {
            nodes: nodes.clone(),
            layouts: HashMap::new(),
            inputs,
            outputs,
            leaves,
            input_stride: 0,
            output_stride: 0,
            instrs: Vec::new(),
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
        for (id, producer) in order {
            if let Some(index) = producer.filter(|&n| self.graph.nodes[n].op == Op::Reshape) {
                let source = self.graph.nodes[index].inputs[0];
                let alias = draft.layouts[&source].clone();
                draft.layouts.insert(id, alias);
                continue;
            }
            let readers = self.readers(id, nodes);
            let mut layout = self.bare_layout(id, producer, &readers);
            let name = self.graph.tensor(id).name.clone();
            let boundary = draft.inputs.contains(&id) || draft.leaves.contains(&id);
            let stride = if draft.inputs.contains(&id) { draft.input_stride } else { draft.output_stride };
            let last = readers.iter().copied().max().unwrap_or(nodes.start);
            let life = match (boundary && draft.input_stride > 0, draft.leaves.contains(&id)) {
                // The host writes the next frame and reads the last one while this one is computed.
                (true, _) => 0..usize::MAX,
                (false, true) => producer.unwrap_or(nodes.start)..nodes.end,
                (false, false) => producer.unwrap_or(nodes.start)..last + 1,
            };
            let bytes = layout.bytes().max(1) + if boundary { stride } else { 0 };
            layout.base = self.memory.place(&name, bytes, life)?;
            draft.layouts.insert(id, layout);
        }
        Ok(draft)
    }

    /// The layers of a program that read a tensor, views looked through.
    pub(super) fn readers(&self, id: TensorId, nodes: &Range<usize>) -> Vec<usize> {
        let mut found = Vec::new();
        for index in nodes.clone() {
            let node = &self.graph.nodes[index];
            if node.inputs.contains(&id) {
                match node.op {
                    Op::Reshape => found.extend(self.readers(node.output, nodes)),
                    _ => found.push(index),
                }
            }
        }
        found
    }

    /// The tensor that a view shows.
    fn source(&self, id: TensorId, nodes: &Range<usize>) -> TensorId {
        let view = nodes.clone().find(|&n| self.graph.nodes[n].output == id && self.graph.nodes[n].op == Op::Reshape);
        view.map_or(id, |n| self.source(self.graph.nodes[n].inputs[0], nodes))
    }

    /// Tensors that enter and leave a range of nodes.
    fn boundary(&self, nodes: &Range<usize>) -> (Vec<TensorId>, Vec<TensorId>) {
        let producers = self.graph.producers();
        let consumers = self.graph.consumers();
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for node in &self.graph.nodes[nodes.clone()] {
            for &id in &node.inputs {
                if producers[id.0].is_none_or(|p| !nodes.contains(&p)) && !inputs.contains(&id) {
                    inputs.push(id);
                }
            }
            let leaves =
                self.graph.is_result(node.output) || consumers[node.output.0].iter().any(|c| !nodes.contains(c));
            if leaves && !outputs.contains(&node.output) {
                outputs.push(node.output);
            }
        }
        (inputs, outputs)
    }

    /// Whether a second buffer can be reached by an offset: no instruction reads an input beside
    /// another tensor, and no output is read again on the chip or passed through unchanged.
    fn buffers_apart(&self, draft: &Draft, nodes: &Range<usize>) -> bool {
        self.graph.nodes[nodes.clone()].iter().all(|node| {
            let from = node.inputs.iter().filter(|id| draft.inputs.contains(id)).count();
            (from == 0 || from == node.inputs.len())
                && !node.inputs.iter().any(|id| draft.outputs.contains(id))
                && node.op != Op::Reshape
        })
    }

    /// The layout of a tensor but for its base: what each tile produces and what its readers need there.
    fn bare_layout(&self, id: TensorId, producer: Option<usize>, readers: &[usize]) -> TensorLayout {
        let chw = self.chw(id);
        let mut held = vec![0..0; self.geometry.tiles];
        for (tile, rows) in held.iter_mut().enumerate() {
            if let Some(part) = producer.map(|n| &self.plans[&n].parts[tile]).filter(|p| !p.is_empty()) {
                *rows = part.rows.clone();
            }
            for &reader in readers {
                *rows = hull(rows, &self.need(reader, tile, chw[1]));
            }
        }
        if held.iter().all(Range::is_empty) {
            held[0] = 0..chw[1];
        }
        let computed = producer.map_or_else(Vec::new, |index| self.computed(index, chw[0]));
        let (pad_x, pad) = self.packed_padding(id, producer, readers);
        TensorLayout { chw, pad_x, pad, base: 0, held, computed }
    }

    /// Channels that each tile computes, if they share a node's blocks.
    fn computed(&self, index: usize, channels: usize) -> Vec<Range<usize>> {
        let plan = &self.plans[&index];
        if plan.split == Split::Rows {
            return Vec::new();
        }
        let columns = self.geometry.columns();
        let of = |part: &Part| part.blocks.start * columns..(part.blocks.end * columns).min(channels);
        plan.parts.iter().map(|part| if part.is_empty() { 0..0 } else { of(part) }).collect()
    }

    /// Input rows that a node reads in a tile.
    pub(super) fn need(&self, index: usize, tile: usize, height: usize) -> Range<usize> {
        let part = &self.plans[&index].parts[tile];
        if part.is_empty() {
            return 0..0;
        }
        match window(&self.graph.nodes[index].op) {
            Some(window) => split::input_rows(&window, &part.rows, height),
            None if matches!(self.graph.nodes[index].op, Op::GlobalAveragePool(_) | Op::Mean(_)) => 0..height,
            None => part.rows.clone(),
        }
    }

    /// Columns of padding to keep in memory, and what they hold: only for an input with fewer channels than a word whose one
    /// reader is a padded convolution, so that a kernel row is one window.
    fn packed_padding(&self, id: TensorId, producer: Option<usize>, readers: &[usize]) -> ([usize; 2], i8) {
        let [reader] = readers else { return ([0, 0], 0) };
        match &self.graph.nodes[*reader].op {
            Op::Conv(linear) if producer.is_none() && packs(linear, self.chw(id)[0], self.geometry.word_bytes()) => {
                ([linear.window.pads[1], linear.window.pads[3]], linear.x_zero_point as i8)
            }
            _ => ([0, 0], 0),
        }
    }
}

fn packs(linear: &Linear, channels: usize, word: usize) -> bool {
    channels < word && linear.groups == 1 && linear.window.dilation[1] == 1
}

fn window(op: &Op) -> Option<Window> {
    match op {
        Op::Conv(linear) | Op::Dense(linear) => Some(linear.window),
        Op::MaxPool(pool) => Some(pool.window),
        Op::AveragePool(pool) => Some(pool.window),
        _ => None,
    }
}
