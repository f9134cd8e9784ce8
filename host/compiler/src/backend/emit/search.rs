//! The search for the deals of all layers that together take the fewest cycles: stretches of layers change from rows to
//! blocks and back as long as that saves some.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::Emitter;
use super::choose::Cost;
use crate::backend::split::Split;

/// Longest stretch of layers whose deal is changed together.
const STRETCH: usize = 8;

/// Splits of a graph's nodes, and what is known about changing them.
pub(super) struct Search<'a> {
    emitter: &'a Emitter<'a>,
    nodes: &'a [usize],
    costs: &'a HashMap<usize, [Cost; 2]>,
    stretches: Vec<Stretch>,
    /// The split of every node of the graph; rows where none is searched for.
    splits: Vec<Split>,
    /// The moves of each node's output.
    moves: HashMap<usize, Moves>,
}

/// Layers whose deal is changed together.
struct Stretch {
    /// Of the nodes that are searched for.
    nodes: Range<usize>,
    /// Nodes whose output then moves otherwise.
    touched: Vec<usize>,
}

/// What it takes to bring a node's output to its readers.
struct Moves {
    /// Nodes by whose splits that is decided.
    around: Vec<usize>,
    /// Cycles, by the bits of these splits.
    known: HashMap<u128, usize>,
}

impl<'a> Search<'a> {
    /// All nodes split by rows.
    pub fn new(emitter: &'a Emitter<'a>, nodes: &'a [usize], costs: &'a HashMap<usize, [Cost; 2]>) -> Self {
        let mut search = Self {
            emitter,
            nodes,
            costs,
            stretches: Vec::new(),
            splits: vec![Split::Rows; emitter.graph.nodes.len()],
            moves: HashMap::new(),
        };
        for first in 0..nodes.len() {
            for end in first + 1..=(first + STRETCH).min(nodes.len()) {
                let touched = search.touched(&nodes[first..end]);
                search.stretches.push(Stretch { nodes: first..end, touched });
            }
        }
        let touched: BTreeSet<usize> = search.stretches.iter().flat_map(|stretch| &stretch.touched).copied().collect();
        let moves = |index| (index, Moves { around: search.around(index), known: HashMap::new() });
        search.moves = touched.into_iter().map(moves).collect();
        search
    }

    /// The split of each node that is searched for.
    pub fn splits(&self) -> impl Iterator<Item = (usize, Split)> + '_ {
        self.nodes.iter().map(|&index| (index, self.splits[index]))
    }

    /// Changes stretches until no change saves cycles. `price`: of a page, and of a word of parameters.
    pub fn improve(&mut self, price: usize) {
        let word = self.emitter.geometry.word_bytes();
        let priced = |cost: &Cost| cost.cycles + price * (cost.pages + cost.bytes / word);
        let costs: Vec<[usize; 2]> = self.nodes.iter().map(|index| self.costs[index].each_ref().map(priced)).collect();
        loop {
            let mut better = false;
            for at in 0..self.stretches.len() {
                let Range { start, end } = self.stretches[at].nodes;
                // A movement's output is dealt by rows.
                let moves = |index: &usize| self.emitter.graph.nodes[*index].op.moves();
                let dealt: Vec<usize> = self.nodes[start..end].iter().copied().filter(|index| !moves(index)).collect();
                let mut least = None;
                for split in [Split::Rows, Split::Blocks] {
                    if dealt.iter().all(|&index| self.splits[index] == split) {
                        continue;
                    }
                    let before = least.unwrap_or_else(|| self.local(at, &costs));
                    let old: Vec<Split> = dealt.iter().map(|&index| self.splits[index]).collect();
                    for &index in &dealt {
                        self.splits[index] = split;
                    }
                    let after = self.local(at, &costs);
                    better |= after < before;
                    if after >= before {
                        for (&index, old) in dealt.iter().zip(old) {
                            self.splits[index] = old;
                        }
                    }
                    least = Some(after.min(before));
                }
            }
            if !better {
                return;
            }
        }
    }

    /// Cycles of what a stretch's splits decide.
    fn local(&mut self, at: usize, costs: &[[usize; 2]]) -> usize {
        let Stretch { nodes, touched } = &self.stretches[at];
        let own: usize = nodes.clone().map(|node| costs[node][self.splits[self.nodes[node]] as usize]).sum();
        let mut moved = 0;
        for &index in touched {
            let cycles = || self.emitter.move_cycles(index, &self.splits);
            let Some(Moves { around, known }) = self.moves.get_mut(&index) else { continue };
            moved += if around.len() > u128::BITS as usize {
                cycles()
            } else {
                let bits = around.iter().fold(0, |bits, &node| bits << 1 | self.splits[node] as u128);
                *known.entry(bits).or_insert_with(cycles)
            };
        }
        own + moved
    }

    /// What changes with the splits of a stretch: the moves of its outputs, of its inputs and of what its readers read beside
    /// it.
    fn touched(&self, stretch: &[usize]) -> Vec<usize> {
        let graph = self.emitter.graph;
        let nodes = stretch.iter().flat_map(|&index| self.readers(index)).chain(stretch.iter().copied());
        let inputs = nodes.flat_map(|index| &graph.nodes[index].inputs);
        // A view has no moves of its own: what it shows has them.
        let own = stretch.iter().copied().filter(|&index| !self.emitter.is_alias(index));
        inputs.filter_map(|id| self.emitter.viewed(*id)).chain(own).collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// Nodes by whose splits the moves of a node's output are decided: its own, its readers', and those of what these read.
    fn around(&self, index: usize) -> Vec<usize> {
        let graph = self.emitter.graph;
        let readers = self.readers(index);
        let inputs = readers.iter().flat_map(|&reader| &graph.nodes[reader].inputs);
        let writers = inputs.filter_map(|id| self.emitter.producers[id.0]);
        writers.chain(readers.iter().copied()).chain([index]).collect::<BTreeSet<usize>>().into_iter().collect()
    }

    fn readers(&self, index: usize) -> Vec<usize> {
        let run = self.emitter.run_of(index);
        run.map_or_else(Vec::new, |run| self.emitter.readers(self.emitter.graph.nodes[index].output, run))
    }
}

#[cfg(test)]
mod tests {
    use lacuna_spec::Geometry;
    use lacuna_spec::instr::Gating;
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::backend::budgets;
    use crate::backend::emit::Known;
    use crate::graph::Place;
    use crate::op::Window;
    use crate::passes::testing::Builder;

    /// What is known about moves holds for all splits of the nodes that it is not filed under.
    #[test]
    fn moves_depend_on_the_splits_around_them_alone() {
        let seed = crate::backend::tests::seed();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut builder = Builder::new(rng.random(), &[1, 8, 16, 16]);
        let deep = |builder: &mut Builder, at| builder.depthwise(at, Window { pads: [1; 4], ..Window::of([3, 3]) });
        let first = builder.conv(builder.input(), 64, 3);
        let left = deep(&mut builder, first);
        let right = deep(&mut builder, first);
        let sum = builder.add(left, right);
        let again = deep(&mut builder, sum);
        let skipped = builder.add(again, first);
        let flat = builder.reshape(skipped, &[1, 64 * 16 * 16]);
        let out = builder.dense(flat, 4);
        let mut graph = builder.finish(out);
        // No instruction is written, so the sums need no constants.
        graph.nodes.iter_mut().for_each(|node| node.place = Place::Chip);
        let nodes: Vec<usize> = (0..graph.nodes.len()).collect();
        let geometry = Geometry { pages: 4096, ..Geometry::BASE };
        let fit = budgets::all(geometry)[0];
        let run = 0..nodes.len();
        let emitter =
            Emitter::new(&graph, geometry, Gating::Digit, std::slice::from_ref(&run), fit, &mut Known::default())
                .unwrap();
        let costs = nodes.iter().map(|&index| (index, [Cost { cycles: 0, pages: 0, bytes: 0 }; 2])).collect();
        let search = Search::new(&emitter, &nodes, &costs);
        let mut split = || if rng.random() { Split::Rows } else { Split::Blocks };
        let mut outcomes: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        for _ in 0..200 {
            let splits: Vec<Split> = nodes.iter().map(|_| split()).collect();
            for (&index, Moves { around, .. }) in &search.moves {
                let others = |&node: &usize| if around.contains(&node) { splits[node] } else { split() };
                let changed: Vec<Split> = nodes.iter().map(others).collect();
                let cycles = emitter.move_cycles(index, &splits);
                assert_eq!(cycles, emitter.move_cycles(index, &changed), "node {index}, {around:?}, {splits:?}");
                outcomes.entry(index).or_default().insert(cycles);
            }
        }
        assert!(outcomes.values().filter(|cycles| cycles.len() > 2).count() > 2, "{outcomes:?}");
    }
}
