//! `lacuna reshape`: moves a tensor from one layout to another with the chip's engines.

use std::time::Instant;

use clap::Args;
use lacuna_driver::{Device, bare};
use lacuna_reshape::reference::{self, Tensor};
use lacuna_reshape::{Deal, Layout, Op, Problem, Solution, solve, text};
use lacuna_spec::{Geometry, instr::Instr};
use serde::Serialize;

use crate::device::{self, DeviceArg};
use crate::error::CliError;
use crate::output;

/// Move a tensor from one layout to another with the reshape engines.
///
/// Layouts are SHAPE:ORDER:TYPE@PLACES, such as 1x32x16x16:NHWC@tiles=4 or 1x8192:C16:i8@tiles=2,base=4096. ORDER names dimensions outermost first
/// (N C D H W by rank, or a b c ...); a number behind a name makes a block; what is not named comes first. PLACES are tiles=COUNT, first=TILE,
/// by=DIM (the dimension that the tiles share; `copies`: none) and base=ADDRESS. The host's README has the grammar.
#[derive(Debug, Args)]
pub struct ReshapeArgs {
    /// Layout of the tensor before; several for `--op concat`.
    #[arg(long, value_name = "LAYOUT", required = true)]
    from: Vec<String>,

    /// Layout after. Without `base=` it goes where that takes the fewest cycles.
    #[arg(long, value_name = "LAYOUT")]
    to: String,

    /// What happens on the way, in this order: transpose=0,2,3,1 slice=1:5,::2 pad=0,1:0,1:-128 expand=2x3 tile=1,2
    /// gather=AXIS:3,1 concat=AXIS depth-to-space=2 space-to-depth=2 reshape=2x3.
    #[arg(long = "op", value_name = "OP")]
    ops: Vec<String>,

    /// Compare every element with plain indexing on the host, and every cycle with the golden model.
    #[arg(long)]
    check: bool,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// Print the descriptors.
    #[arg(long)]
    descriptors: bool,

    /// sim, golden, serial:PATH or tcp:ADDRESS.
    #[arg(long, value_name = "DEVICE", default_value = "golden")]
    device: DeviceArg,

    /// nano, small, medium, base or wide.
    #[arg(long, value_name = "NAME", default_value = "base", value_parser = preset)]
    geometry: Geometry,
}

fn preset(name: &str) -> Result<Geometry, String> {
    Geometry::preset(name).map_err(|error| error.to_string())
}

#[derive(Debug, Serialize)]
struct Report {
    device: String,
    geometry: &'static str,
    /// The layouts, with the bases that they got.
    from: Vec<String>,
    to: String,
    /// Bytes that change their place or are filled.
    bytes: usize,
    /// Cycles from the first descriptor's start to the last one's end.
    cycles: u64,
    /// Cycles in which the busiest port could do it, at one word a cycle.
    limit_cycles: usize,
    /// Bytes that are not what plain indexing gives; null without `--check`.
    mismatches: Option<usize>,
    /// Memory written beside source and target.
    peak_extra_bytes: usize,
    descriptors: usize,
    /// Descriptors that use the transposer.
    transposing: usize,
    solve_ms: f64,
}

/// Runs the command.
///
/// # Errors
/// A layout or operator that means nothing, a movement that does not fit, what the device says, or a mismatch.
pub async fn run(args: ReshapeArgs) -> Result<(), CliError> {
    let problem = problem(&args)?;
    let start = Instant::now();
    let solution = solve(&problem, &args.geometry)?;
    let solve_ms = start.elapsed().as_secs_f64() * 1e3;
    let before = contents(&args.geometry, &problem, &solution);
    let mut device = device::open(&args.device, args.geometry).await?;
    let (after, cycles) = engine(device.as_mut(), &solution, &before).await?;
    let mismatches =
        args.check.then(|| mismatches(&problem, &solution, &before, &after, &args.geometry)).transpose()?;
    let place = |layout: &Layout, base: usize| Layout { base: Some(base), ..layout.clone() }.to_string();
    let report = Report {
        device: args.device.to_string(),
        geometry: args.geometry.name,
        from: problem.sources.iter().zip(&solution.sources).map(|(layout, &base)| place(layout, base)).collect(),
        to: place(&problem.target, solution.target),
        bytes: solution.plan.bytes,
        cycles,
        limit_cycles: solution.plan.limit_cycles,
        mismatches,
        peak_extra_bytes: solution.plan.spare_bytes,
        descriptors: solution.plan.instrs(&args.geometry).len(),
        transposing: transposing(&solution.plan.instrs(&args.geometry)),
        solve_ms,
    };
    if args.json {
        output::json(&report);
    } else {
        print(&args, &report, &solution);
    }
    if let Some(wrong) = mismatches.filter(|&wrong| wrong > 0) {
        let values = problem.target.bytes() as u64;
        return Err(CliError::Mismatch { mismatches: wrong as u64, values, oracle: "plain indexing".into() });
    }
    if args.check && args.device != DeviceArg::Golden {
        let mut golden = device::open(&DeviceArg::Golden, args.geometry).await?;
        let (_, expected) = engine(golden.as_mut(), &solution, &before).await?;
        if expected != cycles {
            let oracle = format!("the golden model, which takes {expected} cycles");
            return Err(CliError::Mismatch { mismatches: 1, values: 1, oracle });
        }
    }
    Ok(())
}

fn transposing(instrs: &[Instr]) -> usize {
    instrs.iter().filter(|instr| matches!(instr, Instr::Reshape(_, job) if job.transpose == 1)).count()
}

fn problem(args: &ReshapeArgs) -> Result<Problem, CliError> {
    let layout = |text: &String| text::layout(text).map_err(|error| CliError::language(text, error));
    let sources = args.from.iter().map(layout).collect::<Result<Vec<_>, _>>()?;
    let mut shapes: Vec<Vec<usize>> = sources.iter().map(|source| source.shape.clone()).collect();
    let mut ops = Vec::new();
    for text in &args.ops {
        let op: Op = text::op(text, &shapes[0]).map_err(|error| CliError::language(text, error))?;
        let operands: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        shapes = vec![op.shape(&operands).map_err(lacuna_reshape::SolveError::from)?];
        ops.push(op);
    }
    Ok(Problem { sources, ops, target: layout(&args.to)? })
}

/// Tile memories full of bytes that tell their places apart; copies of a source are alike.
fn contents(geometry: &Geometry, problem: &Problem, solution: &Solution) -> Vec<u8> {
    let size = geometry.tile_bytes();
    let mix = |at: usize| ((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
    let mut bytes: Vec<u8> = (0..geometry.tiles * size).map(mix).collect();
    for (layout, &base) in problem.sources.iter().zip(&solution.sources) {
        if layout.deal == Deal::Copies {
            let first = layout.tiles.start * size + base;
            for tile in layout.tiles.clone().skip(1) {
                bytes.copy_within(first..first + layout.footprint(), tile * size + base);
            }
        }
    }
    bytes
}

/// Runs the plan; returns the memories after it and the cycles of the engines.
async fn engine(device: &mut dyn Device, solution: &Solution, before: &[u8]) -> Result<(Vec<u8>, u64), CliError> {
    bare::write_tiles(device, before).await?;
    let mut cycles = 0;
    for program in solution.plan.programs(&device.geometry()) {
        let records = bare::run(device, &program).await?;
        let first = records.iter().map(|record| record.start).min().unwrap_or(0);
        let last = records.iter().map(|record| record.start + record.cycles).max().unwrap_or(0);
        cycles += u64::from(last - first);
    }
    Ok((bare::read_tiles(device).await?, cycles))
}

/// Bytes of the target that plain indexing gives other values.
fn mismatches(
    problem: &Problem,
    solution: &Solution,
    before: &[u8],
    after: &[u8],
    geometry: &Geometry,
) -> Result<usize, CliError> {
    let size = geometry.tile_bytes();
    let element = |memory: &[u8], at: u32| memory[at as usize..][..problem.target.element].to_vec();
    let tensor = |(layout, &base): (&Layout, &usize)| Tensor {
        shape: layout.shape.clone(),
        values: layout.addresses(size, base).into_iter().map(|at| element(before, at)).collect(),
    };
    let sources: Vec<Tensor<Vec<u8>>> = problem.sources.iter().zip(&solution.sources).map(tensor).collect();
    let padding = |value: i64| value.to_le_bytes()[..problem.target.element].to_vec();
    let expected = reference::apply(&sources, &problem.ops, padding).map_err(lacuna_reshape::SolveError::from)?;
    let copies = if problem.target.deal == Deal::Copies { problem.target.tiles.len() } else { 1 };
    let places = problem.target.addresses(size, solution.target);
    let wrong = |copy: usize| -> usize {
        let differ = |(value, at): (&Vec<u8>, &u32)| {
            let found = element(after, at + (copy * size) as u32);
            value.iter().zip(&found).filter(|(a, b)| a != b).count()
        };
        expected.values.iter().zip(&places).map(differ).sum()
    };
    Ok((0..copies).map(wrong).sum())
}

fn print(args: &ReshapeArgs, report: &Report, solution: &Solution) {
    let mut table = output::table(&["movement", "value"]);
    for from in &report.from {
        table.add_row(["from", from]);
    }
    table.add_row(["to", &report.to]);
    table.add_row(["bytes moved", &report.bytes.to_string()]);
    table.add_row(["cycles", &report.cycles.to_string()]);
    table.add_row(["port limit", &report.limit_cycles.to_string()]);
    if report.cycles > 0 {
        let share = 100.0 * report.limit_cycles as f64 / report.cycles as f64;
        table.add_row(["of the limit", &format!("{share:.1} %")]);
    }
    table.add_row(["spare bytes", &report.peak_extra_bytes.to_string()]);
    table.add_row(["descriptors", &format!("{}, {} transpose", report.descriptors, report.transposing)]);
    table.add_row(["solved in", &format!("{:.1} ms", report.solve_ms)]);
    if let Some(mismatches) = report.mismatches {
        table.add_row(["mismatches", &mismatches.to_string()]);
    }
    say!("{table}");
    if args.descriptors {
        for (phase, jobs) in solution.plan.phases.iter().enumerate() {
            for job in jobs {
                say!("{phase}: {job:?}");
            }
        }
    }
}
