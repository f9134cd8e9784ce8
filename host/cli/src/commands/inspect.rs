//! `lacuna inspect`: a model's layers, layout, pages and expected cycles.

use std::path::PathBuf;

use clap::Args;
use lacuna_compiler::backend::{Compiled, Layer};
use lacuna_compiler::graph::Place;
use lacuna_compiler::reference::Value;
use lacuna_driver::{FrameReport, Session};
use serde::Serialize;

use crate::device::{DeviceArg, open};
use crate::error::CliError;
use crate::model::{BatchArg, ModelArgs};
use crate::traffic::Traffic;
use crate::{input, output, roofline};

/// Show a model's layers, layout, pages and expected cycles.
#[derive(Debug, Args)]
pub struct InspectArgs {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    batch: BatchArg,

    /// Frame that expected cycles are taken on; without it, cycles of the all-zero input, a lower bound.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Print one JSON object with `layers`.
    #[arg(long)]
    json: bool,
}

/// One row of the listing.
#[derive(Debug, Serialize)]
pub struct LayerReport {
    name: String,
    /// In how many bands it runs.
    bands: usize,
    op: &'static str,
    /// `rows` or `blocks`, or why it runs on the host.
    place: String,
    output: Vec<usize>,
    macs: u64,
    pages: usize,
    instructions: usize,
    moves: usize,
    /// From the layer's first start to its last write, summed over its bands, on the golden model, which is cycle-exact.
    pub expected_cycles: u32,
}

#[derive(Debug, Serialize)]
struct Report {
    model: PathBuf,
    geometry: &'static str,
    digit_bits: usize,
    pages_used: usize,
    pages: usize,
    tile_bytes_used: usize,
    tile_bytes: usize,
    instructions_used: usize,
    instructions: usize,
    #[serde(flatten)]
    traffic: Traffic,
    expected_cycles: u64,
    layers: Vec<LayerReport>,
}

/// Runs the command.
///
/// # Errors
/// A model or input that fails.
pub async fn run(args: &InspectArgs) -> Result<(), CliError> {
    let graph = args.model.import()?;
    let mut frames = match &args.input {
        Some(path) => input::read(path)?.frames(&graph, path)?,
        None => Vec::new(),
    };
    let compiled = args.model.compile(graph, &frames, args.batch.get(), args.batch)?;
    frames.truncate(compiled.batch);
    if frames.is_empty() {
        frames.push(zeros(&compiled));
    }
    let answer = golden_profile(&compiled, frames).await?;
    let report = report(args, &compiled, &answer);
    if args.json {
        output::json(&report);
        return Ok(());
    }
    let mut table = output::table(&["layer", "operator", "place", "output", "MAC", "pages", "instr + moves", "cycles"]);
    for l in &report.layers {
        let shape = l.output.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        table.add_row([
            roofline::title(&l.name, l.bands),
            l.op.to_owned(),
            l.place.clone(),
            shape,
            l.macs.to_string(),
            l.pages.to_string(),
            format!("{} + {}", l.instructions, l.moves),
            l.expected_cycles.to_string(),
        ]);
    }
    say!("{table}");
    say!(
        "{} of {} pages a lane, {} of {} bytes of tile memory, {} of {} instructions, {} cycles {}",
        report.pages_used,
        report.pages,
        report.tile_bytes_used,
        report.tile_bytes,
        report.instructions_used,
        report.instructions,
        report.expected_cycles,
        report.traffic.every()
    );
    for (what, cost) in report.traffic.lines() {
        say!("{what}: {cost}");
    }
    Ok(())
}

fn zeros(compiled: &Compiled) -> Vec<Value> {
    let graph = compiled.uncut();
    let zero = |id: &lacuna_compiler::TensorId| {
        let tensor = graph.tensor(*id);
        match tensor.dtype {
            lacuna_compiler::graph::DType::F32 => Value::F32(vec![0.0; tensor.elements()]),
            _ => Value::I8(vec![tensor.quant.map_or(0, |q| q.zero_point as i8); tensor.elements()]),
        }
    };
    graph.inputs.iter().map(zero).collect()
}

/// Runs the frames of one batch on the golden model with profile records.
///
/// # Errors
/// What the golden model says.
async fn golden_profile(compiled: &Compiled, frames: Vec<Vec<Value>>) -> Result<FrameReport, CliError> {
    let mut device = open(&DeviceArg::Golden, compiled.geometry).await?;
    let mut session = Session::load(device.as_mut(), compiled).await?.with_profile();
    let mut answers = Vec::new();
    session.run(frames, |answer| answers.push(answer)).await?;
    Ok(answers.swap_remove(0))
}

/// Cycles from a layer's first start to its last write.
#[must_use]
pub fn layer_cycles(layer: &Layer, answer: &FrameReport) -> u32 {
    let records = answer.profile.iter().filter(|r| layer.instrs.contains(&r.instruction));
    let (start, end) = records.fold((u32::MAX, 0), |(s, e), r| (s.min(r.start), e.max(r.start + r.cycles)));
    end.saturating_sub(start)
}

fn report(args: &InspectArgs, compiled: &Compiled, answer: &FrameReport) -> Report {
    let on_chip: Vec<&Layer> = compiled.programs().flat_map(|p| &p.layers).collect();
    let graph = &compiled.graph;
    // A layer that runs in bands is one line.
    let first = |index: usize| graph.first_band(index);
    let nodes = graph.nodes.iter().enumerate();
    let nodes = nodes.filter(|&(index, node)| node.place != Place::Cut && first(index) == index);
    let layers = nodes.map(|(index, node)| {
        let output = graph.banded(index).map_or(node.output, |banded| banded.output);
        let output = graph.tensor(output).shape.clone();
        match on_chip.iter().find(|layer| layer.node == index) {
            Some(layer) => {
                let (name, bands) = roofline::name(compiled, layer);
                let all = || on_chip.iter().filter(|layer| first(layer.node) == index);
                LayerReport {
                    name: name.to_owned(),
                    bands,
                    op: layer.op,
                    place: format!("chip, {:?}", layer.split).to_lowercase(),
                    output,
                    macs: all().map(|layer| layer.macs).sum(),
                    pages: layer.pages,
                    instructions: all().map(|layer| layer.instrs.len()).sum(),
                    moves: all().map(|layer| layer.moves.len()).sum(),
                    expected_cycles: all().map(|layer| layer_cycles(layer, answer)).sum(),
                }
            }
            None => LayerReport {
                name: node.name.clone(),
                bands: 1,
                op: node.op.name(),
                place: match &node.place {
                    Place::Host(why) => format!("host: {why}"),
                    Place::Chip | Place::Cut => "view".into(),
                },
                output,
                macs: 0,
                pages: 0,
                instructions: 0,
                moves: 0,
                expected_cycles: 0,
            },
        }
    });
    let geometry = compiled.geometry;
    Report {
        model: args.model.model.clone(),
        geometry: geometry.name,
        digit_bits: geometry.digit_bits,
        pages_used: compiled.tile_pages,
        pages: geometry.pages,
        tile_bytes_used: compiled.tile_bytes,
        tile_bytes: geometry.tile_bytes(),
        instructions_used: compiled.programs().map(|p| p.instrs.len()).sum(),
        instructions: geometry.program_len,
        traffic: Traffic::of(compiled),
        expected_cycles: answer.cycles,
        layers: layers.collect(),
    }
}
