//! The feeder against its golden counterpart, and both against plain im2col.

mod walks;

use lacuna_golden::{
    cim::Decision,
    feeder::{Feeder, MAX_WORD, Param, Probe, RowWord, Tap},
    memory::TileMemory,
};
use lacuna_sim::{Model, testing::Rng, testing::randomised, tops};
use lacuna_spec::{
    Geometry,
    geometry::MONITOR_ROWS,
    instr::{Head, Instr, RunTail, Walk},
};
use rand::Rng as _;
use std::collections::VecDeque;
use walks::{Expected, expected};

/// How often post and macro hold the feeder up, 0 to 1.
struct Stalls {
    room: f64,
    taken: f64,
    block_done: f64,
    gives_way: f64,
}

/// What the chip must have handed over, without what means nothing.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Given {
    Word { data: Vec<i16>, page: u16, tag: u8, last: bool, gated: bool },
    Probe { data: Vec<i16>, second: bool, last: bool },
    Tap { data: Vec<i16>, index: u8, pad: bool, first: bool, last: bool },
    Param { data: Vec<u8>, weights: bool, signs: bool, index: u8, bank: u8 },
}

impl Given {
    /// A row word, or two.
    fn words(word: &RowWord, geometry: &Geometry) -> Vec<Self> {
        let RowWord { data, next, count, page, tag, last, gated } = *word;
        let one = |data: [i16; MAX_WORD], page, last| Self::Word {
            data: data[..count as usize].to_vec(),
            page: page & (geometry.pages as u16 - 1),
            tag,
            last,
            gated,
        };
        match next {
            None => vec![one(data, page, last)],
            Some(next) => vec![one(data, page, false), one(next, page + 2, last)],
        }
    }

    fn probe(probe: &Probe) -> Self {
        let Probe { data, count, second, last } = *probe;
        Self::Probe { data: data[..count as usize].to_vec(), second, last }
    }

    fn tap(tap: &Tap, bytes: usize) -> Self {
        let Tap { data, index, pad, first, last } = *tap;
        Self::Tap { data: data[..bytes].to_vec(), index, pad, first, last }
    }

    fn param(param: &Param, bytes: usize) -> Self {
        let Param { data, weights, signs, index, bank, columns: _ } = *param;
        Self::Param { data: data[..bytes].to_vec(), weights, signs, index, bank }
    }

    /// What the RTL's outputs say in this cycle; `index`: what they said of a tap in the one before.
    fn of(dut: &Model, geometry: &Geometry, index: u8) -> Vec<Self> {
        let word = geometry.word_bytes();
        let differences = |port: &str, count: u32| {
            (0..count).map(|b| ((dut.field(port, 9 * b, 9) << 7) as i16) >> 7).collect::<Vec<_>>()
        };
        let valid = ["word", "tap", "param", "probe"].map(|kind| dut.bit(&*format!("{kind}_valid_o")));
        match valid {
            [false, false, false, false] => vec![],
            [true, false, false, false] => {
                let rows = |port| {
                    let mut rows = [0; MAX_WORD];
                    rows[..word].copy_from_slice(&differences(port, word as u32));
                    rows
                };
                let first = RowWord {
                    data: rows("word_data_o"),
                    next: dut.bit("word_double_o").then(|| rows("word_next_o")),
                    count: dut.get("word_count_o") as u8,
                    page: dut.get("word_page_o") as u16,
                    tag: dut.get("word_tag_o") as u8,
                    last: dut.bit("word_last_o"),
                    gated: dut.bit("word_gated_o"),
                };
                Self::words(&first, geometry)
            }
            [false, false, false, true] => vec![Self::Probe {
                data: differences("word_data_o", dut.get("word_count_o") as u32),
                second: dut.bit("probe_second_o"),
                last: dut.bit("probe_last_o"),
            }],
            [false, true, false, false] => vec![Self::Tap {
                data: differences("tap_data_o", word as u32),
                index,
                pad: dut.bit("tap_pad_o"),
                first: dut.bit("tap_first_o"),
                last: dut.bit("tap_last_o"),
            }],
            [false, false, true, false] => vec![Self::Param {
                data: (0..word).map(|b| dut.field("param_data_o", 8 * b as u32, 8) as u8).collect(),
                weights: dut.bit("param_weights_o"),
                signs: dut.bit("param_weights_o") && dut.bit("param_signs_o"),
                index: dut.get("param_index_o") as u8,
                bank: dut.get("param_bank_o") as u8,
            }],
            _ => panic!("two outputs at once: word, tap, param, probe = {valid:?}"),
        }
    }
}

/// Runs one job on both and compares every cycle, then the whole with im2col. `bank`: that of its first block, then of
/// the next job's. Returns how often two row words came at once.
#[allow(clippy::too_many_lines, reason = "one cycle of both, port by port")]
fn run_job(
    rng: &mut Rng,
    geometry: &Geometry,
    dut: &mut Model,
    golden: &mut Feeder,
    memory: &TileMemory,
    stalls: &Stalls,
    bank: &mut u8,
) -> usize {
    let word = geometry.word_bytes();
    let instr = walks::random(rng, geometry);
    let at = if rng.random_bool(0.2) { 1 } else { word };
    let offset = rng.random_range(0..geometry.tile_bytes()) / at * at;
    // What a monitor says, row by row; without one all are gated, by the first gate value.
    let monitored = matches!(&instr, Instr::Run(_, _, tail) if tail.monitored(geometry));
    let mut decisions = [Decision { gated: true, second: false }; MONITOR_ROWS];
    if monitored {
        decisions.fill_with(|| Decision { gated: rng.random(), second: rng.random() });
    }
    let Expected { given: mut want, words, blocks } = expected(geometry, &instr, offset, memory.bytes(), &decisions);
    for given in &mut want {
        if let Given::Param { bank: of, .. } = given {
            *of ^= *bank;
        }
    }
    *bank ^= blocks as u8 & 1;
    // Cycles until array and post unit come to the job.
    let mut before: u32 = if rng.random_bool(0.5) { 0 } else { rng.random_range(0..40) };
    // Cycles until the monitor decides.
    let mut deciding = None;

    let beats: Vec<u32> =
        instr.pack().unwrap().chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect();
    dut.set_words("instr_i", &beats);
    dut.set("input_offset_i", offset as u64);
    dut.set("start_i", 1);
    golden.start(&instr, offset);

    let run = matches!(instr, Instr::Run(..));
    let (mut given, mut doubled) = (Vec::new(), 0);
    // What is read in a cycle, and the word after it.
    let mut reads: VecDeque<[[u8; MAX_WORD]; 2]> = VecDeque::from([[[0; MAX_WORD]; 2]; 2]);
    let (mut fed, mut taken, mut finished) = (0, 0, 0);
    // What was true in the cycles of the slots whose outputs are due: room, vectors taken, the job was served.
    let mut issued = VecDeque::from([(false, 0, false); 3]);
    let (mut last_tap, mut tap_index) = (None, 0);
    let (mut quiet, mut started, mut under_way) = (0, false, false);
    while quiet < 60 {
        let room = rng.random_bool(stalls.room);
        let takes = run && fed > taken && rng.random_bool(stalls.taken);
        taken += u32::from(takes);
        let through = if run { taken } else { fed };
        let block_done =
            finished < blocks && through >= (finished + 1) * words / blocks && rng.random_bool(stalls.block_done);
        finished += u32::from(block_done);
        dut.set("room_i", room.into());
        dut.set("taken_i", takes.into());
        let served = before == 0;
        before = before.saturating_sub(1);
        dut.set("served_i", served.into());
        golden.serve(served);
        let gives_way = rng.random_bool(stalls.gives_way);
        dut.set("give_way_i", gives_way.into());
        golden.give_way(gives_way);
        dut.set("block_done_i", block_done.into());
        let decided = deciding == Some(0);
        let row = golden.row();
        let decision = decisions[row];
        dut.set("decided_i", decided.into());
        dut.set("gated_i", decision.gated.into());
        dut.set("second_i", decision.second.into());
        golden.decide(decision, decided);
        let [data, next] = reads
            .pop_front()
            .unwrap()
            .map(|bytes| (0..word).fold(0, |value, b| value | u128::from(bytes[b]) << (8 * b)));
        dut.set_u128("rd_data_i", data);
        dut.set_u128("rd_next_i", next);
        dut.eval();

        let was_idle = golden.idle() || !std::mem::replace(&mut under_way, true);
        let out = golden.step(room, takes, block_done, memory);
        let model: Vec<_> = (out.word.iter().flat_map(|word| Given::words(word, geometry)))
            .chain(out.probe.as_ref().map(Given::probe))
            .chain(out.tap.as_ref().map(|tap| Given::tap(tap, word)))
            .chain(out.param.as_ref().map(|param| Given::param(param, word)))
            .collect();
        let chip = Given::of(dut, geometry, tap_index);
        tap_index = if geometry.depthwise_taps > 0 { dut.get("tap_index_o") as u8 } else { 0 };
        assert_eq!(chip, model, "left: chip, right: golden, in cycle {} of {instr:?}", dut.cycle());
        assert_eq!(dut.bit("rd_req_o"), golden.reading(), "read port in cycle {}", dut.cycle());
        deciding = match chip.last() {
            Some(Given::Probe { last: true, .. }) => Some(rng.random_range(0..6)),
            _ => deciding.and_then(|cycles: u32| cycles.checked_sub(1)),
        };
        // In the cycle of its start the feeder still stands where the job before left it.
        if geometry.monitor && run && std::mem::replace(&mut started, true) {
            assert_eq!(dut.get("row_o"), row as u64, "output row in cycle {}", dut.cycle());
        }
        issued.push_back((room, taken - u32::from(takes), served));
        let (had_room, had_taken, was_served) = issued.pop_front().unwrap();
        if let Some(param) = &out.param {
            assert_eq!(dut.bit("param_columns_o"), param.columns, "whose parameters in cycle {}", dut.cycle());
        }
        let early = out.param.is_some_and(|param| param.columns);
        assert!(was_served || early || chip.is_empty(), "too early in cycle {} of {instr:?}", dut.cycle());
        match chip.last() {
            Some(Given::Word { last, .. }) => {
                assert!(had_room, "a row word without room in cycle {}", dut.cycle());
                assert!(
                    fed - had_taken < geometry.vectors_in_flight() as u32,
                    "too many vectors in cycle {}",
                    dut.cycle()
                );
                fed += u32::from(*last);
            }
            Some(Given::Tap { last: true, .. }) => {
                let groups = (geometry.groups() * geometry.group_cycles()) as u64;
                let apart = last_tap.map_or(groups, |before| dut.cycle() - before);
                assert!(apart >= groups, "two output words {apart} cycles apart");
                last_tap = Some(dut.cycle());
                fed += 1;
            }
            _ => {}
        }
        assert_eq!(dut.bit("idle_o"), was_idle, "idle in cycle {}", dut.cycle());
        let pending = finished < blocks;
        quiet = if !chip.is_empty() || pending { 0 } else { quiet + 1 };
        doubled += usize::from(chip.len() > 1);
        given.extend(chip);

        let read = golden.reading().then(|| {
            let (addr, position) = (dut.get("rd_addr_o") as usize, dut.get("rd_position_o") as usize);
            let next =
                if dut.bit("rd_double_o") { memory.read(addr + word, (position + 1) % word) } else { rng.random() };
            [memory.read(addr, position), next]
        });
        reads.push_back(read.unwrap_or_else(|| rng.random()));
        dut.step();
        dut.set("start_i", 0);
    }

    assert_eq!(given.len(), want.len(), "outputs of {instr:?}");
    for (at, (given, want)) in given.iter().zip(&want).enumerate() {
        assert_eq!(given, want, "left: chip, right: im2col, output {at} of {instr:?}");
    }
    doubled
}

fn compare(rng: &mut Rng, geometry: &Geometry, dut: &mut Model) {
    for port in ["start_i", "room_i", "taken_i", "block_done_i", "decided_i"] {
        dut.set(port, 0);
    }
    dut.reset();
    let mut golden = Feeder::new(geometry);
    let (mut bank, mut doubled) = (0, 0);
    let mut memory = TileMemory::new(geometry);
    let bytes: Vec<u8> = (0..geometry.tile_bytes()).map(|_| rng.random()).collect();
    memory.put(0, &bytes);
    // Two words at once are seldom enough to be waited for.
    for job in 0..600 {
        if job >= 60 && (doubled > 0) == geometry.double_feed() {
            break;
        }
        let share = |rng: &mut Rng| {
            if rng.random_bool(0.4) { 1.0 } else { rng.random_range(0.05..1.0) }
        };
        let (room, taken) = (share(rng), share(rng));
        // Seldom enough that a third block has to wait for the first.
        let block_done = if rng.random_bool(0.5) { share(rng) } else { rng.random_range(0.002..0.02) };
        let gives_way = if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.6) };
        let stalls = Stalls { room, taken, block_done, gives_way };
        doubled += run_job(rng, geometry, dut, &mut golden, &memory, &stalls, &mut bank);
    }
    assert_eq!(doubled > 0, geometry.double_feed(), "two words at once");
}

/// A start takes one cycle, a slot three, and nothing comes between slots.
#[test]
fn an_unstalled_feeder_issues_a_slot_every_cycle() {
    randomised("an_unstalled_feeder_issues_a_slot_every_cycle", |rng| {
        let geometry = Geometry::BASE;
        let memory = TileMemory::new(&geometry);
        let mut golden = Feeder::new(&geometry);
        for _ in 0..50 {
            let Instr::Run(head, mut walk, mut tail) = walks::random(rng, &geometry) else {
                continue;
            };
            tail.threshold = 0;
            walk.blocks = 1;
            (walk.segments, walk.tail) = (3, 9); // 41 bytes a tap
            let instr = Instr::Run(head, walk, tail);
            golden.start(&instr, 0);
            let vectors = walk.out_h * walk.out_w;
            let bytes = walk.k_h * walk.k_w * 41;
            let windows = walk.k_h * walk.k_w * 3;
            // The last window has 9 bytes: it completes a word with bytes to spare if 1 to 8 are over.
            let flush = i64::from((1..9).contains(&(bytes % 16)));
            let slots = 9 + vectors * (windows + flush);
            let (mut fed, mut cycles, mut taken) = (0, 0, false);
            while fed < vectors {
                let out = golden.step(true, taken, false, &memory);
                taken = out.word.is_some_and(|word| word.last);
                fed += i64::from(taken);
                cycles += 1;
            }
            // The last vector leaves the array, and the post unit its block.
            golden.step(true, true, true, &memory);
            assert_eq!(cycles, 1 + slots + 3, "cycles for {slots} slots of {walk:?}");
        }
    });
}

/// Two windows side by side are one slot.
#[test]
fn a_feeder_that_reads_two_words_issues_half_of_the_slots() {
    randomised("a_feeder_that_reads_two_words_issues_half_of_the_slots", |rng| {
        let geometry = Geometry::WIDE;
        let memory = TileMemory::new(&geometry);
        let mut golden = Feeder::new(&geometry);
        let segments = 2 * rng.random_range(1..4);
        let mut upto = |most: i64| rng.random_range(1..=most);
        let (vectors, k_h, k_w) = (upto(20), upto(3), upto(3));
        let whole = Walk {
            out_h: 1,
            out_w: vectors,
            k_h,
            k_w,
            segments,
            tail: 16,
            y_dilation: 1,
            x_dilation: 1,
            x_stride: 1,
            in_h: 9,
            in_w: 40,
            blocks: 1,
            ..Walk::default()
        };
        let walks = [
            (whole, true),
            (Walk { segments: segments + 1, ..whole }, false),
            (Walk { start: 8, ..whole }, false),
            (Walk { step_kx: 24, ..whole }, false),
            (Walk { step_oy: 4, ..whole }, false),
        ];
        for (walk, doubled) in walks {
            golden.start(&Instr::Run(Head::default(), walk, RunTail::default()), 0);
            let (mut fed, mut cycles, mut taken) = (0, 0, false);
            while fed < vectors {
                let out = golden.step(true, taken, false, &memory);
                assert!(out.word.is_none_or(|word| word.next.is_some() == doubled), "{walk:?}");
                taken = out.word.is_some_and(|word| word.last);
                fed += i64::from(taken);
                cycles += 1;
            }
            golden.step(true, true, true, &memory);
            let slots = vectors * k_h * k_w * walk.segments / if doubled { 2 } else { 1 };
            assert_eq!(cycles, 1 + 9 + slots + 3, "{walk:?}");
        }
    });
}

#[test]
fn a_base_feeder_hands_over_the_im2col_rows_in_the_golden_cycles() {
    randomised("a_base_feeder_hands_over_the_im2col_rows_in_the_golden_cycles", |rng| {
        compare(rng, &Geometry::BASE, &mut tops::feeder_base());
    });
}

#[test]
fn a_wide_feeder_hands_over_the_im2col_rows_in_the_golden_cycles() {
    randomised("a_wide_feeder_hands_over_the_im2col_rows_in_the_golden_cycles", |rng| {
        compare(rng, &Geometry::WIDE, &mut tops::feeder_wide());
    });
}

#[test]
fn a_nano_feeder_hands_over_the_im2col_rows_in_the_golden_cycles() {
    randomised("a_nano_feeder_hands_over_the_im2col_rows_in_the_golden_cycles", |rng| {
        compare(rng, &Geometry::NANO, &mut tops::feeder_nano());
    });
}
