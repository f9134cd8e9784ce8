//! Tile memory and its ports against their golden counterparts.

use lacuna_golden::memory::TileMemory;
use lacuna_sim::{Model, testing::Rng, testing::randomised, tops};
use lacuna_spec::Geometry;
use rand::Rng as _;

fn word_of(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

/// Random traffic on both ports.
fn compare(rng: &mut Rng, geometry: &Geometry, dut: &mut Model) {
    let (word, size) = (geometry.word_bytes(), geometry.tile_bytes());
    let mut golden = TileMemory::new(geometry);
    for at in (0..size).step_by(word) {
        let bytes: Vec<u8> = (0..word).map(|_| rng.random()).collect();
        dut.set("rd_en_i", 0);
        dut.set("wr_en_i", 1);
        dut.set("wr_addr_i", at as u64);
        dut.set("wr_bytes_i", word as u64);
        dut.set("wr_position_i", 0);
        dut.set_u128("wr_data_i", word_of(&bytes));
        dut.step();
        golden.step();
        golden.write(at, &bytes);
    }
    dut.set("wr_en_i", 0);
    for _ in 0..2 {
        dut.step();
        golden.step();
    }
    // Accesses crowd at both ends, where they meet and wrap.
    let mut expected: [Option<(u128, Option<u128>)>; 2] = [None; 2];
    for _ in 0..20_000 {
        golden.step();
        let mut place = || (size - 4 * word + rng.random_range(0..8 * word)) % size;
        let (rd_addr, wr_addr) = (place(), place());
        let (reads, writes) = (rng.random_bool(0.7), rng.random_bool(0.6));
        let position = rng.random_range(0..word);
        let doubled = rng.random_bool(0.5);
        // Two words are read from the first one's start.
        let rd_addr = if doubled { rd_addr - rd_addr % word } else { rd_addr };
        let turned = rng.random_range(0..word);
        let count = rng.random_range(1..=word);
        let bytes: Vec<u8> = (0..word).map(|_| rng.random()).collect();
        dut.set("rd_en_i", reads.into());
        dut.set("rd_addr_i", rd_addr as u64);
        dut.set("rd_position_i", position as u64);
        dut.set("rd_double_i", doubled.into());
        dut.set("wr_en_i", writes.into());
        dut.set("wr_addr_i", wr_addr as u64);
        dut.set("wr_bytes_i", count as u64);
        dut.set("wr_position_i", turned as u64);
        let mut data = bytes.clone();
        data.rotate_right(turned);
        dut.set_u128("wr_data_i", word_of(&data));
        let data = reads.then(|| {
            let next = golden.read(rd_addr + word, (position + 1) % word);
            (word_of(&golden.read(rd_addr, position)[..word]), doubled.then(|| word_of(&next[..word])))
        });
        if writes {
            golden.write(wr_addr, &bytes[..count]);
        }
        if let Some((data, next)) = expected[1] {
            assert_eq!(dut.get_u128("rd_data_o"), data, "read two cycles before cycle {}", dut.cycle());
            if let Some(next) = next.filter(|_| geometry.double_feed()) {
                assert_eq!(dut.get_u128("rd_next_o"), next, "the word after, in cycle {}", dut.cycle());
            }
        }
        expected = [data, expected[0]];
        dut.step();
    }
}

#[test]
fn windows_of_a_base_memory_are_read_and_written_at_any_byte() {
    randomised("windows_of_a_base_memory_are_read_and_written_at_any_byte", |rng| {
        compare(rng, &Geometry::BASE, &mut tops::tile_memory_base());
    });
}

#[test]
fn a_memory_that_feeds_two_words_a_cycle_reads_the_word_after() {
    randomised("a_memory_that_feeds_two_words_a_cycle_reads_the_word_after", |rng| {
        compare(rng, &Geometry::WIDE, &mut tops::tile_memory_wide());
    });
}

#[test]
fn windows_of_a_nano_memory_are_read_and_written_at_any_byte() {
    randomised("windows_of_a_nano_memory_are_read_and_written_at_any_byte", |rng| {
        compare(rng, &Geometry::NANO, &mut tops::tile_memory_nano());
    });
}

#[test]
fn a_write_is_seen_two_cycles_later_and_not_before() {
    randomised("a_write_is_seen_two_cycles_later_and_not_before", |rng| {
        let mut dut = tops::tile_memory_nano();
        let old: u32 = rng.random();
        for (cycle, data) in [(0, old), (3, !old)] {
            while dut.cycle() <= cycle {
                dut.set("wr_en_i", (dut.cycle() == cycle).into());
                dut.set("wr_addr_i", 40);
                dut.set("wr_bytes_i", 4);
                dut.set("wr_position_i", 0);
                dut.set("wr_data_i", data.into());
                // Reads in cycles 2 (old), 4 (one after the write: old) and 5 (two after: new).
                dut.set("rd_en_i", 1);
                dut.set("rd_addr_i", 40);
                dut.set("rd_position_i", 0);
                dut.step();
            }
        }
        dut.set("wr_en_i", 0);
        let seen: Vec<u64> = (0..4)
            .map(|_| {
                let data = dut.get("rd_data_o");
                dut.step();
                data
            })
            .collect();
        // Data of cycles 4 to 7, for reads of cycles 2 to 5.
        assert_eq!(seen, [old, old, old, !old].map(u64::from));
    });
}

#[test]
fn ports_serve_the_highest_client_and_refuse_the_others() {
    randomised("ports_serve_the_highest_client_and_refuse_the_others", |rng| {
        let mut dut = tops::tile_ports_nano();
        let readers = ["feed", "reshape", "host"];
        let writers = ["post", "route", "host"];
        for _ in 0..500 {
            let asks: [[bool; 3]; 2] = rng.random();
            for (client, ask) in readers.into_iter().zip(asks[0]) {
                dut.set(&*format!("{client}_rd_req_i"), ask.into());
                dut.set(&*format!("{client}_rd_addr_i"), rng.random_range(0..4096));
            }
            for port in ["feed_rd_position_i", "reshape_rd_position_i", "route_wr_position_i"] {
                dut.set(port, rng.random_range(0..4));
            }
            for (client, ask) in writers.into_iter().zip(asks[1]) {
                dut.set(&*format!("{client}_wr_req_i"), ask.into());
                dut.set(&*format!("{client}_wr_addr_i"), rng.random_range(0..4096));
                dut.set(&*format!("{client}_wr_bytes_i"), rng.random_range(1..=4));
                dut.set(&*format!("{client}_wr_data_i"), rng.random::<u32>().into());
            }
            dut.eval();
            for (kind, clients, ask) in [("rd", readers, asks[0]), ("wr", writers, asks[1])] {
                let winner = ask.iter().position(|&ask| ask);
                assert_eq!(dut.bit(&*format!("{kind}_en_o")), winner.is_some());
                for (rank, client) in clients.into_iter().enumerate().skip(1) {
                    let granted = dut.bit(&*format!("{client}_{kind}_gnt_o"));
                    assert_eq!(granted, winner.is_none_or(|winner| winner >= rank), "{client} of {ask:?}");
                }
                let Some(winner) = winner else { continue };
                for field in if kind == "rd" { ["addr"].as_slice() } else { &["addr", "bytes", "data"] } {
                    let given = dut.get(&*format!("{}_{kind}_{field}_i", clients[winner]));
                    assert_eq!(dut.get(&*format!("{kind}_{field}_o")), given, "{field} of {}", clients[winner]);
                }
                if kind == "rd" {
                    let port = ["feed_rd_position_i", "reshape_rd_position_i"].get(winner);
                    assert_eq!(dut.get("rd_position_o"), port.map_or(0, |port| dut.get(*port)));
                } else {
                    let position = if winner == 1 { dut.get("route_wr_position_i") } else { 0 };
                    assert_eq!(dut.get("wr_position_o"), position);
                }
            }
        }
    });
}
