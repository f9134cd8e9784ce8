//! Errors as a user sees them, and the exit codes they end in.

use std::path::PathBuf;

use lacuna_compiler::backend::BackendError;
use lacuna_driver::DeviceError;
use miette::Diagnostic;

/// Everything a command can fail with.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum CliError {
    /// A file cannot be read or written.
    #[error("cannot {verb} {path}", path = path.display())]
    #[diagnostic(code(lacuna::file))]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The model cannot be imported.
    #[error("cannot use the model {path}", path = path.display())]
    #[diagnostic(code(lacuna::model))]
    Model {
        /// The file.
        path: PathBuf,
        /// Why.
        source: lacuna_compiler::Error,
    },
    /// The model does not fit the chip.
    #[error(transparent)]
    #[diagnostic(code(lacuna::fit), help("`lacuna inspect MODEL --geometry wide` shows what it needs"))]
    Fit(#[from] BackendError),
    /// A layout or operator that means nothing.
    #[error("{why}")]
    #[diagnostic(code(lacuna::layout), help("{}", why.help))]
    Language {
        /// What was given.
        #[source_code]
        text: String,
        /// The token that is wrong.
        #[label("here")]
        at: std::ops::Range<usize>,
        /// Why.
        why: Box<lacuna_reshape::text::ParseError>,
    },
    /// A movement that does not fit.
    #[error(transparent)]
    #[diagnostic(code(lacuna::reshape))]
    Reshape(#[from] lacuna_reshape::SolveError),
    /// The input does not suit the model.
    #[error("{path}: {reason}", path = path.display())]
    #[diagnostic(code(lacuna::input))]
    Input {
        /// The file.
        path: PathBuf,
        /// Why, with the remedy.
        reason: String,
    },
    /// The device failed.
    #[error(transparent)]
    #[diagnostic(code(lacuna::device), help("`lacuna devices` lists what can be opened"))]
    Device(#[from] DeviceError),
    /// Options that do not go together.
    #[error("{0}")]
    #[diagnostic(code(lacuna::usage))]
    Usage(String),
    /// Answers differ.
    #[error("{mismatches} of {values} output values differ from {oracle}")]
    #[diagnostic(code(lacuna::mismatch), help("this is a fault of Lacuna: please report the model and the input"))]
    Mismatch {
        /// Values that differ.
        mismatches: u64,
        /// Values compared.
        values: u64,
        /// What they were compared with.
        oracle: String,
    },
    /// Claims about the link do not hold.
    #[error("these claims do not hold: {0}")]
    #[diagnostic(code(lacuna::claims), help("this is a fault of Lacuna: please report the options and the seed"))]
    Claims(String),
    /// Some of several measurements failed.
    #[error("{failed} of {rows} measurements failed")]
    #[diagnostic(code(lacuna::bench))]
    Bench {
        /// Measurements that failed.
        failed: usize,
        /// All of them.
        rows: usize,
        /// Why the first one did.
        #[source]
        first: Box<CliError>,
    },
    /// Something that `doctor` looked for is missing.
    #[error("{0} of the required tools are missing")]
    #[diagnostic(code(lacuna::doctor), help("run scripts/setup"))]
    Missing(usize),
}

impl CliError {
    /// An error of the layout language in a text.
    #[must_use]
    pub fn language(text: &str, source: lacuna_reshape::text::ParseError) -> Self {
        Self::Language { text: text.to_owned(), at: source.at.clone(), why: Box::new(source) }
    }

    /// The exit code: 1 mismatch or failed claim, 2 usage, 3 model, 4 input, 5 device, 6 file, 7 missing tools.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Mismatch { .. } | Self::Claims(_) => 1,
            Self::Usage(_) | Self::Language { .. } | Self::Reshape(_) => 2,
            Self::Model { .. } | Self::Fit(_) => 3,
            Self::Input { .. } | Self::Device(DeviceError::Frame(_)) => 4,
            Self::Device(_) => 5,
            Self::File { .. } => 6,
            Self::Missing(_) => 7,
            Self::Bench { first, .. } => first.exit_code(),
        }
    }
}
