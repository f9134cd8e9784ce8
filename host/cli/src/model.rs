//! From a model file to a compiled network.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lacuna_compiler::backend::{self, Compiled};
use lacuna_compiler::passes::second_gate::Monitoring;
use lacuna_compiler::reference::Value;
use lacuna_compiler::{Graph, import, passes};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use crate::error::CliError;
use crate::input;

/// Largest model file that is read.
const MODEL_LIMIT: u64 = 1 << 30;

/// Which rows and digits the lanes issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GatingArg {
    /// Every plane of every row: the dense baseline.
    Off,
    /// Rows that equal the gate value are skipped.
    Row,
    /// Only essential digits are issued.
    Digit,
}

impl From<GatingArg> for Gating {
    fn from(arg: GatingArg) -> Self {
        match arg {
            GatingArg::Off => Self::Off,
            GatingArg::Row => Self::Row,
            GatingArg::Digit => Self::Digit,
        }
    }
}

/// Which layers the chip's sparsity monitor measures; needs samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MonitorArg {
    /// None: the compiler decides.
    Off,
    /// Those that gain cycles by it on the samples.
    Auto,
    /// Every layer, whatever that costs.
    Always,
}

/// Most frames of an input that the compiler looks at.
const SAMPLES: usize = 4;

/// A model, and how it is compiled.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// int8 model: ONNX (`QOperator` or QDQ) or TensorFlow Lite.
    pub model: PathBuf,

    #[command(flatten)]
    pub target: TargetArgs,
}

/// What a model is compiled for.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// Chip: nano, small, medium, base or wide; the device's own where one tells, else base.
    #[arg(long)]
    geometry: Option<String>,

    /// What the device told of its chip.
    #[arg(skip)]
    pub found: Option<Geometry>,

    /// Bits of one signed digit, if other than the geometry's: 2, 4 or 8.
    #[arg(long)]
    pub digit_bits: Option<usize>,

    /// Which rows and digits the lanes issue.
    #[arg(long, value_enum, default_value = "digit")]
    pub gating: GatingArg,

    /// Let the chip's sparsity monitor choose between two gate values, output row by output row.
    #[arg(long, value_enum, default_value = "off")]
    pub monitor: MonitorArg,

    /// Share of rows, in sixteenths, from which on the monitor gates an output row: 0 always, 17 never.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=17))]
    pub threshold: u8,

    /// How far, in sixteenths, a measure must cross back before the monitor takes a decision back.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=7))]
    pub hysteresis: u8,

    /// Samples that gate values and lane balancing are chosen on (.npy, .npz, .png or .idx); up to four frames of the
    /// input, if not given: those that are not run, else the first. They change cycles, never outputs.
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,

    /// Choose gate values and lane balancing without samples.
    #[arg(long, conflicts_with = "calibration")]
    pub no_calibration: bool,
}

/// How many frames pass through the chip together.
#[derive(Debug, Clone, Copy, Args)]
pub struct BatchArg {
    /// Frames that pass through the chip together, up to 64: mostly more frames a second, but later the first answer.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    batch: u8,
}

impl Default for BatchArg {
    fn default() -> Self {
        Self { batch: 1 }
    }
}

impl BatchArg {
    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.batch.into()
    }
}

impl ModelArgs {
    /// Imports the model.
    ///
    /// # Errors
    /// As [`import`].
    pub fn import(&self) -> Result<Graph, CliError> {
        import(&self.model)
    }

    /// Prepares and compiles what was imported, with samples of `frames`, of which the first `run` are run, `batch` together.
    ///
    /// # Errors
    /// As [`TargetArgs::compile`].
    pub fn compile(
        &self,
        graph: Graph,
        frames: &[Vec<Value>],
        run: usize,
        batch: BatchArg,
    ) -> Result<Compiled, CliError> {
        self.target.compile(&self.model, graph, samples(frames, run), batch)
    }
}

/// Frames of an input for the compiler to look at: some after the first `run` ones, or else the first ones.
#[must_use]
pub fn samples(frames: &[Vec<Value>], run: usize) -> &[Vec<Value>] {
    let rest = frames.get(run..).filter(|rest| !rest.is_empty()).unwrap_or(frames);
    &rest[..rest.len().min(SAMPLES)]
}

impl TargetArgs {
    /// The chip that was asked for, or that was found.
    ///
    /// # Errors
    /// A name or width that no geometry has.
    pub fn geometry(&self) -> Result<Geometry, CliError> {
        let usage = |e: lacuna_spec::GeometryError| CliError::Usage(e.to_string());
        let geometry = match &self.geometry {
            Some(name) => Geometry::preset(name).map_err(usage)?,
            None => self.found.unwrap_or(Geometry::BASE),
        };
        self.digit_bits.map_or(Ok(geometry), |bits| geometry.with_digit_bits(bits).map_err(usage))
    }

    /// Prepares an imported model; `path` is its file, for messages, `samples` are taken where no `--calibration` is given.
    ///
    /// # Errors
    /// A geometry that does not exist; a model or calibration file that does not fit.
    pub fn prepare(&self, path: &Path, graph: Graph, samples: &[Vec<Value>]) -> Result<Graph, CliError> {
        let geometry = self.geometry()?;
        let frames = match &self.calibration {
            Some(path) => input::read(path)?.frames(&graph, path)?,
            None if self.no_calibration => Vec::new(),
            None => samples.to_vec(),
        };
        if self.monitor != MonitorArg::Off && frames.is_empty() {
            return Err(CliError::Usage(
                "--monitor needs samples to choose a second gate value on; add --calibration FILE".to_owned(),
            ));
        }
        let monitoring = Monitoring {
            always: self.monitor == MonitorArg::Always,
            threshold: self.threshold,
            hysteresis: self.hysteresis,
        };
        let monitor = (self.monitor != MonitorArg::Off).then_some(monitoring);
        prepare(graph, &frames, &geometry, monitor).map_err(|source| CliError::Model { path: path.to_owned(), source })
    }

    /// As [`Self::prepare`], and compiles the model for that many frames together.
    ///
    /// # Errors
    /// As [`Self::prepare`]; a model that does not fit the chip, or whose frames cannot pass together.
    pub fn compile(
        &self,
        path: &Path,
        graph: Graph,
        samples: &[Vec<Value>],
        batch: BatchArg,
    ) -> Result<Compiled, CliError> {
        let graph = self.prepare(path, graph, samples)?;
        Ok(backend::compile_batch(graph, self.geometry()?, self.gating.into(), batch.get())?)
    }
}

/// Imports a model, without any pass.
///
/// # Errors
/// An unreadable file or a model that cannot be imported.
pub fn import(path: &Path) -> Result<Graph, CliError> {
    let bytes = read_bounded(path, MODEL_LIMIT)?;
    import::model(&bytes).map_err(|source| CliError::Model { path: path.to_owned(), source })
}

fn prepare(
    graph: Graph,
    frames: &[Vec<Value>],
    geometry: &Geometry,
    monitor: Option<Monitoring>,
) -> Result<Graph, lacuna_compiler::Error> {
    let options = passes::Options { monitor, ..passes::Options::of(geometry) };
    passes::prepare(graph, frames, &options)
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// What the operating system says, or that the file is too long.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let file = |source| CliError::File { verb: "read", path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(file)?.len();
    if length > limit {
        return Err(file(std::io::Error::other(format!("it has {length} bytes, more than the {limit} that are read"))));
    }
    std::fs::read(path).map_err(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(numbers: std::ops::Range<i8>) -> Vec<Vec<Value>> {
        numbers.map(|number| vec![Value::I8(vec![number])]).collect()
    }

    #[test]
    fn samples_are_not_run_where_others_are_there() {
        let ten = frames(0..10);
        assert_eq!(samples(&ten, 2), frames(2..6));
        assert_eq!(samples(&ten, 8), frames(8..10));
        assert_eq!(samples(&ten, 10), frames(0..4));
        assert_eq!(samples(&ten, usize::MAX), frames(0..4));
        assert!(samples(&[], 1).is_empty());
    }
}
