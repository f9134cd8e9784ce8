//! Rewrites of the graph, one a file, and the order in which they run.

pub mod absorb_flatten;
pub mod absorb_pad;
pub mod constant_filters;
pub mod crop;
pub mod dead;
mod double_qdq;
pub mod fold;
pub mod fuse_qdq;
pub mod fuse_requantise;
pub mod fuse_tables;
pub mod gate_value;
pub mod host_aside;
pub mod lane_balance;
mod lane_spread;
pub mod partition;
pub mod prove_add;
pub mod prove_average;
pub mod rescale;
pub mod resequence;
pub mod second_gate;
#[cfg(test)]
pub(crate) mod testing;
pub mod wide_weights;

use lacuna_spec::Geometry;

use crate::error::Error;
use crate::graph::Graph;
use crate::reference::Value;

/// What the passes need to know about the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Row lanes of a tile.
    pub lanes: usize,
    /// Bits of a recoded digit: 1, 2, 4 or 8.
    pub digit_bits: u32,
    /// Longest kernel of a depthwise layer that the post unit multiplies, in taps.
    pub depthwise_taps: usize,
    /// Rows of the longest dot product for which a tile has pages.
    pub most_rows: usize,
    /// Choose gate values other than the zero point where calibration shows sparser data.
    pub choose_gate: bool,
    /// Share of zero weights in a layer, in percent, from which on its channels are resequenced; above 100 never.
    pub resequence: u32,
    /// Let the chip's sparsity monitor decide; `None`: all is decided here.
    pub monitor: Option<second_gate::Monitoring>,
}

impl Options {
    /// What a chip of that geometry needs; channels are resequenced where half of the weights are 0, and nothing is monitored.
    #[must_use]
    pub fn of(geometry: &Geometry) -> Self {
        Self {
            lanes: geometry.lanes,
            digit_bits: geometry.digit_bits as u32,
            depthwise_taps: geometry.depthwise_taps,
            most_rows: geometry.lanes * geometry.pages,
            choose_gate: true,
            resequence: 50,
            monitor: None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of(&Geometry::BASE)
    }
}

/// Runs every pass, in order. `frames` are calibration inputs, one vector of graph inputs a frame; without any,
/// gate values stay at the zero points, lanes are not balanced and nothing is monitored.
///
/// # Errors
/// [`Error::NotQuantised`] if a floating-point operator remains; [`Error::Input`] if a frame does not fit.
pub fn prepare(mut graph: Graph, frames: &[Vec<Value>], options: &Options) -> Result<Graph, Error> {
    // Before what does nothing goes, for the runtime keeps that between two quantisations.
    double_qdq::run(&mut graph);
    fold::run(&mut graph)?;
    fuse_qdq::run(&mut graph)?;
    dead::run(&mut graph);
    crop::run(&mut graph);
    fold::run(&mut graph)?;
    fuse_requantise::run(&mut graph);
    fuse_tables::run(&mut graph)?;
    absorb_flatten::run(&mut graph);
    absorb_pad::run(&mut graph);
    dead::run(&mut graph);
    while constant_filters::run(&mut graph) > 0 {
        dead::run(&mut graph);
    }
    prove_add::run(&mut graph);
    prove_average::run(&mut graph);
    rescale::run(&mut graph);
    // A tile has two columns a lane.
    let columns = 2 * options.lanes;
    wide_weights::run(&mut graph, options);
    for gain in resequence::run(&mut graph, columns, options.resequence) {
        if gain.after < gain.dense {
            let resequence::Gain { layer, zeros, dense, before, after } = gain;
            tracing::info!(
                "{layer}: {zeros} % of the weights are 0; {after} of {dense} rows are live, {before} unsorted"
            );
        }
    }
    if !frames.is_empty() {
        let activity = gate_value::Histograms::measure(&graph, frames)?;
        if options.choose_gate {
            gate_value::run(&mut graph, &activity, options.digit_bits);
        }
        if let Some(monitoring) = options.monitor {
            let layers = second_gate::run(&mut graph, frames, options.digit_bits, monitoring)?;
            tracing::info!("{layers} layers are monitored");
        }
        lane_balance::run(&mut graph, frames, options)?;
    }
    for fallback in partition::run(&mut graph)? {
        tracing::warn!("{fallback}");
    }
    host_aside::run(&mut graph);
    graph.validate()?;
    Ok(graph)
}
