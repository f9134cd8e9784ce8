//! `lacuna profile`: the sparsity roofline of a model, layer by layer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use lacuna_compiler::backend::Compiled;
use lacuna_compiler::graph::Place;
use lacuna_driver::transport::GoldenDevice;
use lacuna_driver::{InstrProfile, Session};
use lacuna_golden::chip::RunReport;
use lacuna_spec::regs::Decisions;
use serde::Serialize;

use crate::error::CliError;
use crate::model::{BatchArg, GatingArg, ModelArgs};
use crate::roofline::{self, Cause, LayerSlots, Slots};
use crate::traffic::Traffic;
use crate::{input, output, trace};

/// Show where a model's cycles go, beside the least that its data needs.
///
/// One frame, or one batch, runs on the golden model, whose cycles are the chip's. The bound of a layer is its essential digits
/// times its column blocks, over all lanes of all tiles; for pools and element-wise layers it is the words they read. Every cycle
/// beyond is given to one cause, so that bound and losses add up to the cycles exactly.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    batch: BatchArg,

    /// Inputs: .npy, .npz, .png or .idx.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,

    /// Which frame of the inputs, from 0; the first of a batch.
    #[arg(long, value_name = "N", default_value_t = 0)]
    frame: usize,

    /// Print one JSON object: `total_cycles` = `bound_cycles` + all of `losses`, and the same for each of `layers`.
    #[arg(long)]
    json: bool,

    /// Write every job of every unit as a Chrome trace, which Perfetto opens; a microsecond there is a cycle.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// Cycles of the chip, by cause; the causes are those of `lacuna_golden::control::Loss` and `column_idle`.
type Losses = BTreeMap<Cause, f64>;

/// What `--json` prints. Cycles are multiples of 1 / (tiles * lanes), so sums are exact.
#[derive(Debug, Serialize)]
struct Report {
    model: PathBuf,
    geometry: &'static str,
    digit_bits: usize,
    reduce_columns: usize,
    gating: GatingArg,
    /// Multiply-accumulates on the chip.
    macs: u64,
    total_cycles: f64,
    bound_cycles: f64,
    losses: Losses,
    #[serde(flatten)]
    traffic: Traffic,
    layers: Vec<LayerReport>,
    /// Nodes that run on the host, and why.
    host: Vec<HostReport>,
}

#[derive(Debug, Serialize)]
struct LayerReport {
    name: String,
    bands: usize,
    op: &'static str,
    split: lacuna_compiler::backend::split::Split,
    output: [usize; 3],
    macs: u64,
    cycles: f64,
    bound_cycles: f64,
    losses: Losses,
    /// What the sparsity monitors of all tiles decided, as the chip counts it; none if nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<Decisions>,
    /// Share of the bound's cells whose column has no output channel.
    idle_columns_percent: f64,
}

#[derive(Debug, Serialize)]
struct HostReport {
    name: String,
    op: &'static str,
    why: String,
}

/// Runs the command.
///
/// # Errors
/// A model or input that fails; a trace that cannot be written.
pub async fn run(args: ProfileArgs) -> Result<(), CliError> {
    let graph = args.model.import()?;
    let frames = input::read(&args.input)?.frames(&graph, &args.input)?;
    let compiled = args.model.compile(graph, &frames, args.frame + args.batch.get(), args.batch)?;
    let last = args.frame + compiled.batch - 1;
    if last >= frames.len() {
        let reason = format!("holds {} frames; frame {last} does not exist", frames.len());
        return Err(CliError::Input { path: args.input, reason });
    }
    let mut device = GoldenDevice::new(compiled.geometry).with_reports();
    let mut records = Vec::new();
    let batch = frames.into_iter().skip(args.frame).take(compiled.batch);
    let mut session = Session::load(&mut device, &compiled).await?.with_profile();
    session.run(batch, |answer| records.extend(answer.profile)).await?;
    let runs = device.take_reports();
    if let Some(path) = &args.trace {
        let text = serde_json::to_string(&trace::trace(&compiled, &runs)).expect("a trace is plain data");
        std::fs::write(path, text).map_err(|source| CliError::File { verb: "write", path: path.clone(), source })?;
    }
    let layers = roofline::layers(&compiled, &runs);
    let report = report(&args, &compiled, &layers, &runs, &records);
    if args.json {
        output::json(&report);
    } else {
        print(&report);
    }
    Ok(())
}

/// What was decided for a layer; a chip counts by instruction and tile.
fn decisions(instrs: &[usize], records: &[InstrProfile]) -> Option<Decisions> {
    let mut sum = Decisions::default();
    for record in records.iter().filter(|record| instrs.contains(&record.instruction)) {
        sum.batches += record.decisions.batches;
        sum.gated += record.decisions.gated;
        sum.second += record.decisions.second;
        sum.crossings += record.decisions.crossings;
    }
    (sum.batches > 0).then_some(sum)
}

fn report(
    args: &ProfileArgs,
    compiled: &Compiled,
    layers: &[LayerSlots],
    runs: &[RunReport],
    records: &[InstrProfile],
) -> Report {
    let geometry = compiled.geometry;
    let cycles = |slots: u64| slots as f64 / (geometry.tiles * geometry.lanes) as f64;
    let losses = |slots: &Slots| slots.losses.iter().map(|(&cause, &n)| (cause, cycles(n))).collect();
    let mut all = Slots::default();
    for layer in layers {
        all.merge(&layer.slots);
    }
    let ran: u64 = runs.iter().map(|run| u64::from(run.counters.cycles)).sum();
    assert_eq!(all.total(), ran * (geometry.tiles * geometry.lanes) as u64, "every slot has one cause");
    let host = compiled.host_nodes().filter_map(|node| match &node.place {
        Place::Host(why) => Some(HostReport { name: node.name.clone(), op: node.op.name(), why: why.clone() }),
        Place::Chip | Place::Cut => None,
    });
    Report {
        model: args.model.model.clone(),
        geometry: geometry.name,
        digit_bits: geometry.digit_bits,
        reduce_columns: geometry.reduce_columns,
        gating: args.model.target.gating,
        macs: layers.iter().map(|layer| layer.macs).sum(),
        total_cycles: cycles(all.total()),
        bound_cycles: cycles(all.bound),
        losses: losses(&all),
        traffic: Traffic::of(compiled),
        layers: layers
            .iter()
            .map(|LayerSlots { name, bands, layer, output, macs, instrs, slots, idle_columns }| LayerReport {
                name: (*name).to_owned(),
                bands: *bands,
                op: layer.op,
                split: layer.split,
                output: *output,
                macs: *macs,
                cycles: cycles(slots.total()),
                bound_cycles: cycles(slots.bound),
                losses: losses(slots),
                monitor: decisions(instrs, records),
                idle_columns_percent: *idle_columns,
            })
            .collect(),
        host: host.collect(),
    }
}

fn print(report: &Report) {
    let name = |cause: &Cause| serde_json::to_value(cause).ok().and_then(|v| v.as_str().map(str::to_owned));
    let causes: Vec<Cause> = report.losses.keys().copied().collect();
    let mut header = vec!["layer".to_owned(), "split".into(), "cycles".into(), "bound".into(), "%".into()];
    header.extend(causes.iter().filter_map(name).map(|name| name.replace('_', " ")));
    let mut table = output::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    let row = |name: String, split: String, cycles: f64, bound: f64, losses: &Losses| {
        let mut cells = vec![name, split, format!("{cycles:.0}"), format!("{bound:.0}"), percent(bound, cycles)];
        cells.extend(
            causes.iter().map(|cause| losses.get(cause).map_or(String::new(), |cycles| format!("{cycles:.0}"))),
        );
        cells
    };
    for layer in &report.layers {
        let split = format!("{:?}", layer.split).to_lowercase();
        table.add_row(row(
            roofline::title(&layer.name, layer.bands),
            split,
            layer.cycles,
            layer.bound_cycles,
            &layer.losses,
        ));
    }
    let all = match report.traffic.batch {
        1 => "all".to_owned(),
        _ => format!("all of {}", report.traffic.every()),
    };
    table.add_row(row(all, String::new(), report.total_cycles, report.bound_cycles, &report.losses));
    let mut share = vec!["%".to_owned(), String::new(), percent(report.total_cycles, report.total_cycles)];
    share.extend([percent(report.bound_cycles, report.total_cycles), String::new()]);
    share.extend(report.losses.values().map(|&cycles| percent(cycles, report.total_cycles)));
    table.add_row(share);
    say!("{table}");
    print_decisions(report);
    for (what, cost) in report.traffic.lines() {
        say!("{what}: {cost}");
    }
    for node in &report.host {
        say!("{} '{}' runs on the host: {}", node.op, node.name, node.why);
    }
}

fn print_decisions(report: &Report) {
    let monitored = report.layers.iter().filter_map(|layer| Some((&layer.name, layer.monitor?)));
    let mut table = output::table(&["monitored layer", "batches", "gated", "second gate", "crossings"]);
    for (name, Decisions { batches, gated, second, crossings }) in monitored {
        let counts = [batches, gated, second, crossings].map(|count| count.to_string());
        table.add_row([vec![name.clone()], counts.to_vec()].concat());
    }
    if !table.is_empty() {
        say!("{table}");
    }
}

fn percent(part: f64, whole: f64) -> String {
    if whole == 0.0 { String::new() } else { format!("{:.1}", 100.0 * part / whole) }
}
