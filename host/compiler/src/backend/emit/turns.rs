//! Programs that take turns: in program memory, where a network has more instructions than that holds, and in tile memory, where it
//! has more parameters.

use std::collections::HashMap;
use std::ops::Range;

use lacuna_spec::instr::{Head, Instr, Opcode};

use super::{BackendError, Draft, Emitter, Program};
use crate::backend::split::Split;

impl Emitter<'_> {
    /// Nodes whose parameters are in tile memory at a time, as many as this budget holds but a node or chain at least; none if all
    /// can stay there.
    pub(super) fn turns_of_parameters(
        &self,
        runs: &[Range<usize>],
        splits: &HashMap<usize, Split>,
    ) -> Vec<Range<usize>> {
        let Some(budget) = self.fit.turn else { return Vec::new() };
        let mut turns = Vec::new();
        for run in runs {
            let (mut first, mut taken) = (run.start, 0);
            let mut next = run.start;
            while next < run.end {
                let together = self.chain_of(next).cloned().unwrap_or(next..next + 1);
                let own: usize = together.clone().map(|index| self.parameter_bytes(index, splits[&index])).sum();
                if taken > 0 && taken + own > budget {
                    turns.push(first..next);
                    (first, taken) = (next, 0);
                }
                taken += own;
                next = together.end;
            }
            turns.push(first..run.end);
        }
        if turns.len() > 1 { turns } else { Vec::new() }
    }

    /// When the parameters of a node are needed. What takes turns is written before its program starts, and a tile may still read
    /// it when others are further on.
    pub(super) fn life_of_parameters(&self, index: usize) -> Range<usize> {
        let turn = self.parameter_turns.iter().find(|turn| turn.contains(&index));
        turn.cloned().unwrap_or(0..usize::MAX)
    }

    /// Nodes whose instructions program memory holds at once, and tile memory their parameters, as many in a turn as fit; a chain
    /// stays together.
    pub(super) fn turns(&self, draft: &Draft) -> Result<Vec<Range<usize>>, BackendError> {
        // A program ends in a halt.
        let available = self.geometry.program_len;
        if draft.instrs.len() < available && self.parameter_turns.is_empty() {
            return Ok(Vec::from([draft.nodes.clone()]));
        }
        let mut turns = Vec::new();
        let (mut first, mut taken) = (draft.nodes.start, 1);
        for index in draft.nodes.clone() {
            let together = self.chain_of(index).cloned().unwrap_or(index..index + 1);
            if together.start < index {
                continue;
            }
            let own = draft.owners.iter().filter(|owner| together.contains(owner)).count();
            if own >= available {
                let layer = self.graph.nodes[index].name.clone();
                return Err(BackendError::Program { layer, needed: own + 1, available });
            }
            taken += own;
            let others = index > first && self.parameter_turns.iter().any(|turn| turn.start == index);
            if taken > available || others {
                turns.push(first..index);
                (first, taken) = (index, 1 + own);
            }
        }
        turns.push(first..draft.nodes.end);
        Ok(turns)
    }

    /// The instructions of some nodes of a draft. Moves that would run beside a layer of the next program end this one.
    pub(super) fn program(&mut self, draft: &mut Draft, nodes: Range<usize>, step: usize) -> Program {
        let start = self.next_instr;
        let own = draft.instrs.iter().zip(&draft.owners).filter(|(_, owner)| nodes.contains(owner));
        let (mut instrs, owners): (Vec<Instr>, Vec<usize>) = own.unzip();
        instrs.push(Instr::Halt(Head { opcode: Opcode::Halt as i64, ..Head::default() }));
        for (at, instr) in instrs.iter().enumerate() {
            if let Instr::Load(head) = instr {
                let phase = &mut self.phases[head.phase as usize - 1];
                (phase.step, phase.load) = (step, start + at);
            }
        }
        let parameters = draft.parameters.extract_if(.., |(owner, _)| nodes.contains(owner));
        let parameters = parameters.map(|(_, transfer)| transfer).collect();
        let layers = nodes.filter(|&index| !self.is_alias(index));
        let layers = layers.map(|index| self.layer(&instrs, &owners, index)).collect();
        self.next_instr += instrs.len();
        let (inputs, outputs) = (Vec::new(), Vec::new());
        let (place, repeats) = (start, false);
        let (input_stride, output_stride) = (0, 0);
        Program { start, place, instrs, repeats, parameters, inputs, outputs, input_stride, output_stride, layers }
    }
}
