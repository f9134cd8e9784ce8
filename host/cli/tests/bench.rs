//! `lacuna bench --models` measures every network of a folder, and tells of each that fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, NpzWriter};
use serde_json::Value;

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests").join(name)
}

/// A folder with copies of committed networks and their vectors.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in names.iter().map(|name| committed(name)) {
        let npz = path.with_extension("npz");
        for file in [&path, &npz] {
            std::fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// The exit code, the rows, and what went to stderr.
fn bench(folder: &Path, options: &[&str]) -> (i32, Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lacuna"))
        .args(["bench", "--json", "--models"])
        .arg(folder)
        .args(options)
        .output()
        .expect("the command starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap_or(-1), report["networks"].as_array().cloned().unwrap_or_default(), stderr)
}

#[test]
fn each_network_has_a_row_for_each_width() {
    let networks = ["models/residual_chain.onnx", "tflite/concatenation_0.tflite", "tflite/stream_0.tflite"];
    let folder = folder(&networks);
    let (code, rows, stderr) = bench(folder.path(), &["--limit", "2"]);
    assert_eq!(code, 0, "{stderr}");
    let names = ["concatenation_0.tflite", "residual_chain.onnx", "stream_0.tflite"];
    let of = |row: &Value| (row["model"].as_str().unwrap().to_owned(), row["digit_bits"].as_u64().unwrap());
    let wanted = names.iter().flat_map(|name| [2, 4, 8].map(|width| ((*name).to_owned(), width)));
    assert_eq!(rows.iter().map(of).collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
    for row in &rows {
        assert!(row["error"].is_null() && row["mismatches"] == 0 && row["values"].as_u64() > Some(0), "{row}");
        assert!(row["frames"] == 2 && row["oracle"] == "file" && row["cycle_mismatches"].is_null(), "{row}");
        let [cycles, bound, percent] =
            ["cycles", "bound_cycles", "bound_percent"].map(|field| row[field].as_f64().unwrap());
        assert!(bound <= cycles, "{row}");
        assert!(cycles == 0.0 || (percent - 100.0 * bound / cycles).abs() < 1e-9, "{row}");
    }
    let chain: Vec<&Value> = rows.iter().filter(|row| row["model"] == "residual_chain.onnx").collect();
    assert!(chain.iter().all(|row| row["macs"].as_u64() > Some(0)), "{chain:?}");
    let bounds: Vec<f64> = chain.iter().map(|row| row["bound_cycles"].as_f64().unwrap()).collect();
    assert!(bounds[0] > bounds[1] && bounds[1] > bounds[2], "wider digits are fewer: {bounds:?}");
}

#[test]
fn frames_pass_together_unless_something_is_kept_for_the_next() {
    let folder = folder(&["models/dense_straight.onnx", "models/residual_chain.onnx", "tflite/stream_0.tflite"]);
    let of = |options: &[&str]| {
        let (code, rows, stderr) = bench(folder.path(), &[options, &["--widths", "4", "--limit", "3"]].concat());
        assert_eq!(code, 0, "{stderr}");
        for row in &rows {
            assert!(
                row["mismatches"] == 0 && row["values"].as_u64() > Some(0) && row["frames"].as_u64() >= Some(2),
                "{row}"
            );
        }
        rows
    };
    let (apart, together) = (of(&[]), of(&["--batch", "3"]));
    let fields = |rows: &[Value], field: &str| rows.iter().map(|row| row[field].clone()).collect::<Vec<_>>();
    let batches = [1, 1, 1, 3, 3, 1].map(Value::from);
    assert_eq!([fields(&apart, "batch"), fields(&together, "batch")].concat(), batches);
    for of_a_frame in ["macs", "host_operators"] {
        assert_eq!(fields(&together, of_a_frame), fields(&apart, of_a_frame));
    }
    let cycles = fields(&together, "cycles").into_iter().zip(fields(&apart, "cycles"));
    for (together, apart) in cycles.take(2) {
        assert!(together.as_f64() < apart.as_f64(), "{together} cycles a frame together, {apart} apart");
    }
}

#[test]
fn a_network_that_cannot_run_has_its_error_and_the_others_their_figures() {
    let folder = folder(&["models/dense_straight.onnx"]);
    std::fs::write(folder.path().join("broken.tflite"), b"no model").unwrap();
    std::fs::copy(committed("models/matmul.onnx"), folder.path().join("alone.onnx")).unwrap();
    let (code, rows, stderr) = bench(folder.path(), &["--widths", "4"]);
    assert_eq!(code, 6, "the first failure is a missing file: {stderr}");
    assert!(stderr.contains("2 of 3 measurements failed"), "{stderr}");
    let errors: Vec<&str> = rows.iter().map(|row| row["error"].as_str().unwrap_or_default()).collect();
    assert!(errors[0].contains("alone.npz") && errors[1].contains("broken.tflite"), "{errors:?}");
    assert!(rows[0].get("cycles").is_none() && errors[2].is_empty() && rows[2]["mismatches"] == 0, "{rows:?}");
}

#[test]
fn a_wrong_answer_is_counted_and_ends_in_exit_code_1() {
    let folder = folder(&["tflite/relu_0.tflite"]);
    let path = folder.path().join("relu_0.npz");
    let mut archive = NpzReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let x: ArrayD<u8> = archive.by_name::<OwnedRepr<u8>, IxDyn>("x0").unwrap();
    let mut y: ArrayD<u8> = archive.by_name::<OwnedRepr<u8>, IxDyn>("y0").unwrap();
    *y.first_mut().unwrap() ^= 1;
    // Names of one's own, and integers of any width.
    let mut archive = NpzWriter::new(std::fs::File::create(&path).unwrap());
    archive.add_array("images", &x.mapv(i32::from)).unwrap();
    archive.add_array("output", &y).unwrap();
    archive.finish().unwrap();
    let (code, rows, stderr) = bench(folder.path(), &["--widths", "2"]);
    assert!(code == 1 && rows[0]["mismatches"] == 1, "{code}: {stderr}");

    let mut archive = NpzWriter::new(std::fs::File::create(&path).unwrap());
    archive.add_array("x", &x).unwrap();
    archive.finish().unwrap();
    let (code, rows, stderr) = bench(folder.path(), &["--widths", "2"]);
    assert!(code == 0 && rows[0]["oracle"] == "host" && rows[0]["values"].as_u64() > Some(0), "{code}: {stderr}");
}

#[test]
fn networks_that_end_in_integers_are_compared_and_print_them() {
    let folder = folder(&["models/qdq_argmax_03.onnx", "tflite/arg_max_1.tflite"]);
    let (code, rows, stderr) = bench(folder.path(), &["--widths", "4"]);
    assert!(code == 0 && rows.len() == 2, "{code}: {stderr}");
    assert!(rows.iter().all(|row| row["mismatches"] == 0 && row["values"].as_u64() > Some(0)), "{rows:?}");

    let (model, npz) = (folder.path().join("arg_max_1.tflite"), folder.path().join("arg_max_1.npz"));
    let run = |reference: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lacuna"));
        command.args(["run", "--json", "--device", "golden", "--check", "--input"]).arg(&npz).arg(&model);
        command.arg("--reference").arg(reference).output().expect("the command starts")
    };
    let output = run(&npz);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let read = |path: &Path| -> ArrayD<i32> {
        NpzReader::new(std::fs::File::open(path).unwrap()).unwrap().by_name::<OwnedRepr<i32>, IxDyn>("y0").unwrap()
    };
    let mut answers = read(&npz);
    let printed = report["outputs"].as_array().unwrap().iter().flat_map(|frame| frame[0].as_array().unwrap());
    assert!(printed.map(|value| value.as_i64().unwrap()).eq(answers.iter().map(|&v| i64::from(v))), "{report}");

    *answers.last_mut().unwrap() += 1;
    let wrong = folder.path().join("wrong.npz");
    let mut archive = NpzWriter::new(std::fs::File::create(&wrong).unwrap());
    archive.add_array("y0", &answers.mapv(i64::from)).unwrap();
    archive.finish().unwrap();
    assert_eq!(run(&wrong).status.code(), Some(1));
}

#[test]
fn the_simulated_chip_takes_the_golden_cycles() {
    let folder = folder(&["models/dense_straight.onnx"]);
    let (code, rows, stderr) =
        bench(folder.path(), &["--device", "sim", "--geometry", "small", "--widths", "4", "--limit", "2"]);
    assert!(code == 0 && rows[0]["cycle_mismatches"] == 0, "{code}: {stderr}");
}
