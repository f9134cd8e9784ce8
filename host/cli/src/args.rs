//! The command line.

use clap::{ArgAction, Parser, Subcommand};

use crate::commands::{
    bench, completions, devices, doctor, inspect, link_test, profile, reshape, run, serve, sparsity,
};

/// Run int8 networks on the Lacuna compute-in-memory chip, exactly.
///
/// Data goes to stdout, progress and warnings to stderr. Exit codes: 0 success, 1 answers differ or a claim fails,
/// 2 usage, 3 model cannot be compiled, 4 input does not suit the model, 5 device failed, 6 file cannot be read or
/// written, 7 a required tool is missing.
#[derive(Debug, Parser)]
#[command(name = "lacuna", version, about, max_term_width = 100)]
pub struct Args {
    /// Log more: -v progress of the device, -vv every frame.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a model on inputs.
    Run(run::RunArgs),
    /// List devices, also those that cannot be opened, and why.
    Devices(devices::DevicesArgs),
    /// Show a model's layers, layout, pages and expected cycles.
    Inspect(inspect::InspectArgs),
    /// Show where a model's cycles go, beside the least that its data needs.
    Profile(profile::ProfileArgs),
    /// Study a model's sparsity: what each gating mode saves, what the monitor decides, what a readout needs.
    Sparsity(sparsity::SparsityArgs),
    /// Measure models and the simulated chip.
    Bench(bench::BenchArgs),
    /// Move a tensor between layouts with the reshape engines.
    Reshape(reshape::ReshapeArgs),
    /// Offer a simulated chip on TCP or a pseudo-terminal.
    Serve(serve::ServeArgs),
    /// Try the link on a line that is bad, or gone.
    LinkTest(link_test::LinkTestArgs),
    /// Tell what is installed and what is missing.
    Doctor(doctor::DoctorArgs),
    /// Print a shell completion script.
    Completions(completions::CompletionsArgs),
}
