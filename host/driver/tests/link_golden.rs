//! The host's end of the link against the golden bridge, and against ends that are broken: every trial must
//! find those out.

use lacuna_driver::link::{Decoder, encode};
use lacuna_driver::trial::{
    Access, Faults, GoldenEnd, Memory, Receiver, Recovery, Tested, Way, commands_on_a_bad_line, corrupted_frames,
    silent_cuts, streamed_tensors,
};
use lacuna_golden::link::{self as golden, Bus as _};
use lacuna_sim::testing::randomised;
use lacuna_spec::frame::{
    CRC_BYTES, DELIMITER, Hello, LINK_VERSION, Op, RESPONSE_BYTES, RESPONSE_UNIT, Request, STATUS_DONE, Shape,
    compress, expand,
};
use lacuna_spec::{Geometry, tables::layout_hash};
use rand::Rng as _;

/// Everything that a line can do.
const WORST: Faults = Faults { burst: 1e-5, lose: 1e-4, insert: 1e-4, echo: 1e-4, stall: 0.005, ..Faults::BAD };

#[test]
fn every_command_runs_once_on_a_bad_line() {
    randomised("every_command_runs_once_on_a_bad_line", |rng| {
        for (geometry, faults) in [
            (Geometry::BASE, Faults::BAD),
            (Geometry::BASE, WORST),
            (Geometry::NANO, Faults::BAD),
            (Geometry::NANO, WORST),
        ] {
            let mut chip = GoldenEnd::new(Shape::of(&geometry));
            let report = commands_on_a_bad_line(&mut chip, faults, 1500, rng.random(), |_| {});
            println!("{}: {report:?}", geometry.name);
            assert!(report.holds(), "{report:?}");
            let traffic = report.traffic;
            assert!(traffic.repeated > 0 && traffic.rejected > 0 && traffic.stale > 0, "the line was too good");
        }
    });
}

#[test]
fn a_good_line_needs_no_repeats() {
    let mut chip = GoldenEnd::new(Shape::of(&Geometry::BASE));
    let report = commands_on_a_bad_line(&mut chip, Faults::NONE, 1500, 1, |_| {});
    assert!(report.holds(), "{report:?}");
    assert_eq!((report.traffic.repeated, report.traffic.rejected, report.traffic.stale), (0, 0, 0));
}

/// What is wrong with a chip.
#[derive(Clone, Copy, PartialEq)]
enum Defect {
    /// It runs what it ran already.
    Forgets,
    /// It runs one in a hundred writes only in part.
    Skips,
    /// One in a hundred answers has a wrong bit, under a right checksum.
    Lies,
    /// It stops answering after two hundred requests.
    Hangs,
}

/// A chip without a window: it runs what arrives, in the order in which it arrives.
struct Broken {
    decoder: golden::Decoder,
    shape: Shape,
    memory: Memory,
    defect: Defect,
    ran: Vec<u8>,
    count: usize,
    /// A lie is due with the next plain read.
    due: bool,
}

impl Broken {
    fn new(defect: Defect) -> Self {
        let shape = Shape::of(&Geometry::BASE);
        let decoder = golden::Decoder::new(shape.slot_bytes);
        Self { decoder, shape, memory: Memory::default(), defect, ran: Vec::new(), count: 0, due: false }
    }

    fn run(&mut self, request: Request, payload: &[u8]) -> Vec<u8> {
        let again = self.ran.contains(&request.sequence) && self.defect != Defect::Forgets;
        self.ran.push(request.sequence);
        if self.ran.len() > 8 {
            self.ran.remove(0);
        }
        self.count += 1;
        let turn = self.count.is_multiple_of(100);
        self.due |= turn && self.defect == Defect::Lies;
        let word = self.shape.word_bytes;
        let mut body = request.to_bytes()[..8].to_vec();
        [body[6], body[7]] = [STATUS_DONE, 0];
        let addresses = request.address..request.address + u32::from(request.count);
        match request.op {
            Op::Hello => {
                body.extend(Hello { layout_hash: layout_hash(), shape: self.shape, version: LINK_VERSION }.to_bytes());
            }
            Op::Write | Op::WriteCompressed => {
                let beats = match request.op {
                    Op::Write => payload.to_vec(),
                    _ => expand(payload, request.fill(), self.shape.halves(request.count.into())).unwrap().0,
                };
                for (address, beat) in addresses.zip(beats.chunks(word)) {
                    let skipped = turn && self.defect == Defect::Skips;
                    if !(again || skipped) {
                        self.memory.write(address, beat, 0);
                    }
                }
            }
            Op::Read | Op::ReadCompressed => {
                let mut beat = vec![0; word];
                for address in addresses {
                    self.memory.read(address, &mut beat);
                    match request.op {
                        Op::Read => body.extend(&beat),
                        _ => compress(&beat, request.fill(), &mut body),
                    }
                }
                if request.op == Op::ReadCompressed {
                    body.resize(body.len().next_multiple_of(RESPONSE_UNIT), 0);
                    body[7] = ((body.len() - RESPONSE_BYTES) / RESPONSE_UNIT) as u8;
                }
                if request.op == Op::Read && std::mem::take(&mut self.due) {
                    body[8] ^= 1;
                }
            }
        }
        body
    }
}

impl Tested for Broken {
    fn exchange(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in bytes {
            let Some(body) = self.decoder.take(byte) else { continue };
            let Some((request, payload)) = Request::parse(&body, &self.shape) else { continue };
            if self.defect != Defect::Hangs || self.count < 200 {
                golden::encode(&self.run(request, payload), &mut out);
            }
        }
        out
    }

    fn log(&self) -> &[Access] {
        &self.memory.log
    }
}

#[test]
fn the_trial_finds_out_chips_that_repeat_skip_lie_or_hang() {
    // Reads of a chip with no window run again when they are repeated: a good line shows the other defects alone.
    let drops = Faults { drop: 0.01, ..Faults::NONE };
    let repeats = commands_on_a_bad_line(&mut Broken::new(Defect::Forgets), drops, 1000, 1, |_| {});
    assert!(!repeats.holds() && repeats.repeated > 0, "{repeats:?}");
    let skips = commands_on_a_bad_line(&mut Broken::new(Defect::Skips), Faults::NONE, 1000, 1, |_| {});
    assert!(!skips.holds() && skips.missing > 0 && skips.repeated == 0, "{skips:?}");
    let lies = commands_on_a_bad_line(&mut Broken::new(Defect::Lies), Faults::NONE, 1000, 1, |_| {});
    assert!(!lies.holds() && lies.wrong > 0 && lies.once == 1000, "{lies:?}");
    let hangs = commands_on_a_bad_line(&mut Broken::new(Defect::Hangs), Faults::NONE, 1000, 1, |_| {});
    assert!(!hangs.holds() && hangs.unanswered > 0 && hangs.error.is_some(), "{hangs:?}");
}

#[test]
fn no_corrupted_frame_passes_for_a_sound_one() {
    randomised("no_corrupted_frame_passes_for_a_sound_one", |rng| {
        let receivers: [Box<dyn Receiver>; 2] = [Box::new(Decoder::default()), Box::new(golden::Decoder::new(1024))];
        for mut receiver in receivers {
            for report in corrupted_frames(&mut *receiver, 100_000, 1020, rng.random(), |_| {}) {
                assert!(report.holds() && report.frames > 16_000, "{report:?}");
            }
        }
    });
}

/// A decoder that looks at no checksum, or one that does not start afresh behind a delimiter.
struct Careless {
    checks: bool,
    partial: Vec<u8>,
}

impl Receiver for Careless {
    fn receive(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        for &byte in bytes {
            if byte != DELIMITER {
                self.partial.push(byte);
                continue;
            }
            let body = cobs::decode_vec(&self.partial).ok().filter(|bytes| bytes.len() > CRC_BYTES);
            let body = body.map(|bytes| bytes[..bytes.len() - CRC_BYTES].to_vec());
            let body =
                body.filter(|body| !self.checks || encode(body)[..] == [&self.partial[..], &[DELIMITER]].concat());
            if body.is_some() || !self.checks || self.partial.len() > 4000 {
                self.partial.clear();
            }
            bodies.extend(body);
        }
        bodies
    }
}

#[test]
fn the_trial_finds_out_decoders_that_check_nothing_or_stay_out_of_step() {
    let unchecked = corrupted_frames(&mut Careless { checks: false, partial: Vec::new() }, 6000, 1020, 1, |_| {});
    assert!(unchecked.iter().all(|report| report.undetected > 0 && !report.holds()), "{unchecked:?}");
    let lost = corrupted_frames(&mut Careless { checks: true, partial: Vec::new() }, 6000, 1020, 1, |_| {});
    assert!(lost.iter().all(|report| report.undetected == 0 && report.out_of_step > 0 && !report.holds()), "{lost:?}");
}

#[test]
fn tensors_are_nearly_all_that_a_line_carries() {
    let share = |shape, way| {
        let report = streamed_tensors(&mut GoldenEnd::new(shape), way, 200, 3072, 1).unwrap();
        assert_eq!(report.wrong, 0, "{report:?}");
        (report.holds(), report.share)
    };
    for way in Way::all(&Shape::of(&Geometry::NANO)) {
        assert!(share(Shape::of(&Geometry::NANO), way).0, "{way:?}");
    }
    for way in Way::all(&Shape::of(&Geometry::BASE)) {
        let (holds, of_line) = share(Shape::of(&Geometry::BASE), way);
        assert!(holds, "{way:?}: {of_line}");
        // A chip that holds one request at a time waits for the next.
        let (holds, waiting) = share(Shape { slots: 2, ..Shape::of(&Geometry::BASE) }, way);
        assert!(!holds && waiting < of_line, "{way:?}: {waiting}");
    }
}

#[test]
fn a_line_that_dies_in_any_state_is_a_typed_error_and_the_chip_goes_on() {
    for geometry in [Geometry::BASE, Geometry::NANO] {
        let reports = silent_cuts(|| Box::new(GoldenEnd::new(Shape::of(&geometry))), 1);
        assert_eq!(reports.iter().filter(|report| report.recovery == Recovery::Resume).count(), 11);
        for report in reports {
            assert!(report.holds(), "{}: {report:?}", geometry.name);
        }
    }
    let broken = silent_cuts(|| Box::new(Broken::new(Defect::Forgets)), 1);
    assert!(broken.iter().any(|report| report.repeated > 0 && !report.holds()), "{broken:?}");
}
