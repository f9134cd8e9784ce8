//! Finds the pinned Verilator that `scripts/setup` installs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// An installed Verilator.
pub struct Verilator {
    /// Its `VERILATOR_ROOT`: the folder with `bin/` and `include/`.
    pub home: PathBuf,
    /// What `--version` prints; part of every top's key.
    pub version: String,
}

impl Verilator {
    /// Looks in `$LACUNA_TOOLS`, else in `.tools/venv` of the repository.
    pub fn find(root: &Path) -> Result<Self, String> {
        let venv = env::var_os("LACUNA_TOOLS").map_or_else(|| root.join(".tools/venv"), PathBuf::from);
        let missing = || {
            format!(
                "no Verilator in {}: run scripts/setup, or set LACUNA_TOOLS to a Python environment that has it",
                venv.display()
            )
        };
        let home = fs::read_dir(venv.join("lib"))
            .map_err(|_| missing())?
            .filter_map(Result::ok)
            .map(|entry| entry.path().join("site-packages/verilator"))
            .find(|home| home.join("bin/verilator_bin").is_file())
            .ok_or_else(missing)?;
        let output = Command::new(home.join("bin/verilator_bin"))
            .arg("--version")
            .env("VERILATOR_ROOT", &home)
            .output()
            .map_err(|error| format!("{}/bin/verilator_bin does not run: {error}", home.display()))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Self { home, version })
    }

    /// The compiler driver, ready for arguments, working in `root` so that messages name short paths.
    pub fn command(&self, root: &Path) -> Command {
        let mut command = Command::new(self.home.join("bin/verilator_bin"));
        command.env("VERILATOR_ROOT", &self.home).current_dir(root);
        command
    }
}
