//! The host's end of the link against the golden bridge.

mod line;

use lacuna_golden::link::Bridge;
use lacuna_spec::{Geometry, frame::Shape, tables::layout_hash};
use line::{Access, Chip, Faults, Memory, Rng, every_command_runs_once, seeded};

struct Golden {
    bridge: Bridge,
    memory: Memory,
}

impl Golden {
    fn new(geometry: &Geometry) -> Self {
        Self { bridge: Bridge::new(Shape::of(geometry), layout_hash()), memory: Memory::default() }
    }
}

impl Chip for Golden {
    fn exchange(&mut self, bytes: &[u8], _: &mut Rng) -> Vec<u8> {
        let mut out = Vec::new();
        self.bridge.receive(bytes, &mut self.memory, &mut out);
        out
    }

    fn log(&self) -> &[Access] {
        &self.memory.log
    }
}

#[test]
fn every_command_runs_once_on_a_bad_line() {
    let mut rng = seeded("every_command_runs_once_on_a_bad_line");
    for geometry in [Geometry::BASE, Geometry::NANO] {
        let mut chip = Golden::new(&geometry);
        let (ms, stats) = every_command_runs_once(&mut chip, Faults::BAD, 1500, &mut rng);
        println!("{}: {ms} ms, {stats:?}", geometry.name);
        assert!(stats.repeated > 0 && stats.rejected > 0 && stats.stale > 0, "the line was too good: {stats:?}");
    }
}

#[test]
fn a_good_line_needs_no_repeats() {
    let mut rng = seeded("a_good_line_needs_no_repeats");
    let (_, stats) = every_command_runs_once(&mut Golden::new(&Geometry::BASE), Faults::NONE, 1500, &mut rng);
    assert_eq!((stats.repeated, stats.rejected, stats.stale), (0, 0, 0));
}
