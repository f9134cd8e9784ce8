//! The host's end of the link against the RTL bridge.

#[path = "../../../sim/tests/link/bench.rs"]
#[allow(dead_code, reason = "the block test of the bridge uses more of it")]
mod bench;

use bench::Rtl;
use lacuna_driver::trial::{Access, Faults, Tested, commands_on_a_bad_line, silent_cuts};
use lacuna_sim::testing::{Rng, randomised};
use lacuna_sim::{Model, tops};
use lacuna_spec::{Geometry, frame::Shape};
use rand::{Rng as _, SeedableRng as _};

struct Bridge {
    rtl: Rtl,
    log: Vec<Access>,
    rng: Rng,
    /// Clocks since something moved.
    idle: u32,
}

impl Bridge {
    fn new(top: Model, geometry: &Geometry, seed: u64) -> Self {
        let mut rtl = Rtl::new(top, Shape::of(geometry).word_bytes);
        rtl.memory.aliased = true;
        Self { rtl, log: Vec::new(), rng: Rng::seed_from_u64(seed), idle: 0 }
    }
}

impl Tested for Bridge {
    /// At 48 MHz a millisecond has 48,000 clocks; the idle ones are left out.
    fn exchange(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.rtl.to_chip.extend(bytes);
        self.idle = if bytes.is_empty() { self.idle } else { 0 };
        for _ in 0..2000 {
            if self.idle > 3000 {
                break;
            }
            self.idle = if self.rtl.step(&mut self.rng) { 0 } else { self.idle + 1 };
        }
        self.log.extend(self.rtl.memory.log.drain(..).map(|access| match access {
            bench::Access::Write(address, beat, _) => (address, Some(beat)),
            bench::Access::Read(address) => (address, None),
        }));
        std::mem::take(&mut self.rtl.from_chip)
    }

    fn log(&self) -> &[Access] {
        &self.log
    }
}

const CHIPS: [(fn() -> Model, Geometry); 2] =
    [(tops::bridge_base, Geometry::BASE), (tops::bridge_nano, Geometry::NANO)];

#[test]
fn every_command_runs_once_on_a_bad_line() {
    randomised("every_command_runs_once_on_a_bad_line", |rng| {
        let faults = Faults { lose: 1e-4, insert: 1e-4, echo: 1e-4, ..Faults::BAD };
        for (top, geometry) in CHIPS {
            let mut chip = Bridge::new(top(), &geometry, rng.random());
            let report = commands_on_a_bad_line(&mut chip, faults, 400, rng.random(), |_| {});
            println!("{}: {report:?}", geometry.name);
            assert!(report.holds(), "{report:?}");
            let traffic = report.traffic;
            assert!(traffic.repeated > 0 && traffic.rejected > 0, "the line was too good");
        }
    });
}

#[test]
fn a_good_line_needs_no_repeats() {
    let mut chip = Bridge::new(tops::bridge_base(), &Geometry::BASE, 1);
    let report = commands_on_a_bad_line(&mut chip, Faults::NONE, 300, 1, |_| {});
    assert!(report.holds(), "{report:?}");
    assert_eq!((report.traffic.repeated, report.traffic.rejected, report.traffic.stale), (0, 0, 0));
}

#[test]
fn a_line_that_dies_in_any_state_is_a_typed_error_and_the_chip_goes_on() {
    for (top, geometry) in CHIPS {
        for report in silent_cuts(|| Box::new(Bridge::new(top(), &geometry, 1)), 1) {
            assert!(report.holds(), "{}: {report:?}", geometry.name);
        }
    }
}
