//! Verilates every top listed in `sim/tops/` into a static library and writes the Rust table of them.
//!
//! A top is rebuilt only when a file it read, its parameters or the tools changed; the outcome is
//! shared by debug and release builds (`target/verilated/`), because its flags never depend on them.
//!
//! `LACUNA_NETLIST` names a netlist that becomes one more top.

#[path = "build/cache.rs"]
mod cache;
#[path = "build/compile.rs"]
mod compile;
#[path = "build/emit.rs"]
mod emit;
#[path = "build/interleave.rs"]
mod interleave;
#[path = "build/netlist.rs"]
mod netlist;
#[path = "build/ports.rs"]
mod ports;
#[path = "build/share.rs"]
mod share;
#[path = "build/table.rs"]
mod table;
#[path = "build/tools.rs"]
mod tools;
#[path = "build/verilate.rs"]
mod verilate;

use std::{env, fs, path::PathBuf};

fn main() {
    let sim = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = sim.parent().expect("sim lies in the repository").to_owned();
    for watched in ["hdl", "sim/tops", "sim/tests/tops", "sim/shim", "sim/build", "sim/build.rs"] {
        println!("cargo:rerun-if-changed={}", root.join(watched).display());
    }
    for variable in ["LACUNA_TOOLS", "LACUNA_TOPS", "LACUNA_NETLIST"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }

    let places = cache::Places::new(root);
    let tools = tools::Verilator::find(&places.root).unwrap_or_else(|problem| fail(&problem));
    let feature = |name: &str| env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    let mut tops =
        table::read(&sim.join("tops"), feature("CHIPS"), feature("BLOCKS")).unwrap_or_else(|problem| fail(&problem));

    println!("cargo:rustc-check-cfg=cfg(netlist)");
    if let Some(netlist) = env::var_os("LACUNA_NETLIST") {
        println!("cargo:rustc-cfg=netlist");
        println!("cargo:rerun-if-changed={}", places.root.join(&netlist).display());
        tops.push(table::Top::netlist(places.root.join(netlist)));
        tops.sort_by(|a, b| a.name.cmp(&b.name));
    }

    let runtime = cache::runtime(&places, &tools);
    let built = cache::build_all(&places, &tools, &tops);
    for (top, outcome) in tops.iter().zip(&built) {
        match outcome {
            Ok(_) => println!("cargo:rustc-link-lib=static={}", top.library()),
            Err(problem) if top.required && cache::chosen(&top.name) => fail(&format!("top {}: {problem}", top.name)),
            Err(problem) => println!(
                "cargo:warning=top {} is not available: {}",
                top.name,
                problem.lines().next().unwrap_or_default()
            ),
        }
    }
    runtime.unwrap_or_else(|problem| fail(&problem));
    println!("cargo:rustc-link-lib=static={}", compile::RUNTIME);
    println!("cargo:rustc-link-search=native={}", places.out.display());
    let cxx = if env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple") { "c++" } else { "stdc++" };
    println!("cargo:rustc-link-lib={cxx}");
    println!("cargo:rustc-link-lib=pthread");
    println!("cargo:rustc-env=LACUNA_OUTPUT_DIR={}", places.target.display());

    fs::write(places.out.join("tops.rs"), emit::table(&tops, &built)).expect("OUT_DIR is writable");
}

/// Ends the build with a message that cargo shows, without a backtrace.
fn fail(problem: &str) -> ! {
    for line in problem.lines() {
        println!("cargo:error={line}");
    }
    std::process::exit(1)
}
