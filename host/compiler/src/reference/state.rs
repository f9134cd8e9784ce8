//! What a network keeps from one frame to the next.

use super::{Value, apply, check_inputs, constants, missing, operands};
use crate::error::Error;
use crate::graph::Graph;

/// The kept values of a network, in the order of [`Graph::states`].
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    values: Vec<Value>,
}

impl State {
    /// What the first frame reads.
    #[must_use]
    pub fn new(graph: &Graph) -> Self {
        Self { values: graph.states.iter().map(|state| state.initial.clone()).collect() }
    }

    /// The tensors that a frame starts with: constants, inputs and kept values, indexed by [`crate::TensorId`].
    ///
    /// # Errors
    /// [`Error::Input`] if the inputs do not fit.
    pub fn start(&self, graph: &Graph, inputs: &[Value]) -> Result<Vec<Option<Value>>, Error> {
        check_inputs(graph, inputs)?;
        let mut values = constants(graph);
        for (id, value) in graph.sources().zip(inputs.iter().chain(&self.values)) {
            values[id.0] = Some(value.clone());
        }
        Ok(values)
    }

    /// Keeps what a finished frame leaves.
    ///
    /// # Errors
    /// [`Error::Type`] for a kept tensor that was not computed.
    pub fn keep(&mut self, graph: &Graph, values: &[Option<Value>]) -> Result<(), Error> {
        for (kept, state) in self.values.iter_mut().zip(&graph.states) {
            *kept = values[state.write.0].clone().ok_or_else(|| missing(graph, state.write))?;
        }
        Ok(())
    }

    /// Runs one frame and returns the graph's outputs.
    ///
    /// # Errors
    /// As [`super::run`].
    pub fn run(&mut self, graph: &Graph, inputs: &[Value]) -> Result<Vec<Value>, Error> {
        let values = self.run_all(graph, inputs)?;
        graph.outputs.iter().map(|id| values[id.0].clone().ok_or_else(|| missing(graph, *id))).collect()
    }

    /// Runs one frame and returns every tensor that was computed or supplied, indexed by [`crate::TensorId`].
    ///
    /// # Errors
    /// As [`super::run`].
    pub fn run_all(&mut self, graph: &Graph, inputs: &[Value]) -> Result<Vec<Option<Value>>, Error> {
        let mut values = self.start(graph, inputs)?;
        for node in &graph.nodes {
            let operands = operands(graph, node, &values)?;
            let value = apply(graph, node, &operands)?;
            values[node.output.0] = Some(value);
        }
        self.keep(graph, &values)?;
        Ok(values)
    }
}
