//! `lacuna run`: a model on inputs, on any device.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use lacuna_compiler::reference::{State, Value};
use lacuna_driver::{FrameReport, Session};
use serde::Serialize;

use crate::answers::{Outside, outputs};
use crate::check::{Reference, Tally};
use crate::device::{DeviceArg, open, open_first};
use crate::error::CliError;
use crate::model::{BatchArg, GatingArg, ModelArgs};
use crate::traffic::Traffic;
use crate::{input, output};

/// Run a model on inputs.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    batch: BatchArg,

    /// Inputs: .npy, .npz, .png or .idx; one frame or a batch; those of several inputs in an .npz with arrays x0, x1, ….
    #[arg(long, value_name = "FILE")]
    input: PathBuf,

    /// Run only the first N frames.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Where to run: sim, golden, serial:PATH or tcp:ADDRESS.
    #[arg(long, default_value = "sim")]
    device: DeviceArg,

    /// Compare every output with the golden model and the reference executor.
    #[arg(long)]
    check: bool,

    /// Compare every output with another runtime's, from an .npz with arrays y0, y1, ….
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,

    /// Print one JSON object: frames, outputs, mismatches, cycles (of each batch, which is a frame if not given), `wall_s`.
    #[arg(long)]
    json: bool,

    /// Draw each frame and its prediction.
    #[arg(long)]
    draw: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    model: PathBuf,
    device: String,
    geometry: &'static str,
    digit_bits: usize,
    gating: GatingArg,
    frames: usize,
    outputs: Vec<Vec<Outside>>,
    values: u64,
    mismatches: u64,
    cycles: Vec<u64>,
    cycle_mismatches: u64,
    #[serde(flatten)]
    traffic: Traffic,
    accuracy: Option<f64>,
    wall_s: f64,
}

/// Runs the command.
///
/// # Errors
/// A model, input or device that fails; answers that differ from an oracle.
pub async fn run(mut args: RunArgs) -> Result<(), CliError> {
    let present = open_first(&args.device).await?;
    args.model.target.found = present.as_ref().map(|device| device.geometry());
    let file = input::read(&args.input)?;
    let graph = args.model.import()?;
    let mut frames = file.frames(&graph, &args.input)?;
    let compiled = args.model.compile(graph, &frames, args.limit.unwrap_or(usize::MAX), args.batch)?;
    let graph = compiled.uncut();
    frames.truncate(args.limit.unwrap_or(usize::MAX));
    let oracle = args.reference.as_deref().map(|path| Reference::read(path, graph)).transpose()?;

    let mut device = match present {
        Some(device) => device,
        None => open(&args.device, compiled.geometry).await?,
    };
    let bar = output::progress(frames.len(), "frames");
    let started = Instant::now();
    let mut answers: Vec<FrameReport> = Vec::with_capacity(frames.len());
    let mut session = Session::load(device.as_mut(), &compiled).await?;
    if args.check {
        session = session.with_profile();
    }
    session
        .run(frames.iter().cloned(), |answer| {
            answers.push(answer);
            bar.inc(1);
        })
        .await?;
    let wall_s = started.elapsed().as_secs_f64();
    bar.finish_and_clear();

    let (golden, cycle_mismatches) =
        if args.check { check(&compiled, &frames, &answers).await? } else { (Tally::default(), 0) };
    let mut other = Tally::default();
    if let Some(oracle) = &oracle {
        for (index, answer) in answers.iter().enumerate() {
            other.compare(&answer.outputs, oracle.row(index)?);
        }
    }
    let accuracy = file.labels.as_ref().map(|labels| accuracy(&answers, labels));
    let report = Report {
        model: args.model.model.clone(),
        device: args.device.to_string(),
        geometry: compiled.geometry.name,
        digit_bits: compiled.geometry.digit_bits,
        gating: args.model.target.gating,
        frames: answers.len(),
        outputs: answers.iter().map(|answer| outputs(graph, answer).map(|(_, value)| value).collect()).collect(),
        values: golden.values + other.values,
        mismatches: golden.mismatches + other.mismatches,
        cycles: answers.iter().step_by(compiled.batch).map(|a| a.cycles).collect(),
        cycle_mismatches,
        traffic: Traffic::of(&compiled),
        accuracy,
        wall_s,
    };
    if args.json {
        output::json(&report);
    } else {
        super::run_text::print(
            graph,
            &report_lines(&report, &golden, &other, &args),
            args.draw.then(|| report.traffic.every()),
            &frames,
            &answers,
            file.labels.as_deref(),
        );
    }
    if args.check {
        golden.verdict("the golden model")?;
        Tally { values: report.cycles.len() as u64, mismatches: cycle_mismatches }
            .verdict("the golden model's cycle counts")?;
    }
    if oracle.is_some() {
        other.verdict("the reference outputs")?;
    }
    Ok(())
}

/// Runs the frames on the golden model and on the host, and compares outputs, cycles and the record of
/// every instruction.
async fn check(
    compiled: &lacuna_compiler::backend::Compiled,
    frames: &[Vec<Value>],
    answers: &[FrameReport],
) -> Result<(Tally, u64), CliError> {
    let bar = output::progress(frames.len(), "golden");
    let mut device = open(&DeviceArg::Golden, compiled.geometry).await?;
    let mut golden = Vec::with_capacity(frames.len());
    Session::load(device.as_mut(), compiled)
        .await?
        .with_profile()
        .run(frames.iter().cloned(), |answer| {
            golden.push(answer);
            bar.inc(1);
        })
        .await?;
    bar.finish_and_clear();
    let mut tally = Tally::default();
    let mut cycles = 0;
    let mut state = State::new(compiled.uncut());
    for (index, ((frame, ours), golden)) in frames.iter().zip(answers).zip(&golden).enumerate() {
        tally.compare(&ours.outputs, &golden.outputs);
        let host = state.run(compiled.uncut(), frame).map_err(lacuna_driver::DeviceError::Frame)?;
        tally.compare(&ours.outputs, &host);
        let costs = index % compiled.batch == 0 && (ours.cycles != golden.cycles || ours.profile != golden.profile);
        cycles += u64::from(costs);
    }
    Ok((tally, cycles))
}

/// The class of the largest output, the first of equals, or the one that the network names itself.
#[must_use]
pub fn prediction(answer: &FrameReport) -> Option<usize> {
    let best = |v: Vec<f32>| (0..v.len()).rev().max_by(|&a, &b| v[a].total_cmp(&v[b]));
    match answer.outputs.first()? {
        Value::I8(v) => best(v.iter().map(|&x| f32::from(x)).collect()),
        Value::F32(v) => best(v.clone()),
        Value::I64(v) => v.first().filter(|_| v.len() == 1).and_then(|&class| usize::try_from(class).ok()),
    }
}

fn accuracy(answers: &[FrameReport], labels: &[u8]) -> f64 {
    let right = answers.iter().zip(labels).filter(|(answer, label)| prediction(answer) == Some(usize::from(**label)));
    right.count() as f64 / answers.len().min(labels.len()).max(1) as f64
}

fn report_lines(report: &Report, golden: &Tally, other: &Tally, args: &RunArgs) -> Vec<(String, String)> {
    let mut lines = vec![("frames".to_owned(), report.frames.to_string())];
    if let Some(accuracy) = report.accuracy {
        lines.push(("accuracy".into(), format!("{:.1} %", 100.0 * accuracy)));
    }
    let (least, most) = (report.cycles.iter().min().unwrap_or(&0), report.cycles.iter().max().unwrap_or(&0));
    let mean = |of: usize| report.cycles.iter().sum::<u64>() / of.max(1) as u64;
    let batches = format!("{} ({least} to {most})", mean(report.cycles.len()));
    if report.traffic.batch > 1 {
        lines.push(("cycles a frame".into(), mean(report.frames).to_string()));
    }
    lines.push((format!("cycles {}", report.traffic.every()), batches));
    lines.extend(report.traffic.lines());
    let equal = |tally: &Tally| format!("{} of {} outputs equal", tally.values - tally.mismatches, tally.values);
    if args.check {
        lines.push(("golden model and host".into(), equal(golden)));
        let batches = report.cycles.len() as u64;
        let what = if report.traffic.batch > 1 { "batches" } else { "frames" };
        lines.push((
            "golden cycles".into(),
            format!("{} of {batches} {what} equal, layer by layer", batches - report.cycle_mismatches),
        ));
    }
    if let Some(path) = &args.reference {
        lines.push((path.display().to_string(), equal(other)));
    }
    lines.push(("wall time".into(), format!("{:.2} s on {}", report.wall_s, report.device)));
    lines
}
