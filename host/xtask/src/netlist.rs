//! What Yosys leaves in a netlist and nextpnr takes at its word.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Opens ends of ECP5's carry chains that nobody looks at, in a netlist's file.
///
/// nextpnr puts a carry cell of its own in front of every chain whose first carry input is connected, and another behind
/// one whose last carry output is: to a constant, or to a net that nobody reads, is enough. Open are
///
/// - carries that are not read, and
/// - constant carries into a cell whose lower LUT says 0 whatever comes, so that its carry is an input's (as in
///   `hdl/tech/ecp5/lacuna_xor_add.sv`), and whose lower sum is not read.
pub fn open_carry_ends(path: &Path) -> Result<()> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("no {shown}"))?;
    let mut netlist = serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))?;
    if open_in(&mut netlist)? > 0 {
        fs::write(path, serde_json::to_string(&netlist)?).with_context(|| format!("{shown} cannot be written"))?;
    }
    Ok(())
}

/// Returns how many it opens.
fn open_in(netlist: &mut Value) -> Result<usize> {
    let modules = netlist.get_mut("modules").and_then(Value::as_object_mut).context("the netlist has no modules")?;
    let mut opened = 0;
    for (name, module) in modules {
        opened += open_in_module(module).with_context(|| format!("{name} is not as Yosys 0.70 writes it"))?;
    }
    Ok(opened)
}

fn open_in_module(module: &mut Value) -> Option<usize> {
    let mut uses: HashMap<u64, usize> = HashMap::new();
    let ports = module.get("ports")?.as_object()?.values().map(|port| &port["bits"]);
    let cells = module.get("cells")?.as_object()?.values();
    let pins = cells.filter_map(|cell| cell["connections"].as_object()).flat_map(serde_json::Map::values);
    for bit in ports.chain(pins).filter_map(Value::as_array).flatten().filter_map(Value::as_u64) {
        *uses.entry(bit).or_default() += 1;
    }
    // Its driver counts as one.
    let unread = |bits: &Value| bits[0].as_u64().is_some_and(|bit| uses[&bit] == 1);

    let mut opened = 0;
    for cell in module.get_mut("cells")?.as_object_mut()?.values_mut() {
        if cell["type"] != "CCU2C" {
            continue;
        }
        let lower = cell["parameters"]["INIT0"].as_str().unwrap_or_default();
        let says_zero = lower.len() == 16 && lower.starts_with("00000000");
        let pins = cell.get_mut("connections")?;
        let brings_in = says_zero && pins["D0"][0] == "1" && unread(&pins["S0"]);
        if unread(&pins["COUT"]) {
            pins["COUT"] = json!(["x"]);
            opened += 1;
        }
        if brings_in && pins["CIN"][0].is_string() {
            pins["CIN"] = json!(["x"]);
            opened += 1;
        }
    }
    Some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of two cells; bit 7 is its last carry.
    fn chain(first: &str, read: u64) -> Value {
        let cell = |init: &str, cin: Value, d0: &str, s0: u64, cout: u64| {
            json!({
                "type": "CCU2C",
                "parameters": { "INIT0": init },
                "connections": { "CIN": [cin], "D0": [d0], "S0": [s0], "COUT": [cout] },
            })
        };
        let cells = json!({
            "first": cell(first, json!("0"), "1", 2, 3),
            "second": cell("0110100110010110", json!(3), "0", 4, 7),
        });
        json!({ "modules": { "top": { "ports": { "out": { "bits": [4, read] } }, "cells": cells } } })
    }

    fn ends(netlist: &Value) -> (&Value, &Value) {
        let cells = &netlist["modules"]["top"]["cells"];
        (&cells["first"]["connections"]["CIN"][0], &cells["second"]["connections"]["COUT"][0])
    }

    #[test]
    fn ends_that_nobody_reads_are_opened() {
        let mut netlist = chain("0000000000001010", 5);
        assert_eq!(open_in(&mut netlist).unwrap(), 2);
        assert_eq!(ends(&netlist), (&json!("x"), &json!("x")));
        assert_eq!(netlist["modules"]["top"]["cells"]["first"]["connections"]["COUT"][0], 3);
    }

    #[test]
    fn ends_that_matter_stay() {
        let carry_read = chain("0110100110010110", 7);
        let sum_read = chain("0000000000001010", 2);
        for (before, left) in [(carry_read, (json!("0"), json!(7))), (sum_read, (json!("0"), json!("x")))] {
            let mut netlist = before;
            open_in(&mut netlist).unwrap();
            assert_eq!(ends(&netlist), (&left.0, &left.1));
        }
    }

    #[test]
    fn what_is_no_netlist_is_refused() {
        assert!(open_in(&mut json!({ "modules": { "top": {} } })).is_err());
    }
}
