//! `lacuna completions`: a shell completion script.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print a shell completion script.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionsArgs) {
    clap_complete::generate(args.shell, &mut crate::args::Args::command(), "lacuna", &mut std::io::stdout());
}
