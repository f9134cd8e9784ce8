//! Which channels are busy together, and how to keep these off the same lane.
//!
//! Lanes that are equally busy over all pixels still wait for each other at a pixel where one of them meets several busy
//! channels. That shows in the squares of the lanes' loads: summed over all pixels they are a quadratic form of the
//! channels' second moments, which swapping two channels changes by a few terms. So the search for an order that no swap
//! makes better (B. Kernighan and S. Lin, 1970, with single swaps) needs no pixels, only that matrix.

use crate::error::Error;
use crate::graph::{Graph, TensorId};
use crate::op::Op;
use crate::passes::gate_value::essential_digits;
use crate::reference::{State, Value};

/// Pixels that are looked at in a tensor, over all frames: some thousands estimate a moment within a few percent.
const SAMPLES: usize = 4096;
/// Tensors with more channels have sums alone: the matrix takes 8 bytes a pair.
const MOST_CHANNELS: usize = 1024;
/// Rounds over all pairs, so that every search ends.
const ROUNDS: usize = 20;
/// A swap that gains less of what it moves may be a rounding error.
const LEAST_GAIN: f64 = 1e-6;

/// Essential digits of the channels of some pixels: sums, and sums of products of two channels.
#[derive(Debug, Clone)]
pub struct Moments {
    sums: Vec<f64>,
    /// Row by row, symmetric; empty for too many channels.
    products: Vec<f64>,
}

impl Moments {
    fn new(channels: usize) -> Self {
        let pairs = if channels > MOST_CHANNELS { 0 } else { channels * channels };
        Self { sums: vec![0.0; channels], products: vec![0.0; pairs] }
    }

    /// Digits a channel.
    #[must_use]
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// Counts a pixel, which stands for `weight` of its kind.
    fn add(&mut self, digits: &[f64], weight: f64) {
        let live = || digits.iter().enumerate().filter(|(_, digits)| **digits > 0.0);
        for (channel, digits) in live() {
            self.sums[channel] += weight * digits;
        }
        if self.products.is_empty() {
            return;
        }
        for (channel, digits) in live() {
            let row = &mut self.products[channel * self.sums.len()..][..self.sums.len()];
            live().for_each(|(other, others)| row[other] += weight * digits * others);
        }
    }

    /// Swaps channels as long as that lowers the squares of the loads. `order[p]` is the channel at position `p`, which
    /// feeds lane `lanes[p]`; channels stay in their block of `block` positions.
    pub fn spread(&self, order: &mut [usize], lanes: &[usize], block: usize) {
        if self.products.is_empty() {
            return;
        }
        let count = 1 + lanes.iter().copied().max().unwrap_or(0);
        let product = |a: usize, b: usize| self.products[a * self.sums.len() + b];
        // What a channel has in common with all those of a lane, itself included.
        let mut common = vec![0.0; order.len() * count];
        for channel in 0..order.len() {
            for (&other, lane) in order.iter().zip(lanes) {
                common[channel * count + lane] += product(channel, other);
            }
        }
        for _ in 0..ROUNDS {
            let mut swapped = false;
            for p in 0..order.len() {
                let end = (p / block + 1) * block;
                for q in (p + 1..end.min(order.len())).filter(|&q| lanes[q] != lanes[p]) {
                    let (a, b) = (order[p], order[q]);
                    let stays = common[a * count + lanes[p]] + common[b * count + lanes[q]];
                    let goes = common[a * count + lanes[q]] + common[b * count + lanes[p]];
                    // Among the channels of the other lane it does not meet the one that leaves, but itself.
                    let goes = goes + product(a, a) + product(b, b) - 2.0 * product(a, b);
                    if goes >= stays * (1.0 - LEAST_GAIN) {
                        continue;
                    }
                    order.swap(p, q);
                    for channel in 0..order.len() {
                        let moved = product(channel, b) - product(channel, a);
                        common[channel * count + lanes[p]] += moved;
                        common[channel * count + lanes[q]] -= moved;
                    }
                    swapped = true;
                }
            }
            if !swapped {
                break;
            }
        }
    }
}

/// Moments of the tensors that layers read through the array, weighed by how often they do, over all frames.
/// `root(tensor)`: where those of a tensor are counted, if they are.
///
/// # Errors
/// As [`State::run_all`].
pub fn measure(
    graph: &Graph,
    frames: &[Vec<Value>],
    digit_bits: u32,
    root: impl Fn(TensorId) -> Option<usize>,
) -> Result<Vec<Option<Moments>>, Error> {
    let mut table: Vec<Option<Moments>> = vec![None; graph.tensors.len()];
    let samples = (SAMPLES / frames.len().max(1)).max(1);
    let mut state = State::new(graph);
    for frame in frames {
        let values = state.run_all(graph, frame)?;
        for node in &graph.nodes {
            let (Op::Conv(layer) | Op::Dense(layer)) = &node.op else {
                continue;
            };
            let id = node.inputs[0];
            let (Some(root), Some(Value::I8(values)), Some([channels, height, width])) =
                (root(id).filter(|_| !layer.is_depthwise()), &values[id.0], graph.tensor(id).chw())
            else {
                continue;
            };
            let moments = table[root].get_or_insert_with(|| Moments::new(channels));
            let (taps, pixels) = (layer.window.kernel[0] * layer.window.kernel[1], height * width);
            let stride = pixels.div_ceil(samples).max(1);
            for pixel in (0..pixels).step_by(stride) {
                let digits = |q: &i8| f64::from(essential_digits(i32::from(*q) - layer.gate, digit_bits));
                let digits: Vec<f64> = values[pixel..].iter().step_by(pixels).map(digits).collect();
                moments.add(&digits, (taps * stride) as f64);
            }
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Channels in pairs: both are busy at the same pixels.
    fn twins(channels: usize) -> Moments {
        let mut moments = Moments::new(channels);
        for pixel in 0..channels / 2 {
            let digits: Vec<f64> = (0..channels).map(|c| if c / 2 == pixel { 2.0 } else { 0.0 }).collect();
            moments.add(&digits, 1.0);
        }
        moments
    }

    fn apart(order: &[usize], lanes: &[usize]) -> bool {
        let lane = |channel: usize| lanes[order.iter().position(|&c| c == channel).unwrap()];
        (0..order.len() / 2).all(|pair| lane(2 * pair) != lane(2 * pair + 1))
    }

    #[test]
    fn channels_that_are_busy_together_go_to_different_lanes() {
        let lanes: Vec<usize> = (0..16).map(|position| position % 8).collect();
        // Each pair on one lane.
        let mut order: Vec<usize> = (0..16).map(|position| 2 * (position % 8) + position / 8).collect();
        assert!(!apart(&order, &lanes));
        twins(16).spread(&mut order, &lanes, 16);
        assert!(apart(&order, &lanes), "{order:?}");
        order.sort_unstable();
        assert_eq!(order, (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn channels_stay_in_their_block() {
        let lanes: Vec<usize> = (0..20).map(|position| position % 4).collect();
        let mut order: Vec<usize> = (0..8).map(|p| 2 * (p % 4) + p / 4).chain(8..20).collect();
        twins(20).spread(&mut order, &lanes, 8);
        assert!(apart(&order, &lanes), "{order:?}");
        assert!(order.chunks(8).enumerate().all(|(block, part)| part.iter().all(|c| c / 8 == block)), "{order:?}");
    }

    #[test]
    fn busy_channels_are_shared_out_as_well() {
        let mut moments = Moments::new(8);
        moments.add(&[3.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 5.0);
        moments.add(&[0.0, 0.0, 2.0, 2.0, 1.0, 1.0, 0.0, 0.0], 1.0);
        assert_eq!(moments.sums(), [15.0, 15.0, 2.0, 2.0, 1.0, 1.0, 0.0, 0.0]);
        let mut order: Vec<usize> = (0..8).collect();
        let lanes = [0, 0, 1, 1, 2, 2, 3, 3];
        moments.spread(&mut order, &lanes, 8);
        let lane = |channel: usize| lanes[order.iter().position(|&c| c == channel).unwrap()];
        assert_ne!(lane(0), lane(1));
        assert_ne!(lane(2), lane(3));
    }

    #[test]
    fn a_tensor_of_too_many_channels_keeps_its_order() {
        let mut moments = Moments::new(MOST_CHANNELS + 1);
        moments.add(&vec![1.0; MOST_CHANNELS + 1], 1.0);
        let mut order: Vec<usize> = (0..=MOST_CHANNELS).collect();
        let lanes = vec![0; order.len()];
        moments.spread(&mut order, &lanes, 16);
        assert!(order.is_sorted());
    }
}
