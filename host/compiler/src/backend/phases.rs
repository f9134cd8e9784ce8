//! Weights beyond the pages of a chip: which column blocks stay, and which take turns.
//!
//! The pages are cut into those that stay, and one or two buffers. Blocks that take turns are grouped in the order of
//! the program into *phases* that fit a buffer, which they fill in turn: with two of them, the pages of one phase are
//! loaded while the other computes. Small buffers leave more room for what stays; large ones make fewer phases. One
//! buffer is enough where two would cost a third more, as for a network that is a little too large.

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

/// Shares `capacity` pages among layers that need `layers[i][j]` of them for block `j`; `None` if a block is larger.
#[must_use]
pub fn share(layers: &[Vec<usize>], capacity: usize) -> Option<Sharing> {
    let best = |buffers: usize| {
        let choices = (1..=capacity / buffers).filter_map(|size| choose(layers, capacity, buffers, size));
        choices.min_by_key(|choice| choice.cost)
    };
    let (one, two) = (best(1), best(2));
    let cost = |choice: &Option<Choice>| choice.as_ref().map_or(usize::MAX, |choice| choice.cost);
    let choice = if cost(&one) <= cost(&two) / 4 * 3 { one } else { two.or(one) };
    choice.map(|choice| settle(layers, capacity, &choice))
}

/// Takes the largest layers' last blocks until the others fit.
fn choose(layers: &[Vec<usize>], capacity: usize, buffers: usize, size: usize) -> Option<Choice> {
    let stays = capacity - buffers * size;
    let mut left: usize = layers.iter().flatten().sum();
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|&layer| std::cmp::Reverse(layers[layer].iter().sum::<usize>()));
    let mut first: Vec<usize> = layers.iter().map(Vec::len).collect();
    for layer in order {
        while left > stays && first[layer] > 0 && layers[layer][first[layer] - 1] <= size {
            first[layer] -= 1;
            left -= layers[layer][first[layer]];
        }
    }
    let choice = Choice { buffers, size, first, cost: 0 };
    let pages: usize = layers.iter().zip(&choice.first).flat_map(|(blocks, &first)| &blocks[first..]).sum();
    let cost = pages + PHASE_COST * phases(layers, &choice).last().map_or(0, |(.., phase, _)| phase + 1);
    (left <= stays).then_some(Choice { cost, ..choice })
}

/// Layer, block, phase and page inside the buffer of every block that takes turns.
fn phases(layers: &[Vec<usize>], choice: &Choice) -> Vec<(usize, usize, usize, usize)> {
    let (mut phase, mut used) = (0, 0);
    let mut placed = Vec::new();
    for (layer, blocks) in layers.iter().enumerate() {
        for (block, &pages) in blocks.iter().enumerate().skip(choice.first[layer]) {
            if used + pages > choice.size {
                (phase, used) = (phase + 1, 0);
            }
            placed.push((layer, block, phase, used));
            used += pages;
        }
    }
    placed
}

fn settle(layers: &[Vec<usize>], capacity: usize, choice: &Choice) -> Sharing {
    let placed = phases(layers, choice);
    let count = placed.last().map_or(0, |&(.., phase, _)| phase + 1);
    // A phase that has its buffer to itself stays.
    let alone = |phase: usize| (0..count).filter(|other| other % choice.buffers == phase % choice.buffers).count() == 1;
    let kept: Vec<usize> = (0..count).filter(|&phase| !alone(phase)).collect();
    let mut all: Vec<Vec<Share>> = Vec::new();
    let mut page = 0;
    for (blocks, &first) in layers.iter().zip(&choice.first) {
        let stays = Share { blocks: 0..first, page, phase: None };
        page += blocks[..first].iter().sum::<usize>();
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

    /// Pages of each share, by layer.
    fn pages(layers: &[Vec<usize>], sharing: &Sharing) -> Vec<(Range<usize>, Option<usize>)> {
        let of = |(blocks, shares): (&Vec<usize>, &Vec<Share>)| -> Vec<(Range<usize>, Option<usize>)> {
            let range = |share: &Share| share.page..share.page + blocks[share.blocks.clone()].iter().sum::<usize>();
            shares.iter().map(|share| (range(share), share.phase)).collect()
        };
        layers.iter().zip(&sharing.layers).flat_map(of).collect()
    }

    #[test]
    fn every_block_has_pages_that_only_phases_it_follows_share() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut phased = 0;
        for _ in 0..500 {
            let capacity = rng.random_range(8..200);
            let layer = |rng: &mut ChaCha8Rng| {
                let pages = rng.random_range(1..=capacity / 2);
                vec![pages; rng.random_range(1..12)]
            };
            let layers: Vec<Vec<usize>> = (0..rng.random_range(1..9)).map(|_| layer(&mut rng)).collect();
            let sharing = share(&layers, capacity).unwrap();
            for (blocks, shares) in layers.iter().zip(&sharing.layers) {
                let covered: Vec<usize> = shares.iter().flat_map(|share| share.blocks.clone()).collect();
                assert_eq!(covered, (0..blocks.len()).collect::<Vec<_>>());
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
        assert!(phased > 100, "{phased}");
    }

    #[test]
    fn what_is_a_little_too_large_reloads_little() {
        // The dense autoencoder of 640-128-128-128-128-8-128-128-128-128-640 on four tiles of 512 pages.
        let dense = |inputs: usize, outputs: usize| vec![inputs / 8; (outputs / 16usize).div_ceil(4).max(1)];
        let mut layers = vec![dense(640, 128)];
        layers.extend([(); 3].map(|()| dense(128, 128)));
        layers.push(dense(128, 8));
        layers.push(dense(8, 128));
        layers.extend([(); 3].map(|()| dense(128, 128)));
        layers.push(dense(128, 640));
        let total: usize = layers.iter().flatten().sum();
        assert_eq!(total, 530);
        let sharing = share(&layers, 512).unwrap();
        let turns = |(blocks, shares): (&Vec<usize>, &Vec<Share>)| -> usize {
            let turning = shares.iter().filter(|share| share.phase.is_some());
            turning.flat_map(|share| &blocks[share.blocks.clone()]).sum()
        };
        let reloaded: usize = layers.iter().zip(&sharing.layers).map(turns).sum();
        assert!(reloaded <= 48, "{reloaded} pages");
    }

    #[test]
    fn a_block_beyond_half_of_the_pages_has_one_buffer_and_one_beyond_all_none() {
        let sharing = share(&[vec![60, 60], vec![10]], 100).unwrap();
        assert_eq!(sharing.follows, [1, 0]);
        assert_eq!(share(&[vec![101]], 100), None);
    }
}
