//! The host's end of the link against the RTL bridge.

#[path = "../../../sim/tests/link/bench.rs"]
#[allow(dead_code, reason = "the block test of the bridge uses more of it")]
mod bench;
mod line;

use bench::Rtl;
use lacuna_sim::{session, tops};
use lacuna_spec::{Geometry, frame::Shape};
use line::{Access, Chip, Faults, Rng, every_command_runs_once, seeded};

struct Bridge {
    rtl: Rtl,
    log: Vec<Access>,
}

impl Chip for Bridge {
    /// At 48 MHz a millisecond has 48,000 clocks; the idle ones are left out.
    fn exchange(&mut self, bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
        self.rtl.to_chip.extend(bytes);
        for _ in 0..2000 {
            self.rtl.step(rng);
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

#[test]
fn every_command_runs_once_on_a_bad_line() {
    let mut rng = seeded("every_command_runs_once_on_a_bad_line");
    session::randomise_initial_state(rand::Rng::random(&mut rng));
    let mut damage = [0, 0];
    for (top, geometry) in [(tops::bridge_base as fn() -> _, Geometry::BASE), (tops::bridge_nano, Geometry::NANO)] {
        let rtl = Rtl::new(top(), Shape::of(&geometry).word_bytes);
        let mut chip = Bridge { rtl, log: Vec::new() };
        let (ms, stats) = every_command_runs_once(&mut chip, Faults::BAD, 400, &mut rng);
        println!("{}: {ms} ms, {stats:?}", geometry.name);
        damage[0] += stats.repeated;
        damage[1] += stats.rejected;
    }
    assert!(!damage.contains(&0), "the line was too good: repeated and rejected {damage:?}");
}

#[test]
fn a_good_line_needs_no_repeats() {
    let mut rng = seeded("a_good_line_needs_no_repeats");
    let rtl = Rtl::new(tops::bridge_base(), 16);
    let mut chip = Bridge { rtl, log: Vec::new() };
    let (_, stats) = every_command_runs_once(&mut chip, Faults::NONE, 300, &mut rng);
    assert_eq!((stats.repeated, stats.rejected, stats.stale), (0, 0, 0));
}
