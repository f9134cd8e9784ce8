//! `lacuna reshape` moves tensors on the engines and tells what that took.

use std::process::{Command, Output};

fn lacuna(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lacuna")).arg("reshape").args(arguments).output().expect("the command starts")
}

fn report(arguments: &[&str]) -> serde_json::Value {
    let output = lacuna(&[arguments, &["--check", "--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn layouts_change_without_a_mismatch() {
    for arguments in [
        &["--from", "1x32x16x16:NHWC@tiles=4", "--to", "1x8192:C16@tiles=2"][..],
        &["--from", "13x19", "--to", "19x13@tiles=3", "--op", "transpose=1,0"],
        &["--from", "2x3x4:i16", "--from", "2x5x4:cab:i16@first=2", "--op", "concat=1", "--to", "2x8x4:i16@tiles=4"],
        &[
            "--from",
            "1x8x6x6:i32",
            "--op",
            "pad=0,0,1,1:0,0,1,1:-3",
            "--op",
            "slice=:,::-1",
            "--to",
            "1x8x8x8:NHWC:i32",
        ],
        &["--from", "1x20x5x7", "--to", "1x20x5x7:C16"],
    ] {
        let report = report(arguments);
        assert_eq!(report["mismatches"], 0, "{arguments:?}");
        let number = |key: &str| report[key].as_u64().unwrap();
        assert!(number("cycles") >= number("limit_cycles") && number("limit_cycles") > 0, "{report}");
        assert_eq!(number("peak_extra_bytes"), 0);
    }
}

#[test]
fn a_view_costs_nothing_and_a_circle_a_quarter_at_most() {
    let view = report(&["--from", "1x8192", "--to", "1x32x16x16"]);
    assert_eq!((&view["bytes"], &view["cycles"]), (&0.into(), &0.into()));
    let circle = report(&["--from", "40x64@base=0", "--to", "40x64:ba@base=0"]);
    assert!((1..=640).contains(&circle["peak_extra_bytes"].as_u64().unwrap()), "{circle}");
}

#[test]
fn errors_name_the_token() {
    for (arguments, text) in [
        (["--from", "1x3:NQ", "--to", "1x3"], "\"Q\" is no dimension"),
        (["--from", "1x3", "--to", "1x3@tiles=9"], "\"9\" is no count of tiles"),
        (["--from", "1x3", "--to", "1x4"], "the target has 4 elements but the source gives 3"),
        (["--from", "300x300", "--to", "300x300"], "a source needs 90000 bytes of each tile"),
    ] {
        let output = lacuna(&arguments);
        let message = String::from_utf8_lossy(&output.stderr).replace("\n  │ ", " ");
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(text), "{message}");
    }
}
