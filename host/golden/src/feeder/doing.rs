//! What a feeder does or waits for, for the account of a tile's cycles.

use super::{Feeder, Kind, State};

/// What a feeder did in its last cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It read parameters or the weights of a depthwise layer, or was about to.
    Parameters,
    /// It issued a window of `run` or what one left over.
    Window,
    /// It issued a window that is measured, or waited for the decision.
    Measure,
    /// It issued a tap of `post`.
    Tap,
    /// It waited for room in the lanes' queues.
    Queues,
    /// It waited until a vector leaves the array.
    Vectors,
    /// It waited for the post unit: for a bank of parameters or for its groups.
    Post,
    /// Every window is issued.
    Done,
}

impl Feeder {
    /// What the last [`step`](Feeder::step) did, given its `room`.
    #[must_use]
    pub fn doing(&self, room: bool) -> Doing {
        match self.stages[0].kind {
            Kind::Param | Kind::Weights | Kind::Signs => Doing::Parameters,
            Kind::Tap => Doing::Tap,
            Kind::Probe => Doing::Measure,
            Kind::Part | Kind::Full | Kind::Short | Kind::Flush => Doing::Window,
            Kind::None => self.waits_for(room),
        }
    }

    fn waits_for(&self, room: bool) -> Doing {
        match self.state {
            State::Idle => Doing::Done,
            State::Params if self.run && self.loaded == 2 => Doing::Post,
            State::Start | State::Params => Doing::Parameters,
            State::Probe | State::Settle => Doing::Measure,
            State::Windows | State::Flush if !self.run => Doing::Post,
            State::Windows | State::Flush if room => Doing::Vectors,
            State::Windows | State::Flush => Doing::Queues,
        }
    }
}
