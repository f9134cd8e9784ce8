//! The reshape solver: from layouts and movement operators to descriptors of the reshape engine.
//!
//! Data flows one way: [`text`] reads [`Layout`]s and [`Op`]s, [`Movement`] lists which byte goes where, [`nest`] folds
//! them into loops, [`overlap`] orders what is moved in place, [`emit`] writes descriptors, [`schedule`] orders them
//! over the ports; [`plan()`] is all of it.

pub mod emit;
mod error;
mod layout;
mod movement;
pub mod nest;
mod op;
mod overlap;
mod plan;
pub mod reference;
pub mod schedule;
mod solve;
pub mod text;

pub use emit::Job;
pub use error::{LayoutError, OpError, SolveError};
pub use layout::{Deal, Digit, Factor, Layout, Level, MAX_RANK, dealt, simplified};
pub use movement::{Movement, Placed, Span};
pub use op::{Op, Origins, PADDING, Piece, shape_text};
pub use plan::{Plan, plan};
pub use solve::{Problem, Solution, solve};
