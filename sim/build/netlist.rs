//! Verilates a netlist: one file without hierarchy, whose cells are already written out.

use crate::table::Top;
use std::path::Path;

/// The arguments that decide the outcome. A netlist is not linted: nobody wrote it.
pub fn arguments(top: &Top, netlist: &Path) -> Vec<String> {
    let mut arguments: Vec<String> =
        "--cc --no-timing --timescale 1ns/1ps --x-assign fast --x-initial unique -O3 -Wno-fatal -Wno-lint"
            .split_whitespace()
            .map(str::to_owned)
            .collect();
    arguments.extend(["--prefix".into(), top.class(), "--top-module".into(), top.module.clone()]);
    // A compiler takes far longer for the whole in one function.
    arguments.extend(["--output-split-cfuncs".into(), "1000".into()]);
    arguments.push(netlist.display().to_string());
    arguments
}
