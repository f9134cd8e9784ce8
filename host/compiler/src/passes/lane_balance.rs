//! Deals channels over the row lanes by their measured activity, so that no lane has more to do than the others, and
//! spreads those that are busy at the same pixels.
//!
//! Channel `c` of a pixel feeds lane `(c + c div word) mod lanes`, and at every further kernel tap another one, as the feeder turns whole words; those of a
//! ragged last word stay at `c mod lanes`. The order of channels is free wherever it can be absorbed on both sides: the
//! layers that write a tensor permute their output channels, those that read it their input channels. Element-wise operators, pools and
//! depthwise layers tie their tensors together; inputs, outputs, views, groups and everything else fix theirs.

use crate::error::Error;
use crate::graph::{Graph, TensorId};
use crate::op::{Linear, Op};
use crate::passes::Options;
use crate::passes::lane_spread::{self, Moments};
use crate::passes::resequence::{total, total_dense};
use crate::reference::Value;

/// Runs the pass.
///
/// # Errors
/// As [`State::run_all`](crate::reference::State::run_all).
pub fn run(graph: &mut Graph, frames: &[Vec<Value>], options: &Options) -> Result<(), Error> {
    let classes = Classes::of(graph);
    let free = |id: TensorId| classes.is_free(id).then(|| classes.find(id.0));
    let measured = lane_spread::measure(graph, frames, options.digit_bits, free)?;
    for (root, moments) in measured.iter().enumerate() {
        let Some(moments) = moments else {
            continue;
        };
        // Rows that resequencing has put aside stay aside: then channels only move inside their block.
        let (count, columns) = (moments.sums().len(), 2 * options.lanes);
        let keeps = |order: &Vec<usize>| keeps_rows(graph, &classes, TensorId(root), order, columns);
        let mut orders = [count.max(1), columns].into_iter().map(|block| dealt(moments, options.lanes, block));
        if let Some(order) = orders.find(keeps) {
            permute(graph, &classes, TensorId(root), &order);
        }
    }
    Ok(())
}

/// The order of channels that gives lanes like sums and keeps busy channels apart; each stays in its block of `block` channels.
fn dealt(moments: &Moments, lanes: usize, block: usize) -> Vec<usize> {
    let deal_block = |(at, sums): (usize, &[f64])| deal(sums, lanes).into_iter().map(move |c| at * block + c);
    let mut order: Vec<usize> = moments.sums().chunks(block).enumerate().flat_map(deal_block).collect();
    let positions = lanes_of(order.len(), lanes);
    moments.spread(&mut order, &positions, block);
    order
}

/// Reorders the channels of a tensor and of those tied to it: new channel `i` is old channel `order[i]`.
pub(super) fn permute(graph: &mut Graph, classes: &Classes, tensor: TensorId, order: &[usize]) {
    let root = classes.find(tensor.0);
    for node in &mut graph.nodes {
        if let Op::Conv(layer) | Op::Dense(layer) = &mut node.op {
            if classes.find(node.output.0) == root {
                layer.select_outputs(order);
            }
            // The channels of a depthwise layer are its outputs, which share the order of its inputs.
            if classes.find(node.inputs[0].0) == root && !layer.is_depthwise() {
                layer.select_inputs(order);
            }
        }
    }
}

/// Whether an order leaves as few rows live as there are.
fn keeps_rows(graph: &Graph, classes: &Classes, tensor: TensorId, order: &[usize], columns: usize) -> bool {
    let before = total(graph, columns);
    let dense = before == total_dense(graph, columns);
    dense || {
        let mut changed = graph.clone();
        permute(&mut changed, classes, tensor, order);
        total(&changed, columns) <= before
    }
}

/// The lane of each channel of a pixel at the first kernel tap.
fn lanes_of(channels: usize, lanes: usize) -> Vec<usize> {
    let word = 2 * lanes;
    let whole = channels / word * word;
    (0..channels).map(|channel| (channel + if channel < whole { channel / word } else { 0 }) % lanes).collect()
}

/// Channels in the order that gives each lane the same activity: the busiest goes to the idlest lane that still has a place.
fn deal(activity: &[f64], lanes: usize) -> Vec<usize> {
    let lanes = lanes.max(1);
    let mut channels: Vec<usize> = (0..activity.len()).collect();
    channels.sort_by(|&a, &b| activity[b].total_cmp(&activity[a]));
    let mut places: Vec<Vec<usize>> = vec![Vec::new(); lanes];
    lanes_of(activity.len(), lanes).into_iter().enumerate().for_each(|(position, lane)| places[lane].push(position));
    let mut loads = vec![0.0; lanes];
    let mut dealt = vec![0; lanes];
    let mut order = vec![0; activity.len()];
    for channel in channels {
        let open = (0..lanes).filter(|&lane| dealt[lane] < places[lane].len());
        let Some(lane) = open.min_by(|&a, &b| f64::total_cmp(&loads[a], &loads[b])) else {
            break;
        };
        loads[lane] += activity[channel];
        order[places[lane][dealt[lane]]] = channel;
        dealt[lane] += 1;
    }
    order
}

/// Tensors whose channels must keep one common order, as a union-find forest.
pub(super) struct Classes {
    parent: Vec<usize>,
    /// For roots: the order may not change.
    fixed: Vec<bool>,
}

impl Classes {
    pub fn of(graph: &Graph) -> Self {
        let count = graph.tensors.len();
        let mut classes = Self { parent: (0..count).collect(), fixed: vec![false; count] };
        for id in graph.sources().chain(graph.results()) {
            classes.fix(id);
        }
        for (index, tensor) in graph.tensors.iter().enumerate() {
            if tensor.data.is_some() || tensor.chw().is_none() {
                classes.fix(TensorId(index));
            }
        }
        for node in &graph.nodes {
            match &node.op {
                Op::Conv(layer) if layer.is_depthwise() => classes.tie(node.inputs[0], node.output),
                Op::Conv(layer) | Op::Dense(layer) => {
                    let channels = |id: TensorId| graph.tensor(id).chw().map(|[channels, _, _]| channels);
                    if !free_inputs(layer) || channels(node.inputs[0]) != Some(layer.weights.shape[1]) {
                        classes.fix(node.inputs[0]);
                    }
                    if layer.groups != 1 || channels(node.output) != Some(layer.outputs()) {
                        classes.fix(node.output);
                    }
                }
                Op::Add(_)
                | Op::MaxPool(_)
                | Op::AveragePool(_)
                | Op::GlobalAveragePool(_)
                | Op::Mul(_)
                | Op::Product(_)
                | Op::Clamp(_)
                | Op::Table(_) => {
                    for id in &node.inputs {
                        classes.tie(*id, node.output);
                    }
                }
                _ => node.inputs.iter().chain([&node.output]).for_each(|id| classes.fix(*id)),
            }
        }
        classes
    }

    /// Whether the channels of a tensor may be reordered.
    pub fn is_free(&self, id: TensorId) -> bool {
        !self.fixed[self.find(id.0)]
    }

    /// The tensor that stands for all that are tied to one.
    pub fn root(&self, id: TensorId) -> TensorId {
        TensorId(self.find(id.0))
    }

    fn find(&self, mut at: usize) -> usize {
        while self.parent[at] != at {
            at = self.parent[at];
        }
        at
    }

    fn fix(&mut self, id: TensorId) {
        let root = self.find(id.0);
        self.fixed[root] = true;
    }

    fn tie(&mut self, a: TensorId, b: TensorId) {
        let (a, b) = (self.find(a.0), self.find(b.0));
        if a != b {
            self.parent[a] = b;
            self.fixed[b] |= self.fixed[a];
        }
    }
}

/// Whether a layer's input channels can be reordered.
fn free_inputs(layer: &Linear) -> bool {
    layer.groups == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::Builder;
    use crate::reference::run as execute;

    fn frame(elements: usize) -> Vec<Value> {
        vec![Value::I8((0..elements).map(|v| (v * 37 % 256) as i8).collect())]
    }

    #[test]
    fn the_busiest_channels_go_to_different_lanes() {
        let order = deal(&[100.0, 90.0, 0.0, 0.0, 80.0, 1.0, 70.0, 0.0], 4);
        let lanes: Vec<usize> = [0, 1, 4, 6].iter().map(|c| order.iter().position(|o| o == c).unwrap() % 4).collect();
        let mut sorted = lanes.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
    }

    #[test]
    fn every_channel_is_dealt_once_even_if_lanes_are_ragged() {
        let mut order = deal(&[5.0, 3.0, 9.0, 9.0, 1.0, 0.0, 4.0, 4.0, 4.0, 2.0, 7.0], 8);
        order.sort_unstable();
        assert_eq!(order, (0..11).collect::<Vec<_>>());
    }

    #[test]
    fn a_residual_network_computes_the_same_after_balancing() {
        let mut builder = Builder::new(9, &[1, 3, 8, 8]);
        let first = builder.conv(builder.input(), 12, 3);
        let pooled = builder.max_pool(first);
        let second = builder.conv(pooled, 12, 3);
        let sum = builder.add(second, pooled);
        let third = builder.conv(sum, 10, 3);
        let out = builder.dense(third, 7);
        let mut graph = builder.finish(out);
        let Op::Dense(layer) = &mut graph.nodes[5].op else { panic!("not dense") };
        layer.weights.shape = [7, 10, 4, 4];
        layer.window.kernel = [4, 4];
        let frame = frame(192);
        let before = execute(&graph, &frame).unwrap();
        let original = graph.clone();
        run(&mut graph, std::slice::from_ref(&frame), &Options { lanes: 4, ..Options::default() }).unwrap();
        assert_ne!(graph, original, "nothing was reordered");
        assert_eq!(execute(&graph, &frame).unwrap(), before);
    }

    #[test]
    fn the_order_passes_through_a_depthwise_layer() {
        let mut builder = Builder::new(11, &[1, 3, 6, 6]);
        let first = builder.conv(builder.input(), 12, 3);
        let depthwise = builder.grouped(first, 12, 3, 12);
        let out = builder.conv(depthwise, 5, 1);
        let mut graph = builder.finish(out);
        let frame = frame(108);
        let before = execute(&graph, &frame).unwrap();
        let original = graph.clone();
        run(&mut graph, std::slice::from_ref(&frame), &Options { lanes: 4, ..Options::default() }).unwrap();
        assert_ne!(graph.nodes[1], original.nodes[1], "the depthwise layer was not reordered");
        assert_eq!(execute(&graph, &frame).unwrap(), before);
    }

    #[test]
    fn groups_views_and_outputs_keep_their_order() {
        let mut builder = Builder::new(10, &[1, 4, 4, 4]);
        let first = builder.conv(builder.input(), 8, 3);
        let grouped = builder.grouped(first, 8, 3, 2);
        let flat = builder.reshape(grouped, &[1, 128]);
        let out = builder.dense(flat, 6);
        let mut graph = builder.finish(out);
        let original = graph.clone();
        run(&mut graph, &[frame(64)], &Options::default()).unwrap();
        assert_eq!(graph, original);
    }
}
