//! The contract's layouts: Rust and SystemVerilog put every field into the same bits.

use lacuna_sim::{
    Model,
    testing::{Rng, randomised},
    tops,
};
use lacuna_spec::{Layout, tables::LAYOUTS};
use rand::Rng as _;

fn random_values(rng: &mut Rng, layout: &Layout) -> Vec<i64> {
    let value = |field: &lacuna_spec::Field| {
        let raw = rng.random::<i64>();
        let high = 64 - field.width;
        if field.signed { raw << high >> high } else { (raw as u64 >> high) as i64 }
    };
    layout.fields.iter().map(value).collect()
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().expect("layouts are whole words"))).collect()
}

fn field_of(dut: &Model, port: &str, signed: bool) -> i64 {
    let port = dut.port(port);
    if signed { dut.get_signed(port) } else { dut.get(port) as i64 }
}

#[test]
fn rust_and_rtl_pack_every_field_into_the_same_bits() {
    randomised("rust_and_rtl_pack_every_field_into_the_same_bits", |rng| {
        let mut dut = tops::pack_bench();
        for round in 0..200 {
            for layout in LAYOUTS {
                let name = layout.rtl_name();
                let (packed, taken) = (random_values(rng, layout), random_values(rng, layout));
                for (field, &value) in layout.fields.iter().zip(&packed) {
                    let port = format!("{name}_{}_i", field.name);
                    if field.signed {
                        dut.set_signed(port.as_str(), value);
                    } else {
                        dut.set(port.as_str(), value as u64);
                    }
                }
                let bytes = layout.pack(&taken).expect("values fit their fields");
                dut.set_words(format!("{name}_i").as_str(), &words(&bytes));
                dut.step();

                let expected = layout.pack(&packed).expect("values fit their fields");
                let found = dut.words(format!("{name}_o").as_str());
                assert_eq!(found, words(&expected), "round {round}: {} packed from {packed:?}", layout.name);
                for (field, &value) in layout.fields.iter().zip(&taken) {
                    let found = field_of(&dut, &format!("{name}_{}_o", field.name), field.signed);
                    assert_eq!(found, value, "round {round}: {}.{} taken from {bytes:02x?}", layout.name, field.name);
                }
            }
        }
    });
}
