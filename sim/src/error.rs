/// Why a model could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// An assertion of the RTL failed, or it executed `$stop` or `$finish`.
    #[error("{top} stopped in cycle {cycle}: {text}")]
    Stopped {
        /// The top.
        top: &'static str,
        /// Clocks since the model was made.
        cycle: u64,
        /// What the model printed.
        text: String,
    },
    /// No waveform can be had.
    #[error(
        "no waveform of {top} in {path}: build lacuna-sim with the feature `waves`, or choose a folder that can be written"
    )]
    NoWaves {
        /// The top.
        top: &'static str,
        /// The file asked for.
        path: String,
    },
    /// Nobody counts this top's toggles.
    #[error("{top} counts no toggles: set `toggles` in its table in sim/tops, and let {path} be written")]
    NoToggles {
        /// The top.
        top: &'static str,
        /// Where the counts go on their way.
        path: String,
    },
}
