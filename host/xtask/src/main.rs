//! Developer commands: `cargo xtask <command>`.

mod coverage;
mod device;
mod flash;
mod r#gen;
mod lint;
mod netlist;
mod place;
mod prove;
mod record;
mod simulate;
mod synth;
mod tools;

use std::path::Path;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Developer commands")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate what RTL takes from host/spec.
    Gen {
        /// Compare instead of writing.
        #[arg(long)]
        check: bool,
    },
    /// Lint the RTL with Verilator and Yosys.
    Lint,
    /// Prove the blocks of hdl/check/proofs.toml and refute their broken copies.
    Prove {
        /// Only this one.
        name: Option<String>,
    },
    /// Show the coverage that tests with the feature `coverage` left.
    Coverage,
    /// Synthesise a design and report what it takes of the device.
    Synth(synth::Options),
    /// Simulate what `synth` placed and routed of a board and run networks on it.
    Simulate(simulate::Options),
    /// Load a board with the bitstream that `synth` made for it.
    Flash { board: device::Target },
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match Args::parse().command {
        Command::Gen { check } => r#gen::run(&root, check),
        Command::Lint => lint::run(&root),
        Command::Prove { name } => prove::run(&root, name.as_deref()),
        Command::Coverage => coverage::run(&root),
        Command::Simulate(options) => simulate::run(&root, &options),
        Command::Flash { board } => flash::run(&root, board),
        Command::Synth(options) => synth::run(&root, &options),
    }
}
