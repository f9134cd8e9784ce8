//! Stream cells against their golden counterparts, every output in every cycle.

use lacuna_golden::stream::{Fifo, Fork, RoundRobin, Xbar};
use lacuna_sim::{
    Model, SimError,
    testing::{Rng, randomised, with_waves_on_failure},
    tops,
};
use rand::Rng as _;

const CYCLES: usize = 5_000;

/// A producer that obeys the stream rules at a rate of its own.
struct Source<T> {
    offered: Option<T>,
    rate: f64,
}

impl<T> Source<T> {
    fn new(rng: &mut Rng) -> Self {
        Self { offered: None, rate: [0.1, 0.5, 0.9, 1.0][rng.random_range(0..4)] }
    }

    fn refill(&mut self, rng: &mut Rng, make: impl FnOnce(&mut Rng) -> T) {
        if self.offered.is_none() && rng.random_bool(self.rate) {
            self.offered = Some(make(rng));
        }
    }
}

fn rate(rng: &mut Rng) -> f64 {
    [0.05, 0.5, 0.95, 1.0][rng.random_range(0..4)]
}

fn queue_equals_golden(rng: &mut Rng, mut dut: Model, mut golden: Fifo<u128>, bits: u32) {
    dut.set("valid_i", 0);
    dut.set("ready_i", 0);
    dut.reset();
    let mut source = Source::new(rng);
    let mut taking = rate(rng);
    for cycle in 0..CYCLES {
        if cycle % 500 == 0 {
            source.rate = Source::<u128>::new(rng).rate;
            taking = rate(rng);
        }
        source.refill(rng, |rng| rng.random::<u128>() >> (128 - bits));
        let ready_i = rng.random_bool(taking);
        dut.set("valid_i", u64::from(source.offered.is_some()));
        dut.set_u128("data_i", source.offered.unwrap_or_else(|| rng.random::<u128>() >> (128 - bits)));
        dut.set("ready_i", u64::from(ready_i));
        dut.eval();
        assert_eq!(dut.bit("ready_o"), golden.ready(), "ready_o in cycle {cycle}");
        assert_eq!(dut.bit("valid_o"), !golden.is_empty(), "valid_o in cycle {cycle}");
        if let Some(front) = golden.front() {
            assert_eq!(dut.get_u128("data_o"), *front, "data_o in cycle {cycle}");
        }
        if dut.top().find("count_o").is_some() {
            assert_eq!(dut.get("count_o"), golden.len() as u64, "count_o in cycle {cycle}");
        }
        let entering = if golden.ready() { source.offered.take() } else { None };
        golden.step(entering, ready_i);
        dut.step();
    }
}

#[test]
fn spill_equals_golden() {
    randomised("spill_equals_golden", |rng| {
        queue_equals_golden(rng, tops::spill(), Fifo::spill(), 70);
    });
}

#[test]
fn fifo_equals_golden_at_every_depth() {
    randomised("fifo_equals_golden_at_every_depth", |rng| {
        queue_equals_golden(rng, tops::fifo_2(), Fifo::new(2), 32);
        queue_equals_golden(rng, tops::fifo_5(), Fifo::new(5), 32);
        queue_equals_golden(rng, tops::fifo_16(), Fifo::new(16), 32);
    });
}

#[test]
fn rr_arb_equals_golden() {
    randomised("rr_arb_equals_golden", |rng| {
        let mut dut = tops::rr_arb_3();
        let mut golden = RoundRobin::default();
        dut.set("valid_i", 0);
        dut.set("ready_i", 0);
        dut.reset();
        let mut sources: [Source<u64>; 3] = std::array::from_fn(|_| Source::new(rng));
        let taking = rate(rng);
        for cycle in 0..CYCLES {
            for (i, source) in sources.iter_mut().enumerate() {
                source.refill(rng, |rng| rng.random_range(0..1 << 12));
                dut.set_field("valid_i", i as u32, 1, u64::from(source.offered.is_some()));
                dut.set_field("data_i", 12 * i as u32, 12, source.offered.unwrap_or(0));
            }
            let ready_i = rng.random_bool(taking);
            dut.set("ready_i", u64::from(ready_i));
            dut.eval();
            let requests = sources.each_ref().map(|source| source.offered.is_some());
            let chosen = golden.chosen(&requests);
            assert_eq!(dut.bit("valid_o"), chosen.is_some(), "valid_o in cycle {cycle}");
            if let Some(chosen) = chosen {
                assert_eq!(dut.get("index_o"), chosen as u64, "index_o in cycle {cycle}");
                assert_eq!(Some(dut.get("data_o")), sources[chosen].offered, "data_o in cycle {cycle}");
                let expected = if ready_i { 1 << chosen } else { 0 };
                assert_eq!(dut.get("ready_o"), expected, "ready_o in cycle {cycle}");
                if ready_i {
                    sources[chosen].offered = None;
                }
            }
            golden.step(&requests, ready_i);
            dut.step();
        }
    });
}

#[test]
fn fork_equals_golden() {
    randomised("fork_equals_golden", |rng| {
        let mut dut = tops::fork_4();
        let mut golden = Fork::default();
        dut.set("valid_i", 0);
        dut.set("ready_i", 0);
        dut.reset();
        let mut source = Source::new(rng);
        let mut ready_i: u64 = 0;
        for cycle in 0..CYCLES {
            source.refill(rng, |rng| rng.random_range(0..16));
            ready_i = ready_i & rng.random_range(0..16) | rng.random_range(0..16);
            dut.set("valid_i", u64::from(source.offered.is_some()));
            dut.set("targets_i", source.offered.unwrap_or(0));
            dut.set("ready_i", ready_i);
            dut.eval();
            assert_eq!(dut.get("valid_o"), golden.offers(source.offered), "valid_o in cycle {cycle}");
            let item = source.offered;
            if let Some(targets) = item {
                let leaves = golden.ready(targets, ready_i);
                assert_eq!(dut.bit("ready_o"), leaves, "ready_o in cycle {cycle}");
                if leaves {
                    source.offered = None;
                }
            }
            golden.step(item, ready_i);
            dut.step();
        }
    });
}

#[test]
fn xbar_equals_golden() {
    randomised("xbar_equals_golden", |rng| {
        let mut dut = tops::xbar_3x4();
        let mut golden = Xbar::new(3, 4);
        dut.set("valid_i", 0);
        dut.set("ready_i", 0);
        dut.reset();
        let mut sources: [Source<(u64, u64)>; 3] = std::array::from_fn(|_| Source::new(rng));
        let taking = rate(rng);
        for cycle in 0..CYCLES {
            for (i, source) in sources.iter_mut().enumerate() {
                source.refill(rng, |rng| (rng.random_range(0..16), rng.random_range(0..1 << 20)));
                let (targets, data) = source.offered.unwrap_or_default();
                dut.set_field("valid_i", i as u32, 1, u64::from(source.offered.is_some()));
                dut.set_field("targets_i", 4 * i as u32, 4, targets);
                dut.set_field("data_i", 20 * i as u32, 20, data);
            }
            let ready_i = (0..4).map(|o| u64::from(rng.random_bool(taking)) << o).sum();
            dut.set("ready_i", ready_i);
            dut.eval();
            let items = sources.each_ref().map(|source| source.offered.map(|item| item.0));
            let expected = golden.cycle(&items, ready_i);
            for (o, from) in expected.sources.iter().enumerate() {
                assert_eq!(dut.field("valid_o", o as u32, 1) == 1, from.is_some(), "output {o} in cycle {cycle}");
                if let Some((_, data)) = from.and_then(|from| sources[from].offered) {
                    assert_eq!(dut.field("data_o", 20 * o as u32, 20), data, "output {o} in cycle {cycle}");
                }
            }
            golden.step(&items, ready_i);
            for (i, source) in sources.iter_mut().enumerate() {
                if source.offered.is_some() {
                    assert_eq!(dut.field("ready_o", i as u32, 1) == 1, expected.ready[i], "input {i} in cycle {cycle}");
                }
                if expected.ready[i] {
                    source.offered = None;
                }
            }
            dut.step();
        }
    });
}

/// Offers an item that a full queue cannot take, then breaks a stream rule.
fn misuse(change: impl FnOnce(&mut Model)) -> SimError {
    let mut dut = tops::fifo_2();
    dut.set("valid_i", 0);
    dut.set("ready_i", 0);
    dut.reset();
    dut.set("valid_i", 1);
    dut.set("data_i", 7);
    dut.run(3);
    change(&mut dut);
    dut.try_run(1).expect_err("the checker reports it")
}

#[test]
fn checker_reports_a_withdrawn_item() {
    with_waves_on_failure("checker_reports_a_withdrawn_item", || {
        let error = misuse(|dut| dut.set("valid_i", 0)).to_string();
        assert!(error.contains("fifo_2 stopped in cycle 6") && error.contains("valid_held"), "{error}");
    });
}

#[test]
fn checker_reports_a_changed_payload() {
    with_waves_on_failure("checker_reports_a_changed_payload", || {
        let error = misuse(|dut| dut.set("data_i", 8)).to_string();
        assert!(error.contains("payload_held"), "{error}");
    });
}
