//! `lacuna link-test`: its claims hold, and a line that is too bad fails one of them.

use std::process::{Command, Output};

use serde_json::Value;

fn link_test(options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lacuna"))
        .args(["link-test", "--json", "--frames", "6000", "--commands", "400"])
        .args(options)
        .output()
        .expect("the command starts")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn the_claims_hold_and_are_counted() {
    for geometry in ["base", "nano"] {
        let output = link_test(&["--geometry", geometry]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = json(&output);
        let frames = report["frames"].as_array().unwrap();
        for decoder in ["host", "chip"] {
            let rows = frames.iter().filter(|row| row["decoder"] == decoder);
            assert_eq!(rows.map(|row| row["frames"].as_u64().unwrap()).sum::<u64>(), 6000);
        }
        let commands = &report["commands"];
        assert_eq!((&commands["once"], &commands["unanswered"]), (&400.into(), &0.into()));
        assert!(commands["damage"][0]["dropped"].as_u64() > Some(0));
        assert!(report["cuts"].as_array().unwrap().len() > 20);
        assert_eq!((&report["closed"]["spoiled"], &report["closed"]["failed"]), (&0.into(), &0.into()));
        assert_eq!(report["failed"], Value::Array(Vec::new()));
        assert_eq!(json(&link_test(&["--geometry", geometry]))["commands"], *commands, "the seed decides everything");
    }
}

#[test]
fn a_line_that_is_too_bad_fails_a_claim() {
    let output = link_test(&["--bit-errors", "0.05"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["failed"], Value::from(vec!["commands on a bad line"]));
    let output = link_test(&["--drop", "1.5"]);
    assert_eq!(output.status.code(), Some(2));
}
