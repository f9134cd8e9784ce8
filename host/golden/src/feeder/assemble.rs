//! What becomes of the windows: row words, taps, parameters (`lacuna_assembler`).

use super::{Feeder, FeederOut, Kind, MAX_WORD, Param, Probe, RowWord, Tap};

impl Feeder {
    /// Stage 2: joins the window with the bytes held and registers the outcome.
    pub(super) fn assemble(&mut self) -> FeederOut {
        let slot = &self.stages[1];
        let mut out = FeederOut::default();
        match slot.kind {
            Kind::None => {}
            Kind::Weights | Kind::Signs | Kind::Param => {
                out.param = Some(Param {
                    data: slot.window,
                    weights: slot.kind != Kind::Param,
                    signs: slot.kind == Kind::Signs,
                    columns: self.run || self.depthwise,
                    index: slot.index,
                    bank: slot.bank,
                });
            }
            Kind::Tap => {
                out.tap = Some(Tap {
                    data: slot.window.map(|byte| i16::from(byte as i8) - self.gates[0]),
                    index: slot.index,
                    pad: slot.pad,
                    first: slot.first,
                    last: slot.last,
                });
            }
            Kind::Probe => {
                out.probe = Some(Probe {
                    data: slot.window.map(|byte| i16::from(byte as i8) - self.gates[usize::from(slot.second)]),
                    count: slot.count,
                    second: slot.second,
                    last: slot.last,
                });
            }
            Kind::Part | Kind::Full | Kind::Short | Kind::Flush => {
                let below = if slot.kind == Kind::Flush { MAX_WORD } else { slot.position as usize };
                let mut merged = slot.window;
                merged[..below].copy_from_slice(&self.held[..below]);
                if slot.kind != Kind::Part {
                    let gate = self.gates[usize::from(slot.second)];
                    let rows = |bytes: [u8; MAX_WORD]| bytes.map(|byte| i16::from(byte as i8) - gate);
                    out.word = Some(RowWord {
                        data: rows(merged),
                        next: slot.next.map(rows),
                        count: slot.count,
                        page: slot.page,
                        tag: slot.tag,
                        last: slot.last,
                        gated: slot.gated,
                    });
                }
                self.held = if slot.kind == Kind::Full { slot.window } else { merged };
            }
        }
        out
    }
}
