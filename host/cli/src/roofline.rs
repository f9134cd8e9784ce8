//! The sparsity roofline: each layer's cycles beside the least that its digits need, and every difference by cause.
//!
//! A chip has `tiles * lanes` slots a cycle. A layer's bound is the slots that issue an essential digit, which is
//! `sum(essential digits) * ceil(columns / C)`; for post operators it is the cycles with a tap, times the lanes. Counts are
//! whole slots; reported cycles are slots / (tiles * lanes), exact in binary because both are powers of two.

use std::collections::BTreeMap;

use lacuna_compiler::backend::split::Split;
use lacuna_compiler::backend::{Compiled, Layer, Program};
use lacuna_compiler::graph::{Band, Tensor};
use lacuna_golden::chip::RunReport;
use lacuna_golden::control::Loss;
use lacuna_spec::instr::Instr;
use serde::Serialize;

/// A cause of lost slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Cause {
    /// As the model counts it.
    Golden(Loss),
    /// The layer has fewer column blocks than there are tiles.
    ColumnIdle(ColumnIdle),
}

/// Serialises as `column_idle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnIdle {
    /// The only value.
    ColumnIdle,
}

/// Slots of one layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots {
    /// Slots that the bound needs.
    pub bound: u64,
    /// The others.
    pub losses: BTreeMap<Cause, u64>,
}

impl Slots {
    /// All slots.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.bound + self.losses.values().sum::<u64>()
    }

    fn add(&mut self, cause: Cause, slots: u64) {
        if slots > 0 {
            *self.losses.entry(cause).or_default() += slots;
        }
    }

    /// Adds another layer's slots.
    pub fn merge(&mut self, other: &Self) {
        self.bound += other.bound;
        for (&cause, &slots) in &other.losses {
            self.add(cause, slots);
        }
    }
}

/// One layer.
#[derive(Debug, Clone)]
pub struct LayerSlots<'a> {
    /// Its name.
    pub name: &'a str,
    /// In how many bands it runs.
    pub bands: usize,
    /// The layer, or its first band.
    pub layer: &'a Layer,
    /// Output channels, height, width of all of it.
    pub output: [usize; 3],
    /// Multiply-accumulates of all of it.
    pub macs: u64,
    /// Compute instructions of all of it.
    pub instrs: Vec<usize>,
    /// Where its slots went.
    pub slots: Slots,
    /// Columns of its blocks that belong to no output channel, in percent of the bound's cells.
    pub idle_columns: f64,
}

/// The layers of a frame, in order of execution. `reports` are golden's, one a program.
pub fn layers<'a>(compiled: &'a Compiled, reports: &[RunReport]) -> Vec<LayerSlots<'a>> {
    let programs = compiled.programs().zip(reports);
    let mut layers: Vec<LayerSlots> = Vec::new();
    for layer in programs.flat_map(|(program, report)| program_layers(compiled, program, report)) {
        let first = compiled.graph.banded(layer.layer.node).map(|banded| banded.first);
        match layers.iter_mut().find(|before| Some(before.layer.node) == first) {
            Some(before) => {
                before.macs += layer.macs;
                before.instrs.extend(layer.instrs);
                before.slots.merge(&layer.slots);
            }
            None => layers.push(layer),
        }
    }
    layers
}

/// The name of a layer, and in how many bands it runs.
#[must_use]
pub fn name<'a>(compiled: &'a Compiled, layer: &'a Layer) -> (&'a str, usize) {
    let banded = compiled.graph.banded(layer.node).filter(|banded| banded.each != Band::Frame);
    banded.map_or((&layer.name, 1), |banded| (banded.name, banded.count))
}

/// The same for people.
#[must_use]
pub fn title(name: &str, bands: usize) -> String {
    if bands > 1 { format!("{name} in {bands} bands") } else { name.to_owned() }
}

fn output(compiled: &Compiled, layer: &Layer) -> [usize; 3] {
    let whole = compiled.graph.banded(layer.node).map(|banded| compiled.graph.tensor(banded.output));
    whole.and_then(Tensor::chw).unwrap_or(layer.output)
}

fn program_layers<'a>(compiled: &'a Compiled, program: &'a Program, report: &RunReport) -> Vec<LayerSlots<'a>> {
    let tiles = compiled.geometry.tiles;
    // What is spent before the first layer's first instruction is its own; the halt is the last one's.
    let owner = |index: usize| {
        let owns = |layer: &Layer| layer.instrs.contains(&index) || layer.moves.contains(&index);
        program.layers.iter().position(owns).unwrap_or(program.layers.len().saturating_sub(1))
    };
    let instrs = program.start..program.start + program.instrs.len();
    let owners: Vec<(usize, usize)> = instrs.map(|index| (owner(index), index)).collect();
    let slots_of = |(at, layer): (usize, &Layer)| {
        let own = owners.iter().filter(|(owner, _)| *owner == at).map(|(_, index)| {
            let index = index - program.start + program.place;
            index * tiles..(index + 1) * tiles
        });
        let compute = layer.instrs.iter().map(|index| &program.instrs[index - program.start]);
        let used = compute.fold(0, |mask, instr| mask | instr.head().tiles);
        let mut slots = Slots::default();
        for (index, record) in own.flatten().map(|slot| (slot, &report.slots[slot])) {
            for cause in Loss::ALL {
                let count = u64::from(record.of(cause));
                let without_block = layer.split == Split::Blocks && used >> (index % tiles) & 1 == 0;
                match cause {
                    Loss::Bound => slots.bound += count,
                    Loss::TileImbalance if without_block => {
                        slots.add(Cause::ColumnIdle(ColumnIdle::ColumnIdle), count);
                    }
                    _ => slots.add(Cause::Golden(cause), count),
                }
            }
        }
        slots
    };
    let layer = |(at, layer): (usize, &'a Layer)| {
        let (name, bands) = name(compiled, layer);
        LayerSlots {
            name,
            bands,
            layer,
            output: output(compiled, layer),
            macs: layer.macs,
            instrs: layer.instrs.clone(),
            slots: slots_of((at, layer)),
            idle_columns: idle_columns(compiled, layer),
        }
    };
    program.layers.iter().enumerate().map(layer).collect()
}

fn idle_columns(compiled: &Compiled, layer: &Layer) -> f64 {
    let columns = compiled.geometry.columns();
    let used = layer.output[0];
    if layer.pages == 0 {
        return 0.0;
    }
    let held = used.next_multiple_of(columns);
    100.0 * (held - used) as f64 / held as f64
}

/// Whether an instruction computes.
#[must_use]
pub const fn computes(instr: &Instr) -> bool {
    matches!(instr, Instr::Run(..) | Instr::Post(..))
}
