//! From an int8 ONNX file to a graph that the chip can run.
//!
//! Data flows one way: [`import::onnx`] reads a file into a [`Graph`], [`passes`] rewrite it step by step, and
//! the back end lays it out. [`mod@reference`] executes a graph on the host, bit for bit as the model's own runtime
//! does; calibration, host fallback and the tests use it.
//!
//! ```no_run
//! use lacuna_compiler::{import, passes, reference::{self, Value}};
//!
//! let bytes = std::fs::read("model.onnx")?;
//! let graph = import::onnx(&bytes)?;
//! let frames = vec![vec![Value::F32(vec![0.0; 784])]];
//! let graph = passes::prepare(graph, &frames, &passes::Options::default())?;
//! let outputs = reference::run(&graph, &frames[0])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backend;
pub mod error;
pub mod graph;
pub mod import;
pub mod op;
pub mod passes;
pub mod quantised;
pub mod reference;

pub use error::Error;
pub use graph::{Graph, Node, Tensor, TensorId};
pub use op::Op;
