//! `lacuna bench --models`: every network of a folder, beside its bound and another runtime's answers.

use std::path::{Path, PathBuf};
use std::time::Instant;

use lacuna_compiler::backend::Compiled;
use lacuna_compiler::reference::{State, Value};
use lacuna_driver::transport::GoldenDevice;
use lacuna_driver::{Device, DeviceError, FrameReport, Session};
use serde::Serialize;

use super::bench::BenchArgs;
use crate::check::Tally;
use crate::device::{DeviceArg, open};
use crate::error::CliError;
use crate::model::{BatchArg, import, samples};
use crate::output;
use crate::roofline::{self, Slots};
use crate::traffic::Traffic;
use crate::vectors::Vectors;

/// A network at one digit width.
#[derive(Debug, Serialize)]
struct Row {
    model: String,
    digit_bits: usize,
    /// Why it has no figures.
    error: Option<String>,
    #[serde(flatten)]
    measured: Option<Measured>,
}

/// What a network took.
#[derive(Debug, Serialize)]
struct Measured {
    frames: usize,
    /// Multiply-accumulates of a frame on the chip.
    macs: u64,
    /// Operators of a frame that run on the host.
    host_operators: usize,
    /// Mean of the frames.
    cycles: f64,
    /// Of the digits that these frames have: mean of the frames.
    bound_cycles: f64,
    bound_percent: f64,
    #[serde(flatten)]
    traffic: Traffic,
    /// What outputs were compared with.
    oracle: Oracle,
    values: u64,
    mismatches: u64,
    /// Frames whose cycles differ from the golden model's; null where that is the device.
    cycle_mismatches: Option<usize>,
    wall_s: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Oracle {
    /// The answers beside the model.
    File,
    /// The compiler's reference, for want of answers.
    Host,
}

/// Runs every model of a folder at every width.
///
/// # Errors
/// A folder without models; after all rows, the first model that failed or whose answers differ.
pub async fn run(args: &BenchArgs, folder: &Path, device: &DeviceArg) -> Result<(), CliError> {
    let models = models(folder)?;
    let bar = output::progress(models.len() * args.widths.len(), "networks");
    let mut rows = Vec::new();
    let mut errors = Vec::new();
    for model in &models {
        for &width in &args.widths {
            let name = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let measured = measure(args, model, device, width).await;
            let (measured, error) = match measured {
                Ok(measured) => {
                    errors.extend(verdict(&measured).err());
                    (Some(measured), None)
                }
                Err(error) => {
                    let text = causes(&error);
                    errors.push(error);
                    (None, Some(text))
                }
            };
            rows.push(Row { model: name, digit_bits: width, error, measured });
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    if args.json {
        output::json(&serde_json::json!({
            "models": folder,
            "device": device.to_string(),
            "geometry": args.target.geometry()?.name,
            "gating": args.target.gating,
            "networks": rows,
        }));
    } else {
        print(&rows);
    }
    let failed = errors.len();
    match errors.into_iter().next() {
        Some(first) => Err(CliError::Bench { failed, rows: rows.len(), first: Box::new(first) }),
        None => Ok(()),
    }
}

/// The models of a folder, by name.
fn models(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let file = |source| CliError::File { verb: "read", path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(file)? {
        let path = entry.map_err(file)?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if ending == "onnx" || ending == "tflite" {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(CliError::Input { path: folder.to_owned(), reason: "holds no .tflite or .onnx file".into() });
    }
    Ok(found)
}

fn verdict(measured: &Measured) -> Result<(), CliError> {
    Tally { values: measured.values, mismatches: measured.mismatches }.verdict(match measured.oracle {
        Oracle::File => "the answers beside the model",
        Oracle::Host => "the compiler's reference",
    })?;
    let mismatches = measured.cycle_mismatches.unwrap_or(0) as u64;
    Tally { values: measured.frames as u64, mismatches }.verdict("the golden model's cycle counts")
}

/// An error with its causes, on one line.
fn causes(error: &CliError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

async fn measure(args: &BenchArgs, model: &Path, device: &DeviceArg, width: usize) -> Result<Measured, CliError> {
    let mut target = args.target.clone();
    target.digit_bits = Some(width);
    let graph = import(model)?;
    let Vectors { mut frames, answers } = Vectors::read(&model.with_extension("npz"), &graph)?;
    let compile = |batch| target.compile(model, graph.clone(), samples(&frames, args.limit as usize), batch);
    let compiled = match compile(args.batch) {
        // The table says which networks run frame by frame.
        Err(CliError::Fit(error)) if error.is_about_batches() => compile(BatchArg::default()),
        other => other,
    }?;
    frames.truncate(args.limit as usize);
    // Whole batches only, if there is one.
    frames.truncate((frames.len() / compiled.batch).max(1).saturating_mul(compiled.batch));

    let mut golden = GoldenDevice::new(compiled.geometry).with_reports();
    let started = Instant::now();
    let expected = run_on(&mut golden, &compiled, &frames).await?;
    let mut wall_s = started.elapsed().as_secs_f64();
    let (mut reports, mut cycle_mismatches) = (expected, None);
    if *device != DeviceArg::Golden {
        let mut device = open(device, compiled.geometry).await?;
        let started = Instant::now();
        let measured = run_on(device.as_mut(), &compiled, &frames).await?;
        wall_s = started.elapsed().as_secs_f64();
        cycle_mismatches = Some(measured.iter().zip(&reports).filter(|(a, b)| a.cycles != b.cycles).count());
        reports = measured;
    }

    let (oracle, answers) = match answers {
        Some(answers) => (Oracle::File, answers),
        None => (Oracle::Host, host_answers(&compiled, &frames)?),
    };
    let mut tally = Tally::default();
    for (report, answer) in reports.iter().zip(&answers) {
        tally.compare(&report.outputs, answer);
    }
    let count = frames.len() as f64;
    let cycles = reports.iter().step_by(compiled.batch).map(|report| report.cycles).sum::<u64>() as f64 / count;
    let runs = golden.take_reports();
    let mut slots = Slots::default();
    for frame in runs.chunks(compiled.programs().count().max(1)) {
        for layer in roofline::layers(&compiled, frame) {
            slots.merge(&layer.slots);
        }
    }
    let slots_a_cycle = compiled.geometry.tiles * compiled.geometry.lanes;
    let bound_cycles = slots.bound as f64 / slots_a_cycle as f64 / count;
    Ok(Measured {
        frames: frames.len(),
        macs: compiled.macs(),
        host_operators: compiled.host_nodes().count(),
        cycles,
        bound_cycles,
        bound_percent: if cycles > 0.0 { 100.0 * bound_cycles / cycles } else { 0.0 },
        traffic: Traffic::of(&compiled),
        oracle,
        values: tally.values,
        mismatches: tally.mismatches,
        cycle_mismatches,
        wall_s,
    })
}

async fn run_on(
    device: &mut dyn Device,
    compiled: &Compiled,
    frames: &[Vec<Value>],
) -> Result<Vec<FrameReport>, CliError> {
    let mut reports = Vec::with_capacity(frames.len());
    Session::load(device, compiled).await?.run(frames.iter().cloned(), |report| reports.push(report)).await?;
    Ok(reports)
}

fn host_answers(compiled: &Compiled, frames: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, CliError> {
    let mut state = State::new(compiled.uncut());
    let answer = |frame: &Vec<Value>| state.run(compiled.uncut(), frame).map_err(|e| DeviceError::Frame(e).into());
    frames.iter().map(answer).collect()
}

fn print(rows: &[Row]) {
    let header = [
        "network",
        "bits",
        "batch",
        "MAC",
        "on host",
        "sent",
        "cycles",
        "bound",
        "% of bound",
        "outputs equal",
        "wall s",
    ];
    let mut table = output::table(&header);
    for row in rows {
        let mut cells = vec![row.model.clone(), row.digit_bits.to_string()];
        match (&row.measured, &row.error) {
            (Some(m), _) => cells.extend([
                m.traffic.batch.to_string(),
                m.macs.to_string(),
                m.host_operators.to_string(),
                m.traffic.bytes_a_frame().to_string(),
                format!("{:.0}", m.cycles),
                format!("{:.0}", m.bound_cycles),
                format!("{:.1}", m.bound_percent),
                format!("{} of {}", m.values - m.mismatches, m.values),
                format!("{:.2}", m.wall_s),
            ]),
            (None, error) => cells.extend(error.clone()),
        }
        table.add_row(cells);
    }
    say!("{table}");
}
