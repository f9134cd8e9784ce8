//! `cargo bench -p lacuna-sim`: clocks a second of the `base` chip on one core.

use lacuna_sim::tops;
use std::time::Instant;

fn main() {
    let mut chip = tops::base_4();
    chip.set("req_valid_i", 0);
    chip.set("rsp_ready_i", 1);
    chip.reset();
    let cycles = 20_000;
    chip.run(1_000);
    let start = Instant::now();
    chip.run(cycles);
    let rate = cycles as f64 / start.elapsed().as_secs_f64();
    println!("base, idle: {rate:.0} cycles/s");
}
