//! The `lacuna` command.

/// Prints a line of data on stdout.
macro_rules! say {
    ($($text:tt)*) => { crate::output::print(format_args!($($text)*)) };
}

mod answers;
mod args;
mod check;
mod commands;
mod device;
mod error;
mod input;
mod model;
mod output;
mod roofline;
mod trace;
mod traffic;
mod vectors;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    output::init(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the runtime: {error}");
            return ExitCode::from(6);
        }
    };
    match runtime.block_on(commands::dispatch(args.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            eprintln!("{:?}", miette::Report::new(error));
            ExitCode::from(code)
        }
    }
}
