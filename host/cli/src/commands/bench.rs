//! `lacuna bench`: cycles by gating mode and digit width, and the speed of the simulated chip.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use lacuna_compiler::backend::Compiled;
use lacuna_compiler::reference::Value;
use lacuna_driver::{FrameReport, Session};
use serde::Serialize;

use super::bench_models;
use super::inspect::layer_cycles;
use crate::device::{DeviceArg, open};
use crate::error::CliError;
use crate::model::{BatchArg, GatingArg, TargetArgs, import, samples};
use crate::{input, output};

/// Cycles of a bit-serial array for one row of an int8 vector.
const BIT_SERIAL: usize = 8;

/// Measure a model, or a folder of models, for each digit width.
///
/// MODEL runs in each gating mode, whose answers must agree. `--models DIR` runs every .tflite and .onnx file in DIR on the inputs
/// in the .npz file of the same name and compares with the answers there.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// int8 model: ONNX (`QOperator` or QDQ) or TensorFlow Lite.
    #[arg(required_unless_present = "models")]
    model: Option<PathBuf>,

    #[command(flatten)]
    pub target: TargetArgs,

    #[command(flatten)]
    pub batch: BatchArg,

    /// Inputs of MODEL to run.
    #[arg(long, value_name = "FILE", required_unless_present = "models")]
    input: Option<PathBuf>,

    /// A folder of models, each with its inputs and answers: `NAME.npz` beside `NAME.tflite`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "input", "calibration"])]
    models: Option<PathBuf>,

    /// Run only the first N frames of each.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,

    /// Where to run: sim or golden; sim for MODEL and golden for DIR if not given.
    #[arg(long)]
    device: Option<DeviceArg>,

    /// Digit widths to measure.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 4, 8])]
    pub widths: Vec<usize>,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// One digit width.
#[derive(Debug, Serialize)]
struct Width {
    digit_bits: usize,
    /// Cycles of the convolutions, mean of the frames, by gating mode.
    array_off: u64,
    array_row: u64,
    array_digit: u64,
    /// `array_off / array_digit`.
    speedup: f64,
    /// The same against the 8 cycles a row of a bit-serial array.
    speedup_bit_serial: f64,
    /// Cycles a frame in gating mode digit.
    frame_digit: u64,
    /// Outputs that differ between the modes.
    mismatches: u64,
    /// Cycles clocked a second of wall time while frames stream, all modes; `null` unless the device counts them.
    cycles_per_s: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// A model, input or device that fails; modes that disagree; answers that differ.
pub async fn run(args: BenchArgs) -> Result<(), CliError> {
    if let Some(folder) = &args.models {
        return bench_models::run(&args, folder, args.device.as_ref().unwrap_or(&DeviceArg::Golden)).await;
    }
    if args.batch.get() > 1 {
        return Err(CliError::Usage("--batch is for --models; `lacuna run --batch N` tells the cycles of one".into()));
    }
    let (Some(model), Some(input)) = (&args.model, &args.input) else {
        return Err(CliError::Usage("give MODEL and --input, or --models".into()));
    };
    let device = args.device.as_ref().unwrap_or(&DeviceArg::Sim);
    let mut rows = Vec::new();
    for &width in &args.widths {
        rows.push(measure(&args, model, input, device, width).await?);
    }
    if args.json {
        output::json(&serde_json::json!({ "model": model, "device": device.to_string(), "rows": rows }));
    } else {
        print(&rows);
    }
    let mismatches = rows.iter().map(|r| r.mismatches).sum::<u64>();
    crate::check::Tally { values: rows.len() as u64, mismatches }.verdict("another gating mode's outputs")
}

async fn measure(
    args: &BenchArgs,
    model: &Path,
    input: &Path,
    device: &DeviceArg,
    width: usize,
) -> Result<Width, CliError> {
    let mut target = args.target.clone();
    target.digit_bits = Some(width);
    let mut arrays = [0; 3];
    let mut frame_digit = 0;
    let mut outputs: Vec<Vec<Vec<Value>>> = Vec::new();
    let (mut cycles, mut seconds) = (Some(0), 0.0);
    for (slot, gating) in arrays.iter_mut().zip([GatingArg::Off, GatingArg::Row, GatingArg::Digit]) {
        target.gating = gating;
        let graph = import(model)?;
        let mut frames = input::read(input)?.frames(&graph, input)?;
        let compiled = target.compile(model, graph, samples(&frames, args.limit as usize), BatchArg::default())?;
        frames.truncate(args.limit as usize);
        let mut device = open(device, compiled.geometry).await?;
        let mut answers = Vec::new();
        let mut session = Session::load(device.as_mut(), &compiled).await?.with_profile();
        let (before, started) = (session.simulated(), Instant::now());
        session.run(frames, |answer: FrameReport| answers.push(answer)).await?;
        seconds += started.elapsed().as_secs_f64();
        cycles = cycles.zip(session.simulated()).zip(before).map(|((sum, now), before)| sum + now - before);
        let count = answers.len().max(1) as u64;
        *slot = answers.iter().map(|a| array_cycles(&compiled, a)).sum::<u64>() / count;
        frame_digit = answers.iter().map(|a| a.cycles).sum::<u64>() / count;
        outputs.push(answers.into_iter().map(|a| a.outputs).collect());
    }
    let [array_off, array_row, array_digit] = arrays;
    let speedup = array_off as f64 / array_digit.max(1) as f64;
    let differ = |other: &Vec<Vec<Value>>| outputs[0].iter().zip(other).filter(|(a, b)| a != b).count() as u64;
    Ok(Width {
        digit_bits: width,
        array_off,
        array_row,
        array_digit,
        speedup,
        speedup_bit_serial: speedup * (BIT_SERIAL * width / 8) as f64,
        frame_digit,
        mismatches: differ(&outputs[1]) + differ(&outputs[2]),
        cycles_per_s: cycles.map(|cycles| cycles as f64 / seconds),
    })
}

/// Cycles of a frame's convolutions, each from its first start to its last write.
fn array_cycles(compiled: &Compiled, answer: &FrameReport) -> u64 {
    let layers = compiled.programs().flat_map(|p| &p.layers).filter(|l| l.op == "Conv");
    layers.map(|layer| u64::from(layer_cycles(layer, answer))).sum()
}

fn print(rows: &[Width]) {
    let header = [
        "digit bits",
        "conv cycles: off",
        "row",
        "digit",
        "off / digit",
        "bit-serial / digit",
        "cycles a frame",
        "simulated cycles/s",
    ];
    let mut table = output::table(&header);
    for r in rows {
        table.add_row([
            r.digit_bits.to_string(),
            r.array_off.to_string(),
            r.array_row.to_string(),
            r.array_digit.to_string(),
            format!("{:.2}x", r.speedup),
            format!("{:.2}x", r.speedup_bit_serial),
            r.frame_digit.to_string(),
            r.cycles_per_s.map_or_else(String::new, |speed| format!("{speed:.0}")),
        ]);
    }
    say!("{table}");
}
