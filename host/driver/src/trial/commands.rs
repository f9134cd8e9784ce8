//! Commands over a bad line: each must run once.

use std::time::Duration;

use serde::Serialize;

use super::chip::Tested;
use super::faults::{Damage, Faults, Line};
use super::rig::Rig;
use crate::link::Stats;

/// Virtual time without any answer after which a run counts as hung.
const HANG: Duration = Duration::from_secs(120);

/// What became of commands on a bad line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandsReport {
    /// Commands sent.
    pub commands: u64,
    /// Commands that reached the host bus whole, once.
    pub once: u64,
    /// Commands of which something ran more than once.
    pub repeated: u64,
    /// Commands of which something did not run.
    pub missing: u64,
    /// Whether everything ran in the order in which it was sent, with its data.
    pub in_order: bool,
    /// Answers that were not bit-exact.
    pub wrong: u64,
    /// Commands that were never answered.
    pub unanswered: u64,
    /// Why the link gave up, if it did.
    pub error: Option<String>,
    /// Virtual time on a line of 3 Mbaud.
    pub seconds: f64,
    /// Traffic as the host's end saw it.
    pub traffic: Stats,
    /// What the lines to and from the chip did.
    pub damage: [Damage; 2],
}

impl CommandsReport {
    /// Whether each command ran exactly once and was answered right.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.once == self.commands && self.in_order && self.wrong == 0 && self.unanswered == 0 && self.error.is_none()
    }
}

/// Sends random commands over a line with these faults. `done` learns how many are answered.
pub fn commands_on_a_bad_line(
    chip: &mut dyn Tested,
    faults: Faults,
    commands: u64,
    seed: u64,
    mut done: impl FnMut(u64),
) -> CommandsReport {
    let mut rig = Rig::new(chip, faults, seed);
    let mut error = None;
    let (mut traffic, mut unanswered) = (Stats::default(), commands);
    let opened = rig.open();
    let begin = rig.now;
    if let Some(mut endpoint) = opened {
        let shape = endpoint.hello().shape;
        for _ in 0..commands {
            let (token, command) = rig.command(&shape);
            endpoint.submit(token, command);
        }
        let (mut left, mut moved) = (commands, rig.now);
        while left > 0 && error.is_none() && rig.now < moved + HANG {
            error = rig.step(&mut endpoint, Line::RATE).err().map(|error| error.to_string());
            let still = rig.expected.len() as u64;
            if still < left {
                (left, moved) = (still, rig.now);
                done(commands - left);
            }
        }
        (traffic, unanswered) = (endpoint.stats(), left);
    } else {
        error = Some("no chip answered for ten minutes".to_owned());
    }
    let ran = rig.executions();
    CommandsReport {
        commands,
        once: ran.once,
        repeated: ran.repeated,
        missing: commands - ran.once - ran.repeated,
        in_order: ran.in_order,
        wrong: rig.wrong,
        unanswered,
        error,
        seconds: rig.now.saturating_sub(begin).as_secs_f64(),
        traffic,
        damage: [*rig.to_chip.damage(), *rig.from_chip.damage()],
    }
}
