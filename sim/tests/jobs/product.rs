//! Random products of two tensors.

use super::{Job, OFFSETS, SCRATCH, clamps, head, image, parameters, requantised, shape::Shape};
use lacuna_sim::testing::Rng;
use lacuna_spec::{
    Geometry,
    geometry::PARAM_WORDS,
    instr::{Instr, Opcode, PostOp, PostTail, Walk},
    numerics,
};
use rand::Rng as _;

/// A product of two tensors with random rule and zero points. `aligned`: one column block.
pub fn product(rng: &mut Rng, geometry: &Geometry, aligned: bool) -> Job {
    let word = geometry.word_bytes();
    let (head, input_offset, output_offset) = head(rng, Opcode::Post);
    // Of a; b lies so much higher, and ends below the output.
    let second = geometry.tile_bytes() as i64 / 5;
    let shape = loop {
        let mut shape = Shape::random(rng, geometry, i64::MAX);
        let rows = (second - OFFSETS as i64 - shape.start) / (shape.in_w * shape.channels);
        shape.in_h = shape.in_h.min(rows);
        (shape.k_h, shape.k_w, shape.dilation, shape.stride, shape.pad_y, shape.pad_x) = (1, 1, 1, 1, 0, 0);
        (shape.out_h, shape.out_w) = (shape.in_h, shape.in_w);
        if rows > 0 && (!aligned || shape.channels <= word as i64) {
            break shape;
        }
    };
    let blocks = (shape.channels as usize).div_ceil(word);
    // What the constant taps add up to: the negative of b's zero point.
    let constants: Vec<i8> = if rng.random() { vec![rng.random()] } else { vec![rng.random(), rng.random()] };
    let zero: i32 = constants.iter().map(|&weight| -i32::from(weight)).sum();
    let taps = constants.len() + 1;
    let block_bytes = (taps + PARAM_WORDS) * word;
    let params = geometry.tile_bytes() * 4 / 5 - if aligned { taps * word } else { 0 };
    assert!(params + blocks * block_bytes <= geometry.tile_bytes() - SCRATCH, "parameters fit");
    let (clamp_lo, clamp_hi) = clamps(rng);
    let plain = shape.walk(rng, geometry);
    let walk = Walk {
        start: plain.start + second,
        k_h: taps as i64,
        k_w: 2,
        segments: 1,
        step_ky: 0,
        step_kx: -second,
        y_dilation: 0,
        x_dilation: 0,
        blocks: blocks as i64,
        ..plain
    };
    let tail = PostTail {
        out_step_y: shape.channels * shape.out_w,
        out_step_x: shape.channels,
        params: params as i64,
        rule: rng.random_range(0..2),
        zero: rng.random_range(-20..20),
        clamp_lo,
        clamp_hi,
        gate: rng.random_range(-128..128),
        op: PostOp::Depthwise as i64,
        taps: taps as i64,
        product: 1,
        wide: 0,
    };
    let mut before = image(rng, geometry);
    let mut scales = Vec::new();
    for block in 0..blocks {
        let base = params + block * block_bytes;
        for (tap, &weight) in constants.iter().enumerate() {
            before[base + tap * word..][..word].fill(weight as u8);
        }
        scales.extend(parameters(rng, tail.rule, base + taps * word, word, -11..=-6, &mut before));
    }
    let mut after = before.clone();
    for (oy, ox) in shape.outputs() {
        for channel in 0..shape.channels {
            let of = |offset: i64| {
                let at = shape.start + offset + (oy * shape.in_w + ox) * shape.channels + channel;
                i32::from(before[at as usize + input_offset] as i8)
            };
            let acc = (of(0) - tail.gate as i32) * (of(second) - zero);
            let value = requantised(acc, &scales[channel as usize], tail.rule, tail.zero as i32);
            let place = ((oy * shape.out_w + ox) * shape.channels + channel) as usize;
            after[walk.out_start as usize + output_offset + place] =
                numerics::clamp(value.into(), clamp_lo as i8, clamp_hi as i8) as u8;
        }
    }
    Job { instr: Instr::Post(head, walk, tail), input_offset, output_offset, before, after, weights: Vec::new() }
}
