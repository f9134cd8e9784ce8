//! The roofline of `lacuna profile` adds up, and its trace shows every job.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/digits")
}

fn profile(options: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lacuna"))
        .arg("profile")
        .arg(assets().join("digits_qop.onnx"))
        .arg("--input")
        .arg(assets().join("digits_test.npz"))
        .arg("--json")
        .args(options)
        .output()
        .expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Cycles in 64ths: whole numbers on every geometry.
fn number(value: &Value) -> u64 {
    let parts = 64.0 * value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!(parts.fract().abs() < f64::EPSILON, "{value} is no multiple of a slot");
    parts as u64
}

fn losses(value: &Value) -> u64 {
    value["losses"].as_object().expect("losses by cause").values().map(number).sum()
}

#[test]
fn bound_and_losses_are_all_the_cycles_of_every_layer_and_gating() {
    for gating in ["off", "row", "digit"] {
        let report = profile(&["--gating", gating]);
        let layers = report["layers"].as_array().expect("layers");
        assert_eq!(layers.len(), 9);
        let sum = |of: &dyn Fn(&Value) -> u64| layers.iter().map(of).sum::<u64>();
        for whole in layers.iter().chain([&report]) {
            let cycles = whole.get("cycles").unwrap_or(&whole["total_cycles"]);
            assert_eq!(number(cycles), number(&whole["bound_cycles"]) + losses(whole), "{gating}: {whole}");
        }
        assert_eq!(number(&report["total_cycles"]), sum(&|layer| number(&layer["cycles"])), "{gating}");
        assert_eq!(number(&report["bound_cycles"]), sum(&|layer| number(&layer["bound_cycles"])), "{gating}");
        assert_eq!(number(&report["total_cycles"]) % 64, 0, "whole cycles");
        assert_eq!(report["losses"].get("gating").is_some(), gating != "digit", "{gating}");
    }
}

#[test]
fn gating_lowers_the_cycles_and_not_the_bound() {
    // Gate values are the zero points here, so `row` and `digit` see the same digits.
    let [row, digit] = ["row", "digit"].map(|gating| profile(&["--gating", gating]));
    assert_eq!(row["bound_cycles"], digit["bound_cycles"]);
    assert!(number(&row["total_cycles"]) > number(&digit["total_cycles"]));
}

#[test]
fn the_cycles_are_those_that_a_run_reports() {
    let output = Command::new(env!("CARGO_BIN_EXE_lacuna"))
        .arg("run")
        .arg(assets().join("digits_qop.onnx"))
        .arg("--input")
        .arg(assets().join("digits_test.npz"))
        .args(["--device", "golden", "--limit", "3", "--json"])
        .output()
        .expect("the command starts");
    let run: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(number(&run["cycles"][2]), number(&profile(&["--frame", "2"])["total_cycles"]));
}

#[test]
fn the_trace_has_a_span_for_every_job_on_its_tile_and_unit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trace.json");
    let report = profile(&["--trace", path.to_str().unwrap()]);
    let trace: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).expect("a JSON trace");
    let events = trace["traceEvents"].as_array().expect("events");
    let spans: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    let end = spans.iter().map(|span| span["ts"].as_u64().unwrap() + span["dur"].as_u64().unwrap()).max().unwrap();
    assert!(64 * end <= number(&report["total_cycles"]), "a job ends in cycle {end}");
    for layer in report["layers"].as_array().unwrap() {
        assert!(spans.iter().any(|span| span["name"] == layer["name"] && span["tid"] == 0), "{}", layer["name"]);
    }
    assert!(spans.iter().any(|span| span["tid"] == 1), "halos move between tiles");
    let tracks = events.iter().filter(|event| event["name"] == "thread_name").count();
    assert_eq!(tracks, 8, "two units on each of four tiles");
}
