//! nextpnr: packs a netlist into a device's cells, places and routes it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::tools::Tools;

/// A device as nextpnr knows it, on a board.
pub struct Placer {
    pub program: &'static str,
    pub device: &'static [&'static str],
    /// Pins of the top module's ports.
    pub constraints: &'static str,
    /// The kind of cell that a LUT and its flip-flop take.
    pub cell: &'static str,
}

/// A routed design.
pub struct Routed {
    /// Of the slowest clock.
    pub fmax_mhz: f64,
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
    utilization: BTreeMap<String, Cells>,
}

#[derive(Deserialize)]
struct Clock {
    /// MHz.
    achieved: f64,
}

impl Placer {
    /// Logic cells of a netlist, packed and not placed.
    pub fn pack(&self, tools: &Tools, netlist: &str) -> Result<Cells> {
        let report = self.run(tools, netlist, &["--pack-only"])?;
        let cells = report.utilization.get(self.cell);
        cells.copied().with_context(|| format!("{} reports no {}", self.program, self.cell))
    }

    /// Places and routes a netlist.
    pub fn route(&self, tools: &Tools, netlist: &str, seed: u64) -> Result<Routed> {
        let report = self.run(tools, netlist, &["--timing-allow-fail", "--seed", &seed.to_string()])?;
        let clocks = report.fmax.values().map(|clock| clock.achieved);
        let slowest = clocks.min_by(f64::total_cmp).with_context(|| format!("{} reports no clock", self.program))?;
        Ok(Routed { fmax_mhz: (slowest * 100.0).round() / 100.0 })
    }

    fn run(&self, tools: &Tools, netlist: &str, arguments: &[&str]) -> Result<Report> {
        let written = format!("{netlist}.report");
        let output = tools
            .program(self.program)
            .args(self.device)
            .args(["--quiet", "--pcf", self.constraints, "--json", netlist, "--report", &written])
            .args(arguments)
            .output()
            .with_context(|| format!("{} does not start; run scripts/setup", self.program))?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed:\n{told}", self.program);
        let text = fs::read_to_string(tools.root().join(&written)).with_context(|| format!("no {written}"))?;
        serde_json::from_str(&text).with_context(|| format!("{written} is not as nextpnr 0.11 writes it"))
    }
}
