//! The study: everything that is measured, in one structure.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lacuna_compiler::Error;
use lacuna_compiler::graph::Graph;
use lacuna_compiler::reference::{self, Value};
use lacuna_golden::charge::NoiseLevels;
use lacuna_golden::cim::{MonitorSetting, Recoder};
use lacuna_spec::Geometry;
use lacuna_spec::charge::{READOUT_BITS_MAX, READOUT_BITS_MIN};
use lacuna_spec::instr::Gating;
use serde::Serialize;

use crate::array::{ArrayModel, ArrayRun};
use crate::charge::{ChargeNetwork, ChargeResult, Variant, largest};
use crate::energy::{Energy, EnergyTable};
use crate::layers::{LayerRows, collect};
use crate::monitor::{MonitorResult, second_gate, sweep};

/// What to study.
#[derive(Debug, Clone)]
pub struct Options {
    /// The array; its digit width is the one of the layer table.
    pub geometry: Geometry,
    /// Frames that the digital array runs; the charge-domain one takes all.
    pub array_frames: usize,
    /// Vectors of a monitored batch.
    pub batch: usize,
    /// Hysteresis of the monitor, in sixteenths.
    pub hysteresis: u8,
    /// Thresholds to sweep, in sixteenths.
    pub thresholds: Vec<u8>,
    /// Energies of events.
    pub energy: EnergyTable,
    /// The charge-domain array; `None` leaves it out.
    pub charge: Option<ChargeOptions>,
}

/// Imperfections of the charge-domain array.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ChargeOptions {
    /// Noise and offsets; all 0 is an ideal array.
    pub levels: NoiseLevels,
    /// Seed of the noise.
    pub seed: u64,
}

/// One layer on the digital array.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerReport {
    /// Node name.
    pub name: String,
    /// Rows of a vector.
    pub rows: usize,
    /// Output channels.
    pub outputs: usize,
    /// Vectors of a frame.
    pub vectors: usize,
    /// Share of rows that equal the gate value, padding included.
    pub zero_fraction: f64,
    /// Essential digits of a row at 2, 4 and 8 bits, mean.
    pub digits_per_row: [f64; 3],
    /// Array cycles of a frame by gating `off`, `row`, `digit`, all column blocks.
    pub cycles: [f64; 3],
    /// Cells enabled in a frame, summed over cycles, by gating mode.
    pub active_cells: [f64; 3],
    /// `active_cells` in mode `digit` over essential digits times output channels.
    pub active_over_essential: f64,
    /// Modelled energy of a frame in nanojoules, by gating mode.
    pub energy: [Energy; 3],
    /// The monitor's decisions by threshold.
    pub monitor: Vec<MonitorResult>,
}

/// The whole network at one digit width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WidthReport {
    /// Bits of a digit.
    pub digit_bits: usize,
    /// Columns that the reduction sums a cycle.
    pub reduce_columns: usize,
    /// Multiply-accumulates that a cell finishes in a cycle, by gating `off`, `row`, `digit`.
    pub macs_per_cell_cycle: [f64; 3],
    /// The same in mode `digit` if no lane ever waited.
    pub limit: f64,
    /// Lane-cycles of mode `digit` by cause.
    pub run: ArrayRun,
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Preset of the array.
    pub geometry: &'static str,
    /// Digit width of the layer table.
    pub digit_bits: usize,
    /// Frames that the digital array ran.
    pub array_frames: usize,
    /// Layers on the array.
    pub layers: Vec<LayerReport>,
    /// The network by digit width, with the geometry's reduction and with 4 columns a cycle.
    pub widths: Vec<WidthReport>,
    /// The monitor's decisions over all layers by threshold.
    pub monitor: Vec<MonitorResult>,
    /// Modelled energy of a frame in nanojoules, by gating mode.
    pub energy: [Energy; 3],
    /// The charge-domain array by variant and readout width.
    pub charge: Vec<ChargeResult>,
    /// Modelled energy of a frame on the charge-domain array, in the order of `charge`.
    pub charge_energy: Vec<Energy>,
    /// Frames of which the exact network's largest output is the label.
    pub exact_correct: Option<usize>,
    /// The energies, with their source.
    pub energy_table: EnergyTable,
}

const GATINGS: [Gating; 3] = [Gating::Off, Gating::Row, Gating::Digit];
/// Reduction that the design figures assume.
const REFERENCE_REDUCE: usize = 4;

/// Studies a prepared graph on frames. `labels` are the right classes; `progress` hears what is being done.
///
/// # Errors
/// Frames that do not fit the graph.
pub fn study(
    graph: &Graph,
    frames: &[Vec<Value>],
    labels: Option<&[u8]>,
    options: &Options,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Report, Error> {
    let array_frames = frames.len().min(options.array_frames);
    progress("collecting what the array reads");
    let layers = collect(graph, &frames[..array_frames])?;
    let per_frame = array_frames.max(1) as f64;
    let reports = layers.iter().map(|layer| {
        progress(&layer.name);
        layer_report(layer, per_frame, options)
    });
    let reports: Vec<LayerReport> = reports.collect();
    let mut reductions = vec![options.geometry.reduce_columns];
    if options.geometry.reduce_columns != REFERENCE_REDUCE
        && options.geometry.columns().is_multiple_of(REFERENCE_REDUCE)
    {
        reductions.push(REFERENCE_REDUCE);
    }
    let mut widths = Vec::new();
    for reduce_columns in reductions {
        for digit_bits in [2, 4, 8] {
            progress(&format!("{digit_bits}-bit digits, {reduce_columns} columns reduced a cycle"));
            let geometry = Geometry { digit_bits, reduce_columns, ..options.geometry };
            widths.push(width_report(&layers, geometry));
        }
    }
    let mut monitor: Vec<MonitorResult> =
        options.thresholds.iter().map(|&threshold| MonitorResult { threshold, ..MonitorResult::default() }).collect();
    let mut energy = [Energy::default(); 3];
    for layer in &reports {
        monitor.iter_mut().zip(&layer.monitor).for_each(|(sum, part)| sum.merge(part));
        for (sum, part) in energy.iter_mut().zip(&layer.energy) {
            sum.compute += part.compute;
            sum.weights += part.weights;
            sum.activations += part.activations;
        }
    }
    let exact = frames.iter().map(|frame| reference::run(graph, frame).map(|out| out.first().map_or(0, largest)));
    let exact: Vec<usize> = exact.collect::<Result<_, _>>()?;
    let correct = |labels: &[u8]| exact.iter().zip(labels).filter(|(a, b)| **a == usize::from(**b)).count();
    let charge = match &options.charge {
        Some(charge) => charge_results(graph, frames, &exact, labels, charge, progress)?,
        None => Vec::new(),
    };
    let rows: u64 = layers.iter().map(|layer| layer.vectors.len() as u64).sum();
    let rows = rows as f64 / per_frame;
    let charge_energy = charge.iter().map(|result| {
        let all = options.energy.charge(&result.counts, (rows * result.frames as f64) as u64, result.readout_bits);
        scale(all, 1.0 / result.frames.max(1) as f64)
    });
    Ok(Report {
        geometry: options.geometry.name,
        digit_bits: options.geometry.digit_bits,
        array_frames,
        widths,
        monitor,
        energy,
        charge_energy: charge_energy.collect(),
        charge,
        exact_correct: labels.map(correct),
        energy_table: options.energy.clone(),
        layers: reports,
    })
}

fn scale(energy: Energy, by: f64) -> Energy {
    Energy { compute: energy.compute * by, weights: energy.weights * by, activations: energy.activations * by }
}

/// The rows as the gating mode sees them: `off` works on plain int8 values.
fn rows_of(layer: &LayerRows, gating: Gating) -> Vec<i16> {
    let shift = if gating == Gating::Off { layer.gate } else { 0 };
    layer.vectors.iter().map(|d| d + shift).collect()
}

fn layer_report(layer: &LayerRows, frames: f64, options: &Options) -> LayerReport {
    let geometry = options.geometry;
    let blocks = layer.outputs.div_ceil(geometry.columns()) as u64;
    let total = layer.vectors.len().max(1) as f64;
    let digits = [2, 4, 8].map(|bits| {
        let recoder = Recoder::new(bits);
        layer.vectors.iter().map(|&d| u64::from(recoder.essential(d).len)).sum::<u64>()
    });
    let mut model = ArrayModel::new(geometry);
    let runs = GATINGS.map(|gating| {
        let mut all = ArrayRun::default();
        all.add(&model.run(gating, [layer.rows, layer.channels], &rows_of(layer, gating)), blocks);
        all
    });
    let columns = geometry.columns();
    let essential = runs[2].slots.essential / blocks * layer.outputs as u64;
    let fed = layer.vectors.len() as u64;
    let setting = |threshold| MonitorSetting { threshold, hysteresis: options.hysteresis, delta: second_gate(layer) };
    LayerReport {
        name: layer.name.clone(),
        rows: layer.rows,
        outputs: layer.outputs,
        vectors: (layer.count() as f64 / frames) as usize,
        zero_fraction: layer.vectors.iter().filter(|&&d| d == 0).count() as f64 / total,
        digits_per_row: digits.map(|digits| digits as f64 / total),
        cycles: runs.map(|run| run.cycles as f64 / frames),
        active_cells: runs.map(|run| (run.digits * columns as u64) as f64 / frames),
        active_over_essential: (runs[2].digits * columns as u64) as f64 / essential.max(1) as f64,
        energy: runs.map(|run| scale(options.energy.digital(&run, fed, columns, geometry.digit_bits), 1.0 / frames)),
        monitor: options
            .thresholds
            .iter()
            .map(|&threshold| sweep(layer, geometry, setting(threshold), options.batch))
            .collect(),
    }
}

fn width_report(layers: &[LayerRows], geometry: Geometry) -> WidthReport {
    let mut model = ArrayModel::new(geometry);
    let mut runs = [ArrayRun::default(); 3];
    let mut macs = 0;
    for layer in layers {
        let blocks = layer.outputs.div_ceil(geometry.columns()) as u64;
        macs += layer.macs();
        for (sum, gating) in runs.iter_mut().zip(GATINGS) {
            sum.add(&model.run(gating, [layer.rows, layer.channels], &rows_of(layer, gating)), blocks);
        }
    }
    let cells = (geometry.lanes * geometry.columns()) as f64;
    let rate = |cycles: f64| macs as f64 / (cells * cycles).max(1.0);
    WidthReport {
        digit_bits: geometry.digit_bits,
        reduce_columns: geometry.reduce_columns,
        macs_per_cell_cycle: runs.map(|run| rate(run.cycles as f64)),
        limit: rate(runs[2].slots.essential as f64 / geometry.lanes as f64),
        run: runs[2],
    }
}

/// Every variant at every readout width, on as many threads as there are processors.
fn charge_results(
    graph: &Graph,
    frames: &[Vec<Value>],
    exact: &[usize],
    labels: Option<&[u8]>,
    options: &ChargeOptions,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<ChargeResult>, Error> {
    let network = ChargeNetwork::new(graph);
    let widths = READOUT_BITS_MIN..=READOUT_BITS_MAX;
    let jobs: Vec<(Variant, u32)> =
        Variant::ALL.iter().flat_map(|&variant| widths.clone().map(move |bits| (variant, bits))).collect();
    let noise = (options.levels != NoiseLevels::default()).then_some((options.levels, options.seed));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some(&(variant, bits)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            progress(&format!("charge domain, {}, {bits} bits", variant.name()));
            let result = network.run(frames, exact, labels, bits, variant, noise);
            done.lock().expect("no worker panics while it holds the lock").push((variant, bits, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len()) {
            scope.spawn(work);
        }
    });
    let done = done.into_inner().expect("all workers have ended");
    let of = |&(variant, bits): &(Variant, u32)| {
        let found = done.iter().find(|(v, b, _)| (*v, *b) == (variant, bits));
        found.expect("every job was done").2.clone()
    };
    jobs.iter().map(of).collect()
}
