//! Random small layers for one tile, and what they must leave in its memory by plain integers.

mod depthwise;
mod product;
mod shape;

pub use depthwise::depthwise;
use lacuna_sim::testing::Rng;
use lacuna_spec::{
    Geometry,
    geometry::{MONITORED_PARAM_WORDS, PARAM_WORDS},
    instr::{Head, Instr, Opcode, PostConstants, PostTail, RunTail, Walk},
    numerics,
};
pub use product::product;
use rand::{Rng as _, RngCore as _};
use shape::Shape;
use std::ops::RangeInclusive;

/// One layer, ready to run.
pub struct Job {
    pub instr: Instr,
    pub input_offset: usize,
    pub output_offset: usize,
    /// Before and after, as large as the tile memory.
    pub before: Vec<u8>,
    pub after: Vec<u8>,
    /// Lane, page, one weight a column.
    pub weights: Vec<(usize, usize, Vec<i8>)>,
}

/// Bytes at the top of the memory that no job touches.
pub const SCRATCH: usize = 128;

/// What INPUT_OFFSET and OUTPUT_OFFSET stay below.
const OFFSETS: usize = 50;

fn head(rng: &mut Rng, opcode: Opcode) -> (Head, usize, usize) {
    let head = Head {
        opcode: opcode as i64,
        from_input: rng.random_range(0..2),
        to_output: rng.random_range(0..2),
        ..Head::default()
    };
    let offsets = [head.from_input, head.to_output].map(|on| if on == 1 { rng.random_range(0..OFFSETS) } else { 0 });
    (head, offsets[0], offsets[1])
}

fn image(rng: &mut Rng, geometry: &Geometry) -> Vec<u8> {
    let mut bytes = vec![0; geometry.tile_bytes()];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn clamps(rng: &mut Rng) -> (i64, i64) {
    (rng.random_range(-128..-60), rng.random_range(60..128))
}

/// Bias, multiplier and shift of a column.
type Scale = (i32, i32, i32);

/// Random nine words of a block, put at `base`; rule A's shifts come from `shifts`.
fn parameters(
    rng: &mut Rng,
    rule: i64,
    base: usize,
    columns: usize,
    shifts: RangeInclusive<i8>,
    memory: &mut [u8],
) -> Vec<Scale> {
    let mut scale = |column: usize| {
        let bias: i32 = rng.random_range(-100_000..100_000);
        let (multiplier, shift) = match rule {
            0 => (rng.random_range(1 << 30..i32::MAX), rng.random_range(shifts.clone())),
            _ => (rng.random_range(1e-4f32..4e-3).to_bits() as i32, 0i8),
        };
        memory[base + 4 * column..][..4].copy_from_slice(&bias.to_le_bytes());
        memory[base + 4 * (columns + column)..][..4].copy_from_slice(&multiplier.to_le_bytes());
        memory[base + 8 * columns + column] = shift as u8;
        (bias, multiplier, i32::from(shift))
    };
    (0..columns).map(&mut scale).collect()
}

fn requantised(sum: i32, &(bias, multiplier, shift): &Scale, rule: i64, zero: i32) -> i32 {
    match rule {
        0 => numerics::requantise_a(sum + bias, multiplier, shift, zero),
        _ => numerics::requantise_b(sum + bias, f32::from_bits(multiplier as u32), zero),
    }
}

/// A convolution with random gating mode and rule.
#[allow(clippy::too_many_lines, reason = "one layer and its reference")]
pub fn convolution(rng: &mut Rng, geometry: &Geometry) -> Job {
    let (word, lanes, columns) = (geometry.word_bytes(), geometry.lanes, geometry.columns());
    // 60 rows a lane never exceed the accumulators.
    let most_rows = 60 * lanes as i64;
    let (head, mut input_offset, output_offset) = head(rng, Opcode::Run);
    // What a feeder reads two words at a time, if it can.
    let doubled = geometry.double_feed() && rng.random_bool(0.4);
    let shape = if doubled {
        input_offset -= input_offset % word;
        Shape::of_words(rng, geometry, most_rows)
    } else {
        Shape::random(rng, geometry, most_rows)
    };
    let rows = (shape.k_h * shape.k_w * shape.channels) as usize;
    let vector_pages = rows.div_ceil(lanes);
    let places = (shape.out_h * shape.out_w) as usize;
    let most = (geometry.pages / vector_pages).min(geometry.tile_bytes() / 5 / places / word).clamp(1, 3);
    let blocks = rng.random_range(1..=most);
    let last_columns = rng.random_range(1..=columns);
    let channels = (blocks - 1) * columns + last_columns;
    let pitch = channels + rng.random_range(0..3);
    let params = geometry.tile_bytes() * 4 / 5;
    let page = rng.random_range(0..=geometry.pages - blocks * vector_pages);
    let (clamp_lo, clamp_hi) = clamps(rng);
    let walk = Walk { blocks: blocks as i64, ..shape.walk(rng, geometry) };
    let tail = RunTail {
        out_step_y: pitch as i64 * shape.out_w,
        out_step_x: pitch as i64,
        last_columns: last_columns as i64,
        params: params as i64,
        page: page as i64,
        vector_pages: vector_pages as i64,
        gate: rng.random_range(-128..128),
        gating: rng.random_range(0..3),
        rule: rng.random_range(0..2),
        zero: rng.random_range(-20..20),
        clamp_lo,
        clamp_hi,
        second: rng.random_range(-128..128),
        threshold: if geometry.monitor && !doubled && rng.random_bool(0.8) { rng.random_range(1..10) } else { 0 },
        hysteresis: rng.random_range(0..8),
    };
    assert!(!doubled || walk.doubled(&tail, input_offset, geometry));
    let words = if tail.monitored(geometry) { MONITORED_PARAM_WORDS } else { PARAM_WORDS };

    let mut before = image(rng, geometry);
    // Rows equal to a gate value are what gating is about; which of two, and how many, varies.
    let piece = rng.random_range(16..200);
    for bytes in before[..geometry.tile_bytes() / 4].chunks_mut(piece) {
        let gate = if rng.random() { tail.gate } else { tail.second };
        let share = rng.random_range(0.1..0.9);
        for byte in bytes {
            if rng.random_bool(share) {
                *byte = gate as u8;
            }
        }
    }
    let weight: Vec<i8> = (0..rows * blocks * columns).map(|_| rng.random()).collect();
    let weight = |block: usize, row: usize, column: usize| weight[(block * rows + row) * columns + column];
    let scales: Vec<Vec<Scale>> = (0..blocks)
        .map(|block| {
            let base = params + block * words * word;
            let scales = parameters(rng, tail.rule, base, columns, -14..=-8, &mut before);
            if words > PARAM_WORDS {
                // The compensation: padding is a row as others are.
                let sum = |column| (0..rows).map(|row| i32::from(weight(block, row, column))).sum::<i32>();
                let delta = (tail.second - tail.gate) as i32;
                for (column, (bias, ..)) in scales.iter().enumerate() {
                    let bias = bias + delta * sum(column);
                    before[base + 9 * word + 4 * column..][..4].copy_from_slice(&bias.to_le_bytes());
                }
            }
            scales
        })
        .collect();
    let mut after = before.clone();
    for (block, scale) in scales.iter().enumerate() {
        let live = if block + 1 == blocks { last_columns } else { columns };
        for (oy, ox) in shape.outputs() {
            let input: Vec<i32> = shape
                .kernel()
                .flat_map(|(ky, kx)| (0..shape.channels).map(move |channel| [oy, ox, ky, kx, channel]))
                .map(|at| shape.tap(&before, input_offset, at).map_or(walk.pad, i64::from) as i32 - tail.gate as i32)
                .collect();
            for (column, scale) in scale[..live].iter().enumerate() {
                let products = input.iter().enumerate().map(|(row, d)| d * i32::from(weight(block, row, column)));
                let value = requantised(products.sum(), scale, tail.rule, tail.zero as i32);
                let place = (oy * shape.out_w + ox) as usize * pitch + block * columns + column;
                after[walk.out_start as usize + output_offset + place] =
                    numerics::clamp(value.into(), tail.clamp_lo as i8, tail.clamp_hi as i8) as u8;
            }
        }
    }
    // Byte b of a row word: lane b mod R, the first page or the one after it.
    let row_at = shape.rows(word);
    let mut weights = Vec::new();
    for (block, byte) in (0..blocks).flat_map(|block| (0..vector_pages * lanes).map(move |byte| (block, byte))) {
        let (lane, at) = (byte % lanes, page + block * vector_pages + byte / lanes);
        let row = row_at.iter().position(|&at| at == byte);
        let of = |column| row.map_or(0, |row| weight(block, row, column));
        weights.push((lane, at, (0..columns).map(of).collect()));
    }
    Job { instr: Instr::Run(head, walk, tail), input_offset, output_offset, before, after, weights }
}

/// A pool or a residual add.
#[allow(clippy::too_many_lines, reason = "one layer and its reference")]
pub fn elementwise(rng: &mut Rng, geometry: &Geometry) -> Job {
    let (head, input_offset, output_offset) = head(rng, Opcode::Post);
    let op = rng.random_range(0..3);
    let mut shape = Shape::random(rng, geometry, i64::MAX);
    let mut walk = shape.walk(rng, geometry);
    // `add` sees its second tensor as one pixel to the right.
    let second = geometry.tile_bytes() as i64 / 5;
    if op == 2 {
        (shape.k_h, shape.k_w, shape.dilation, shape.stride, shape.pad_y, shape.pad_x) = (1, 1, 1, 1, 0, 0);
        // So that the second ends below the output.
        let rows = (second - OFFSETS as i64 - shape.start) / (shape.in_w * shape.channels);
        shape.in_h = shape.in_h.min(rows);
        (shape.out_h, shape.out_w) = (shape.in_h, shape.in_w);
        walk = shape.walk(rng, geometry);
        (walk.k_w, walk.step_kx, walk.x_dilation) = (2, second, 0);
    }
    // Padding is not the largest, and 0 adds nothing.
    let skips = op != 2 && rng.random_bool(0.5);
    if skips && op == 1 {
        walk.pad = 0;
    }
    let params = (geometry.tile_bytes() * 4 / 5) as i64;
    let (clamp_lo, clamp_hi) = clamps(rng);
    let pitch = shape.channels;
    let tail = PostTail {
        out_step_y: pitch * shape.out_w,
        out_step_x: pitch,
        op,
        rule: rng.random_range(0..2),
        zero: rng.random_range(-20..20),
        clamp_lo,
        clamp_hi,
        params,
        ..PostTail::default()
    };
    let bias = rng.random_range(-(1 << 26)..1 << 26);
    let constants = match (op, tail.rule) {
        (2, _) => PostConstants::add(
            rng.random_range(0..1 << 20),
            rng.random_range(0..1 << 20),
            bias,
            rng.random_range(18..22),
        ),
        (_, 0) => PostConstants {
            ma: rng.random_range(1 << 30..1 << 31),
            mb: rng.random_range(-500..500),
            bias: 0,
            shift: rng.random_range(-4..=0),
        },
        _ => PostConstants {
            ma: rng.random_range(0.05f32..1.0).to_bits().into(),
            mb: rng.random_range(-500..500),
            bias: 0,
            shift: 0,
        },
    };
    let mut before = image(rng, geometry);
    before[params as usize..][..24].copy_from_slice(&constants.pack().unwrap());
    let mut after = before.clone();
    for (oy, ox) in shape.outputs() {
        for channel in 0..shape.channels {
            let taps = shape.kernel().map(|(ky, kx)| shape.tap(&before, input_offset, [oy, ox, ky, kx, channel]));
            let value = match op {
                0 => {
                    let most = taps.flatten().max().expect("a window keeps a byte of the input");
                    numerics::clamp(most.into(), clamp_lo as i8, clamp_hi as i8)
                }
                1 => {
                    let sum: i32 = taps.map(|tap| tap.map_or(walk.pad as i32, i32::from)).sum();
                    let (acc, ma) = (sum + constants.mb as i32, constants.ma as u32);
                    let value = match tail.rule {
                        0 => numerics::requantise_a(acc, ma as i32, constants.shift as i32, tail.zero as i32),
                        _ => numerics::requantise_b(acc, f32::from_bits(ma), tail.zero as i32),
                    };
                    numerics::clamp(value.into(), clamp_lo as i8, clamp_hi as i8)
                }
                _ => {
                    let at = shape.start + (oy * shape.in_w + ox) * shape.channels + channel + input_offset as i64;
                    let [a, b] = [at, at + second].map(|at| before[at as usize] as i8);
                    let (ma, mb) = (constants.ma as i32, constants.mb as i32);
                    let value = numerics::linear(a, b, ma, mb, bias, constants.shift as u32, tail.rule == 1);
                    numerics::clamp(value, clamp_lo as i8, clamp_hi as i8)
                }
            };
            let place = ((oy * shape.out_w + ox) * pitch + channel) as usize;
            after[walk.out_start as usize + output_offset + place] = value as u8;
        }
    }
    let walk = if skips { walk.without_padding(geometry) } else { walk };
    Job { instr: Instr::Post(head, walk, tail), input_offset, output_offset, before, after, weights: Vec::new() }
}
