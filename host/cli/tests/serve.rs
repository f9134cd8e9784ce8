//! A chip that another process serves: answers are exact, and a server that dies is an error, not a hang.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How soon a run must end after its chip is gone.
const NOTICED: Duration = Duration::from_secs(20);

/// Whose turn it is to use pseudo-terminals. A run goes on trying the path of a port that has vanished, and the
/// system gives its number to the next server that asks.
static PORTS: Mutex<()> = Mutex::new(());

/// `lacuna serve` with a golden chip, killed at the end of the test.
struct Server {
    child: Child,
    device: String,
}

impl Server {
    fn start(offer: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lacuna"))
            .args(["serve", "--chip", "golden"])
            .args(offer)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut device = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut device).expect("the server prints its device");
        Self { child, device: device.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(device: &str, arguments: &[&str]) -> Command {
    let assets: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/digits");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lacuna"));
    command.arg("run").arg(assets.join("digits_qop.onnx")).arg("--input").arg(assets.join("digits_test.npz"));
    command.args(["--device", device]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_served_chip_answers_like_the_golden_model() {
    // A test that failed leaves no port behind.
    let _turn = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    for offer in [&["--tcp", "127.0.0.1:0"][..], &["--pty"]] {
        let server = Server::start(offer);
        let output = run(&server.device, &["--limit", "3", "--check", "--json"]).output().expect("the run ends");
        assert!(output.status.success(), "{}: {}", server.device, message(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!((&report["frames"], &report["mismatches"]), (&3.into(), &0.into()), "{}", server.device);
    }
}

#[test]
fn a_model_is_compiled_for_the_chip_that_is_found() {
    let server = Server::start(&["--tcp", "127.0.0.1:0", "--geometry", "small"]);
    let output = run(&server.device, &["--limit", "1", "--check", "--json"]).output().expect("the run ends");
    assert!(output.status.success(), "{}", message(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&report["geometry"], &report["mismatches"]), (&"small".into(), &0.into()));
    let output = run(&server.device, &["--limit", "1", "--geometry", "base"]).output().expect("the run ends");
    assert!(!output.status.success(), "a program for another chip ran");
}

#[test]
fn a_chip_that_vanishes_in_mid_transfer_ends_the_run() {
    // A test that failed leaves no port behind.
    let _turn = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    for offer in [&["--tcp", "127.0.0.1:0"][..], &["--pty"]] {
        let server = Server::start(offer);
        let mut client = run(&server.device, &[]).spawn().expect("the run starts");
        // Long enough to be among the frames, far too short for all thousand.
        std::thread::sleep(Duration::from_secs(2));
        assert!(client.try_wait().expect("it can be asked").is_none(), "the run ended by itself");
        let device = server.device.clone();
        drop(server);
        let gone = Instant::now();
        while client.try_wait().expect("it can be asked").is_none() {
            if gone.elapsed() > NOTICED {
                let _ = client.kill();
                panic!("{device}: the run did not notice");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = client.wait_with_output().expect("it has ended");
        assert_eq!(output.status.code(), Some(5), "{device}: {}", message(&output));
        assert!(message(&output).contains("is disconnected"), "{device}: {}", message(&output));
        assert!(!message(&output).contains("panicked"), "{device}: {}", message(&output));
    }
}
