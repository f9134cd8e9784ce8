//! Random depthwise layers.

use super::{Job, SCRATCH, clamps, head, image, parameters, requantised, shape::Shape};
use lacuna_sim::testing::Rng;
use lacuna_spec::{
    Geometry,
    geometry::PARAM_WORDS,
    instr::{Instr, Opcode, PostOp, PostTail, Walk},
    numerics,
};
use rand::Rng as _;

/// Where everything of a layer lies.
struct Plan {
    shape: Shape,
    pitch: i64,
    taps: usize,
    blocks: usize,
    /// Weights, their signs if they are wide, then nine words, of each block.
    params: usize,
    wide: bool,
    block_bytes: usize,
}

/// A shape whose data fit. `aligned`: the nine words of each block start a multiple of nine words
/// behind those of the first.
fn plan(rng: &mut Rng, geometry: &Geometry, aligned: bool) -> Plan {
    let word = geometry.word_bytes();
    loop {
        let shape = Shape::random(rng, geometry, i64::MAX);
        let (taps, blocks) = ((shape.k_h * shape.k_w) as usize, (shape.channels as usize).div_ceil(word));
        let pitch = shape.channels + rng.random_range(0..3);
        let wide = rng.random_bool(0.5);
        let words = if wide { 2 * taps } else { taps };
        let block_bytes = (words + PARAM_WORDS) * word;
        let first = geometry.tile_bytes() * 4 / 5;
        let params = if aligned { first - words * word } else { first };
        let output = geometry.tile_bytes() * 2 / 5 + 50 + (shape.out_h * shape.out_w * pitch) as usize;
        if taps <= geometry.depthwise_taps
            && output <= params
            && params + blocks * block_bytes <= geometry.tile_bytes() - SCRATCH
            && (!aligned || blocks == 1 || (blocks == 2 && words == PARAM_WORDS))
        {
            return Plan { shape, pitch, taps, blocks, params, wide, block_bytes };
        }
    }
}

/// A depthwise convolution with random rule and gate value.
pub fn depthwise(rng: &mut Rng, geometry: &Geometry, aligned: bool) -> Job {
    let word = geometry.word_bytes();
    let (head, input_offset, output_offset) = head(rng, Opcode::Post);
    let Plan { shape, pitch, taps, blocks, params, wide, block_bytes } = plan(rng, geometry, aligned);
    let words = block_bytes / word - PARAM_WORDS;
    let (clamp_lo, clamp_hi) = clamps(rng);
    let walk = Walk { segments: 1, blocks: blocks as i64, ..shape.walk(rng, geometry) };
    // Padding that equals the gate value adds nothing.
    let skips = rng.random_bool(0.5);
    let tail = PostTail {
        out_step_y: pitch * shape.out_w,
        out_step_x: pitch,
        params: params as i64,
        rule: rng.random_range(0..2),
        zero: rng.random_range(-20..20),
        clamp_lo,
        clamp_hi,
        gate: if skips { walk.pad } else { rng.random_range(-128..128) },
        op: PostOp::Depthwise as i64,
        taps: taps as i64,
        product: 0,
        wide: wide.into(),
    };
    let mut before = image(rng, geometry);
    let mut scales = Vec::new();
    for block in 0..blocks {
        let base = params + block * block_bytes + words * word;
        scales.extend(parameters(rng, tail.rule, base, word, -11..=-6, &mut before));
    }
    let mut after = before.clone();
    for (oy, ox) in shape.outputs() {
        for channel in 0..shape.channels {
            let (block, column) = (channel as usize / word, channel as usize % word);
            let weights = params + block * block_bytes + column;
            let products = shape.kernel().enumerate().map(|(tap, (ky, kx))| {
                let byte = shape.tap(&before, input_offset, [oy, ox, ky, kx, channel]);
                let d = byte.map_or(walk.pad, i64::from) as i32 - tail.gate as i32;
                let byte = before[weights + tap * word];
                let sign = before[weights + (words - taps + tap) * word];
                d * (i32::from(byte) - if sign >= 0x80 { 0x100 } else { 0 })
            });
            let value = requantised(products.sum(), &scales[channel as usize], tail.rule, tail.zero as i32);
            let place = ((oy * shape.out_w + ox) * pitch + channel) as usize;
            after[walk.out_start as usize + output_offset + place] =
                numerics::clamp(value.into(), clamp_lo as i8, clamp_hi as i8) as u8;
        }
    }
    let walk = if skips { walk.without_padding(geometry) } else { walk };
    Job { instr: Instr::Post(head, walk, tail), input_offset, output_offset, before, after, weights: Vec::new() }
}
