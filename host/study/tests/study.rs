//! The study of the digit classifier.

use std::path::Path;

use lacuna_compiler::reference::{self, Value};
use lacuna_compiler::{Graph, import, passes};
use lacuna_spec::Geometry;
use lacuna_study::{ChargeNetwork, ChargeOptions, EnergyTable, Options, Report, Variant, page, study};

fn digits() -> Graph {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/assets/digits/digits_qop.onnx");
    import::model(&std::fs::read(file).unwrap()).unwrap()
}

/// A blurred stroke, different for each seed.
fn picture(seed: usize) -> Vec<Value> {
    let pixel = |at: usize| {
        let (y, x) = ((at / 28) as f32, (at % 28) as f32);
        let middle = 13.5 + 6.0 * (0.35 * y + seed as f32).sin();
        (255.0 - 60.0 * (x - middle).abs()).max(0.0) * f32::from(u8::from((4.0..24.0).contains(&y)))
    };
    vec![Value::F32((0..784).map(|at| pixel(at).floor()).collect())]
}

fn prepared(frames: &[Vec<Value>]) -> Graph {
    passes::prepare(digits(), frames, &passes::Options::default()).unwrap()
}

fn report(frames: &[Vec<Value>], charge: bool) -> Report {
    let options = Options {
        geometry: Geometry::BASE,
        array_frames: 1,
        batch: 8,
        hysteresis: 1,
        thresholds: vec![0, 12, 17],
        energy: EnergyTable::default(),
        charge: charge.then(ChargeOptions::default),
    };
    study(&prepared(frames), frames, None, &options, &|_| ()).unwrap()
}

#[test]
fn enough_bits_of_readout_change_no_answer_and_too_few_do() {
    let frames: Vec<_> = (0..2).map(picture).collect();
    let graph = prepared(&frames);
    let network = ChargeNetwork::new(&graph);
    let exact: Vec<usize> = frames
        .iter()
        .map(|frame| {
            let out = reference::run(&graph, frame).unwrap();
            let logits = out[0].as_f32().unwrap().to_vec();
            (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b]).then(b.cmp(&a))).unwrap()
        })
        .collect();
    for variant in &Variant::ALL[..3] {
        let run = |bits| network.run(&frames, &exact, None, bits, *variant, None).unwrap();
        let (enough, few) = (run(7), run(3));
        assert_eq!((enough.agree, enough.sum_error), (2, 0.0), "{}", variant.name());
        assert!(few.sum_error > 0.1, "{}: {}", variant.name(), few.sum_error);
    }
}

#[test]
fn gates_and_their_compensation_lower_the_error_of_a_sum() {
    let report = report(&[picture(3)], true);
    let of = |name: &str, bits| {
        let found = report.charge.iter().find(|r| r.variant.name() == name && r.readout_bits == bits);
        found.unwrap_or_else(|| panic!("no {name}"))
    };
    for bits in 3..=5 {
        let error = |name| of(name, bits).sum_error;
        assert!(error("gated by planes") < error("ungated"), "{bits} bits");
        assert!(error("gated, not compensated") > error("gated by planes"), "{bits} bits");
    }
    let counts = of("ungated", 8).counts;
    assert_eq!(counts.enabled_rows, 64 * counts.conversions);
    assert!(of("gated by planes", 8).enabled_rows < 48.0);
    for result in &report.charge {
        assert_eq!(result.counts.by_quarters.iter().sum::<u64>(), result.counts.conversions);
    }
}

#[test]
fn tables_agree_with_each_other() {
    let report = report(&[picture(1)], false);
    assert!(report.charge.is_empty() && report.layers.len() == 5);
    for layer in &report.layers {
        let [two, four, eight] = layer.digits_per_row;
        assert!(two >= four && four >= eight && eight <= 1.0, "{}", layer.name);
        assert!((eight - (1.0 - layer.zero_fraction)).abs() < 1e-9, "{}: a row is one 8-bit digit or none", layer.name);
        // `off` is no bound: it works on plain values, which never need a digit more than there are planes.
        let [_, row, digit] = layer.cycles;
        assert!(row >= digit, "{}: {row}, {digit} cycles", layer.name);
        let [_, row, digit] = layer.active_cells;
        assert!(row >= digit, "{}: {row}, {digit} active cells", layer.name);
        if layer.outputs % 16 == 0 {
            assert!(layer.active_over_essential <= 1.05, "{}", layer.name);
        }
    }
    for width in &report.widths {
        let [off, row, digit] = width.macs_per_cell_cycle;
        assert!(off <= row && row <= digit && digit <= width.limit);
        assert_eq!(width.run.slots.total(), 8 * width.run.cycles);
    }
    let [always, some, never] = &report.monitor[..] else { panic!("three thresholds") };
    assert_eq!((always.gated, never.gated), (always.batches, 0));
    assert!(always.digits <= some.digits && some.digits <= never.digits);
    let cells: f64 = report.layers.iter().map(|l| l.active_cells[2]).sum();
    assert!(
        (cells - 16.0 * always.digits as f64).abs() < 1.0 || always.second > 0,
        "a monitor that always gates is mode digit"
    );
}

#[test]
fn the_page_needs_no_other_file_and_shows_every_part() {
    let report = report(&[picture(2)], true);
    let page = page("digits", &report);
    assert_eq!(page.matches("<svg").count(), 7);
    for part in
        ["Layers", "Multiply-accumulates", "Sparsity monitor", "Charge-domain array", "Energy, modelled", "Horowitz"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src=") && !page.contains("href="));
}
