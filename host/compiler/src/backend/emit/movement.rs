//! Jobs of movement operators: the reshape solver brings every element from a tile that has it to all that read it.

use std::ops::Range;

use lacuna_reshape::{Movement, PADDING, Span, plan};
use lacuna_spec::instr::Instr;

use super::{BackendError, Draft, Emitter};
use crate::backend::TensorLayout;
use crate::graph::{Node, TensorId};
use crate::op::Op;
use crate::reference::origins;

/// Rows of a tensor that is no picture, at most.
const MOST_ROWS: usize = 64;

impl Emitter<'_> {
    /// Writes the jobs of a movement operator: all tiles that hold rows of its output get them at once.
    pub(super) fn movement(&self, draft: &Draft, index: usize) -> Result<Vec<Instr>, BackendError> {
        let node = &self.graph.nodes[index];
        let origins = origins(self.graph, node, PADDING).ok_or_else(|| BackendError::Unsupported {
            node: node.name.clone(),
            op: node.op.name(),
            why: "its parameters do not suit its operands",
        })?;
        let target = &draft.layouts[&node.output];
        let size = self.geometry.tile_bytes();
        let value = if let Op::Pad(pad) = &node.op { pad.value } else { 0 };
        let mut fills = Movement { value: vec![value as u8], ..Movement::default() };
        let mut copies: Vec<Movement> = vec![fills.clone(); node.inputs.len()];
        let starts = self.starts(node);
        let owners: Vec<Vec<Owner>> = node.inputs.iter().map(|&id| self.owners(draft, id)).collect();
        for (tile, rows) in target.held.iter().enumerate() {
            for (place, position) in places(target, rows) {
                let to = (tile * size + place) as u32;
                let from = origins[position];
                if from == PADDING {
                    push(&mut fills.fills, Span { from: to, to, bytes: 1 });
                    continue;
                }
                let input = starts.partition_point(|&start| start <= from as usize) - 1;
                let layout = &draft.layouts[&node.inputs[input]];
                let at = from as usize - starts[input];
                let from = owned(&owners[input], layout, tile, at, size);
                push(&mut copies[input].spans, Span { from, to, bytes: 1 });
            }
        }
        let mut instrs = Vec::new();
        for (copies, id) in copies.iter().zip(node.inputs.iter().map(Some)).chain([(&fills, None)]) {
            let plan = plan(copies, &[], &self.geometry).expect("a tensor of its own overlaps no other");
            instrs.extend(plan.jobs().map(|job| self.movement_instr(draft, &job.instr(1), id, node.output)));
        }
        Ok(instrs)
    }

    /// The number of each input's first element.
    fn starts(&self, node: &Node) -> Vec<usize> {
        let elements = |id: &TensorId| self.graph.tensor(*id).elements();
        let next = |at: &mut usize, id: &TensorId| Some(std::mem::replace(at, *at + elements(id)));
        node.inputs.iter().scan(0, next).collect()
    }

    /// What each tile knows of a tensor without any move.
    fn owners(&self, draft: &Draft, id: TensorId) -> Vec<Owner> {
        let layout = &draft.layouts[&id];
        let producer = self.producer(draft, id);
        let of = |tile: usize| match producer {
            Some(index) if !self.graph.nodes[index].op.moves() => {
                let part = &self.plans[&index].parts[tile];
                let owner = || Owner { rows: part.rows.clone(), channels: self.channels(part, layout.chw[0]) };
                if part.is_empty() { Owner::default() } else { owner() }
            }
            _ => Owner { rows: layout.held[tile].clone(), channels: 0..layout.chw[0] },
        };
        (0..self.geometry.tiles).map(of).collect()
    }

    /// The node of this program that computes what a tensor shows; `None` if the host writes it.
    fn producer(&self, draft: &Draft, id: TensorId) -> Option<usize> {
        let index = draft.nodes.clone().find(|&index| self.graph.nodes[index].output == id)?;
        if self.is_alias(index) { self.producer(draft, self.graph.nodes[index].inputs[0]) } else { Some(index) }
    }

    /// Whether a node's output is its input under another name, wherever that lies.
    pub(super) fn is_alias(&self, index: usize) -> bool {
        let node = &self.graph.nodes[index];
        let pictures = || [node.inputs[0], node.output].iter().all(|&id| self.graph.tensor(id).chw().is_some());
        let keeps = match node.op {
            Op::Reshape => true,
            // Other tensors lie in the graph's order, which a view of the file's order changes.
            Op::View => pictures(),
            _ => false,
        };
        keeps && self.chw(node.inputs[0]) == self.chw(node.output)
    }

    /// A job with its regions in words, and the second buffers of inputs and outputs.
    fn movement_instr(&self, draft: &Draft, instr: &Instr, input: Option<&TensorId>, output: TensorId) -> Instr {
        let Instr::Reshape(mut head, reshape) = *instr else { return *instr };
        let bytes = |lo: i64, hi: i64, stride: usize| lo as usize..hi as usize + stride;
        if input.is_some_and(|id| draft.inputs.contains(id)) {
            head.from_input = i64::from(draft.input_stride > 0);
        }
        if draft.leaves.contains(&output) {
            head.to_output = i64::from(draft.output_stride > 0);
        }
        let (input_stride, output_stride) =
            (draft.input_stride * head.from_input as usize, draft.output_stride * head.to_output as usize);
        if head.read_hi > head.read_lo {
            (head.read_lo, head.read_hi) = self.words(bytes(head.read_lo, head.read_hi, input_stride));
        }
        (head.write_lo, head.write_hi) = self.words(bytes(head.write_lo, head.write_hi, output_stride));
        Instr::Reshape(head, reshape)
    }
}

/// What no layer reads is only moved: as a picture of one channel, its elements in the graph's order, in as many rows as
/// divide them, so that tiles may share it. Equal numbers of elements give equal pictures.
pub(super) fn rows(elements: usize) -> [usize; 3] {
    let rows = (1..=MOST_ROWS).rev().find(|&rows| elements.is_multiple_of(rows)).unwrap_or(1);
    [1, rows, elements / rows]
}

/// Rows and channels of a tensor that a tile knows.
#[derive(Debug, Clone, Default)]
struct Owner {
    rows: Range<usize>,
    channels: Range<usize>,
}

/// Addresses of the elements of some rows, in order, each with its position in the graph's order (channels first).
fn places(layout: &TensorLayout, rows: &Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    let [channels, height, width] = layout.chw;
    let (start, pitch) = (layout.base, layout.row_pitch());
    let first = rows.start;
    rows.clone().flat_map(move |y| {
        (0..width).flat_map(move |x| {
            let at = start + (y - first) * pitch + x * channels;
            (0..channels).map(move |c| (at + c, (c * height + y) * width + x))
        })
    })
}

/// Where an element of the graph's order lies: in the tile that asks, if that knows it, or the first that does.
fn owned(owners: &[Owner], layout: &TensorLayout, tile: usize, at: usize, size: usize) -> u32 {
    let [_, height, width] = layout.chw;
    let (c, y, x) = (at / (height * width), at / width % height, at % width);
    let knows = |owner: &Owner| owner.rows.contains(&y) && owner.channels.contains(&c);
    let tile = if knows(&owners[tile]) { Some(tile) } else { owners.iter().position(knows) };
    let tile = tile.expect("every element is computed somewhere");
    (tile * size + layout.row(tile, y) + (layout.pad_x[0] + x) * layout.pixel() + layout.channel(tile, c)) as u32
}

/// Appends a byte, to the last span if it continues it.
fn push(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        Some(last) if last.from + last.bytes == span.from && last.to + last.bytes == span.to => last.bytes += 1,
        _ => spans.push(span),
    }
}
