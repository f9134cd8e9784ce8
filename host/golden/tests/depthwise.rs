//! Depthwise layers on one golden tile: the outputs of plain integers, at one tap a cycle.

use lacuna_golden::tile::Tile;
use lacuna_spec::{
    Geometry,
    geometry::PARAM_WORDS,
    instr::{Head, Instr, Opcode, PostOp, PostTail, Walk},
    numerics,
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A layer with stride 1 and padding that keeps the picture's size.
#[derive(Debug, Clone, Copy)]
struct Layer {
    height: i64,
    width: i64,
    channels: i64,
    kernel: i64,
    rule: i64,
    /// Weights have 9 bits.
    wide: bool,
}

const ZERO: i64 = -3;
const PAD: i64 = 11;
const GATE: i64 = -90;

impl Layer {
    fn taps(&self) -> usize {
        (self.kernel * self.kernel) as usize
    }

    /// Words of weights of a block.
    fn weight_words(&self) -> usize {
        self.taps() * (1 + usize::from(self.wide))
    }

    fn blocks(&self, geometry: &Geometry) -> usize {
        (self.channels as usize).div_ceil(geometry.columns())
    }

    /// Output words.
    fn words(&self, geometry: &Geometry) -> u64 {
        (self.height * self.width) as u64 * self.blocks(geometry) as u64
    }

    /// Input at 0, then parameters at `params`, then output at `out`.
    fn instr(&self, geometry: &Geometry, params: usize, out: usize) -> Instr {
        let (pixel, row) = (self.channels, self.width * self.channels);
        let half = self.kernel / 2;
        let walk = Walk {
            start: -half * (row + pixel),
            out_h: self.height,
            out_w: self.width,
            k_h: self.kernel,
            k_w: self.kernel,
            segments: 1,
            tail: (self.channels - 1) % geometry.columns() as i64 + 1,
            step_oy: row,
            step_ox: pixel,
            step_ky: row,
            step_kx: pixel,
            y_start: -half,
            x_start: -half,
            y_stride: 1,
            x_stride: 1,
            y_dilation: 1,
            x_dilation: 1,
            in_h: self.height,
            in_w: self.width,
            pad: PAD,
            blocks: self.blocks(geometry) as i64,
            out_start: out as i64,
            ..Walk::default()
        };
        let tail = PostTail {
            out_step_y: row,
            out_step_x: pixel,
            params: params as i64,
            rule: self.rule,
            zero: ZERO,
            clamp_lo: -100,
            clamp_hi: 100,
            gate: GATE,
            op: PostOp::Depthwise as i64,
            taps: self.taps() as i64,
            product: 0,
            wide: self.wide.into(),
        };
        Instr::Post(Head { opcode: Opcode::Post as i64, ..Head::default() }, walk, tail)
    }

    /// The differences from the gate value under one output.
    fn taps_of(&self, memory: &[u8], y: i64, x: i64, channel: i64) -> impl Iterator<Item = i32> {
        let (layer, half) = (*self, self.kernel / 2);
        (0..self.kernel * self.kernel).map(move |k| {
            let (y, x) = (y + k / layer.kernel - half, x + k % layer.kernel - half);
            let inside = (0..layer.height).contains(&y) && (0..layer.width).contains(&x);
            let at = (y * layer.width + x) * layer.channels + channel;
            let value = if inside { i64::from(memory[at as usize] as i8) } else { PAD };
            (value - GATE) as i32
        })
    }

    /// Runs the layer with random data, checks every byte of the memory, and returns the cycles from
    /// its start to the last write.
    fn run(&self, rng: &mut ChaCha8Rng, geometry: &Geometry) -> u64 {
        let word = geometry.word_bytes();
        let params = (self.height * self.width * self.channels) as usize;
        let block_bytes = (self.weight_words() + PARAM_WORDS) * word;
        let out = params + self.blocks(geometry) * block_bytes;
        let mut memory: Vec<u8> = (0..geometry.tile_bytes()).map(|_| rng.random()).collect();
        let mut scales = Vec::new();
        for channel in 0..self.channels as usize {
            let (multiplier, shift) = match self.rule {
                0 => (rng.random_range(1 << 30..i32::MAX), rng.random_range(-11i8..=-7)),
                _ => (rng.random_range(1e-4f32..8e-3).to_bits() as i32, 0),
            };
            let bias: i32 = rng.random_range(-20_000..20_000);
            let at = params + channel / word * block_bytes + self.weight_words() * word;
            memory[at + channel % word * 4..][..4].copy_from_slice(&bias.to_le_bytes());
            memory[at + (word + channel % word) * 4..][..4].copy_from_slice(&multiplier.to_le_bytes());
            memory[at + 8 * word + channel % word] = shift as u8;
            scales.push((bias, multiplier, i32::from(shift)));
        }
        let mut wanted = memory.clone();
        for (channel, &(bias, multiplier, shift)) in scales.iter().enumerate() {
            let weights = params + channel / word * block_bytes + channel % word;
            let weight = |tap: usize| {
                let [low, sign] = [0, self.weight_words() - self.taps()].map(|behind| weights + (behind + tap) * word);
                i32::from(memory[low]) - if memory[sign] >= 0x80 { 0x100 } else { 0 }
            };
            for (y, x) in (0..self.height * self.width).map(|at| (at / self.width, at % self.width)) {
                let products = self.taps_of(&memory, y, x, channel as i64).enumerate().map(|(k, d)| d * weight(k));
                let acc = bias + products.sum::<i32>();
                let value = match self.rule {
                    0 => numerics::requantise_a(acc, multiplier, shift, ZERO as i32),
                    _ => numerics::requantise_b(acc, f32::from_bits(multiplier as u32), ZERO as i32),
                };
                let at = out + ((y * self.width + x) * self.channels) as usize + channel;
                wanted[at] = numerics::clamp(value.into(), -100, 100) as u8;
            }
        }

        let mut tile = Tile::new(geometry);
        tile.memory_mut().put(0, &memory);
        tile.start(&self.instr(geometry, params, out), 0, 0);
        let mut cycles = 0;
        while !tile.step(true).done {
            cycles += 1;
        }
        tile.step(true);
        let differ = tile.memory().bytes().iter().zip(&wanted).position(|(seen, wanted)| seen != wanted);
        assert_eq!(differ, None, "first byte that differs; the output starts at {out}: {self:?} on {}", geometry.name);
        assert_eq!(u64::from(tile.work()), self.words(geometry), "words written");
        cycles
    }
}

#[test]
fn outputs_are_those_of_plain_integers() {
    let seed = std::env::var("LACUNA_SEED").map_or(1, |seed| seed.parse().expect("LACUNA_SEED is a number"));
    println!("LACUNA_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let nano = Geometry { depthwise_taps: 32, ..Geometry::NANO };
    for geometry in [Geometry::BASE, Geometry::WIDE, nano] {
        for round in 0..20 {
            let layer = Layer {
                height: rng.random_range(1..7),
                width: rng.random_range(1..7),
                channels: rng.random_range(1..3 * geometry.columns() as i64),
                kernel: [1, 3][round % 2],
                rule: rng.random_range(0..2),
                wide: rng.random(),
            };
            layer.run(&mut rng, &geometry);
        }
    }
}

/// A word of 16 outputs takes as many cycles as it has taps: 16 multiplies a cycle. Beside them are
/// only the parameter words of each block and, once, the pipeline.
#[test]
fn a_base_tile_multiplies_sixteen_times_a_cycle() {
    let geometry = Geometry::BASE;
    let groups = (geometry.columns() / geometry.reduce_columns) as u64;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for [height, width, channels] in [[25, 5, 64], [30, 30, 16], [12, 12, 40]] {
        let layer = Layer { height, width, channels, kernel: 3, rule: 1, wide: false };
        let cycles = layer.run(&mut rng, &geometry);
        let multiplies = layer.words(&geometry) * 9;
        let slots = multiplies + layer.blocks(&geometry) as u64 * (9 + PARAM_WORDS as u64);
        // Start of the tile and of its units, feed, product, pool, groups, lanes.
        assert_eq!(cycles, slots + 2 + 3 + 1 + 2 + groups - 1 + 14, "{layer:?}");
        let rate = (multiplies * 16) as f64 / cycles as f64;
        println!("{height}x{width}x{channels}: {cycles} cycles, {rate:.2} multiplies a cycle");
        assert!(rate > 15.5, "{layer:?}: {rate:.2} multiplies a cycle");
    }
}
