//! `lacuna link-test`: what the link does with a line that is bad, or gone.

use clap::Args;
use lacuna_driver::DeviceError;
use lacuna_driver::link::Decoder;
use lacuna_driver::trial::{
    ClosedReport, CommandsReport, CutReport, Damage, Duplex, Faults, FramesReport, GoldenEnd, Receiver, Recovery,
    StreamReport, Watched, Way, closed_pipes, commands_on_a_bad_line, corrupted_frames, silent_cuts, streamed_tensors,
};
use lacuna_spec::Geometry;
use lacuna_spec::frame::{CRC_BYTES, Shape};
use serde::Serialize;

use crate::error::CliError;
use crate::output;

/// Tensors to stream: so many that the way of the first and the last frame does not show.
const TENSORS: u64 = 200;
/// Bytes of each: a small picture.
const TENSOR_BYTES: usize = 3_072;

/// Try the link on a line that is bad, or gone: every command must run exactly once, whatever the line does.
///
/// Both ends run in this process, in virtual time: the host's, and the golden model of the chip's, which the RTL
/// equals. The same seed gives the same run. Ends with exit code 1 if a claim fails.
#[derive(Debug, Args)]
pub struct LinkTestArgs {
    /// Corrupted frames for each of the two decoders.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    frames: u64,

    /// Commands to send over the bad line.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    commands: u64,

    /// Share of frames lost.
    #[arg(long, value_name = "SHARE", default_value_t = Faults::BAD.drop, value_parser = share)]
    drop: f64,

    /// Share of frames that come twice.
    #[arg(long, value_name = "SHARE", default_value_t = Faults::BAD.duplicate, value_parser = share)]
    duplicate: f64,

    /// Share of frames overtaken by up to four later ones.
    #[arg(long, value_name = "SHARE", default_value_t = Faults::BAD.reorder, value_parser = share)]
    reorder: f64,

    /// Share of bits inverted.
    #[arg(long, value_name = "SHARE", default_value_t = Faults::BAD.flip, value_parser = share)]
    bit_errors: f64,

    /// Share of bytes that begin a burst of noise.
    #[arg(long, value_name = "SHARE", default_value_t = Faults::BAD.burst, value_parser = share)]
    burst: f64,

    /// Share of frames before which the line stands still for a while.
    #[arg(long, value_name = "SHARE", default_value_t = Faults::BAD.stall, value_parser = share)]
    stall: f64,

    /// Whose link: nano, small, medium, base or wide.
    #[arg(long, value_name = "NAME", default_value = "base")]
    geometry: String,

    /// Makes the run another one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A chance that leaves something to arrive.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=0.5).contains(&share) { Ok(share) } else { Err(format!("{share} is no share from 0 to 0.5")) }
}

#[derive(Debug, Serialize)]
struct DecoderReport {
    decoder: &'static str,
    #[serde(flatten)]
    report: FramesReport,
}

#[derive(Debug, Serialize)]
struct Report {
    geometry: &'static str,
    seed: u64,
    faults: Faults,
    frames: Vec<DecoderReport>,
    commands: CommandsReport,
    streams: Vec<StreamReport>,
    cuts: Vec<CutReport>,
    closed: ClosedReport,
    failed: Vec<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Claims`] when one of them fails; an unknown geometry.
pub async fn run(args: &LinkTestArgs) -> Result<(), CliError> {
    let geometry = Geometry::preset(&args.geometry).map_err(|e| CliError::Usage(e.to_string()))?;
    let shape = Shape::of(&geometry);
    let faults = Faults {
        flip: args.bit_errors,
        burst: args.burst,
        drop: args.drop,
        duplicate: args.duplicate,
        reorder: args.reorder,
        stall: args.stall,
        ..Faults::NONE
    };
    let receivers: [(&str, Box<dyn Receiver>); 2] = [
        ("host", Box::new(Decoder::default())),
        ("chip", Box::new(lacuna_golden::link::Decoder::new(shape.slot_bytes))),
    ];
    let longest = shape.slot_bytes - CRC_BYTES;
    let mut frames = Vec::new();
    for (decoder, mut receiver) in receivers {
        let bar = output::progress(args.frames as usize, "corrupted frames");
        let reports = corrupted_frames(&mut *receiver, args.frames, longest, args.seed, |done| bar.set_position(done));
        bar.finish_and_clear();
        frames.extend(reports.into_iter().map(|report| DecoderReport { decoder, report }));
    }
    let bar = output::progress(args.commands as usize, "commands on a bad line");
    let mut chip = GoldenEnd::new(shape);
    let commands = commands_on_a_bad_line(&mut chip, faults, args.commands, args.seed, |done| bar.set_position(done));
    bar.finish_and_clear();
    let streams =
        Way::all(&shape).map(|way| streamed_tensors(&mut GoldenEnd::new(shape), way, TENSORS, TENSOR_BYTES, args.seed));
    let streams: Vec<_> =
        streams.collect::<Result<_, _>>().map_err(|error| DeviceError::Simulation(error.to_string()))?;
    let cuts = silent_cuts(|| Box::new(GoldenEnd::new(shape)), args.seed);

    let watched = Watched::new(shape);
    let dialer = Duplex::new(watched.clone());
    let closed = closed_pipes(dialer, &watched, 1).await;
    let closed = closed.map_err(|error| DeviceError::Simulation(error.to_string()))?;

    let claims = [
        ("corrupted frames", frames.iter().all(|row| row.report.holds())),
        ("commands on a bad line", commands.holds()),
        ("tensors on a sound line", streams.iter().all(StreamReport::holds)),
        ("lines that die", cuts.iter().all(CutReport::holds)),
        ("pipes that close", closed.holds()),
    ];
    let failed: Vec<_> = claims.iter().filter(|(_, holds)| !holds).map(|(name, _)| *name).collect();
    let report =
        Report { geometry: geometry.name, seed: args.seed, faults, frames, commands, streams, cuts, closed, failed };
    if args.json {
        output::json(&report);
    } else {
        print(&report);
    }
    if report.failed.is_empty() { Ok(()) } else { Err(CliError::Claims(report.failed.join(", "))) }
}

fn print(report: &Report) {
    let mut table = output::table(&["decoder", "corruption", "frames", "undetected", "out of step after it"]);
    for row in &report.frames {
        let FramesReport { kind, frames, undetected, out_of_step, .. } = row.report;
        table.add_row(
            [row.decoder, kind]
                .map(str::to_owned)
                .into_iter()
                .chain([frames, undetected, out_of_step].map(|n| n.to_string())),
        );
    }
    say!("{table}\n");

    let c = &report.commands;
    let mut table = output::table(&["commands on a bad line", "", "the line, both ways", ""]);
    let damage = |count: fn(&Damage) -> u64| c.damage.iter().map(count).sum::<u64>().to_string();
    let rows = [
        ("sent", c.commands.to_string(), "frames", damage(|d| d.frames)),
        ("executed exactly once", c.once.to_string(), "frames lost", damage(|d| d.dropped)),
        ("executed more than once", c.repeated.to_string(), "frames doubled", damage(|d| d.duplicated)),
        ("not executed", c.missing.to_string(), "frames overtaken", damage(|d| d.reordered)),
        ("in order", c.in_order.to_string(), "bits inverted", damage(|d| d.flips)),
        ("wrong answers", c.wrong.to_string(), "bursts", damage(|d| d.bursts)),
        ("never answered", c.unanswered.to_string(), "standstills", damage(|d| d.stalls)),
        ("seconds at 3 Mbaud", format!("{:.1}", c.seconds), "requests repeated", c.traffic.repeated.to_string()),
    ];
    for (what, value, line, damage) in rows {
        table.add_row([what.to_owned(), value, line.to_owned(), damage]);
    }
    say!("{table}");
    if let Some(error) = &c.error {
        say!("the link gave up: {error}");
    }

    let mut table =
        output::table(&["tensors on a sound line", "bytes each", "seconds at 3 Mbaud", "share of 8N1", "wrong"]);
    for row in &report.streams {
        let way = match row.way {
            Way::In => "to the chip",
            Way::Out => "from the chip",
            Way::Both => "both ways at once",
            Way::Resting => "in, three bytes in four at rest",
        };
        table.add_row([
            format!("{} {way}", row.tensors),
            row.tensor_bytes.to_string(),
            format!("{:.2}", row.seconds),
            format!("{:.1} %", 100.0 * row.share),
            row.wrong.to_string(),
        ]);
    }
    say!("\n{table}");

    let mut table = output::table(&[
        "the line dies",
        "error after ms",
        "two time-outs",
        "then",
        "ms",
        "repeated",
        "lost",
        "wrong",
        "holds",
    ]);
    for cut in &report.cuts {
        let then = match cut.recovery {
            Recovery::Resume => "resumed",
            Recovery::NewSession => "new session",
        };
        table.add_row([
            cut.state.to_owned(),
            cut.error.as_ref().map_or_else(|| "none".to_owned(), |_| format!("{:.0}", cut.error_ms)),
            format!("{:.0}", cut.limit_ms),
            then.to_owned(),
            cut.recovered_ms.map_or_else(|| "never".to_owned(), |ms| format!("{ms:.0}")),
            cut.repeated.to_string(),
            cut.lost.to_string(),
            cut.wrong.to_string(),
            if cut.holds() { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    say!("\n{table}");

    let c = &report.closed;
    let [to, from] = c.positions;
    say!(
        "\na pipe closed after each of the {to} bytes of a transfer to the chip and {from} from it: `Disconnected` after \
         {:.0} ms at most; opened again, {} transfers went on, {} spoiled, {} failed",
        c.error_ms,
        c.resumed,
        c.spoiled,
        c.failed
    );
}
