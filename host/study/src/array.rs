//! The digital array by itself: lanes, cells and reduction of one tile, fed as fast as it takes words.

use std::collections::VecDeque;

use lacuna_golden::cim::Macro;
use lacuna_golden::feeder::{MAX_WORD, RowWord};
use lacuna_spec::Geometry;
use lacuna_spec::geometry::FEED_LATENCY;
use lacuna_spec::instr::Gating;
use serde::Serialize;

/// Where lane-cycles went; each is in exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Slots {
    /// Issued a digit that is not 0.
    pub essential: u64,
    /// Issued a digit that is 0 (gating `off` and `row`).
    pub zeros: u64,
    /// Waited for slower lanes.
    pub imbalance: u64,
    /// Waited for the reduction.
    pub reduce: u64,
    /// Waited for rows, or changed from one vector to the next.
    pub feed: u64,
}

impl Slots {
    /// All lane-cycles.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.essential + self.zeros + self.imbalance + self.reduce + self.feed
    }
}

/// One column block's run over some vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ArrayRun {
    /// Cycles from the first word to the last reduction.
    pub cycles: u64,
    /// Digit slots issued, all lanes.
    pub digits: u64,
    /// Where the lanes' cycles went.
    pub slots: Slots,
}

impl ArrayRun {
    /// Adds another run, `times` over.
    pub fn add(&mut self, other: &Self, times: u64) {
        self.cycles += times * other.cycles;
        self.digits += times * other.digits;
        for (sum, part) in [
            (&mut self.slots.essential, other.slots.essential),
            (&mut self.slots.zeros, other.slots.zeros),
            (&mut self.slots.imbalance, other.slots.imbalance),
            (&mut self.slots.reduce, other.slots.reduce),
            (&mut self.slots.feed, other.slots.feed),
        ] {
            *sum += times * part;
        }
    }
}

/// A macro without weights: cycles do not depend on them.
#[derive(Debug, Clone)]
pub struct ArrayModel {
    geometry: Geometry,
    array: Macro,
}

impl ArrayModel {
    /// The array of a geometry.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        Self { geometry, array: Macro::new(&geometry) }
    }

    /// Runs vectors of `rows` rows, each a difference from the gate value, through one column block. The rows of a
    /// kernel tap are `channels`.
    pub fn run(&mut self, gating: Gating, [rows, channels]: [usize; 2], vectors: &[i16]) -> ArrayRun {
        let count = vectors.len() / rows;
        let geometry = self.geometry;
        let mut words =
            vectors.chunks_exact(rows).enumerate().flat_map(|(v, rows)| self::words(v, rows, channels, geometry));
        let mut flight = VecDeque::from([None; FEED_LATENCY - 1]);
        let (mut started, mut taken, mut fresh) = (0, 0, true);
        // Column groups that the reduction has not taken.
        let mut groups = count * geometry.groups();
        let mut next = words.next();
        let mut run = ArrayRun::default();
        self.array.start();
        while groups > 0 {
            let word = flight.pop_front().flatten();
            let room = self.array.room();
            let out = self.array.step(gating, word.as_ref());
            let waits = fresh && started - taken >= geometry.vectors_in_flight();
            let issued = if room && !waits { next } else { None };
            if let Some(word) = &issued {
                started += usize::from(fresh);
                fresh = word.last;
                next = words.next();
            }
            flight.push_back(issued);
            taken += usize::from(out.taken);
            groups -= usize::from(self.array.tally().reducing);
            run.cycles += 1;
            self.account(&mut run, room, waits);
        }
        run.digits = run.slots.essential + run.slots.zeros;
        run
    }

    /// Gives every lane of this cycle its cause.
    fn account(&self, run: &mut ArrayRun, room: bool, waits: bool) {
        let tally = self.array.tally();
        let slots = &mut run.slots;
        let [issued, zeros, starved, blocked] =
            [tally.issued, tally.zeros, tally.starved, tally.blocked].map(u64::from);
        slots.essential += issued - zeros;
        slots.zeros += zeros;
        // The feeder stops for full queues or for vectors in flight: either way for the lanes that still issue.
        *match (room && !waits, issued > 0) {
            (true, _) => &mut slots.feed,
            (false, true) => &mut slots.imbalance,
            (false, false) => &mut slots.reduce,
        } += starved;
        *if tally.reducing { &mut slots.reduce } else { &mut slots.imbalance } += blocked;
        slots.feed += self.geometry.lanes as u64 - issued - starved - blocked;
    }
}

/// The row words of a vector, or pairs of them. The feeder turns those that are windows by themselves, each by a row
/// more, and takes two windows at once where a kernel tap has them in pairs: here every tensor is at the address of a
/// word.
fn words(vector: usize, rows: &[i16], channels: usize, geometry: Geometry) -> impl Iterator<Item = RowWord> {
    let columns = geometry.columns();
    let turned = channels.is_multiple_of(columns);
    let at_once = if geometry.double_feed() && channels.is_multiple_of(2 * columns) { 2 } else { 1 };
    let slots = rows.chunks(at_once * columns);
    let last = slots.len() - 1;
    slots.enumerate().map(move |(j, slot)| {
        let word = |k: usize, rows: &[i16]| {
            let mut data = [0; MAX_WORD];
            data[..rows.len()].copy_from_slice(rows);
            if turned {
                data[..columns].rotate_right((at_once * j + k) % columns);
            }
            data
        };
        let (first, second) = slot.split_at(slot.len().min(columns));
        RowWord {
            data: word(0, first),
            next: (at_once == 2).then(|| word(1, second)),
            count: first.len() as u8,
            page: (2 * at_once * j % geometry.pages) as u16,
            tag: (vector % geometry.vectors_in_flight()) as u8,
            last: j == last,
            gated: true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn vectors(seed: u64, count: usize, density: f64) -> Vec<i16> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| if rng.random_bool(density) { rng.random_range(-128..=127) } else { 0 }).collect()
    }

    #[test]
    fn every_lane_cycle_has_one_cause_and_digits_are_those_of_the_data() {
        for bits in [2, 4, 8] {
            let geometry = Geometry::BASE.with_digit_bits(bits).unwrap();
            let mut model = ArrayModel::new(geometry);
            let data = vectors(7, 100 * 90, 0.4);
            let recoder = lacuna_golden::cim::Recoder::new(bits);
            let essential: u64 = data.iter().map(|&d| u64::from(recoder.essential(d).len)).sum();
            for gating in [Gating::Off, Gating::Row, Gating::Digit] {
                let run = model.run(gating, [90, 90], &data);
                assert_eq!(run.slots.total(), 8 * run.cycles, "{bits} {gating:?}");
                assert_eq!(run.slots.essential, essential, "{bits} {gating:?}");
                assert_eq!(run.slots.zeros == 0, gating == Gating::Digit || bits == 8 && gating == Gating::Row);
            }
        }
    }

    #[test]
    fn a_busy_channel_that_meets_other_lanes_at_each_tap_holds_nobody_up() {
        // Of 16 channels one is never 0.
        let busy = vectors(9, 144 * 100, 1.0);
        let data: Vec<i16> = (0..busy.len()).map(|at| if at % 16 == 3 || at % 7 == 0 { busy[at] } else { 0 }).collect();
        let run = |channels| ArrayModel::new(Geometry::BASE).run(Gating::Digit, [144, channels], &data);
        let (straight, turned) = (run(9), run(16));
        assert_eq!(straight.digits, turned.digits);
        assert!(turned.cycles < straight.cycles * 3 / 4, "{} of {}", turned.cycles, straight.cycles);
    }

    #[test]
    fn pairs_of_words_are_fed_at_once_where_digits_are_whole_rows() {
        // Vectors of 16 words with so few live rows that the feed is the limit.
        let data = vectors(5, 256 * 100, 0.1);
        let cycles = |bits, channels| {
            let geometry = Geometry::BASE.with_digit_bits(bits).unwrap();
            ArrayModel::new(geometry).run(Gating::Digit, [256, channels], &data).cycles
        };
        assert!(cycles(8, 32) < cycles(8, 16) * 2 / 3, "{} of {}", cycles(8, 32), cycles(8, 16));
        assert_eq!(cycles(4, 32), cycles(4, 16));
    }

    #[test]
    fn dense_rows_take_a_cycle_a_plane() {
        let geometry = Geometry { reduce_columns: 16, ..Geometry::BASE };
        let run = ArrayModel::new(geometry).run(Gating::Off, [640, 640], &vectors(8, 640 * 50, 1.0));
        // 80 rows a lane, two planes, and now and then a third digit.
        let least = 50 * 80 * 2;
        assert!(run.cycles >= least && run.cycles < least * 23 / 20, "{}", run.cycles);
    }
}
