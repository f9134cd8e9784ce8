//! What `lacuna run` prints of a model's outputs.

use std::path::PathBuf;
use std::process::Command;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use serde_json::Value;

fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/tflite").join(name)
}

fn run(name: &str, options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lacuna"));
    command.args(["run", "--device", "golden", "--limit", "1", "--input"]).arg(case(&format!("{name}.npz")));
    let output = command.arg(case(&format!("{name}.tflite"))).args(options).output().expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn outputs_of_uint8_are_those_of_the_file() {
    let archive = std::fs::File::open(case("softmax_0.npz")).unwrap();
    let answers: ArrayD<u8> = NpzReader::new(archive).unwrap().by_name::<OwnedRepr<u8>, IxDyn>("y0").unwrap();
    let first: Vec<u8> = answers.outer_iter().next().unwrap().iter().copied().collect();
    let report: Value = serde_json::from_str(&run("softmax_0", &["--json"])).unwrap();
    assert_eq!(report["outputs"][0][0], serde_json::json!(first));

    let text = run("softmax_0", &[]);
    let values: Vec<String> = first[..20].iter().map(ToString::to_string).collect();
    let line = text.lines().find(|line| line.starts_with("frame 0, ")).expect("a line of the frame");
    assert!(line.contains(&format!(": {} and ", values.join(" "))), "{line}");
}

#[test]
fn each_output_has_a_line_of_its_first_values() {
    let text = run("detection_postprocess_2", &[]);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("frame 0, ")).collect();
    assert_eq!(lines.len(), 4, "{text}");
    let text = run("conv_2d_0", &[]);
    assert!(text.lines().any(|line| line.contains(" and ") && line.ends_with("more, which --json prints")), "{text}");
}

#[test]
fn a_batch_tells_its_cycles_and_those_of_a_frame() {
    let [model, input] = ["onnx", "npz"].map(|ending| {
        let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/models");
        models.join("residual_chain").with_extension(ending)
    });
    let run = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lacuna"));
        command
            .arg("run")
            .arg(&model)
            .arg("--input")
            .arg(&input)
            .args(["--device", "golden", "--check", "--batch", "2"]);
        let output = command.args(["--limit", "3"]).args(options).output().expect("the command starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let report: Value = serde_json::from_str(&run(&["--json"])).unwrap();
    let cycles: Vec<u64> = report["cycles"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!((&report["frames"], &report["batch"], cycles.len()), (&3.into(), &2.into(), 2));
    assert_eq!(report["outputs"].as_array().map(Vec::len), Some(3));
    let text = run(&[]);
    let line = |what: &str| text.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what} in {text}"));
    let sum: u64 = cycles.iter().sum();
    assert!(line("cycles a frame").contains(&format!(" {} ", sum / 3)), "{text}");
    assert!(line("cycles a batch of 2").contains(&format!(" {} (", sum / 2)), "{text}");
    assert!(line("golden cycles").contains("2 of 2 batches equal"), "{text}");
}
