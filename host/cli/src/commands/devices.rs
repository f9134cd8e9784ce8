//! `lacuna devices`: what can be opened, and why the rest cannot.

use clap::Args;
use serde::Serialize;

use crate::output;

/// List devices, also those that cannot be opened, and why.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Print one JSON object with `devices`.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Found {
    device: String,
    what: String,
    /// Why it cannot be opened; absent when it can.
    problem: Option<String>,
}

/// Runs the command.
pub fn run(args: &DevicesArgs) {
    let mut found = vec![
        Found { device: "sim".into(), what: "the Verilated chip in this process".into(), problem: None },
        Found { device: "golden".into(), what: "the cycle-exact software model".into(), problem: None },
    ];
    found.extend(lacuna_driver::transport::serial::ports().into_iter().map(|port| Found {
        device: format!("serial:{}", port.path),
        what: port.what,
        problem: port.problem,
    }));
    if args.json {
        output::json(&serde_json::json!({ "devices": found }));
        return;
    }
    let mut table = output::table(&["device", "what", "state"]);
    for f in found {
        let state = f.problem.map_or_else(|| "ready".to_owned(), |why| format!("cannot be opened: {why}"));
        table.add_row([f.device, f.what, state]);
    }
    say!("{table}");
}
