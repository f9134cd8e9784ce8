//! Random walks and plain im2col of them, with multiplications and no state.

use crate::Given;
use lacuna_golden::cim::Decision;
use lacuna_sim::testing::Rng;
use lacuna_spec::{
    Geometry,
    instr::{Head, Instr, Opcode, PostTail, RunTail, Walk},
};
use rand::{Rng as _, seq::IndexedRandom as _};

/// What a feeder must hand over for one instruction, in order.
pub struct Expected {
    pub given: Vec<Given>,
    /// Vectors of `run`, output words of `depthwise`.
    pub words: u32,
    /// 0 without blocks.
    pub blocks: u32,
}

/// A random instruction: shapes of convolutions and pools, addresses anywhere.
pub fn random(rng: &mut Rng, geometry: &Geometry) -> Instr {
    let word = geometry.word_bytes() as i64;
    let size = geometry.tile_bytes() as i64;
    let any = rng.random_range(1..42);
    // Whole words side by side, which a feeder may read two at a time.
    let whole = rng.random_bool(0.3);
    let channels: i64 = if whole {
        2 * word * rng.random_range(1..3)
    } else {
        *[any, any, any, 1, 3, 5, 10, 16, 24, 40].choose(rng).unwrap()
    };
    let (in_h, in_w) = (rng.random_range(1..8), rng.random_range(1..8));
    let (k_h, k_w) = (rng.random_range(1..=5), rng.random_range(1..=5));
    let dense = whole || rng.random_bool(0.7);
    let pixel = if dense { channels } else { rng.random_range(-100..100) };
    let row = if dense { channels * in_w } else { rng.random_range(-3000..3000) };
    let segments = (channels + word - 1) / word;
    let mut limits = |most: i64| (rng.random_range(1..=most), rng.random_range(1..=most));
    let (y_stride, x_stride) = limits(3);
    let at = if whole { word } else { 1 };
    let run = rng.random_bool(0.5);
    // A `run` may read windows twice.
    let mut dilation = || rng.random_range(i64::from(!run)..=3);
    let (y_dilation, x_dilation) = (dilation(), dilation());
    let depthwise = !run && geometry.depthwise_taps > 0 && rng.random_bool(0.5);
    let most = if depthwise { 4 } else { 5 };
    let product = depthwise && rng.random_bool(0.5);
    let (k_h, k_w) = if product { (k_h.clamp(2, most), 2) } else { (k_h.min(most), k_w.min(most)) };
    let blocks = if run || depthwise { rng.random_range(1..4) } else { 1 };
    let walk = Walk {
        start: rng.random_range(-200..size) / at * at,
        out_h: rng.random_range(1..5),
        out_w: rng.random_range(1..5),
        k_h,
        k_w,
        segments: if depthwise { 1 } else { segments },
        tail: channels - (segments - 1) * word,
        step_oy: y_stride * row,
        step_ox: x_stride * pixel,
        step_ky: y_dilation * row,
        step_kx: x_dilation * pixel,
        y_start: rng.random_range(-4..3),
        x_start: rng.random_range(-4..3),
        y_stride,
        x_stride,
        y_dilation,
        x_dilation,
        in_h,
        in_w,
        pad: rng.random_range(-128..128),
        blocks,
        out_start: 0,
        // Of no effect on `run`, nor on a chip without multipliers.
        skip_left: i64::from(k_w > 1 && !product && rng.random_bool(0.5)),
        skip_above: i64::from(k_h > 1 && !product && rng.random_bool(0.5)),
        skip_beyond: i64::from(!product && rng.random_bool(0.5)),
    };
    let opcode = if run { Opcode::Run } else { Opcode::Post };
    let head = Head { opcode: opcode as i64, from_input: rng.random_range(0..2), ..Head::default() };
    let params = rng.random_range(0..size);
    if run {
        let tail = RunTail {
            params,
            gate: rng.random_range(-128..128),
            page: rng.random_range(0..geometry.pages as i64),
            vector_pages: rng.random_range(1..200),
            second: rng.random_range(-128..128),
            threshold: if rng.random_bool(0.5) { 0 } else { rng.random_range(1..20) },
            ..RunTail::default()
        };
        Instr::Run(head, walk, tail)
    } else {
        let gate = rng.random_range(-128..128);
        let (op, taps) = match (depthwise, product) {
            (true, true) => (3, k_h),
            (true, false) => (3, k_h * k_w),
            _ => (rng.random_range(0..3), 0),
        };
        let (product, wide) = (product.into(), i64::from(!product && rng.random_bool(0.5)));
        Instr::Post(head, walk, PostTail { params, gate, op, taps, product, wide, ..PostTail::default() })
    }
}

/// One window: its bytes and whether they are padding.
fn window(
    geometry: &Geometry,
    walk: &Walk,
    offset: usize,
    memory: &[u8],
    at: [i64; 5],
    bytes: usize,
) -> (Vec<u8>, bool) {
    let [oy, ox, ky, kx, segment] = at;
    let y = walk.y_start + oy * walk.y_stride + ky * walk.y_dilation;
    let x = walk.x_start + ox * walk.x_stride + kx * walk.x_dilation;
    if !(0..walk.in_h).contains(&y) || !(0..walk.in_w).contains(&x) {
        return (vec![walk.pad as u8; bytes], true);
    }
    let from = walk.start
        + oy * walk.step_oy
        + ox * walk.step_ox
        + ky * walk.step_ky
        + kx * walk.step_kx
        + segment * geometry.word_bytes() as i64
        + offset as i64;
    let byte = |k: usize| memory[(from + k as i64).rem_euclid(memory.len() as i64) as usize];
    ((0..bytes).map(byte).collect(), false)
}

/// What parameter words hold.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Weights,
    Signs,
    Columns,
}

/// `words` parameter words, `first` words behind the address.
fn params(
    address: i64,
    [first, words]: [usize; 2],
    of: Of,
    bank: u8,
    word: usize,
    memory: &[u8],
) -> impl Iterator<Item = Given> {
    (0..words).map(move |index| {
        let from = address as usize + (first + index) * word;
        let data = (0..word).map(|k| memory[(from + k) % memory.len()]).collect();
        // Biases for the second gate value have the last four indices.
        let index = if index > 8 && of == Of::Columns { index + 3 } else { index };
        Given::Param { data, weights: of != Of::Columns, signs: of == Of::Signs, index: index as u8, bank }
    })
}

/// The same walk with the windows that `skip_left` and `skip_above` take from its start.
fn with_padding(geometry: &Geometry, walk: &Walk) -> Walk {
    let skip = |skip: i64, step: i64| if geometry.depthwise_taps > 0 { skip * step } else { 0 };
    Walk {
        start: walk.start - skip(walk.skip_left, walk.step_kx) - skip(walk.skip_above, walk.step_ky),
        x_start: walk.x_start - skip(walk.skip_left, walk.x_dilation),
        y_start: walk.y_start - skip(walk.skip_above, walk.y_dilation),
        ..*walk
    }
}

/// The kernel positions of an output that padding leaves, in order.
fn taps_left(geometry: &Geometry, walk: &Walk, oy: i64, ox: i64) -> Vec<(i64, i64)> {
    let whole = with_padding(geometry, walk);
    let skips = geometry.depthwise_taps > 0;
    let axis = |k: i64, skip: bool, start: i64, dilation: i64, size: i64| {
        let first = i64::from(skips && skip);
        let inside = |at: &i64| start + at * dilation < size || *at == first;
        (first..k).take_while(|at| !skips || walk.skip_beyond == 0 || inside(at)).collect::<Vec<_>>()
    };
    let y = whole.y_start + oy * walk.y_stride;
    let x = whole.x_start + ox * walk.x_stride;
    let columns = axis(walk.k_w, ox == 0 && walk.skip_left == 1, x, walk.x_dilation, walk.in_w);
    let rows = axis(walk.k_h, oy == 0 && walk.skip_above == 1, y, walk.y_dilation, walk.in_h);
    rows.into_iter().flat_map(|ky| columns.iter().map(move |&kx| (ky, kx)).collect::<Vec<_>>()).collect()
}

/// The gated bytes of one output word's taps; of a product every second window, behind what it is multiplied by.
fn depthwise(geometry: &Geometry, (walk, tail): (&Walk, &PostTail), offset: usize, memory: &[u8]) -> Vec<Given> {
    let word = geometry.word_bytes();
    let whole = with_padding(geometry, walk);
    let mut given = Vec::new();
    for block in 0..walk.blocks as usize {
        let (taps, bank) = (tail.taps as usize, block as u8 % 2);
        let words = (1 + tail.wide as usize) * taps;
        let first = block * (words + 9);
        given.extend(params(tail.params, [first, taps], Of::Weights, bank, word, memory));
        given.extend(params(tail.params, [first + taps, words - taps], Of::Signs, bank, word, memory));
        given.extend(params(tail.params, [first + words, 9], Of::Columns, bank, word, memory));
        for (oy, ox) in pairs(walk.out_h, walk.out_w) {
            let taps_left = taps_left(geometry, walk, oy, ox);
            for &(ky, kx) in &taps_left {
                let (data, pad) = window(geometry, &whole, offset + block * word, memory, [oy, ox, ky, kx, 0], word);
                if tail.product == 1 && kx == 0 {
                    let (weights, signs, index) = (true, false, taps as u8 - 1);
                    given.push(Given::Param { data, weights, signs, index, bank: bank ^ 1 });
                    continue;
                }
                given.push(Given::Tap {
                    data: data.into_iter().map(|byte| i16::from(byte as i8) - tail.gate as i16).collect(),
                    index: if tail.product == 1 { ky } else { ky * walk.k_w + kx } as u8,
                    pad,
                    first: taps_left[tail.product as usize] == (ky, kx),
                    last: taps_left.last() == Some(&(ky, kx)),
                });
            }
        }
    }
    given
}

/// The windows of an output row, each less both gate values.
fn probes(geometry: &Geometry, (walk, tail): (&Walk, &RunTail), offset: usize, memory: &[u8], oy: i64) -> Vec<Given> {
    let word = geometry.word_bytes();
    let mut given = Vec::new();
    for ox in 0..walk.out_w {
        for (ky, kx) in pairs(walk.k_h, walk.k_w) {
            for segment in 0..walk.segments {
                let bytes = if segment == walk.segments - 1 { walk.tail as usize } else { word };
                let window = window(geometry, walk, offset, memory, [oy, ox, ky, kx, segment], bytes).0;
                let end = [ox, ky, kx, segment] == [walk.out_w - 1, walk.k_h - 1, walk.k_w - 1, walk.segments - 1];
                given.extend([(tail.gate, false), (tail.second, true)].map(|(gate, second)| Given::Probe {
                    data: window.iter().map(|&q| i16::from(q as i8) - gate as i16).collect(),
                    second,
                    last: end && second,
                }));
            }
        }
    }
    given
}

/// What the feeder must hand over; `decisions` of each output row, 1 to 64.
pub fn expected(geometry: &Geometry, instr: &Instr, offset: usize, memory: &[u8], decisions: &[Decision]) -> Expected {
    let word = geometry.word_bytes();
    let mut given = Vec::new();
    match instr {
        Instr::Run(head, walk, tail) => {
            let offset = if head.from_input == 1 { offset } else { 0 };
            let mut tag = 0;
            let monitored = tail.monitored(geometry);
            let words = if monitored { 13 } else { 9 };
            for block in 0..walk.blocks {
                let first = words * block as usize;
                given.extend(params(tail.params, [first, words], Of::Columns, block as u8 % 2, word, memory));
                for (oy, ox) in pairs(walk.out_h, walk.out_w) {
                    if monitored && block == 0 && ox == 0 {
                        given.extend(probes(geometry, (walk, tail), offset, memory, oy));
                    }
                    let decision = decisions[oy as usize + 1];
                    let gate = if decision.second { tail.second } else { tail.gate };
                    let mut rows = Vec::new();
                    for (ky, kx) in pairs(walk.k_h, walk.k_w) {
                        for segment in 0..walk.segments {
                            let bytes = if segment == walk.segments - 1 { walk.tail as usize } else { word };
                            let mut bytes = window(geometry, walk, offset, memory, [oy, ox, ky, kx, segment], bytes).0;
                            if rows.len().is_multiple_of(word) && bytes.len() == word {
                                bytes.rotate_right(rows.len() / word % word);
                            }
                            rows.extend(bytes);
                        }
                    }
                    let words = rows.len().div_ceil(word);
                    for (j, rows) in rows.chunks(word).enumerate() {
                        let page = tail.page + block * tail.vector_pages + 2 * j as i64;
                        given.push(Given::Word {
                            data: rows.iter().map(|&q| i16::from(q as i8) - gate as i16).collect(),
                            gated: decision.gated,
                            page: (page % geometry.pages as i64) as u16,
                            tag,
                            last: j == words - 1,
                        });
                    }
                    tag = (tag + 1) % geometry.vectors_in_flight() as u8;
                }
            }
            Expected { given, words: (walk.blocks * walk.out_h * walk.out_w) as u32, blocks: walk.blocks as u32 }
        }
        Instr::Post(head, walk, tail) if tail.depthwise(geometry) => {
            let offset = if head.from_input == 1 { offset } else { 0 };
            let given = depthwise(geometry, (walk, tail), offset, memory);
            Expected { given, words: (walk.blocks * walk.out_h * walk.out_w) as u32, blocks: walk.blocks as u32 }
        }
        Instr::Post(head, walk, tail) => {
            let offset = if head.from_input == 1 { offset } else { 0 };
            if tail.op != 0 {
                given.extend(params(tail.params, [0, 24usize.div_ceil(word)], Of::Columns, 0, word, memory));
            }
            let whole = with_padding(geometry, walk);
            for (oy, ox) in pairs(walk.out_h, walk.out_w) {
                for segment in 0..walk.segments {
                    let taps_left = taps_left(geometry, walk, oy, ox);
                    for &(ky, kx) in &taps_left {
                        let (data, pad) = window(geometry, &whole, offset, memory, [oy, ox, ky, kx, segment], word);
                        given.push(Given::Tap {
                            data: data.into_iter().map(|byte| i16::from(byte as i8)).collect(),
                            index: ((ky * walk.k_w + kx) % geometry.depthwise_taps.max(1) as i64) as u8,
                            pad,
                            first: taps_left[0] == (ky, kx),
                            last: taps_left.last() == Some(&(ky, kx)),
                        });
                    }
                }
            }
            Expected { given, words: 0, blocks: 0 }
        }
        _ => unreachable!("only run and post walk"),
    }
}

fn pairs(outer: i64, inner: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..outer).flat_map(move |o| (0..inner).map(move |i| (o, i)))
}
