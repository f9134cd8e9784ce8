//! nextpnr: packs a netlist into a device's cells, places and routes it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use serde::Deserialize;

use crate::tools::Tools;

/// A device as nextpnr knows it, on a board.
pub struct Placer {
    pub program: &'static str,
    pub device: &'static [&'static str],
    /// Pins of the top module's ports: the option that names them, what stands before the file in it, and the file.
    pub constraints: (&'static str, &'static str, &'static str),
    /// The kind of cell that a LUT and its flip-flop take.
    pub cell: &'static str,
    pub flow: Flow,
}

/// From a routed design to its bitstream.
pub struct Flow {
    /// nextpnr's option for the configuration that it routed; `None`: the packer reads its netlist.
    pub routed: Option<&'static str>,
    pub packer: Packer,
    /// Yosys' commands that read models of packed cells, where there are any.
    pub models: Option<&'static str>,
}

/// What makes bitstreams.
#[derive(Clone, Copy)]
pub enum Packer {
    Ecppack,
    /// For the device of that name.
    GowinPack(&'static str),
    Icepack,
}

/// A routed design.
#[derive(Clone)]
pub struct Routed {
    pub seed: u64,
    /// Of the slowest clock.
    pub fmax_mhz: f64,
    /// What the board gives that clock.
    pub clock_mhz: f64,
    /// Where the slowest path begins and ends, in the design's names.
    pub critical: Option<String>,
    /// nextpnr's text of the device's configuration, from the repository.
    configuration: String,
}

/// Cells of one kind.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Cells {
    pub used: u64,
    pub available: u64,
}

/// What `--report` writes, as far as it is used.
#[derive(Deserialize)]
struct Report {
    fmax: BTreeMap<String, Clock>,
    #[serde(default)]
    critical_paths: Vec<Path>,
    utilization: BTreeMap<String, Cells>,
}

#[derive(Deserialize)]
struct Clock {
    /// MHz.
    achieved: f64,
    /// MHz that the board gives it.
    constraint: f64,
}

/// A path from register to register.
#[derive(Deserialize)]
struct Path {
    path: Vec<Segment>,
}

/// A cell or a wire on a path.
#[derive(Deserialize)]
struct Segment {
    /// ns.
    delay: f64,
    from: End,
    to: End,
}

#[derive(Deserialize)]
struct End {
    cell: String,
}

impl Path {
    fn delay(&self) -> f64 {
        self.path.iter().map(|segment| segment.delay).sum()
    }

    fn ends(&self) -> Option<String> {
        let (first, last) = (self.path.first()?, self.path.last()?);
        Some(format!("{} to {}", first.from.cell, last.to.cell))
    }
}

impl Routed {
    /// Where nextpnr's netlist lies, from the repository.
    pub fn cells(&self) -> String {
        cells(&self.configuration)
    }
}

fn cells(configuration: &str) -> String {
    format!("{configuration}.json")
}

impl Placer {
    /// The board's pins as a simulator sees them, beside the constraints.
    pub fn pins(&self) -> String {
        let folder = self.constraints.2.rsplit_once('/').map_or(".", |(folder, _)| folder);
        format!("{folder}/pins.v")
    }

    /// Logic cells of a netlist, packed and not placed. nextpnr's own netlist goes to the file `packed`.
    pub fn pack(&self, tools: &Tools, netlist: &str, packed: &str) -> Result<Cells> {
        let report = self.run(tools, netlist, &format!("{netlist}.packed"), &["--pack-only", "--write", packed])?;
        let cells = report.utilization.get(self.cell);
        cells.copied().with_context(|| format!("{} reports no {}", self.program, self.cell))
    }

    /// Places and routes a netlist from a seed.
    pub fn route(&self, tools: &Tools, netlist: &str, seed: u64) -> Result<Routed> {
        let configuration = format!("{netlist}.{seed}.routed");
        let (seed_text, cells) = (seed.to_string(), cells(&configuration));
        let mut arguments = vec!["--timing-allow-fail", "--seed", &seed_text, "--write", &cells];
        arguments.extend(self.flow.routed.iter().flat_map(|&option| [option, configuration.as_str()]));
        let report = self.run(tools, netlist, &configuration, &arguments)?;
        let slowest = report.fmax.values().min_by(|a, b| a.achieved.total_cmp(&b.achieved));
        let slowest = slowest.with_context(|| format!("{} reports no clock", self.program))?;
        let critical = report.critical_paths.iter().max_by(|a, b| a.delay().total_cmp(&b.delay()));
        Ok(Routed {
            seed,
            fmax_mhz: (slowest.achieved * 100.0).round() / 100.0,
            clock_mhz: slowest.constraint,
            critical: critical.and_then(Path::ends),
            configuration,
        })
    }

    /// Places and routes from each of `seeds`, as many at a time as there are cores; returns the fastest.
    pub fn best(&self, tools: &Tools, netlist: &str, seeds: std::ops::Range<u64>) -> Result<Routed> {
        let seeds: Vec<u64> = seeds.collect();
        let route = |&seed: &u64| {
            let routed = self.route(tools, netlist, seed)?;
            eprintln!("seed {seed}: {} MHz", routed.fmax_mhz);
            Ok(routed)
        };
        let routed: Vec<Routed> = seeds.par_iter().with_max_len(1).map(route).collect::<Result<_>>()?;
        routed.into_iter().max_by(|a, b| a.fmax_mhz.total_cmp(&b.fmax_mhz)).context("no seed was placed")
    }

    /// Writes the bitstream of a routed design; the same design gives the same bytes. Where the device has a user
    /// code, that is the contract's hash.
    pub fn bitstream(&self, tools: &Tools, routed: &Routed, path: &str) -> Result<()> {
        let code = lacuna_spec::tables::layout_hash().to_string();
        let cells = routed.cells();
        let (program, arguments) = match self.flow.packer {
            Packer::GowinPack(device) => ("gowin_pack", vec!["-d", device, "-o", path, &cells]),
            Packer::Ecppack => ("yowasp-ecppack", vec![&routed.configuration, path, "--compress", "--usercode", &code]),
            Packer::Icepack => ("yowasp-icepack", vec![routed.configuration.as_str(), path]),
        };
        let output = tools.program(program).args(&arguments).output().with_context(|| missing(program))?;
        ensure!(output.status.success(), "{program} failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn run(&self, tools: &Tools, netlist: &str, name: &str, arguments: &[&str]) -> Result<Report> {
        let written = format!("{name}.report");
        let (option, before, file) = self.constraints;
        let constraints = format!("{before}{file}");
        let output = tools
            .program(self.program)
            .args(self.device)
            .args(["--quiet", option, &constraints, "--json", netlist, "--report", &written])
            .args(arguments)
            .output()
            .with_context(|| missing(self.program))?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed:\n{told}", self.program);
        let text = fs::read_to_string(tools.root().join(&written)).with_context(|| format!("no {written}"))?;
        serde_json::from_str(&text).with_context(|| format!("{written} is not as nextpnr 0.11 writes it"))
    }
}

fn missing(program: &str) -> String {
    format!("{program} does not start; run scripts/setup")
}
