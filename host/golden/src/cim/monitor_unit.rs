//! The monitor of one tile (`lacuna_monitor`), cycle by cycle.

use lacuna_spec::{
    Geometry,
    geometry::MONITOR_ROWS,
    instr::Instr,
    regs::{DECISION_BITS, Decisions},
};

use super::{Decision, Measure, Monitor, MonitorSetting};
use crate::feeder::Probe;

/// Cycles from a batch's last window to its decision.
const DELAY: usize = 4;
/// Largest count.
const MOST: u32 = (1 << DECISION_BITS) - 1;

/// Registers of one monitor and what it decided for each output row, modulo [`MONITOR_ROWS`].
#[derive(Debug, Clone)]
pub struct MonitorUnit {
    geometry: Geometry,
    /// Of a `run` that is monitored.
    monitor: Option<Monitor>,
    measure: Measure,
    /// The decision made in each of the cycles before, oldest first.
    stages: [Option<Decision>; DELAY],
    rows: [Decision; MONITOR_ROWS],
    counts: Decisions,
}

impl MonitorUnit {
    /// A monitor after reset.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            geometry: *geometry,
            monitor: None,
            measure: Measure::default(),
            stages: [None; DELAY],
            rows: [Decision::default(); MONITOR_ROWS],
            counts: Decisions::default(),
        }
    }

    /// Takes an instruction, before the step of the cycle of `start_i`.
    pub fn start(&mut self, instr: &Instr) {
        self.monitor = match instr {
            Instr::Run(_, _, tail) if self.geometry.monitor => MonitorSetting::of(tail),
            _ => None,
        }
        .map(|setting| Monitor::new(self.geometry.digit_bits, setting));
        self.measure = Measure::default();
        self.counts = Decisions::default();
    }

    /// Whether the job is monitored.
    #[must_use]
    pub const fn on(&self) -> bool {
        self.monitor.is_some()
    }

    /// How an output row is processed; without a monitor all are gated by the first gate value.
    #[must_use]
    pub fn of(&self, row: usize) -> Decision {
        if self.on() { self.rows[row % MONITOR_ROWS] } else { Decision { gated: true, second: false } }
    }

    /// What was decided since the start.
    #[must_use]
    pub const fn counts(&self) -> &Decisions {
        &self.counts
    }

    /// Whether a decision is there in the coming cycle (`decided_o`).
    #[must_use]
    pub const fn decided(&self) -> bool {
        self.stages[0].is_some()
    }

    /// Runs one cycle, in which `probe` is handed over and the feeder stands at `row`.
    pub fn step(&mut self, probe: Option<&Probe>, row: usize) {
        let before = self.stages[0];
        self.stages.rotate_left(1);
        self.stages[DELAY - 1] = None;
        if let Some(decision) = before {
            self.rows[row % MONITOR_ROWS] = decision;
        }
        let Some(monitor) = &mut self.monitor else { return };
        let Some(probe) = probe else { return };
        let gate = usize::from(probe.second);
        for &d in &probe.data[..probe.count.into()] {
            self.measure.zeros[gate] += u32::from(d == 0);
            self.measure.digits[gate] += monitor.essential(d);
        }
        self.measure.rows += if probe.second { 0 } else { u32::from(probe.count) };
        if probe.last {
            let crossings = monitor.crossings();
            let decision = monitor.decide(&std::mem::take(&mut self.measure));
            self.stages[DELAY - 1] = Some(decision);
            let counts = &mut self.counts;
            for (count, more) in [
                (&mut counts.batches, true),
                (&mut counts.gated, decision.gated),
                (&mut counts.second, decision.second),
                (&mut counts.crossings, monitor.crossings() != crossings),
            ] {
                *count = (*count + u32::from(more)).min(MOST);
            }
        }
    }
}
