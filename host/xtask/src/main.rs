//! Developer commands: `cargo xtask <command>`.

mod r#gen;

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
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match Args::parse().command {
        Command::Gen { check } => r#gen::run(&root, check),
    }
}
