//! Stream cells against their golden counterparts.

use lacuna_sim::{testing::randomised, tops};
use rand::Rng as _;

#[test]
fn spill_runs() {
    randomised("spill_runs", |rng| {
        let mut dut = tops::spill();
        dut.set("valid_i", 0);
        dut.set("ready_i", 0);
        dut.reset();
        dut.set("valid_i", 1);
        let x: u128 = rng.random::<u128>() >> 58;
        dut.set_u128("data_i", x);
        dut.step();
        assert!(dut.bit("valid_o"));
        assert_eq!(dut.get_u128("data_o"), x);
    });
}
