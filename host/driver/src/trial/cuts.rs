//! Lines that die silently, in each state of the protocol.

use std::time::Duration;

use serde::Serialize;

use super::chip::Tested;
use super::faults::{Faults, Line};
use super::rig::Rig;
use crate::link::{Endpoint, LinkError};

/// When a line is cut.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// So many bytes have arrived at the chip.
    Reached(u64),
    /// So many bytes are left on the way to the chip.
    AllBut(usize),
    /// So many bytes of the chip's answer have arrived at the host.
    Answered(u64),
    /// Nothing is on its way.
    Quiet,
}

/// A state of the protocol, and how to come to it.
struct State {
    name: &'static str,
    /// While the session is opened; else within an open one.
    greeting: bool,
    /// Commands submitted; more than a window holds means just that.
    commands: usize,
    /// Frames lost on their way to and from the chip before the cut.
    lost: [usize; 2],
    point: Point,
}

const fn greeting(name: &'static str, point: Point) -> State {
    State { name, greeting: true, commands: 0, lost: [0, 0], point }
}

const fn session(name: &'static str, commands: usize, lost: [usize; 2], point: Point) -> State {
    State { name, greeting: false, commands, lost, point }
}

/// Every state in which a host can be, with the chip's in as far as they differ.
const STATES: [State; 15] = [
    greeting("before the greeting arrives", Point::Reached(0)),
    greeting("inside the greeting", Point::Reached(9)),
    greeting("session open, not answered", Point::Reached(20)),
    greeting("inside the answer to the greeting", Point::Answered(5)),
    session("idle", 0, [0, 0], Point::Quiet),
    session("before the request arrives", 1, [0, 0], Point::Reached(0)),
    session("inside a request", 1, [0, 0], Point::Reached(10)),
    session("request lacks its delimiter", 1, [0, 0], Point::AllBut(1)),
    session("answer under way", 1, [0, 0], Point::Answered(1)),
    session("inside an answer", 1, [0, 0], Point::Answered(8)),
    session("request lost, repeat not due yet", 1, [1, 0], Point::Quiet),
    session("answer lost, repeat not due yet", 1, [0, 1], Point::Quiet),
    session("inside a repeat", 1, [1, 0], Point::Reached(10)),
    session("requests held behind a lost one", 3, [1, 0], Point::Quiet),
    session("window full, all answers lost", usize::MAX, [0, usize::MAX], Point::Quiet),
];

/// How the host goes on once the line is back. The chip is never reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// In the same session: every command under way must run exactly once.
    Resume,
    /// In a new session: commands under way are given up, and must have run once at most.
    NewSession,
}

/// What a cut in one state led to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CutReport {
    /// The state of the protocol.
    pub state: &'static str,
    /// How the host went on.
    pub recovery: Recovery,
    /// The error, or null if none came.
    pub error: Option<String>,
    /// Whether it is the typed error of this state: `NoAnswer` in a greeting, `Timeout` in a session.
    pub typed: bool,
    /// From the cut (in an idle session: from the next command) to the error.
    pub error_ms: f64,
    /// Two time-outs, as they were when the line was cut.
    pub limit_ms: f64,
    /// From the line's return until all commands were answered; null if they never were.
    pub recovered_ms: Option<f64>,
    /// Commands that ran more than once.
    pub repeated: u64,
    /// Commands that did not run though they had to.
    pub lost: u64,
    /// Answers that were not bit-exact.
    pub wrong: u64,
}

impl CutReport {
    /// Whether the error came in time and nothing was lost, repeated or wrong afterwards.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.typed
            && self.error_ms <= self.limit_ms
            && self.recovered_ms.is_some()
            && (self.repeated, self.lost, self.wrong) == (0, 0, 0)
    }
}

/// Cuts the line in each state; `chip` makes a chip as it is after reset.
pub fn silent_cuts(mut chip: impl FnMut() -> Box<dyn Tested>, seed: u64) -> Vec<CutReport> {
    let mut reports = Vec::new();
    for state in &STATES {
        let recoveries: &[Recovery] =
            if state.greeting { &[Recovery::NewSession] } else { &[Recovery::Resume, Recovery::NewSession] };
        for &recovery in recoveries {
            let mut chip = chip();
            let mut rig = Rig::new(&mut *chip, Faults::NONE, seed);
            reports.push(if state.greeting {
                cut_greeting(&mut rig, state)
            } else {
                cut_session(&mut rig, state, recovery)
            });
        }
    }
    reports
}

/// Moves the rig on, a byte each way at a time, until it is at the state's point.
fn approach(rig: &mut Rig, point: Point, mut step: impl FnMut(&mut Rig) -> Result<(), LinkError>) {
    let start = [rig.to_chip.passed(), rig.from_chip.passed()];
    let mut begun = false;
    loop {
        let [reached, answered] = [rig.to_chip.passed() - start[0], rig.from_chip.passed() - start[1]];
        let there = match point {
            Point::Reached(bytes) => reached == bytes,
            Point::AllBut(bytes) => reached > 0 && rig.to_chip.waiting() == bytes,
            Point::Answered(bytes) => answered == bytes,
            Point::Quiet => begun && rig.to_chip.waiting() == 0 && rig.from_chip.waiting() == 0,
        };
        if there {
            return;
        }
        step(rig).expect("the line is whole");
        begun = true;
    }
}

/// Cuts both lines and waits for the error; gives it with the time that it took, then mends the lines.
fn cut(
    rig: &mut Rig,
    time_out: Duration,
    mut step: impl FnMut(&mut Rig) -> Result<(), LinkError>,
) -> (Option<LinkError>, Duration) {
    rig.to_chip.cut();
    rig.from_chip.cut();
    let begin = rig.now;
    let mut error = None;
    while error.is_none() && rig.now < begin + 4 * time_out {
        error = step(rig).err();
    }
    rig.to_chip.mend();
    rig.from_chip.mend();
    (error, rig.now.saturating_sub(begin))
}

fn cut_greeting(rig: &mut Rig, state: &State) -> CutReport {
    let mut greeting = rig.greeting();
    approach(rig, state.point, |rig| rig.greet(&mut greeting, 1).map(drop));
    let time_out = greeting.time_out();
    let (error, after) = cut(rig, time_out, |rig| rig.greet(&mut greeting, Line::RATE).map(drop));
    let typed = matches!(error, Some(LinkError::NoAnswer { .. }));
    finish(rig, state, Recovery::NewSession, (error, typed), [after, time_out], None)
}

fn cut_session(rig: &mut Rig, state: &State, recovery: Recovery) -> CutReport {
    let mut endpoint = rig.open().expect("the line is whole");
    run(rig, &mut endpoint, 5).expect("the line is whole");
    let window = endpoint.hello().shape.window();
    submit(rig, &mut endpoint, state.commands.min(window + 2));
    rig.to_chip.condemn(state.lost[0]);
    rig.from_chip.condemn(state.lost[1]);
    approach(rig, state.point, |rig| rig.step(&mut endpoint, 1));
    if state.commands == 0 {
        // Nothing is awaited on an idle line: the next command is the first to miss it.
        submit(rig, &mut endpoint, 1);
    }
    let time_out = endpoint.time_out();
    let (error, after) = cut(rig, time_out, |rig| rig.step(&mut endpoint, Line::RATE));
    let typed = matches!(error, Some(LinkError::Timeout { .. }));
    let resumed = (recovery == Recovery::Resume).then(|| {
        endpoint.resume(rig.now);
        endpoint
    });
    finish(rig, state, recovery, (error, typed), [after, time_out], resumed)
}

/// Goes on over the mended line, in the session of `resumed` or a new one, and takes stock.
fn finish(
    rig: &mut Rig,
    state: &State,
    recovery: Recovery,
    (error, typed): (Option<LinkError>, bool),
    [after, time_out]: [Duration; 2],
    resumed: Option<Endpoint>,
) -> CutReport {
    let begin = rig.now;
    let endpoint = resumed.or_else(|| {
        let endpoint = rig.open();
        // Only now: the first byte of the greeting may complete a request that lacked its delimiter.
        rig.give_up();
        endpoint
    });
    let recovered = endpoint.and_then(|mut endpoint| run(rig, &mut endpoint, 20));
    let ran = rig.executions();
    CutReport {
        state: state.name,
        recovery,
        error: error.map(|error| error.to_string()),
        typed,
        error_ms: after.as_secs_f64() * 1e3,
        limit_ms: 2.0 * time_out.as_secs_f64() * 1e3,
        recovered_ms: recovered.map(|end| end.saturating_sub(begin).as_secs_f64() * 1e3),
        repeated: ran.repeated,
        lost: ran.missing + u64::from(!ran.in_order && ran.repeated == 0),
        wrong: rig.wrong,
    }
}

fn submit(rig: &mut Rig, endpoint: &mut Endpoint, commands: usize) {
    let shape = endpoint.hello().shape;
    for _ in 0..commands {
        let (token, command) = rig.command(&shape);
        endpoint.submit(token, command);
    }
}

/// Submits commands and waits until everything is answered; gives the time, or `None` if a minute does not do.
fn run(rig: &mut Rig, endpoint: &mut Endpoint, commands: usize) -> Option<Duration> {
    submit(rig, endpoint, commands);
    let end = rig.now + Duration::from_secs(60);
    while !rig.expected.is_empty() {
        if rig.now > end || rig.step(endpoint, Line::RATE).is_err() {
            return None;
        }
    }
    Some(rig.now)
}
