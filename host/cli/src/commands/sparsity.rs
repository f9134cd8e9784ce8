//! `lacuna sparsity`: a study of a model's sparsity, layer by layer.

use std::path::PathBuf;

use clap::Args;
use lacuna_golden::charge::NoiseLevels;
use lacuna_study::{ChargeOptions, EnergyTable, Options, Report};
use serde::Serialize;

use super::sparsity_text;
use crate::error::CliError;
use crate::model::{ModelArgs, import, read_bounded, samples};
use crate::{input, output};

/// Largest energy table that is read.
const TABLE_LIMIT: u64 = 1 << 20;

/// Study a model's sparsity, layer by layer.
///
/// Arrays are stepped by themselves, in the golden model: no feeder, post unit or moves. The digital array tells what each gating
/// mode saves and what the sparsity monitor would decide; the charge-domain array tells how many bits of readout the
/// answers need, gated and ungated. Energies are counts times a table: modelled, not measured.
#[derive(Debug, Args)]
pub struct SparsityArgs {
    #[command(flatten)]
    model: ModelArgs,

    /// Inputs: .npy, .npz, .png or .idx; labels in it give accuracy.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,

    /// Run only the first N frames.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// Frames that the digital array runs, at most.
    #[arg(long, value_name = "N", default_value_t = 4)]
    array_limit: usize,

    /// Vectors of a batch that the monitor measures.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    monitor_batch: u32,

    /// Leave the charge-domain array out.
    #[arg(long)]
    no_charge: bool,

    /// Noise of a conversion, as a share of full scale.
    #[arg(long, value_name = "SIGMA", default_value_t = 0.0)]
    noise: f64,

    /// Offset of a readout, as a share of full scale.
    #[arg(long, value_name = "SIGMA", default_value_t = 0.0)]
    offset: f64,

    /// Seed of noise and offsets.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Energies of events, TOML; see `host/study/src/energy.toml`.
    #[arg(long, value_name = "FILE")]
    energy: Option<PathBuf>,

    /// Write the study with plots as one HTML file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    model: &'a PathBuf,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs the command.
///
/// # Errors
/// A model, input or table that fails; a page that cannot be written.
pub fn run(args: &SparsityArgs) -> Result<(), CliError> {
    let valid = |level: f64| level.is_finite() && level >= 0.0;
    if !valid(args.noise) || !valid(args.offset) {
        return Err(CliError::Usage("noise and offset are shares of full scale; give 0 or more".into()));
    }
    let geometry = args.model.target.geometry()?;
    let path = &args.model.model;
    let graph = import(path)?;
    let read = input::read(&args.input)?;
    let mut frames = read.frames(&graph, &args.input)?;
    let graph = args.model.target.prepare(path, graph, samples(&frames, args.limit.max(1)))?;
    frames.truncate(args.limit.max(1));
    let charge = ChargeOptions { levels: NoiseLevels { conversion: args.noise, offset: args.offset }, seed: args.seed };
    let options = Options {
        geometry,
        array_frames: args.array_limit.max(1),
        batch: args.monitor_batch as usize,
        hysteresis: args.model.target.hysteresis,
        thresholds: (0..=8).map(|eighth| 2 * eighth).chain([17]).collect(),
        energy: energy(args)?,
        charge: (!args.no_charge).then_some(charge),
    };
    let bar = output::progress(0, "studying");
    bar.set_style(indicatif::ProgressStyle::with_template("{spinner} {msg}").expect("a template"));
    let progress = |what: &str| {
        bar.set_message(what.to_owned());
        bar.tick();
    };
    let study = lacuna_study::study(&graph, &frames, read.labels.as_deref(), &options, &progress);
    bar.finish_and_clear();
    let report = study.map_err(|source| CliError::Model { path: args.model.model.clone(), source })?;
    if let Some(path) = &args.html {
        let page = lacuna_study::page(&args.model.model.display().to_string(), &report);
        std::fs::write(path, page).map_err(|source| CliError::File { verb: "write", path: path.clone(), source })?;
    }
    if args.json {
        output::json(&Printed { model: &args.model.model, report: &report });
    } else {
        sparsity_text::print(&report);
    }
    Ok(())
}

fn energy(args: &SparsityArgs) -> Result<EnergyTable, CliError> {
    let Some(path) = &args.energy else { return Ok(EnergyTable::default()) };
    let bytes = read_bounded(path, TABLE_LIMIT)?;
    let wrong = |reason: String| CliError::Input { path: path.clone(), reason };
    let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    EnergyTable::parse(&text).map_err(|error| wrong(error.to_string()))
}
