//! Bad input ends in a clear error and its exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/digits")
}

fn lacuna(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lacuna")).args(arguments).output().expect("the command starts")
}

fn ends(arguments: &[&str], code: i32, text: &str) {
    let output = lacuna(arguments);
    let message = String::from_utf8_lossy(&output.stderr)
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.contains(text), "{message}");
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn several_inputs_come_from_one_archive_and_from_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/tflite");
    let (model, inputs) = (cases.join("sub_0.tflite"), cases.join("sub_0.npz"));
    let (model, inputs) = (model.to_str().unwrap(), inputs.to_str().unwrap());
    let output = lacuna(&["run", model, "--input", inputs, "--device", "golden", "--check", "--reference", inputs]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let single = folder.path().join("single.npy");
    ndarray_npy::write_npy(&single, &ndarray::Array2::<i8>::zeros((3, 5))).unwrap();
    ends(&["run", model, "--input", single.to_str().unwrap()], 4, "save them as `x0`, `x1` and so on in an .npz file");
}

#[test]
fn every_kind_of_bad_input_has_its_exit_code() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, images) = (assets().join("digits_qop.onnx"), assets().join("digits_test.npz"));
    let (model, images) = (model.to_str().unwrap(), images.to_str().unwrap());
    let truncated = folder.path().join("truncated.onnx");
    let bytes = std::fs::read(model).unwrap();
    std::fs::write(&truncated, &bytes[..bytes.len() / 2]).unwrap();
    let calibration = folder.path().join("wrong.npy");
    ndarray_npy::write_npy(&calibration, &ndarray::Array2::<u8>::zeros((3, 5))).unwrap();

    ends(&["run", truncated.to_str().unwrap(), "--input", images], 3, "not a readable ONNX file");
    ends(&["run", model, "--input", calibration.to_str().unwrap()], 4, "the model takes frames of shape");
    ends(&["run", model, "--input", images, "--limit", "1", "--device", "serial:/dev/none"], 5, "cannot be opened");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/tflite");
    let (large, frames) = (cases.join("mirror_pad_0.tflite"), cases.join("mirror_pad_0.npz"));
    let (large, frames) = (large.to_str().unwrap(), frames.to_str().unwrap());
    ends(&["run", large, "--input", frames, "--geometry", "nano"], 3, "larger than the chip by");
    ends(&["run", model, "--input", images, "--batch", "60"], 3, "60 frames do not fit the chip together: tensor");
    let [stream, steps] = ["tflite", "npz"].map(|ending| cases.join("stream_0").with_extension(ending));
    let stream = ["run", stream.to_str().unwrap(), "--input", steps.to_str().unwrap(), "--batch", "2"];
    ends(&stream, 3, "2 frames cannot pass through the chip together: the network keeps");
    ends(&["run", model, "--input", images, "--batch", "0"], 2, "--batch");
    ends(&["run", model, "--input", "none.npz"], 6, "cannot read none.npz");
    ends(&["run", model, "--input", images, "--device", "abacus"], 2, "is no device");
}

#[test]
fn what_is_larger_than_the_chip_runs_in_bands() {
    let (model, images) = (assets().join("digits_qop.onnx"), assets().join("digits_test.npz"));
    let (model, images) = (model.to_str().unwrap(), images.to_str().unwrap());
    let nano = ["--geometry", "nano", "--device", "golden", "--json"];
    let output = lacuna(&[&["run", model, "--input", images, "--limit", "2", "--check"][..], &nano].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&report["mismatches"], &report["cycle_mismatches"]), (&0.into(), &0.into()));
    assert!(report["band_bytes"].as_u64().is_some_and(|bytes| bytes > 10_000), "{}", report["band_bytes"]);
    // Each layer is listed once, and what the host cuts and joins is not.
    let output = lacuna(&["profile", model, "--input", images, "--geometry", "nano", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let layers = report["layers"].as_array().unwrap();
    assert!(layers.iter().any(|layer| layer["bands"].as_u64().unwrap() > 1), "{layers:?}");
    assert!(!layers.iter().any(|layer| layer["name"].as_str().unwrap().contains(" rows ")), "{layers:?}");
    let host = report["host"].as_array().unwrap();
    assert!(host.iter().all(|node| node["op"] != "Slice" && node["op"] != "Concat"), "{host:?}");
}

#[test]
fn three_gating_modes_answer_alike_on_the_golden_model() {
    let (model, images) = (assets().join("digits_qop.onnx"), assets().join("digits_test.npz"));
    let answers = ["off", "row", "digit"].map(|gating| {
        let output = lacuna(&[
            "run",
            model.to_str().unwrap(),
            "--input",
            images.to_str().unwrap(),
            "--limit",
            "3",
            "--device",
            "golden",
            "--gating",
            gating,
            "--check",
            "--json",
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(report["frames"], 3);
        assert_eq!(report["mismatches"], 0);
        report["outputs"].clone()
    });
    assert!(answers[0] == answers[1] && answers[1] == answers[2]);
}

#[test]
fn the_simulated_chip_equals_golden_on_every_bit_and_cycle() {
    let (model, images) = (assets().join("digits_qop.onnx"), assets().join("digits_test.npz"));
    for gating in ["off", "row", "digit"] {
        let output = lacuna(&[
            "run",
            model.to_str().unwrap(),
            "--input",
            images.to_str().unwrap(),
            "--limit",
            "2",
            "--gating",
            gating,
            "--check",
        ]);
        assert!(output.status.success(), "{gating}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
