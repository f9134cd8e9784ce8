//! Rows of one block and the quarters they enable.

use lacuna_spec::{
    charge::{CHARGE_QUARTER_ROWS, CHARGE_QUARTERS, CHARGE_ROWS, ChargeMode},
    instr::Gating,
};

use super::Setting;

/// Up to 64 rows of one vector, as bit planes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BlockRows {
    /// Rows present, bit r for row r.
    pub driven: u64,
    /// `planes[i]`: bit i of each row; 0 where there is no row.
    pub planes: [u64; 9],
    /// `enabled[q]`: planes that enable quarter q, bit i for plane i.
    enabled: [u16; CHARGE_QUARTERS],
}

const QUARTER: u64 = (1 << CHARGE_QUARTER_ROWS) - 1;

impl BlockRows {
    /// Takes at most 64 rows.
    pub fn new(rows: &[i16], setting: &Setting, gating: Gating) -> Self {
        assert!(rows.len() <= CHARGE_ROWS, "a block has {CHARGE_ROWS} rows at most");
        let mut block = Self::default();
        for (row, &d) in rows.iter().enumerate() {
            block.driven |= 1 << row;
            for (i, plane) in block.planes.iter_mut().enumerate() {
                *plane |= u64::from(d as u16 >> i & 1) << row;
            }
        }
        for q in 0..CHARGE_QUARTERS {
            let of_quarter = |mask: u64| mask >> (q * CHARGE_QUARTER_ROWS) & QUARTER != 0;
            block.enabled[q] = match (gating, setting.mode()) {
                (Gating::Off, _) => u16::MAX,
                (_, ChargeMode::Xnor) => {
                    if of_quarter(block.driven) {
                        u16::MAX
                    } else {
                        0
                    }
                }
                (Gating::Row, _) => {
                    if block.planes.iter().any(|&p| of_quarter(p)) {
                        u16::MAX
                    } else {
                        0
                    }
                }
                (Gating::Digit, _) => {
                    (0..).zip(&block.planes).map(|(i, &plane)| u16::from(of_quarter(plane)) << i).sum()
                }
            };
        }
        block
    }

    /// Rows of the quarters that a plane enables, and how many quarters these are.
    pub fn enabled(&self, plane: u32) -> (u64, u32) {
        let (mut mask, mut quarters) = (0, 0);
        for (q, planes) in self.enabled.iter().enumerate() {
            if planes >> plane & 1 == 1 {
                mask |= QUARTER << (q * CHARGE_QUARTER_ROWS);
                quarters += 1;
            }
        }
        (mask, quarters)
    }

    /// Word lines that carry a 1 in AND mode, or that are driven at all in XNOR mode.
    pub fn lines(&self, plane: u32, mode: ChargeMode) -> u64 {
        match mode {
            ChargeMode::And => self.planes[plane as usize],
            ChargeMode::Xnor => self.driven,
        }
    }
}
