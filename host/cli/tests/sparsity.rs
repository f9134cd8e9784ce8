//! `lacuna sparsity` on the digit classifier.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/digits")
}

fn sparsity(options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lacuna"))
        .arg("sparsity")
        .arg(assets().join("digits_qop.onnx"))
        .arg("--input")
        .arg(assets().join("digits_test.npz"))
        .args(["--limit", "2", "--array-limit", "1"])
        .args(options)
        .output()
        .expect("the command starts")
}

#[test]
fn json_and_page_tell_of_every_layer_and_readout() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("study.html");
    let output = sparsity(&["--json", "--html", page.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["layers"].as_array().unwrap().len(), 5);
    // `base` reduces as many columns a cycle as the reference.
    assert_eq!(report["widths"].as_array().unwrap().len(), 3, "three widths, one reduction");
    let charge = report["charge"].as_array().unwrap();
    assert_eq!(charge.len(), 4 * 6, "four variants, 3 to 8 bits");
    let exact = &report["exact_correct"];
    for result in charge {
        let full = result["variant"]["compensation"] == "full";
        if !full && result["readout_bits"].as_u64() >= Some(7) {
            assert_eq!((&result["agree"], &result["correct"]), (&Value::from(2), exact));
        }
    }
    assert!(std::fs::read_to_string(page).unwrap().contains("<svg"));
}

#[test]
fn energies_come_from_the_table_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("energy.toml");
    let fields = ["cell_digit_2", "cell_digit_4", "cell_digit_8", "weight_byte", "activation_byte", "charge_cell"];
    let lines = fields.map(|field| format!("{field} = {}", u8::from(field == "weight_byte")));
    let text = format!("source = \"made up\"\nconversion_step = 0\ncode_add = 0\n{}\n", lines.join("\n"));
    std::fs::write(&table, text).unwrap();
    let output = sparsity(&["--json", "--no-charge", "--energy", table.to_str().unwrap()]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let layer = &report["layers"][1];
    let (energy, cells) = (&layer["energy"][2], layer["active_cells"][2].as_f64().unwrap());
    assert_eq!((&energy["compute"], &energy["activations"]), (&Value::from(0.0), &Value::from(0.0)));
    assert!((energy["weights"].as_f64().unwrap() * 1000.0 - cells).abs() < 0.5, "a picojoule a cell");

    std::fs::write(&table, "source = \"nothing else\"").unwrap();
    let output = sparsity(&["--energy", table.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("energy table"));
}
