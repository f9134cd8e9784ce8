//! Weights beyond the pages of a chip: which column blocks stay, and which take turns.
//!
//! The pages are cut into those that stay, and one or two buffers. Blocks that take turns are grouped in the order of
//! the program into *phases* that fit a buffer, which they fill in turn: with two of them, the pages of one phase are
//! loaded while the other computes. Small buffers leave more room for what stays; large ones make fewer phases. With one
//! buffer nothing is loaded beside the computation, but where two would cost a third more, as for a network that is a little
//! too large, the line takes longer for what they reload than one buffer waits.

use std::ops::Range;

/// What a phase costs beyond its pages, in pages: the host sees how far the chip is and writes PHASE.
const PHASE_COST: usize = 4;

/// Some column blocks of a layer, in consecutive pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Blocks, counted from the first one of each tile.
    pub blocks: Range<usize>,
    /// First page, the same in every tile.
    pub page: usize,
    /// Index of the phase; `None` if they stay.
    pub phase: Option<usize>,
}

/// Where the weights of a network lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// Of each layer.
    pub layers: Vec<Vec<Share>>,
    /// For each phase the last one before it, cyclically, in the same buffer.
    pub follows: Vec<usize>,
}

/// Blocks that take turns, for one size of the buffers.
struct Choice {
    buffers: usize,
    size: usize,
    /// For each layer the first block that takes turns; those after it do, too.
    first: Vec<usize>,
    cost: usize,
}

/// Column blocks of a layer.
#[derive(Debug, Clone, Default)]
pub struct Blocks {
    /// Pages of each.
    pub pages: Vec<usize>,
    /// Those that take turns do so in one phase: the layer runs more than once.
    pub together: bool,
}

impl Blocks {
    /// Pages of the blocks from one on.
    fn from(&self, first: usize) -> usize {
        self.pages[first..].iter().sum()
    }
}

/// Shares `capacity` pages among layers; `None` if a block is larger.
#[must_use]
pub fn share(layers: &[Blocks], capacity: usize) -> Option<Sharing> {
    let best = |buffers: usize| {
        let choices = (1..=capacity / buffers).filter_map(|size| choose(layers, capacity, buffers, size));
        choices.min_by_key(|choice| choice.cost)
    };
    let choice = match (best(1), best(2)) {
        (Some(one), Some(two)) if 4 * one.cost > 3 * two.cost => Some(two),
        (one, two) => one.or(two),
    };
    choice.map(|choice| settle(layers, capacity, &choice))
}

/// Takes the largest layers' last blocks until the others fit.
fn choose(layers: &[Blocks], capacity: usize, buffers: usize, size: usize) -> Option<Choice> {
    let stays = capacity - buffers * size;
    let mut left: usize = layers.iter().map(|layer| layer.from(0)).sum();
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(layers[at].from(0)));
    let mut first: Vec<usize> = layers.iter().map(|layer| layer.pages.len()).collect();
    for at in order {
        let layer = &layers[at];
        let fits = |block: usize| if layer.together { layer.from(block) } else { layer.pages[block] } <= size;
        while left > stays && first[at] > 0 && fits(first[at] - 1) {
            first[at] -= 1;
            left -= layer.pages[first[at]];
        }
    }
    let choice = Choice { buffers, size, first, cost: 0 };
    let pages: usize = layers.iter().zip(&choice.first).map(|(layer, &first)| layer.from(first)).sum();
    let cost = pages + PHASE_COST * phases(layers, &choice).last().map_or(0, |(.., phase, _)| phase + 1);
    (left <= stays).then_some(Choice { cost, ..choice })
}

/// Layer, block, phase and page inside the buffer of every block that takes turns.
fn phases(layers: &[Blocks], choice: &Choice) -> Vec<(usize, usize, usize, usize)> {
    let (mut phase, mut used) = (0, 0);
    let mut placed = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        let first = choice.first[at];
        for (block, &pages) in layer.pages.iter().enumerate().skip(first) {
            let need = if layer.together && block == first { layer.from(first) } else { pages };
            if used + need > choice.size {
                (phase, used) = (phase + 1, 0);
            }
            placed.push((at, block, phase, used));
            used += pages;
        }
    }
    placed
}

fn settle(layers: &[Blocks], capacity: usize, choice: &Choice) -> Sharing {
    let placed = phases(layers, choice);
    let count = placed.last().map_or(0, |&(.., phase, _)| phase + 1);
    // A phase that has its buffer to itself stays.
    let alone = |phase: usize| (0..count).filter(|other| other % choice.buffers == phase % choice.buffers).count() == 1;
    let kept: Vec<usize> = (0..count).filter(|&phase| !alone(phase)).collect();
    let mut all: Vec<Vec<Share>> = Vec::new();
    let mut page = 0;
    for (layer, &first) in layers.iter().zip(&choice.first) {
        let stays = Share { blocks: 0..first, page, phase: None };
        page += layer.pages[..first].iter().sum::<usize>();
        all.push(if first > 0 { vec![stays] } else { Vec::new() });
    }
    for (layer, block, phase, offset) in placed {
        let buffer = capacity - (choice.buffers - phase % choice.buffers) * choice.size;
        let phase = kept.iter().position(|&kept| kept == phase);
        match all[layer].last_mut() {
            Some(last) if last.phase == phase && last.blocks.end == block && last.page >= buffer => {
                last.blocks.end += 1;
            }
            _ => all[layer].push(Share { blocks: block..block + 1, page: buffer + offset, phase }),
        }
    }
    let buffer = |at: usize| kept[at] % choice.buffers;
    let count = kept.len();
    let before = move |at: usize| (1..=count).map(move |back| (at + count - back) % count);
    let follows = (0..kept.len()).map(|at| before(at).find(|&other| buffer(other) == buffer(at)).unwrap_or(at));
    Sharing { layers: all, follows: follows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn blocks(pages: Vec<usize>) -> Blocks {
        Blocks { pages, together: false }
    }

    /// Pages of each share, by layer.
    fn pages(layers: &[Blocks], sharing: &Sharing) -> Vec<(Range<usize>, Option<usize>)> {
        let of = |(layer, shares): (&Blocks, &Vec<Share>)| -> Vec<(Range<usize>, Option<usize>)> {
            let range =
                |share: &Share| share.page..share.page + layer.pages[share.blocks.clone()].iter().sum::<usize>();
            shares.iter().map(|share| (range(share), share.phase)).collect()
        };
        layers.iter().zip(&sharing.layers).flat_map(of).collect()
    }

    #[test]
    fn every_block_has_pages_that_only_phases_it_follows_share() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut phased, mut together) = (0, 0);
        for _ in 0..500 {
            let capacity = rng.random_range(8..200);
            let layer = |rng: &mut ChaCha8Rng| {
                let pages = rng.random_range(1..=capacity / 2);
                Blocks { pages: vec![pages; rng.random_range(1..12)], together: rng.random_bool(0.3) }
            };
            let layers: Vec<Blocks> = (0..rng.random_range(1..9)).map(|_| layer(&mut rng)).collect();
            let Some(sharing) = share(&layers, capacity) else {
                // Some of a layer's blocks would have to take turns with others of it.
                assert!(layers.iter().any(|layer| layer.together), "{layers:?} in {capacity}");
                continue;
            };
            for (layer, shares) in layers.iter().zip(&sharing.layers) {
                let covered: Vec<usize> = shares.iter().flat_map(|share| share.blocks.clone()).collect();
                assert_eq!(covered, (0..layer.pages.len()).collect::<Vec<_>>());
                let turns = shares.iter().filter_map(|share| share.phase).collect::<std::collections::BTreeSet<_>>();
                assert!(turns.len() < 2 || !layer.together, "{shares:?} of {layers:?} in {capacity}");
                together += usize::from(layer.together && turns.len() == 1);
            }
            let pages = pages(&layers, &sharing);
            for (a, (space, phase)) in pages.iter().enumerate() {
                assert!(space.end <= capacity, "{layers:?}");
                for (other, of) in &pages[a + 1..] {
                    let meet = space.start < other.end && other.start < space.end;
                    assert!(!meet || (phase.is_some() && of.is_some() && phase != of), "{layers:?} in {capacity}");
                    // The phases of one buffer follow each other, so each waits for all before it.
                    let chain = |from: usize, to: usize| {
                        std::iter::successors(Some(from), |&at| Some(sharing.follows[at]))
                            .take(sharing.follows.len() + 1)
                            .any(|at| at == to)
                    };
                    assert!(!meet || chain(phase.unwrap(), of.unwrap()), "{layers:?} in {capacity}");
                }
            }
            phased += usize::from(!sharing.follows.is_empty());
        }
        assert!(phased > 100 && together > 50, "{phased} networks, {together} layers");
    }

    #[test]
    fn what_is_a_little_too_large_reloads_little() {
        // The dense autoencoder of 640-128-128-128-128-8-128-128-128-128-640 on four tiles of 512 pages.
        let dense = |inputs: usize, outputs: usize| blocks(vec![inputs / 8; (outputs / 16usize).div_ceil(4).max(1)]);
        let mut layers = vec![dense(640, 128)];
        layers.extend([(); 3].map(|()| dense(128, 128)));
        layers.push(dense(128, 8));
        layers.push(dense(8, 128));
        layers.extend([(); 3].map(|()| dense(128, 128)));
        layers.push(dense(128, 640));
        let total: usize = layers.iter().map(|layer| layer.from(0)).sum();
        assert_eq!(total, 530);
        let sharing = share(&layers, 512).unwrap();
        let turns = |(layer, shares): (&Blocks, &Vec<Share>)| -> usize {
            let turning = shares.iter().filter(|share| share.phase.is_some());
            turning.flat_map(|share| &layer.pages[share.blocks.clone()]).sum()
        };
        let reloaded: usize = layers.iter().zip(&sharing.layers).map(turns).sum();
        assert!(reloaded <= 48, "{reloaded} pages");
    }

    #[test]
    fn a_block_beyond_half_of_the_pages_has_one_buffer_and_one_beyond_all_none() {
        let sharing = share(&[blocks(vec![60, 60]), blocks(vec![10])], 100).unwrap();
        assert_eq!(sharing.follows, [1, 0]);
        assert_eq!(share(&[blocks(vec![101])], 100), None);
    }
}
