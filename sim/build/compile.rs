//! Compiles generated C++ into static libraries.

use crate::{cache::Places, interleave, ports::Port, share, table::Top, tools::Verilator, verilate::Verilated};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The parts of Verilator's runtime that a model with waveforms and coverage needs.
const RUNTIME_FILES: [&str; 4] = ["verilated", "verilated_threads", "verilated_fst_c", "verilated_cov"];

/// The library made of them.
pub const RUNTIME: &str = "lacuna_verilated";

/// What every generated file begins with, in the folder of the runtime; read once for all tops, where the compiler
/// keeps what it has read.
const HEADER: &str = "model.h";

/// Kinds of files that are compiled: level of the optimiser, with waveforms.
const KINDS: [(u32, bool); 3] = [(0, false), (0, true), (2, false)];

fn compiler(places: &Places, tools: &Verilator, folder: &Path) -> cc::Build {
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("gnu++17")
        .warnings(false)
        .debug(false)
        .cargo_metadata(false)
        .out_dir(folder)
        .include(tools.home.join("include"))
        .include(tools.home.join("include/vltstd"))
        .include(places.root.join("sim/shim"))
        .define("VL_TIME_CONTEXT", None)
        .define("VM_SC", "0")
        .define("VM_TIMING", "0");
    build
}

/// A compiler of generated files and of their header.
fn of_models(places: &Places, tools: &Verilator, folder: &Path, traced: bool, toggles: bool) -> cc::Build {
    let mut build = compiler(places, tools, folder);
    build
        .define("VM_TRACE", if traced { "1" } else { "0" })
        .define("VM_TRACE_FST", if traced { "1" } else { "0" })
        .define("VM_COVERAGE", if places.coverage || toggles { "1" } else { "0" });
    build
}

/// Writes the header and, for GCC, what it makes of it for each kind of file: reading it is most of the work on a
/// small top. GCC takes the first that fits from the folder beside a header.
fn header(places: &Places, tools: &Verilator, folder: &Path) -> Result<(), String> {
    let header = folder.join(HEADER);
    let shim = places.root.join("sim/shim");
    let text = format!("#include \"{0}/printf.h\"\n#include \"{0}/instance.h\"\n", shim.display());
    write(&header, &text)?;
    let read = folder.join(format!("{HEADER}.gch"));
    let _ = fs::remove_dir_all(&read);
    for (level, traced) in KINDS {
        let tool = of_models(places, tools, folder, traced, false).opt_level(level).get_compiler();
        if !tool.is_like_gnu() || tool.is_like_clang() {
            return Ok(());
        }
        fs::create_dir_all(&read).map_err(|error| format!("{}: {error}", read.display()))?;
        let mut command = tool.to_command();
        command.args(["-x", "c++-header"]).arg(&header).arg("-o").arg(read.join(format!("{level}-{traced}")));
        let output = command.output().map_err(|error| format!("{}: {error}", tool.path().display()))?;
        if !output.status.success() {
            return Err(format!("{HEADER} does not compile: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

/// Compiles Verilator's runtime, once for all tops, into a library in `folder`, beside the header of all tops.
pub fn runtime(places: &Places, tools: &Verilator, folder: &Path) -> Result<(), String> {
    header(places, tools, folder)?;
    let mut build = compiler(places, tools, folder);
    build.opt_level(2).define("VM_TRACE", "1").define("VM_TRACE_FST", "1").define("VM_COVERAGE", "1");
    build.flag("-include").flag(places.root.join("sim/shim/printf.h"));
    for library in ["DEP_Z_INCLUDE", "DEP_LZ4_INCLUDE"] {
        if let Some(folder) = std::env::var_os(library) {
            build.include(folder);
        }
    }
    build.files(RUNTIME_FILES.map(|name| tools.home.join(format!("include/{name}.cpp"))));
    build.file(places.root.join("sim/shim/printf.cpp"));
    build.try_compile(RUNTIME).map_err(|error| format!("Verilator's runtime does not compile: {error}"))
}

/// Compiles one Verilated top, and the table of functions that Rust calls it by. `runtime`: the folder of the runtime.
pub fn top(
    places: &Places,
    tools: &Verilator,
    top: &Top,
    made: &Verilated,
    runtime: &Path,
    folder: &Path,
) -> Result<PathBuf, String> {
    let mut text = shim(top, &made.ports);
    let mut build = of_models(places, tools, folder, top.traced(), top.toggles);
    build.flag("-include").flag(runtime.join(HEADER)).include(folder);
    // Chips run for minutes, blocks for seconds: less than the optimiser takes.
    build.opt_level(if top.required { 2 } else { 0 });
    if top.big {
        // What runs once, at reset, is not worth the optimiser's time.
        let (slow, fast): (Vec<PathBuf>, Vec<PathBuf>) = made
            .sources
            .iter()
            .cloned()
            .partition(|source| source.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("__Slow")));
        if top.alike {
            share_functions(&fast)?;
        }
        let slow = write(&folder.join("slow.cpp"), &includes(&slow))?;
        let objects = build.clone().opt_level(0).file(slow).try_compile_intermediates();
        build.objects(objects.map_err(|error| format!("the Verilated model does not compile: {error}"))?);
        text += &includes(&fast);
    } else {
        text += &includes(&made.sources);
    }
    build
        .file(write(&folder.join("model.cpp"), &text)?)
        .try_compile(&top.library())
        .map_err(|error| format!("the Verilated model does not compile: {error}"))?;
    Ok(folder.join(format!("lib{}.a", top.library())))
}

/// Text of a file that joins `sources`: each alone would read the same headers, which takes longer than the rest.
fn includes(sources: &[PathBuf]) -> String {
    sources.iter().fold(String::new(), |mut text, source| {
        let _ = writeln!(text, "#include \"{}\"", source.display());
        text
    })
}

fn write(file: &Path, text: &str) -> Result<PathBuf, String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file.to_owned())
}

/// Gives functions of like instances one body, and calls them in turns.
fn share_functions(sources: &[PathBuf]) -> Result<(), String> {
    let told = |path: &PathBuf, error: std::io::Error| format!("{}: {error}", path.display());
    let mut files = Vec::new();
    for path in sources {
        let text = fs::read_to_string(path).map_err(|error| told(path, error))?;
        files.push(text.lines().map(str::to_owned).collect::<Vec<String>>());
    }
    interleave::rewrite(&mut files);
    share::rewrite(&mut files);
    for (path, lines) in sources.iter().zip(&files) {
        fs::write(path, lines.join("\n") + "\n").map_err(|error| told(path, error))?;
    }
    Ok(())
}

fn shim(top: &Top, ports: &[Port]) -> String {
    let (class, name) = (top.class(), &top.name);
    let mut text = format!(
        "#include \"{class}.h\"\n\n\
         static void* port_of(void* self, uint32_t index) {{\n    \
         {class}& top = *lacuna::Instance<{class}>::of(self)->top;\n    switch (index) {{\n"
    );
    for (index, port) in ports.iter().enumerate() {
        let _ = writeln!(text, "        case {index}: return &top.{};", port.name);
    }
    let _ = write!(
        text,
        "        default: return nullptr;\n    }}\n}}\n\n\
         extern \"C\" {{\nextern const LacunaOps lacuna_ops_{name};\n\
         const LacunaOps lacuna_ops_{name} = lacuna::ops<{class}>(&port_of);\n}}\n"
    );
    text
}
