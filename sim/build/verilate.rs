//! Runs Verilator on one top.

use crate::{ports, ports::Port, table::Top, tools::Verilator};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What Verilator made of a top.
pub struct Verilated {
    /// Generated C++ files, in the order in which they may be joined into one.
    pub sources: Vec<PathBuf>,
    /// Every file that was read.
    pub read: Vec<PathBuf>,
    /// The top's ports.
    pub ports: Vec<Port>,
}

/// The arguments that decide the outcome, without folders that only say where it goes.
pub fn arguments(top: &Top, root: &Path, coverage: bool) -> Result<Vec<String>, String> {
    let mut arguments: Vec<String> =
        "--cc --assert --no-timing --timescale 1ns/1ps --x-assign fast --x-initial unique \
         -O3 -Wall +define+LACUNA_CHECK +libext+.sv"
            .split_whitespace()
            .map(str::to_owned)
            .collect();
    arguments.extend(["--prefix".into(), top.class(), "--top-module".into(), top.module.clone()]);
    arguments.extend(top.parameters());
    if top.alike {
        // It names what it moves after all instances together, so that none is like another.
        arguments.push("-fno-dfg".into());
        // Pieces that stay in the first cache of a core while all instances take their turn at them.
        arguments.extend(["--output-split-cfuncs".into(), "4000".into()]);
    }
    if top.traced() {
        arguments.push("--trace-fst".into());
    }
    if coverage {
        arguments.push("--coverage-line".into());
    }
    if coverage || top.toggles {
        // Of words of all cells, too.
        arguments.extend(["--coverage-toggle".into(), "--coverage-max-width".into(), "1024".into()]);
    }

    let list = root.join("hdl/files.f");
    let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let files: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    let folders: BTreeSet<&str> = files.iter().filter_map(|file| file.rsplit_once('/')).map(|parts| parts.0).collect();
    let mut wanted = vec!["hdl/check/lint.vlt".to_owned()];
    wanted.extend(files.iter().filter(|file| file.contains("/pkg/")).map(ToString::to_string));
    let of_top = |file: &&&str| Path::new(file).file_stem().is_some_and(|stem| stem == top.module.as_str());
    wanted.extend(files.iter().find(of_top).map(ToString::to_string));
    wanted.extend(top.files.iter().cloned());
    for folder in folders {
        arguments.extend(["-y".into(), folder.into()]);
    }
    arguments.extend(wanted);
    Ok(arguments)
}

/// Verilates `top` into `folder`.
pub fn run(
    tools: &Verilator,
    root: &Path,
    top: &Top,
    arguments: &[String],
    folder: &Path,
) -> Result<Verilated, String> {
    let output = tools
        .command(root)
        .args(arguments)
        .arg("--Mdir")
        .arg(folder)
        .output()
        .map_err(|error| format!("verilator_bin does not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }

    let class = top.class();
    let text = |name: String| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let makefile = text(format!("{class}_classes.mk"))?;
    let sources = makefile
        .split("+= \\\n")
        .zip(makefile.split("+= \\\n").skip(1))
        .filter(|(before, _)| {
            let list = before.lines().last().unwrap_or_default();
            list.starts_with("VM_CLASSES") || list.starts_with("VM_SUPPORT")
        })
        .flat_map(|(_, names)| names.lines().map_while(|line| line.trim().strip_suffix(" \\")))
        .map(|name| folder.join(format!("{name}.cpp")))
        .collect();
    let depends = text(format!("{class}__ver.d"))?;
    let read = depends
        .split_once(" : ")
        .map_or("", |parts| parts.1)
        .split_whitespace()
        .map(|path| root.join(path))
        .filter(|path| path.starts_with(root.join("hdl")) || path.starts_with(root.join("sim")))
        .collect();
    let ports = ports::parse(&text(format!("{class}.h"))?)?;
    Ok(Verilated { sources, read, ports })
}
