//! One file a subcommand.

pub mod bench;
mod bench_models;
pub mod completions;
pub mod devices;
pub mod doctor;
pub mod inspect;
pub mod link_test;
pub mod profile;
pub mod reshape;
pub mod run;
mod run_text;
pub mod serve;
pub mod sparsity;
mod sparsity_text;

use crate::args::Command;
use crate::error::CliError;

/// Runs a subcommand.
///
/// # Errors
/// What the subcommand says.
pub async fn dispatch(command: Command) -> Result<(), CliError> {
    match command {
        Command::Run(args) => run::run(args).await,
        Command::Devices(args) => {
            devices::run(&args);
            Ok(())
        }
        Command::Inspect(args) => inspect::run(&args).await,
        Command::Profile(args) => profile::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Reshape(args) => reshape::run(args).await,
        Command::Sparsity(args) => sparsity::run(&args),
        Command::LinkTest(args) => link_test::run(&args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => {
            completions::run(&args);
            Ok(())
        }
    }
}
