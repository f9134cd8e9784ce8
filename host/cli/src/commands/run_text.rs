//! What `lacuna run` prints for people.

use lacuna_compiler::Graph;
use lacuna_compiler::reference::Value;
use lacuna_driver::FrameReport;

use super::run::prediction;
use crate::answers::{Outside, outputs};
use crate::output;
use crate::traffic::Every;

/// Most frames that are drawn.
const DRAWN: usize = 10;
/// Most values of an output that are listed.
const LISTED: usize = 20;
/// Widest picture that is drawn.
const WIDEST: usize = 64;

/// Prints the drawings, if asked for, with what `draw` says how often cycles are spent, and the summary.
pub fn print(
    graph: &Graph,
    lines: &[(String, String)],
    draw: Option<Every>,
    frames: &[Vec<Value>],
    answers: &[FrameReport],
    labels: Option<&[u8]>,
) {
    if let Some(every) = draw {
        for (index, (frame, answer)) in frames.iter().zip(answers).take(DRAWN).enumerate() {
            for line in picture(frame.first()) {
                say!("{line}");
            }
            let seen = prediction(answer).map_or_else(String::new, |class| format!("reads {class}"));
            let right = labels.and_then(|l| l.get(index)).map_or_else(String::new, |label| format!(", is {label}"));
            say!("frame {index}: {seen}{right}, {} cycles {every}\n", answer.cycles);
        }
    } else if labels.is_none() {
        for (index, answer) in answers.iter().enumerate() {
            for (tensor, value) in outputs(graph, answer) {
                say!("frame {index}, {} {:?}: {}", tensor.name, tensor.shape, listed(&value));
            }
        }
    }
    let mut table = output::table(&["result", ""]);
    for (name, value) in lines {
        table.add_row([name, value]);
    }
    say!("{table}");
}

/// The first values of an output.
fn listed(value: &Outside) -> String {
    let (shown, count): (Vec<String>, usize) = match value {
        Outside::Integers(v) => (v.iter().take(LISTED).map(ToString::to_string).collect(), v.len()),
        Outside::Reals(v) => (v.iter().take(LISTED).map(ToString::to_string).collect(), v.len()),
    };
    let rest = count - shown.len();
    let rest = if rest > 0 { format!(" and {rest} more, which --json prints") } else { String::new() };
    shown.join(" ") + &rest
}

/// A square one-channel frame as text, two rows a line; nothing for other frames.
fn picture(value: Option<&Value>) -> Vec<String> {
    let pixels: Vec<f32> = match value {
        Some(Value::F32(v)) => v.clone(),
        Some(Value::I8(v)) => v.iter().map(|&x| f32::from(x)).collect(),
        Some(Value::I64(_)) | None => return Vec::new(),
    };
    let side = pixels.len().isqrt();
    if side * side != pixels.len() || side > WIDEST {
        return Vec::new();
    }
    let (low, high) = pixels.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let ink = |y: usize, x: usize| y < side && pixels[y * side + x] > low + (high - low) * 0.4;
    let cell = |y: usize, x: usize| match (ink(y, x), ink(y + 1, x)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        _ => ' ',
    };
    let rows = (0..side).step_by(2).map(|y| (0..side).map(|x| cell(y, x)).collect::<String>());
    rows.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}
