//! Keeps each top's library until something it depends on changes, and builds the others in parallel.

use crate::{compile, netlist, ports, ports::Port, table::Top, tools::Verilator, verilate};
use std::{
    env,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Everything in this crate that shapes a library.
const BUILDER: [&str; 7] = [
    include_str!("compile.rs"),
    include_str!("share.rs"),
    include_str!("interleave.rs"),
    include_str!("verilate.rs"),
    include_str!("../shim/instance.h"),
    include_str!("../shim/printf.h"),
    include_str!("../shim/printf.cpp"),
];

/// What keeps Verilator's runtime.
const RUNTIME: &str = "runtime";

/// Folders of this build.
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's output folder of this crate and profile.
    pub out: PathBuf,
    /// Cargo's target folder, shared by all profiles.
    pub target: PathBuf,
    /// Coverage is compiled in.
    pub coverage: bool,
}

impl Places {
    pub fn new(root: PathBuf) -> Self {
        let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
        // OUT_DIR is <target>/<profile>/build/<crate>/out.
        let target = out.ancestors().nth(4).unwrap_or(&out).to_owned();
        let coverage = env::var_os("CARGO_FEATURE_COVERAGE").is_some();
        Self { root, out, target, coverage }
    }

    /// Opens what is kept of `name`, and holds other builds off until the guard is dropped.
    fn store(&self, name: &str) -> Result<(PathBuf, File), String> {
        let store = self.kept(name);
        fs::create_dir_all(&store).map_err(told(&store))?;
        let lock = store.join("lock");
        let guard = File::create(&lock).map_err(told(&lock))?;
        guard.lock().map_err(told(&lock))?;
        Ok((store, guard))
    }

    /// The folder that keeps the library of `name`.
    fn kept(&self, name: &str) -> PathBuf {
        let suffix = if self.coverage { "-coverage" } else { "" };
        self.target.join("verilated").join(format!("{name}{suffix}"))
    }

    /// Puts a kept library where cargo looks for it.
    fn place(&self, library: &Path) -> Result<(), String> {
        let placed = self.out.join(library.file_name().expect("a library is a file"));
        let _ = fs::remove_file(&placed);
        fs::hard_link(library, &placed).or_else(|_| fs::copy(library, &placed).map(drop)).map_err(told(&placed))
    }
}

/// Puts Verilator's runtime, which all tops share, into `OUT_DIR`.
pub fn runtime(places: &Places, tools: &Verilator) -> Result<(), String> {
    let (store, _guard) = places.store(RUNTIME)?;
    let library = store.join(format!("lib{}.a", compile::RUNTIME));
    let key_file = store.join("key");
    let key = digest(tools, true, &[], &[]);
    if fs::read_to_string(&key_file).ok().as_ref() != Some(&key) {
        let _ = fs::remove_file(&key_file);
        compile::runtime(places, tools, &store)?;
        fs::write(&key_file, key).map_err(told(&key_file))?;
    }
    places.place(&library)
}

/// Builds all tops on as many threads as cargo grants; outcomes in the same order.
pub fn build_all(places: &Places, tools: &Verilator, tops: &[Top]) -> Vec<Result<Vec<Port>, String>> {
    let jobs = env::var("NUM_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(1);
    // The long ones first, so that no thread is alone with one at the end.
    let mut order: Vec<&Top> = tops.iter().collect();
    order.sort_by_key(|top| !top.big);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..tops.len().min(jobs) {
            scope.spawn(|| {
                while let Some(top) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = build(places, tools, top);
                    done.lock().expect("no builder panics").push((&top.name, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no builder panics");
    done.sort_by_key(|(name, _)| *name);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Returns the ports of `top` after putting its library into `OUT_DIR`.
fn build(places: &Places, tools: &Verilator, top: &Top) -> Result<Vec<Port>, String> {
    let (store, _guard) = places.store(&top.kept_as())?;
    let arguments = match &top.netlist {
        Some(netlist) => netlist::arguments(top, netlist),
        None => verilate::arguments(top, &places.root, places.coverage)?,
    };
    let library = store.join(format!("lib{}.a", top.library()));
    let header = store.join("ports.h");
    let (key_file, read_file) = (store.join("key"), store.join("read"));
    let known: Vec<PathBuf> = fs::read_to_string(&read_file).unwrap_or_default().lines().map(PathBuf::from).collect();
    let fresh = fs::read_to_string(&key_file).is_ok_and(|key| key == digest(tools, top.big, &arguments, &known));
    if !fresh {
        if !chosen(&top.name) {
            return Err("LACUNA_TOPS leaves it out; unset it or name this top".into());
        }
        let work = store.join("work");
        let _ = fs::remove_dir_all(&work);
        let _ = fs::remove_file(&key_file);
        let mut made = verilate::run(tools, &places.root, top, &arguments, &work)?;
        made.read.extend(top.netlist.clone());
        let archive = compile::top(places, tools, top, &made, &places.kept(RUNTIME), &work)?;
        fs::rename(&archive, &library).map_err(told(&archive))?;
        fs::copy(work.join(format!("{}.h", top.class())), &header).map_err(told(&header))?;
        let read: Vec<String> = made.read.iter().map(|path| path.display().to_string()).collect();
        fs::write(&read_file, read.join("\n")).map_err(told(&read_file))?;
        fs::write(&key_file, digest(tools, top.big, &arguments, &made.read)).map_err(told(&key_file))?;
        let _ = fs::remove_dir_all(&work);
    }
    places.place(&library)?;
    ports::parse(&fs::read_to_string(&header).map_err(told(&header))?)
}

/// Names the file in an I/O error.
fn told(what: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |error| format!("{}: {error}", what.display())
}

/// A digest of all that decides the library's content.
fn digest(tools: &Verilator, big: bool, arguments: &[String], read: &[PathBuf]) -> String {
    let mut hasher = DefaultHasher::new();
    (BUILDER, &tools.version, &tools.home, big, arguments).hash(&mut hasher);
    env::var_os("CXX").hash(&mut hasher);
    for path in read {
        (path, fs::read(path).unwrap_or_default()).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// `LACUNA_TOPS=fifo*,lane` builds only these (for quick rounds on one block).
pub fn chosen(name: &str) -> bool {
    env::var("LACUNA_TOPS").map_or(true, |list| {
        list.split(',')
            .any(|pattern| pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix)))
    })
}
