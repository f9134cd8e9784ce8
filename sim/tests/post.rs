//! The post unit against its golden counterpart, every output in every cycle.

#[path = "post/jobs.rs"]
mod jobs;

use jobs::{DRAIN, Inputs, depthwise_job, post_job, run_job};
use lacuna_golden::post::{Post, PostOut};
use lacuna_sim::testing::{Rng, randomised};
use lacuna_sim::{Model, tops};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Instr;
use rand::Rng as _;

const JOBS: usize = 150;

fn as_words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("chunks of four"))).collect()
}

fn drive(dut: &mut Model, inputs: &Inputs, geometry: &Geometry) {
    let word = geometry.word_bytes();
    dut.set("sum_valid_i", inputs.sums.is_some().into());
    if let Some((group, sums)) = inputs.sums {
        let bits = geometry.acc_bits as u32 + geometry.lanes.ilog2();
        dut.set("sum_group_i", group as u64);
        for (lane, sum) in sums[..geometry.reduce_columns].iter().enumerate() {
            dut.set_field("sums_i", lane as u32 * bits, bits, *sum as u64 & ((1 << bits) - 1));
        }
    }
    dut.set("tap_valid_i", inputs.tap.is_some().into());
    if let Some(tap) = inputs.tap {
        for (column, d) in (0..).zip(&tap.data[..word]) {
            dut.set_field("tap_data_i", 9 * column, 9, *d as u64 & 0x1ff);
        }
        dut.set("tap_pad_i", tap.pad.into());
        dut.set("tap_first_i", tap.first.into());
        dut.set("tap_last_i", tap.last.into());
    }
    dut.set("param_valid_i", inputs.param.is_some().into());
    if let Some(param) = inputs.param {
        dut.set_words("param_data_i", &as_words(&param.data[..word]));
        dut.set("param_weights_i", param.weights.into());
        dut.set("param_signs_i", param.signs.into());
        dut.set("param_columns_i", param.columns.into());
        dut.set("param_index_i", param.index.into());
        dut.set("param_bank_i", param.bank.into());
    }
}

fn compare(dut: &Model, golden: &PostOut, cycle: usize) {
    assert_eq!(dut.bit("wr_en_o"), golden.write.is_some(), "wr_en_o in cycle {cycle}");
    if let Some(write) = golden.write {
        assert_eq!(dut.get("wr_addr_o"), write.addr as u64, "wr_addr_o in cycle {cycle}");
        assert_eq!(dut.get("wr_bytes_o"), write.bytes as u64, "wr_bytes_o in cycle {cycle}");
        let data: Vec<u8> = dut.words("wr_data_o").into_iter().flat_map(u32::to_le_bytes).collect();
        assert_eq!(data[..write.bytes], write.data[..write.bytes], "wr_data_o in cycle {cycle}");
    }
    assert_eq!(dut.bit("block_done_o"), golden.block_done, "block_done_o in cycle {cycle}");
    assert_eq!(dut.bit("done_o"), golden.done, "done_o in cycle {cycle}");
}

fn unit_equals_golden(rng: &mut Rng, geometry: &Geometry, mut dut: Model) {
    let mut golden = Post::new(geometry);
    for input in ["start_i", "sum_valid_i", "tap_valid_i", "param_valid_i"] {
        dut.set(input, 0);
    }
    dut.reset();
    let kinds = if geometry.depthwise_taps > 0 { 3 } else { 2 };
    let mut met = [0; 3];
    // Blocks take turns in the banks from job to job.
    let mut bank = 0;
    let mut draw = |rng: &mut Rng| {
        let kind = rng.random_range(0..kinds);
        met[kind] += 1;
        let (instr, mut schedule) = match kind {
            0 => run_job(rng, geometry),
            1 => post_job(rng, geometry),
            _ => depthwise_job(rng, geometry),
        };
        schedule.at(schedule.0.len() + DRAIN);
        schedule.0.iter_mut().filter_map(|inputs| inputs.param.as_mut()).for_each(|param| param.bank ^= bank);
        if let (0 | 2, Instr::Run(_, walk, _) | Instr::Post(_, walk, _)) = (kind, &instr) {
            bank ^= walk.blocks as u8 & 1;
        }
        (instr, schedule)
    };
    let mut next = draw(rng);
    for _ in 0..JOBS {
        let (instr, mut schedule) = std::mem::replace(&mut next, draw(rng));
        if !geometry.serial_post() {
            next.1.give_early(rng, &mut schedule);
        }
        let offset = rng.random_range(0..geometry.tile_bytes());
        dut.set_words("instr_i", &as_words(&instr.pack().expect("inside the layout")));
        dut.set("output_offset_i", offset as u64);
        golden.start(&instr, offset);
        let mut finished = false;
        for (cycle, inputs) in schedule.0.iter().enumerate() {
            dut.set("start_i", u64::from(cycle == 0));
            drive(&mut dut, inputs, geometry);
            if geometry.depthwise_taps > 0 {
                let next = schedule.0.get(cycle + 1).and_then(|inputs| inputs.tap);
                let index =
                    next.map_or_else(|| rng.random_range(0..geometry.depthwise_taps as u64), |tap| tap.index.into());
                dut.set("tap_index_i", index);
            }
            dut.eval();
            if cycle > 0 {
                assert_eq!(dut.get("written_o"), golden.written().into(), "written_o in cycle {cycle}");
            }
            dut.set("second_i", inputs.second.into());
            if geometry.monitor && matches!(instr, Instr::Run(..)) && inputs.sums.is_some() {
                assert_eq!(dut.get("row_o"), golden.row() as u64 % 64, "row_o in cycle {cycle}");
            }
            golden.set_second(inputs.second);
            let out = golden.step(inputs.sums.as_ref(), inputs.tap.as_ref(), inputs.param.as_ref());
            compare(&dut, &out, cycle);
            finished |= out.done;
            dut.step();
        }
        assert!(finished, "the job never ended: {instr:?}");
    }
    assert!(met[..kinds].iter().all(|&jobs| jobs > 0), "every kind of job occurs");
}

#[test]
fn base_equals_golden() {
    randomised("post_base_equals_golden", |rng| unit_equals_golden(rng, &Geometry::BASE, tops::post_base()));
}

#[test]
fn nano_equals_golden() {
    randomised("post_nano_equals_golden", |rng| unit_equals_golden(rng, &Geometry::NANO, tops::post_nano()));
}

#[test]
fn wide_equals_golden() {
    randomised("post_wide_equals_golden", |rng| unit_equals_golden(rng, &Geometry::WIDE, tops::post_wide()));
}
