//! What the column blocks of a layer on the array read: instructions, rows and pages follow.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use lacuna_spec::Geometry;

use super::Emitter;
use crate::backend::weights::Rows;
use crate::op::{Linear, Op};
use crate::passes::resequence::{live, live_kernel};
use crate::passes::wide_weights::halves;

/// Column blocks of one tile that see the same input channels: one instruction.
#[derive(Debug, Clone)]
pub(super) struct SubRun {
    /// Column blocks.
    pub blocks: Range<usize>,
    /// Rows of their dot products.
    pub rows: Rows,
}

/// Rows of all taps of a kernel, for an input by rows.
fn whole(kernel: [usize; 2], channels: Range<usize>) -> Rows {
    Rows { kernel, channels, by_columns: false, halves: None }
}

/// Rows of each column block of a layer as the array computes it.
fn rows_of_blocks(linear: &Linear, geometry: &Geometry) -> Vec<Rows> {
    let [outputs, per_group, kh, kw] = linear.weights.shape;
    let blocks = (0..outputs).step_by(geometry.columns()).map(|first| first..(first + geometry.columns()).min(outputs));
    if linear.groups == 1 {
        return blocks.map(|filters| live_rows(linear, filters, geometry)).collect();
    }
    let group_size = outputs / linear.groups;
    let channels = |filters: Range<usize>| {
        filters.start / group_size * per_group..((filters.end - 1) / group_size + 1) * per_group
    };
    blocks.map(|filters| whole([kh, kw], channels(filters))).collect()
}

/// Rows of a column block but for those without a live weight, which have no page and take no cycle.
fn live_rows(linear: &Linear, filters: Range<usize>, geometry: &Geometry) -> Rows {
    let channels = linear.weights.shape[1];
    let (live, kernel) = (live(linear, filters.clone()), live_kernel(linear, filters.clone()));
    // Windows of part of the channels are read tap by tap, which only pays where enough is left out.
    if live.len() * 4 <= channels * 3 && channels > geometry.word_bytes() {
        return whole(kernel, live);
    }
    Rows { halves: halves(linear, filters), ..whole(kernel, 0..channels) }
}

/// What was found out about the column blocks of layers, by node and whether neighbouring pixels are computed side by side. It
/// takes a look at every weight, and is asked for again and again.
#[derive(Debug, Clone, Default)]
pub struct KnownRows(Rc<RefCell<RowsByNode>>);

type RowsByNode = HashMap<(usize, bool), Rc<[Rows]>>;

impl Emitter<'_> {
    /// Rows of each column block of a node on the array.
    fn block_rows(&self, index: usize) -> Rc<[Rows]> {
        let key = (index, self.fit.widen);
        if let Some(rows) = self.known_rows.0.borrow().get(&key) {
            return Rc::clone(rows);
        }
        let rows: Rc<[Rows]> = match &self.graph.nodes[index].op {
            Op::Conv(linear) | Op::Dense(linear) => {
                rows_of_blocks(&self.on_array(index, linear), &self.geometry).into()
            }
            _ => Rc::default(),
        };
        self.known_rows.0.borrow_mut().insert(key, Rc::clone(&rows));
        rows
    }

    /// Splits the blocks of a tile into instructions: one a block of a layer with groups, else one for neighbours of like rows.
    pub(super) fn sub_runs(&self, index: usize, blocks: &Range<usize>) -> Vec<SubRun> {
        let rows = self.block_rows(index);
        let grouped = matches!(&self.graph.nodes[index].op, Op::Conv(linear) if linear.groups > 1);
        let mut subs: Vec<SubRun> = Vec::new();
        for block in blocks.clone() {
            match subs.last_mut() {
                Some(sub) if !grouped && sub.rows == rows[block] => sub.blocks.end += 1,
                _ => subs.push(SubRun { blocks: block..block + 1, rows: rows[block].clone() }),
            }
        }
        subs
    }

    /// Pages of some column blocks of a node.
    pub(super) fn pages_of(&self, index: usize, blocks: Range<usize>) -> usize {
        self.block_rows(index)[blocks].iter().map(|rows| rows.pages(&self.geometry)).sum()
    }

    /// Rows of a column block of a node, the mean over all; those of one pixel where several are computed as one.
    pub(super) fn rows_of_block(&self, index: usize, linear: &Linear) -> usize {
        let rows = self.block_rows(index);
        let mean = rows.iter().map(Rows::length).sum::<usize>().div_ceil(rows.len().max(1));
        if linear.groups > 1 { linear.rows() } else { mean.min(linear.rows()) }
    }
}
