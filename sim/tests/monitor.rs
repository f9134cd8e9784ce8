//! The sparsity monitor against its golden counterpart, every output in every cycle.

use lacuna_golden::{
    cim::{Monitor, MonitorSetting, MonitorUnit},
    feeder::{MAX_WORD, Probe},
};
use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{
    Geometry,
    geometry::MONITOR_ROWS,
    instr::{Head, Instr, RunTail, Walk},
};
use rand::Rng as _;

/// Random rows, a share of which equals a gate value.
fn rows(rng: &mut Rng, tail: &RunTail, count: usize, share: f64, second: bool) -> Vec<i16> {
    let gate = if second { tail.second } else { tail.gate } as i16;
    let narrow = rng.random_bool(0.3);
    (0..count)
        .map(|_| match (rng.random_bool(share), narrow) {
            (true, _) => gate,
            (_, true) => (gate + rng.random_range(-9..10)).clamp(-128, 127),
            _ => rng.random_range(-128..128),
        })
        .collect()
}

/// A batch as the feeder hands it over: each word less both gate values, now and then a pause.
fn probes(rng: &mut Rng, tail: &RunTail, rows: &[i16], word: usize) -> Vec<Option<Probe>> {
    let mut given = Vec::new();
    let mut left = rows;
    while !left.is_empty() {
        let count = if rng.random_bool(0.3) { rng.random_range(1..=word) } else { word }.min(left.len());
        let (now, rest) = left.split_at(count);
        left = rest;
        for (gate, second) in [(tail.gate, false), (tail.second, true)] {
            while rng.random_bool(0.05) {
                given.push(None);
            }
            // Rows that are not there hold anything.
            let mut data = [(); MAX_WORD].map(|()| rng.random_range(-255..=255));
            for (d, q) in data.iter_mut().zip(now) {
                *d = q - gate as i16;
            }
            given.push(Some(Probe { data, count: count as u8, second, last: second && rest.is_empty() }));
        }
    }
    given
}

fn drive(dut: &mut Model, word: usize, probe: Option<&Probe>) {
    dut.set("probe_valid_i", probe.is_some().into());
    if let Some(probe) = probe {
        for (b, d) in probe.data[..word].iter().enumerate() {
            dut.set_field("probe_data_i", 9 * b as u32, 9, (*d as u64) & 0x1ff);
        }
        dut.set("probe_count_i", probe.count.into());
        dut.set("probe_second_i", probe.second.into());
        dut.set("probe_last_i", probe.last.into());
    }
}

/// Both, side by side.
struct Bench {
    dut: Model,
    golden: MonitorUnit,
    word: usize,
    /// Nothing is remembered for the present row yet: the memory of rows has no reset.
    unknown: bool,
}

impl Bench {
    /// One cycle of both; whether a decision came in it.
    fn cycle(&mut self, [row, post]: [usize; 2], probe: Option<&Probe>) -> bool {
        let Self { dut, golden, word, unknown } = self;
        drive(dut, *word, probe);
        dut.set("row_i", row as u64);
        dut.set("post_row_i", post as u64);
        dut.eval();
        let decided = golden.decided();
        let now = dut.cycle();
        assert_eq!(dut.bit("decided_o"), decided, "decided_o in cycle {now}");
        if !*unknown {
            let shown = (dut.bit("gated_o"), dut.bit("second_o"), dut.bit("post_second_o"));
            let want = (golden.of(row).gated, golden.of(row).second, golden.of(post).second);
            assert_eq!(shown, want, "left: chip, right: golden, rows {row} and {post} in cycle {now}");
        }
        golden.step(probe, row);
        dut.step();
        dut.set("start_i", 0);
        decided
    }
}

fn decides_like_golden(rng: &mut Rng, geometry: &Geometry, mut dut: Model) {
    let word = geometry.word_bytes();
    for port in ["start_i", "probe_valid_i"] {
        dut.set(port, 0);
    }
    dut.reset();
    let mut bench = Bench { dut, golden: MonitorUnit::new(geometry), word, unknown: true };
    let mut seen = [0; 4];
    for job in 0..40 {
        // Without a monitor now and then; the first fills the memory of rows.
        let threshold = if job > 0 && rng.random_bool(0.2) { 0 } else { rng.random_range(1..32) };
        let tail = RunTail {
            gate: rng.random_range(-128..128),
            second: rng.random_range(-128..128),
            threshold,
            hysteresis: rng.random_range(0..8),
            ..RunTail::default()
        };
        let instr = Instr::Run(Head::default(), Walk::default(), tail);
        let dut = &mut bench.dut;
        dut.set("on_i", (threshold != 0).into());
        dut.set("threshold_i", threshold as u64);
        dut.set("hysteresis_i", tail.hysteresis as u64);
        dut.set("start_i", 1);
        bench.golden.start(&instr);
        if threshold == 0 {
            let rows = [(); 2].map(|()| rng.random_range(0..MONITOR_ROWS));
            bench.cycle(rows, None);
            continue;
        }
        // The rule by itself, without cycles.
        let setting = MonitorSetting::of(&tail).expect("it is monitored");
        let mut rule = Monitor::new(geometry.digit_bits, setting);
        bench.dut.step();
        bench.dut.set("start_i", 0);
        let mut share = rng.random();
        let batches = if job == 0 { MONITOR_ROWS } else { rng.random_range(1..70) };
        for batch in 0..batches {
            let row = (batch + 1) % MONITOR_ROWS;
            share = if rng.random_bool(0.5) { rng.random() } else { share };
            let second = rng.random();
            let count = rng.random_range(1..200);
            let rows = rows(rng, &tail, count, share, second);
            for probe in probes(rng, &tail, &rows, word) {
                assert!(!bench.cycle([row; 2], probe.as_ref()));
            }
            let waited = (1..=9).find(|_| bench.cycle([row; 2], None));
            bench.unknown = false;
            assert_eq!(waited, Some(4), "cycles from a batch to its decision");
            let first: Vec<i16> = rows.iter().map(|q| q - tail.gate as i16).collect();
            let decision = rule.decide(&rule.measure(&first));
            assert_eq!(bench.golden.of(row), decision, "batch {batch} of {tail:?}");
            // Rows of this job and of those before it.
            let post = if job == 0 { row } else { rng.random_range(0..MONITOR_ROWS) };
            bench.cycle([row, post], None);
            bench.unknown = job == 0;
        }
        let counts = *bench.golden.counts();
        assert_eq!(bench.dut.get("counts_o") as u32, counts.pack(), "counts {counts:?}");
        assert_eq!(counts.batches, 63.min(batches as u32));
        bench.unknown = false;
        for (seen, count) in seen.iter_mut().zip([counts.batches, counts.gated, counts.second, counts.crossings]) {
            *seen += count;
        }
    }
    let [batches, gated, second, crossings] = seen;
    assert!(0 < gated && gated < batches && 0 < second && second < batches && crossings > 50, "{seen:?}");
}

#[test]
fn a_monitor_of_2_bit_digits_decides_like_golden() {
    randomised("a_monitor_of_2_bit_digits_decides_like_golden", |rng| {
        let geometry = Geometry::BASE.with_digit_bits(2).unwrap();
        decides_like_golden(rng, &geometry, tops::monitor_2());
    });
}

#[test]
fn a_monitor_of_4_bit_digits_and_short_words_decides_like_golden() {
    randomised("a_monitor_of_4_bit_digits_and_short_words_decides_like_golden", |rng| {
        let geometry = Geometry { lanes: 4, ..Geometry::BASE };
        decides_like_golden(rng, &geometry, tops::monitor_4());
    });
}

#[test]
fn a_monitor_of_8_bit_digits_decides_like_golden() {
    randomised("a_monitor_of_8_bit_digits_decides_like_golden", |rng| {
        let geometry = Geometry::BASE.with_digit_bits(8).unwrap();
        decides_like_golden(rng, &geometry, tops::monitor_8());
    });
}
