//! Every table of the contract, for the generator and for the layout hash.

use crate::{Geometry, Layout, charge, frame, geometry, instr, map, regs};

/// Packed layouts, in the order they are generated.
pub const LAYOUTS: &[Layout] = &[
    instr::Head::LAYOUT,
    instr::Walk::LAYOUT,
    instr::RunTail::LAYOUT,
    instr::PostTail::LAYOUT,
    instr::PostConstants::LAYOUT,
    instr::Reshape::LAYOUT,
];

/// A named unsigned constant of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// UpperCamelCase name in RTL.
    pub name: String,
    /// Value.
    pub value: u64,
    /// Width in bits; 0 stands for `int unsigned`.
    pub bits: u32,
}

fn constant(name: impl Into<String>, value: u64, bits: u32) -> Constant {
    Constant { name: name.into(), value, bits }
}

/// Turns `SCREAMING_SNAKE` into `UpperCamel`.
fn camel(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let (head, tail) = part.split_at(1);
            head.to_uppercase() + &tail.to_lowercase()
        })
        .collect()
}

/// All constants that RTL shares: enumerations, register indices, regions, geometry presets.
#[must_use]
pub fn constants() -> Vec<Constant> {
    let mut all = vec![
        constant("InstrBytes", instr::INSTR_BYTES as u64, 0),
        constant("ReshapeLevels", instr::RESHAPE_LEVELS as u64, 0),
        constant("SerialGroupCycles", geometry::SERIAL_GROUP_CYCLES as u64, 0),
        constant("ReshapeLinear", instr::LINEAR as u64, 2),
        constant("ReshapeLinearColumns", instr::LINEAR_COLUMNS as u64, 0),
        constant("LaneQueue", geometry::LANE_QUEUE as u64, 0),
        constant("FeedLatency", geometry::FEED_LATENCY as u64, 0),
        constant("PartColumns", geometry::PART_COLUMNS as u64, 0),
        constant("VectorsInFlight", geometry::VECTORS_IN_FLIGHT as u64, 0),
        constant("ParamWords", geometry::PARAM_WORDS as u64, 0),
        constant("MonitoredParamWords", geometry::MONITORED_PARAM_WORDS as u64, 0),
        constant("SecondBiases", geometry::SECOND_BIASES as u64, 0),
        constant("MonitorRows", geometry::MONITOR_ROWS as u64, 0),
        constant("DecisionBits", u64::from(regs::DECISION_BITS), 0),
        constant("RegionLsb", u64::from(map::REGION_LSB), 0),
        constant("TileLsb", u64::from(map::TILE_LSB), 0),
        constant("LaneLsb", u64::from(map::LANE_LSB), 0),
        constant("MagicValue", u64::from(regs::MAGIC_VALUE), 32),
        constant("ProfileBits", u64::from(regs::PROFILE_BITS), 0),
        constant("ChargeRows", charge::CHARGE_ROWS as u64, 0),
        constant("ChargeQuarters", charge::CHARGE_QUARTERS as u64, 0),
        constant("ChargeInputBitsMax", u64::from(charge::CHARGE_INPUT_BITS_MAX), 0),
        constant("ChargeWeightBitsMax", u64::from(charge::CHARGE_WEIGHT_BITS_MAX), 0),
        constant("ReadoutBitsMax", u64::from(charge::READOUT_BITS_MAX), 0),
    ];
    all.extend(instr::Opcode::ALL.map(|(v, n)| constant(format!("Op{n}"), v as u64, 4)));
    all.extend(instr::Gating::ALL.map(|(v, n)| constant(format!("Gating{n}"), v as u64, 2)));
    all.extend(charge::ChargeMode::ALL.map(|(v, n)| constant(format!("Charge{n}"), v as u64, 1)));
    all.extend(instr::Rule::ALL.map(|(v, n)| constant(format!("Rule{n}"), v as u64, 1)));
    all.extend(instr::PostOp::ALL.map(|(v, n)| constant(format!("Post{n}"), v as u64, 2)));
    all.extend(map::Region::ALL.map(|(v, n)| constant(format!("Region{n}"), v as u64, 4)));
    all.extend(regs::REGISTERS.iter().map(|r| constant(format!("Reg{}", camel(r.name)), r.index.into(), 32)));
    all.extend(frame::constants().into_iter().map(|(name, value, bits)| constant(name, value, bits)));
    for g in Geometry::PRESETS {
        let prefix = camel(g.name);
        for (name, value) in g.parameters() {
            all.push(constant(format!("{prefix}{name}"), value as u64, 0));
        }
    }
    all
}

/// FNV-1a over every layout and constant: two sides with the same hash agree on every bit.
#[must_use]
pub fn layout_hash() -> u32 {
    let mut hash = 0x811c_9dc5u32;
    let mut eat = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    };
    for layout in LAYOUTS {
        eat(layout.name);
        for f in layout.fields {
            eat(&format!("{} {} {} {}", f.name, f.lsb, f.width, f.signed));
        }
    }
    for c in constants() {
        eat(&format!("{} {} {}", c.name, c.value, c.bits));
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_survive_packing() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for layout in LAYOUTS {
            for _ in 0..100 {
                let values: Vec<i64> = layout
                    .fields
                    .iter()
                    .map(|f| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        let raw = (state >> 1) as i64 & ((1 << f.width) - 1);
                        if f.signed && raw >> (f.width - 1) == 1 { raw - (1 << f.width) } else { raw }
                    })
                    .collect();
                let bytes = layout.pack(&values).expect("values fit");
                assert_eq!(layout.unpack(&bytes), values, "{}", layout.name);
            }
        }
    }

    #[test]
    fn run_and_post_share_the_places_that_rtl_reads_without_a_choice() {
        let (run, post) = (instr::RunTail::LAYOUT.fields, instr::PostTail::LAYOUT.fields);
        let place = |f: &crate::Field| (f.name, f.lsb, f.width, f.signed);
        let shared = run.iter().zip(post).take_while(|(a, b)| place(a) == place(b)).last().expect("some");
        assert_eq!(shared.0.name, "gate");
    }

    #[test]
    fn a_value_too_wide_is_refused_with_its_name() {
        let error = instr::Head { tiles: 256, ..Default::default() }.pack().unwrap_err();
        assert!(error.to_string().contains("Head.tiles = 256"), "{error}");
    }

    #[test]
    fn constant_names_are_unique() {
        let mut names: Vec<_> = constants().into_iter().map(|c| c.name).collect();
        names.sort();
        assert!(names.windows(2).all(|w| w[0] != w[1]));
    }
}
