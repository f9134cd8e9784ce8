//! Networks whose layers the sparsity monitor measures: whatever it decides, the answers are the reference's, and the
//! simulated chip takes golden's cycles and counts golden's decisions.

use std::path::Path;

use lacuna_compiler::backend::{self, Compiled, Step};
use lacuna_compiler::graph::{DType, Graph, Tensor};
use lacuna_compiler::import;
use lacuna_compiler::passes::second_gate::Monitoring;
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::{State, Value};
use lacuna_driver::transport::{GoldenDevice, SimDevice};
use lacuna_driver::{Device, FrameReport, Session};
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Instr};
use lacuna_spec::regs::Decisions;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Layers of one block and of several, padded and not, with a second column block that is not measured again.
const MODELS: [&str; 5] = ["conv_01", "conv_same_upper", "qdq_residual", "depthwise_separable", "residual_chain"];

fn generator() -> ChaCha8Rng {
    let seed = std::env::var("LACUNA_SEED").map_or(5, |seed| seed.parse().expect("LACUNA_SEED is a number"));
    println!("LACUNA_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

fn import(name: &str) -> Graph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../compiler/tests/models/{name}.onnx"));
    import::model(&std::fs::read(path).unwrap()).unwrap()
}

/// A frame whose pixel rows rest at one of two values or at none, more or less of each.
fn frame(graph: &Graph, rng: &mut ChaCha8Rng) -> Vec<Value> {
    let mut value = |tensor: &Tensor| {
        let shape = &tensor.shape;
        let width = shape[shape.len() - 1];
        let height = if shape.len() < 2 { 1 } else { shape[shape.len() - 2] };
        let mut rest = || ([-7, 90][rng.random_range(0..2)], [0.0, 0.6, 1.0][rng.random_range(0..3)]);
        let rests: Vec<(i8, f64)> = (0..height).map(|_| rest()).collect();
        let byte = |at: usize| {
            let (rest, share) = rests[at / width % height];
            if rng.random_bool(share) { rest } else { rng.random() }
        };
        let bytes: Vec<i8> = (0..tensor.elements()).map(byte).collect();
        match tensor.dtype {
            DType::I8 => Value::I8(bytes),
            _ => Value::F32(bytes.iter().map(|&byte| f32::from(byte) / 16.0).collect()),
        }
    };
    graph.inputs.iter().map(|&id| value(graph.tensor(id))).collect()
}

fn is_monitored(compiled: &Compiled) -> bool {
    compiled.steps.iter().any(|step| match step {
        Step::Chip(program) => program.instrs.iter().any(|instr| match instr {
            Instr::Run(_, _, tail) => tail.monitored(&compiled.geometry),
            _ => false,
        }),
        Step::Host(_) => false,
    })
}

async fn run(device: &mut dyn Device, compiled: &Compiled, frames: &[Vec<Value>]) -> Vec<FrameReport> {
    let mut session = Session::load(device, compiled).await.unwrap().with_profile();
    let mut reports = Vec::new();
    session.run(frames.iter().cloned(), |report| reports.push(report)).await.unwrap();
    reports
}

/// What was decided in all frames.
fn decisions(reports: &[FrameReport]) -> Decisions {
    let mut sum = Decisions::default();
    for record in reports.iter().flat_map(|report| &report.profile) {
        sum.batches += record.decisions.batches;
        sum.gated += record.decisions.gated;
        sum.second += record.decisions.second;
        sum.crossings += record.decisions.crossings;
    }
    sum
}

/// Runs every model on both chips, monitored by each setting and not at all.
async fn same_on_both_chips(geometry: Geometry, gating: Gating, settings: &[(u8, u8)]) {
    let mut rng = generator();
    let mut seen = Vec::new();
    for name in MODELS {
        let graph = import(name);
        let frames: Vec<_> = (0..3).map(|_| frame(&graph, &mut rng)).collect();
        let plain = passes::prepare(graph.clone(), &[], &Options::default()).unwrap();
        let mut state = State::new(&plain);
        let wanted: Vec<_> = frames.iter().map(|frame| state.run(&plain, frame).unwrap()).collect();
        let monitorings =
            settings.iter().map(|&(threshold, hysteresis)| Monitoring { always: true, threshold, hysteresis });
        for monitor in monitorings.map(Some).chain([None]) {
            let options = Options { monitor, ..Options::of(&geometry) };
            let graph = passes::prepare(graph.clone(), &frames, &options).unwrap();
            let compiled = backend::compile(graph, geometry, gating).unwrap();
            assert_eq!(is_monitored(&compiled), monitor.is_some() && geometry.monitor, "{name} {monitor:?}");
            let golden = run(&mut GoldenDevice::new(geometry), &compiled, &frames).await;
            let chip = run(&mut SimDevice::new(geometry).unwrap(), &compiled, &frames).await;
            for (report, wanted) in golden.iter().zip(&wanted) {
                assert!(&report.outputs == wanted, "golden {name} differs by {monitor:?}, {gating:?}");
            }
            for (index, (chip, golden)) in chip.iter().zip(&golden).enumerate() {
                assert!(chip.outputs == golden.outputs, "frame {index} of {name} differs by {monitor:?}, {gating:?}");
                assert_eq!(chip.cycles, golden.cycles, "frame {index} of {name} by {monitor:?}, {gating:?}");
                assert_eq!(chip.profile, golden.profile, "frame {index} of {name} by {monitor:?}, {gating:?}");
            }
            seen.push((monitor, decisions(&chip)));
        }
    }
    if geometry.monitor {
        for &(monitor, Decisions { batches, gated, .. }) in &seen {
            assert_eq!(batches > 0, monitor.is_some());
            match monitor.map(|monitoring| monitoring.threshold) {
                Some(0) => assert_eq!(gated, batches),
                None | Some(17..) => assert_eq!(gated, 0),
                Some(_) => {}
            }
        }
        // Between always and never, some of each; and of each gate value.
        let middle = || seen.iter().filter(|(m, _)| m.is_some_and(|m| (1..17).contains(&m.threshold))).map(|(_, d)| d);
        let sum = |count: fn(&Decisions) -> u32| middle().map(count).sum::<u32>();
        let [batches, gated, second] = [sum(|d| d.batches), sum(|d| d.gated), sum(|d| d.second)];
        assert!(0 < gated && gated < batches && 0 < second && second < batches, "{gated}, {second} of {batches}");
        println!(
            "{}: {gated} gated, {second} by the second of {batches}; {} crossings",
            geometry.name,
            sum(|d| d.crossings)
        );
    } else {
        assert!(seen.iter().all(|(_, decisions)| *decisions == Decisions::default()));
    }
}

/// Always, at several shares with and without hysteresis, never.
const SWEEP: [(u8, u8); 6] = [(0, 1), (4, 0), (8, 2), (12, 7), (16, 1), (17, 0)];

#[tokio::test]
async fn a_base_chip_gated_by_digits_answers_alike_at_every_threshold() {
    same_on_both_chips(Geometry::BASE, Gating::Digit, &SWEEP).await;
}

#[tokio::test]
async fn a_base_chip_gated_by_rows_answers_alike_whatever_is_decided() {
    same_on_both_chips(Geometry::BASE, Gating::Row, &[(6, 1), (17, 0)]).await;
}

#[tokio::test]
async fn a_small_chip_answers_alike_whatever_is_decided() {
    same_on_both_chips(Geometry::SMALL, Gating::Digit, &[(6, 1), (17, 0)]).await;
}

#[tokio::test]
async fn chips_of_other_digits_answer_alike_whatever_is_decided() {
    for bits in [2, 8] {
        same_on_both_chips(Geometry::BASE.with_digit_bits(bits).unwrap(), Gating::Digit, &[(6, 1)]).await;
    }
}

#[tokio::test]
async fn a_chip_without_a_monitor_measures_nothing() {
    same_on_both_chips(Geometry::NANO, Gating::Digit, &[(6, 1)]).await;
}
