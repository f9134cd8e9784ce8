//! A frame's jobs as a Chrome trace, which Perfetto opens: a track a tile and unit, a microsecond a cycle.

use lacuna_compiler::backend::{Compiled, Program};
use lacuna_golden::chip::RunReport;
use serde::Serialize;

use crate::roofline::computes;

/// The JSON object form of the trace event format.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    trace_events: Vec<Event>,
    display_time_unit: &'static str,
}

#[derive(Debug, Serialize)]
struct Event {
    name: String,
    /// `X`: a span; `M`: the name of a track.
    ph: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<u64>,
    /// The tile.
    pid: usize,
    /// 0 computes, 1 moves.
    tid: usize,
    args: serde_json::Value,
}

/// The trace of one frame; programs follow each other without a gap.
#[must_use]
pub fn trace(compiled: &Compiled, reports: &[RunReport]) -> Trace {
    let mut events = Vec::new();
    for tile in 0..compiled.geometry.tiles {
        events.push(named("process_name", tile, 0, &format!("tile {tile}")));
        events.push(named("thread_name", tile, 0, "array and post unit"));
        events.push(named("thread_name", tile, 1, "reshape engine"));
    }
    let mut origin = 0;
    for (program, report) in compiled.programs().zip(reports) {
        events.extend(report.jobs.iter().map(|job| span(program, job, origin)));
        origin += u64::from(report.counters.cycles);
    }
    Trace { trace_events: events, display_time_unit: "ns" }
}

fn named(what: &str, tile: usize, unit: usize, name: &str) -> Event {
    let args = serde_json::json!({ "name": name });
    Event { name: what.into(), ph: "M", ts: None, dur: None, pid: tile, tid: unit, args }
}

fn span(program: &Program, job: &lacuna_golden::chip::Job, origin: u64) -> Event {
    let at = job.instruction - program.place;
    let instr = &program.instrs[at];
    let of = |instrs: &[usize]| instrs.contains(&(program.start + at));
    let layer = program.layers.iter().find(|layer| of(&layer.instrs) || of(&layer.moves));
    let work = if computes(instr) { "work" } else { "beats" };
    Event {
        name: layer.map_or_else(String::new, |layer| layer.name.clone()),
        ph: "X",
        ts: Some(origin + u64::from(job.record.start)),
        dur: Some(u64::from(job.record.cycles)),
        pid: job.tile,
        tid: usize::from(!computes(instr)),
        args: serde_json::json!({ "instruction": program.start + at, work: job.record.work }),
    }
}
