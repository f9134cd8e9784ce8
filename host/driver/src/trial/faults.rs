//! The fault injector: one direction of a line, as bad as asked for.

use std::collections::VecDeque;

use lacuna_spec::frame::DELIMITER;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// How bad a line is: chances of each bit, byte or frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Faults {
    /// A bit arrives inverted.
    pub flip: f64,
    /// A byte begins a burst: it and up to 31 behind it arrive as noise.
    pub burst: f64,
    /// A byte is lost.
    pub lose: f64,
    /// A byte is followed by up to 40 bytes of noise.
    pub insert: f64,
    /// A byte is followed by a piece of up to 2,000 bytes that passed lately.
    pub echo: f64,
    /// A frame is lost.
    pub drop: f64,
    /// A frame comes twice.
    pub duplicate: f64,
    /// A frame is overtaken by up to [`Faults::OVERTAKEN`] later ones.
    pub reorder: f64,
    /// A frame finds the line at a standstill, for up to 60 ms.
    pub stall: f64,
}

impl Faults {
    /// What is sent arrives.
    pub const NONE: Self = Self {
        flip: 0.0,
        burst: 0.0,
        lose: 0.0,
        insert: 0.0,
        echo: 0.0,
        drop: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        stall: 0.0,
    };

    /// The line that the link is measured on: 1 % of frames lost, 1 % doubled, 1 % overtaken, and of each
    /// 10,000 bits one inverted.
    pub const BAD: Self = Self { flip: 1e-4, drop: 0.01, duplicate: 0.01, reorder: 0.01, ..Self::NONE };

    /// Frames that overtake another one, at most.
    ///
    /// Lines of bytes keep their order; where frames lose theirs, a copy must not be as old as the 248 commands
    /// after which its number comes again.
    pub const OVERTAKEN: u32 = 4;
}

/// What a line did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Frames that were sent.
    pub frames: u64,
    /// Bits inverted.
    pub flips: u64,
    /// Bursts of noise.
    pub bursts: u64,
    /// Bytes lost.
    pub lost: u64,
    /// Pieces of noise put in between.
    pub inserts: u64,
    /// Pieces repeated.
    pub echoes: u64,
    /// Frames lost.
    pub dropped: u64,
    /// Frames doubled.
    pub duplicated: u64,
    /// Frames overtaken.
    pub reordered: u64,
    /// Standstills.
    pub stalls: u64,
}

/// A frame that others overtake.
#[derive(Debug)]
struct Late {
    frame: Vec<u8>,
    /// Frames that may still pass it.
    behind: u32,
    /// Milliseconds after which it comes also if none does.
    patience: u32,
}

/// One direction of a line in virtual time, the same again for the same seed.
#[derive(Debug)]
pub struct Line {
    faults: Faults,
    rng: ChaCha8Rng,
    /// The frame whose delimiter has not been sent yet.
    frame: Vec<u8>,
    late: Vec<Late>,
    queue: VecDeque<u8>,
    recent: VecDeque<u8>,
    /// Bits until the next one that is inverted.
    until_flip: u64,
    /// Bytes of noise that are left of a burst.
    noise: u32,
    /// Milliseconds that the line still stands.
    standing: u32,
    /// Frames to lose, whatever the chances say.
    condemned: usize,
    cut: bool,
    passed: u64,
    damage: Damage,
}

impl Line {
    /// Bytes a millisecond: 3 Mbaud, 8N1.
    pub const RATE: usize = 300;
    /// Bytes that an echo may repeat.
    const MEMORY: usize = 2000;
    /// Milliseconds that a frame waits to be overtaken.
    const PATIENCE: u32 = 20;

    /// A line with these faults.
    #[must_use]
    pub fn new(faults: Faults, seed: u64) -> Self {
        let mut line = Self {
            faults,
            rng: ChaCha8Rng::seed_from_u64(seed),
            frame: Vec::new(),
            late: Vec::new(),
            queue: VecDeque::new(),
            recent: VecDeque::new(),
            until_flip: 0,
            noise: 0,
            standing: 0,
            condemned: 0,
            cut: false,
            passed: 0,
            damage: Damage::default(),
        };
        line.set(faults);
        line
    }

    /// Changes the faults from here on.
    pub fn set(&mut self, faults: Faults) {
        self.faults = faults;
        self.until_flip = self.gap();
    }

    /// Puts bytes on the line. They move on as frames, each with its delimiter.
    pub fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.frame.push(byte);
            if byte == DELIMITER {
                let frame = std::mem::take(&mut self.frame);
                self.forward(frame);
            }
        }
    }

    fn forward(&mut self, frame: Vec<u8>) {
        if self.cut {
            return;
        }
        if frame.len() == 1 {
            self.queue.push_back(DELIMITER);
            return;
        }
        self.damage.frames += 1;
        if self.condemned > 0 || self.rng.random_bool(self.faults.drop) {
            self.condemned = self.condemned.saturating_sub(1);
            self.damage.dropped += 1;
            return;
        }
        if self.rng.random_bool(self.faults.stall) {
            self.standing += self.rng.random_range(1..=60);
            self.damage.stalls += 1;
        }
        let behind = self.rng.random_range(1..=Faults::OVERTAKEN);
        if self.rng.random_bool(self.faults.reorder) {
            self.damage.reordered += 1;
            self.late.push(Late { frame, behind, patience: Self::PATIENCE });
            return;
        }
        self.queue.extend(&frame);
        if self.rng.random_bool(self.faults.duplicate) {
            self.damage.duplicated += 1;
            self.queue.extend(&frame);
        }
        for late in &mut self.late {
            late.behind -= 1;
        }
        self.release();
    }

    /// Sends on what was overtaken often or long enough.
    fn release(&mut self) {
        for late in self.late.extract_if(.., |late| late.behind == 0 || late.patience == 0) {
            self.queue.extend(late.frame);
        }
    }

    /// What arrives in the next millisecond.
    pub fn tick(&mut self) -> Vec<u8> {
        for late in &mut self.late {
            late.patience -= 1;
        }
        self.release();
        if self.standing > 0 {
            self.standing -= 1;
            return Vec::new();
        }
        self.pass(Self::RATE)
    }

    /// What arrives next, until `most` bytes or more are there.
    pub fn pass(&mut self, most: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < most {
            let Some(byte) = self.queue.pop_front() else { break };
            self.carry(byte, &mut out);
        }
        self.passed += out.len() as u64;
        out
    }

    fn carry(&mut self, byte: u8, out: &mut Vec<u8>) {
        let Faults { burst, lose, insert, echo, .. } = self.faults;
        if self.recent.len() == Self::MEMORY {
            self.recent.pop_front();
        }
        self.recent.push_back(byte);
        if self.rng.random_bool(burst) {
            self.damage.bursts += 1;
            self.noise = self.rng.random_range(1..=32);
        }
        let mut byte = byte ^ self.flips();
        if self.noise > 0 {
            self.noise -= 1;
            byte = self.rng.random();
        }
        if self.rng.random_bool(lose) {
            self.damage.lost += 1;
        } else {
            out.push(byte);
        }
        if self.rng.random_bool(insert) {
            self.damage.inserts += 1;
            let length = self.rng.random_range(1..=40);
            out.extend((0..length).map(|_| self.rng.random::<u8>()));
        }
        if self.rng.random_bool(echo) {
            self.damage.echoes += 1;
            let from = self.rng.random_range(0..self.recent.len());
            out.extend(self.recent.range(from..));
        }
    }

    /// The bits of the next byte that are inverted.
    fn flips(&mut self) -> u8 {
        let mut mask = 0;
        while self.until_flip < 8 {
            mask |= 1 << self.until_flip;
            self.damage.flips += 1;
            self.until_flip = self.until_flip.saturating_add(1).saturating_add(self.gap());
        }
        self.until_flip -= 8;
        mask
    }

    /// Bits that stay between two that are inverted: one draw for each of these instead of one a bit.
    fn gap(&mut self) -> u64 {
        if self.faults.flip == 0.0 {
            return u64::MAX;
        }
        let uniform = 1.0 - self.rng.random::<f64>();
        (uniform.ln() / (1.0 - self.faults.flip).ln()) as u64
    }

    /// Loses the next `frames` frames.
    pub fn condemn(&mut self, frames: usize) {
        self.condemned = frames;
    }

    /// Cuts the line: what is on it is lost, and whatever is sent until it is mended.
    pub fn cut(&mut self) {
        self.cut = true;
        self.queue.clear();
        self.late.clear();
        self.frame.clear();
    }

    /// Makes a line that was cut carry again; nothing is condemned on it any more.
    pub fn mend(&mut self) {
        self.cut = false;
        self.condemned = 0;
        self.frame.clear();
    }

    /// Bytes on their way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.late.iter().map(|late| late.frame.len()).sum::<usize>()
    }

    /// Bytes that have arrived.
    #[must_use]
    pub const fn passed(&self) -> u64 {
        self.passed
    }

    /// What the line did so far.
    #[must_use]
    pub const fn damage(&self) -> &Damage {
        &self.damage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of 4,000 frames of nine bytes and a delimiter, each numbered in its first three bytes.
    fn carry(faults: Faults, seed: u64) -> (Vec<u8>, Damage) {
        let mut line = Line::new(faults, seed);
        let mut out = Vec::new();
        for i in 0..4000u32 {
            let [a, b] = [(i / 200 + 1) as u8, (i % 200 + 1) as u8];
            line.send(&[a, b, 9, 9, 9, 9, 9, 9, 9, DELIMITER]);
            if i % 8 == 0 {
                out.extend(line.tick());
            }
        }
        for _ in 0..100_000 {
            out.extend(line.tick());
        }
        (out, *line.damage())
    }

    #[test]
    fn a_line_without_faults_carries_everything_in_order() {
        let (out, damage) = carry(Faults::NONE, 1);
        assert_eq!(out, carry(Faults::NONE, 2).0);
        assert_eq!((out.len(), damage), (40_000, Damage { frames: 4000, ..Damage::default() }));
    }

    #[test]
    fn each_fault_happens_as_often_as_asked_and_again_with_the_same_seed() {
        type Case = (Faults, fn(&Damage) -> u64, u64);
        let cases: [Case; 9] = [
            (Faults { flip: 0.01, ..Faults::NONE }, |d| d.flips, 3200),
            (Faults { burst: 0.01, ..Faults::NONE }, |d| d.bursts, 400),
            (Faults { lose: 0.01, ..Faults::NONE }, |d| d.lost, 400),
            (Faults { insert: 0.01, ..Faults::NONE }, |d| d.inserts, 400),
            (Faults { echo: 0.01, ..Faults::NONE }, |d| d.echoes, 400),
            (Faults { drop: 0.1, ..Faults::NONE }, |d| d.dropped, 400),
            (Faults { duplicate: 0.1, ..Faults::NONE }, |d| d.duplicated, 400),
            (Faults { reorder: 0.1, ..Faults::NONE }, |d| d.reordered, 400),
            (Faults { stall: 0.1, ..Faults::NONE }, |d| d.stalls, 400),
        ];
        let clean = carry(Faults::NONE, 0).0;
        for (faults, count, expected) in cases {
            let (out, damage) = carry(faults, 7);
            let found = count(&damage);
            assert!(found.abs_diff(expected) < expected / 4, "{faults:?}: {found} times");
            assert_eq!((&out, damage), (&carry(faults, 7).0, carry(faults, 7).1));
            assert_eq!(out == clean, faults.stall > 0.0, "{faults:?}");
        }
    }

    #[test]
    fn frames_that_are_overtaken_arrive_whole_and_soon() {
        let (out, _) = carry(Faults { reorder: 0.1, ..Faults::NONE }, 3);
        let numbers: Vec<i64> = out.chunks(10).map(|f| i64::from(f[0] - 1) * 200 + i64::from(f[1] - 1)).collect();
        assert_eq!(numbers.len(), 4000);
        let furthest = numbers.iter().enumerate().map(|(at, number)| at as i64 - number).max();
        assert!((1..=8).contains(&furthest.unwrap()), "{furthest:?} places");
    }

    #[test]
    fn a_cut_line_loses_what_is_on_it_and_carries_again_when_mended() {
        let mut line = Line::new(Faults::NONE, 0);
        line.send(&[1, 2, 3, DELIMITER]);
        assert_eq!(line.pass(2), [1, 2]);
        line.cut();
        line.send(&[4, DELIMITER]);
        assert!(line.pass(9).is_empty());
        line.mend();
        line.send(&[5, DELIMITER]);
        assert_eq!((line.pass(9), line.passed()), (vec![5, DELIMITER], 4));
    }
}
