//! Layers some of whose weights, less their zero point, have more than the cells' 8 bits, as files of uint8 weights have them. Each
//! weight becomes a sum of two, for which the layer reads each value twice:
//!
//! - a kernel of one tap has two, without a distance between. Most second weights are 0: filters and channels with others come together in
//!   the middle, so that few column blocks read anything twice ([`live_kernel`](super::resequence::live_kernel)), and these few
//!   channels ([`halves`]);
//! - before a larger one the layer before writes channels with second weights again, where it writes for this one alone and they are few;
//! - else one of a row, or of a column, has two that are the same;
//! - before others the picture's columns stand twice, which is a move, and the kernel is twice as wide.
//!
//! Depthwise layers stay where the post unit multiplies them: its weights have 9 bits.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use crate::graph::{Graph, Node, Place, TensorId};
use crate::op::{Linear, Op, Resize, Window};
use crate::passes::Options;
use crate::passes::lane_balance::{Classes, permute};

/// Runs the pass, after zero points were folded wherever they can be.
pub fn run(graph: &mut Graph, options: &Options) {
    let mut twice: HashMap<TensorId, TensorId> = HashMap::new();
    let (mut layers, mut at) = (Vec::new(), 0);
    while at < graph.nodes.len() {
        if let Some((layer, read)) = in_two(graph, at, options) {
            let input = graph.nodes[at].inputs[0];
            match &read {
                Read::Rows | Read::Taps => layers.push((at, read)),
                Read::Channels { writer, again } => write_again(graph, *writer, again),
                Read::Columns => {
                    let repeated = twice.get(&input).copied().unwrap_or_else(|| {
                        let id = repeat_columns(graph, at, input);
                        at += 1;
                        id
                    });
                    twice.insert(input, repeated);
                    graph.nodes[at].inputs[0] = repeated;
                }
            }
            graph.nodes[at].op = Op::Conv(Box::new(layer));
        }
        at += 1;
    }
    // A tile has two columns a lane.
    gather(graph, &layers, 2 * options.lanes);
}

/// Channels of each of two windows of one pixel, the first from the first channel on, the second up to the last, which together read
/// all channels once and those of which some filter of `outputs` has second weights twice. `None` if that are all, or the layer reads
/// otherwise.
#[must_use]
pub fn halves(linear: &Linear, outputs: Range<usize>) -> Option<usize> {
    let [_, channels, 2, 1] = linear.weights.shape else { return None };
    if linear.groups > 1 || linear.window.dilation[0] > 0 {
        return None;
    }
    let second = |&channel: &usize| outputs.clone().any(|o| linear.weights.data[(o * channels + channel) * 2 + 1] != 0);
    let first = (0..channels).find(second)?;
    let last = (0..channels).rfind(second)?;
    Some((last + 1).max(channels - first)).filter(|&half| half < channels)
}

/// How a layer reads values twice.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    /// Its kernel, of one row, has two that are the same.
    Rows,
    /// Its kernel, of one column, has two that are the same.
    Taps,
    /// The layer at node `writer` writes these channels again, behind the others.
    Channels { writer: usize, again: Vec<usize> },
    /// The picture's columns stand twice.
    Columns,
}

impl Read {
    /// How the layer of a node can; `None` if in no way.
    fn of(graph: &Graph, at: usize, layer: &Linear, second: &[i8]) -> Option<Self> {
        let node = &graph.nodes[at];
        let input = graph.tensor(node.inputs[0]);
        let [_, channels, height, width] = layer.weights.shape;
        if matches!(node.op, Op::Dense(_)) && input.chw() != Some([channels, height, width]) {
            return None;
        }
        if (height, width) == (1, 1) {
            return Some(Self::Rows);
        }
        let again = |&channel: &usize| {
            let planes = second.chunks_exact(height * width).skip(channel).step_by(channels);
            planes.flatten().any(|&weight| weight != 0)
        };
        let again: Vec<usize> = (0..channels).filter(again).collect();
        let writer = sole_writer(graph, at).filter(|_| layer.groups == 1 && 4 * again.len() <= channels);
        match (writer, height, width) {
            (Some(writer), ..) => Some(Self::Channels { writer, again }),
            (None, 1, _) => Some(Self::Rows),
            (None, _, 1) => Some(Self::Taps),
            _ => (layer.window.dilation[1] == 1 && input.shape.len() == 4).then_some(Self::Columns),
        }
    }

    /// Neighbouring weights of a filter whose second ones come behind them.
    fn run(&self, layer: &Linear) -> usize {
        if *self == Self::Rows { layer.weights.shape[3] } else { 1 }
    }
}

/// The convolution that writes what a node alone reads.
fn sole_writer(graph: &Graph, at: usize) -> Option<usize> {
    let id = graph.nodes[at].inputs[0];
    let writer = graph.nodes[..at].iter().position(|node| node.output == id)?;
    let readers = graph.nodes.iter().flat_map(|node| &node.inputs).filter(|input| **input == id);
    let sole = readers.count() == 1 && !graph.is_result(id);
    let plain = matches!(&graph.nodes[writer].op, Op::Conv(layer) if layer.groups == 1);
    (sole && plain && graph.tensor(id).chw().is_some()).then_some(writer)
}

/// The two narrow weights whose sum each weight is, less its zero point, if there are such.
fn sums(layer: &Linear) -> Option<[Vec<i8>; 2]> {
    let zero_points = layer.weights.zero_points.iter().flat_map(|zero| std::iter::repeat_n(zero, layer.rows()));
    let both = layer.weights.data.iter().zip(zero_points).map(|(&weight, zero_point)| {
        let difference = i32::from(weight) - zero_point;
        let first = difference.clamp(i8::MIN.into(), i8::MAX.into());
        Some((first as i8, i8::try_from(difference - first).ok()?))
    });
    let (first, second) = both.collect::<Option<Vec<_>>>()?.into_iter().unzip();
    Some([first, second])
}

/// The layer of a node that reads values twice, if it has wide weights, each is a sum of two narrow ones, and a tile has room for both.
fn in_two(graph: &Graph, at: usize, options: &Options) -> Option<(Linear, Read)> {
    let (Op::Conv(layer) | Op::Dense(layer)) = &graph.nodes[at].op else { return None };
    if !layer.is_wide() || layer.is_multiplied(options.depthwise_taps) {
        return None;
    }
    let [first, second] = sums(layer)?;
    let read = Read::of(graph, at, layer, &second)?;
    let mut layer = (**layer).clone();
    let ([outputs, channels, height, width], plane) = (layer.weights.shape, layer.window.kernel.iter().product());
    let Window { stride, dilation, pads: [above, left, below, right], .. } = layer.window;
    layer.weights.zero_points.fill(0);
    layer.weights.data = if let Read::Channels { again, .. } = &read {
        layer.weights.shape[1] += again.len();
        let filter = |(first, second): (&[i8], &[i8])| {
            let second = again.iter().flat_map(|channel| second[channel * plane..][..plane].iter().copied());
            first.iter().copied().chain(second).collect::<Vec<_>>()
        };
        first.chunks(channels * plane).zip(second.chunks(channels * plane)).flat_map(filter).collect()
    } else {
        let run = read.run(&layer);
        let (kernel, window) = match read {
            Read::Rows => ([2, width], Window { dilation: [0, dilation[1]], ..layer.window }),
            Read::Taps => ([height, 2], Window { dilation: [dilation[0], 0], ..layer.window }),
            _ => {
                let (stride, pads) = ([stride[0], 2 * stride[1]], [above, 2 * left, below, 2 * right]);
                ([height, 2 * width], Window { stride, pads, ..layer.window })
            }
        };
        layer.window = Window { kernel, ..window };
        layer.weights.shape = [outputs, channels, kernel[0], kernel[1]];
        first.chunks(run).zip(second.chunks(run)).flat_map(|both| [both.0, both.1].concat()).collect()
    };
    // A pixel's channels are read once, and few of them again.
    let seconds = || with_second(&layer, &read)[1].len();
    let rows = if plane == 1 { channels + seconds() } else { layer.rows() };
    (rows <= options.most_rows).then_some((layer, read))
}

/// Lets a layer write some of its channels again, behind the others.
fn write_again(graph: &mut Graph, writer: usize, again: &[usize]) {
    let output = graph.nodes[writer].output;
    let Op::Conv(layer) = &mut graph.nodes[writer].op else { return };
    let order: Vec<usize> = (0..layer.outputs()).chain(again.iter().copied()).collect();
    layer.select_outputs(&order);
    graph.tensors[output.0].shape[1] = order.len();
}

/// Filters, and input channels, of a layer with a second weight that is not 0.
fn with_second(layer: &Linear, read: &Read) -> [BTreeSet<usize>; 2] {
    let (run, rows, taps) = (read.run(layer), layer.rows(), layer.window.kernel.iter().product::<usize>());
    let weights = layer.weights.data.iter().enumerate();
    let second = weights.filter(|&(at, &weight)| at / run % 2 == 1 && weight != 0).map(|(at, _)| at);
    let (filters, channels) = second.map(|at| (at / rows, at % rows / taps)).unzip();
    [filters, channels]
}

/// Brings filters and channels with second weights to the middle, filters into one column block, where their order is free.
fn gather(graph: &mut Graph, layers: &[(usize, Read)], columns: usize) {
    let classes = Classes::of(graph);
    let mut found: HashMap<TensorId, BTreeSet<usize>> = HashMap::new();
    for (at, read) in layers {
        let node = &graph.nodes[*at];
        let Op::Conv(layer) = &node.op else { continue };
        let [filters, channels] = with_second(layer, read);
        // Of groups, a filter's channels are not those of the input.
        let channels = if layer.groups == 1 { channels } else { BTreeSet::new() };
        for (id, set) in [(node.output, filters), (node.inputs[0], channels)] {
            if classes.is_free(id) && !set.is_empty() {
                found.entry(classes.root(id)).or_default().extend(set);
            }
        }
    }
    for (root, set) in found {
        let Some([channels, _, _]) = graph.tensor(root).chw() else { continue };
        let before = (set.len() / 2).min(channels / 2 % columns);
        let middle = (channels / 2 - before).min(channels - set.len());
        let mut rest = (0..channels).filter(|channel| !set.contains(channel));
        let mut order: Vec<usize> = rest.by_ref().take(middle).collect();
        order.extend(&set);
        order.extend(rest);
        permute(graph, &classes, root, &order);
    }
}

/// Inserts the move that lets each column of a picture stand twice before a node; returns what it writes.
fn repeat_columns(graph: &mut Graph, at: usize, input: TensorId) -> TensorId {
    let mut tensor = graph.tensor(input).clone();
    tensor.name = format!("{}/columns twice", tensor.name);
    let name = tensor.name.clone();
    let [height, width] = [tensor.shape[2], tensor.shape[3]];
    tensor.shape[3] = 2 * width;
    let output = graph.add_tensor(tensor);
    let op = Op::Resize(Resize { rows: (0..height).collect(), columns: (0..2 * width).map(|to| to / 2).collect() });
    graph.nodes.insert(at, Node { name, op, inputs: vec![input], output, place: Place::Chip });
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::resequence::live_kernel;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    fn layers(graph: &mut Graph) -> impl Iterator<Item = &mut Linear> {
        graph.nodes.iter_mut().filter_map(|node| match &mut node.op {
            Op::Conv(layer) | Op::Dense(layer) => Some(layer.as_mut()),
            _ => None,
        })
    }

    /// Runs the pass; the graph must give the same.
    fn same_after(graph: &mut Graph, taps: usize) {
        let elements = graph.tensor(graph.inputs[0]).elements();
        let x = Value::I8((0..elements).map(|v| (v * 53 % 251) as u8 as i8).collect());
        let before = execute(graph, std::slice::from_ref(&x)).unwrap();
        run(graph, &Options { depthwise_taps: taps, ..Options::default() });
        graph.validate().unwrap();
        assert_eq!(execute(graph, &[x]).unwrap(), before);
    }

    /// Two layers of the same picture whose zero points are `zero_point`.
    fn pair(groups: usize, zero_point: i32) -> Graph {
        let mut builder = Builder::new(9, &[1, 4, 5, 7]);
        let window = Window { kernel: [3, 2], stride: [2, 3], dilation: [2, 1], pads: [2, 1, 1, 0] };
        let wide = builder.windowed(builder.input(), 8, window);
        let other = builder.grouped(builder.input(), 4, 3, groups);
        builder.output(wide);
        let mut graph = builder.finish(other);
        for layer in layers(&mut graph) {
            layer.weights.zero_points.fill(zero_point);
        }
        graph
    }

    #[test]
    fn columns_stand_twice_before_kernels_of_rows_and_columns() {
        for (groups, zero_point) in [(1, 100), (4, -90), (2, 127)] {
            let mut graph = pair(groups, zero_point);
            same_after(&mut graph, 0);
            let moves = graph.nodes.iter().filter(|node| node.op.moves()).count();
            assert_eq!((graph.nodes.len(), moves), (3, 1), "both layers read the same columns");
        }
    }

    #[test]
    fn kernels_of_one_row_or_column_read_values_twice_where_they_are() {
        for kernel in [[1, 1], [1, 3], [3, 1]] {
            let mut builder = Builder::new(3, &[1, 4, 6, 7]);
            let window = Window { kernel, stride: [2, 1], dilation: [2, 2], pads: [1, 0, 0, 1] };
            let wide = builder.windowed(builder.input(), 8, window);
            let out = builder.dense(wide, 5);
            let mut graph = builder.finish(out);
            for layer in layers(&mut graph) {
                layer.weights.zero_points.fill(-77);
            }
            same_after(&mut graph, 16);
            assert!(graph.nodes.iter().all(|node| !node.op.moves()), "{kernel:?}");
            let dilation = layers(&mut graph).next().unwrap().window.dilation;
            assert!(dilation.contains(&0), "{kernel:?}: {dilation:?}");
        }
    }

    #[test]
    fn what_has_second_weights_comes_to_the_middle() {
        let mut builder = Builder::new(4, &[1, 8, 3, 3]);
        let first = builder.conv(builder.input(), 80, 1);
        let second = builder.conv(first, 40, 1);
        let out = builder.conv(second, 4, 1);
        let mut graph = builder.finish(out);
        for (layer, wide) in layers(&mut graph).zip([[7, 78], [3, 39]]) {
            for output in wide {
                let weights = output * layer.rows()..(output + 1) * layer.rows();
                layer.weights.data[weights.clone()].fill(-50);
                layer.weights.data[weights.end - 2] = -100;
                layer.weights.zero_points[output] = 50;
            }
        }
        same_after(&mut graph, 16);
        let [first, second] = [0, 1].map(|at| layers(&mut graph).nth(at).unwrap().clone());
        // Filters 7 and 78, of which the next layer reads channel 78 twice.
        assert_eq!([0..39, 39..41, 41..80].map(|outputs| live_kernel(&first, outputs)), [[1, 1], [2, 1], [1, 1]]);
        assert_eq!([0..19, 19..21, 21..40].map(|outputs| live_kernel(&second, outputs)), [[1, 1], [2, 1], [1, 1]]);
        assert_eq!(halves(&second, 16..32), Some(41), "channel 40 is read twice, and 39 for it");
        assert_eq!(halves(&first, 32..48), Some(7), "the last channel but one is read twice, where an input has it");
    }

    #[test]
    fn the_layer_before_writes_channels_with_second_weights_again() {
        for readers in [1, 2] {
            let mut builder = Builder::new(6, &[1, 3, 5, 6]);
            let first = builder.conv(builder.input(), 12, 3);
            let second = builder.conv(first, 5, 3);
            for _ in 1..readers {
                let other = builder.conv(first, 2, 1);
                builder.output(other);
            }
            let mut graph = builder.finish(second);
            let layer = layers(&mut graph).nth(1).unwrap();
            layer.weights.zero_points[2] = 60;
            let filter = &mut layer.weights.data[2 * 108..3 * 108];
            for weight in filter.iter_mut() {
                *weight /= 2;
            }
            (filter[31], filter[80]) = (-120, -90);
            same_after(&mut graph, 16);
            let written = layers(&mut graph).next().unwrap().outputs();
            let moves = graph.nodes.iter().filter(|node| node.op.moves()).count();
            assert_eq!((written, moves), if readers == 1 { (14, 0) } else { (12, 1) });
        }
    }

    #[test]
    fn depthwise_layers_that_the_post_unit_multiplies_stay_as_they_are() {
        for (taps, moves) in [(9, 0), (8, 1)] {
            let mut graph = pair(4, -90);
            graph.outputs.remove(0);
            graph.nodes.remove(0);
            same_after(&mut graph, taps);
            assert_eq!(graph.nodes.iter().filter(|node| node.op.moves()).count(), moves);
        }
    }

    #[test]
    fn a_layer_that_a_tile_has_no_room_for_stays() {
        // A row of three taps is read twice; of one tap only the channel with a second weight.
        for (kernel, most_rows, dilation) in [(3, 36, 0), (3, 35, 1), (1, 7, 0), (1, 6, 1)] {
            let mut builder = Builder::new(3, &[1, 6, 2, 4]);
            let conv = builder.windowed(builder.input(), 3, Window::of([1, kernel]));
            let mut graph = builder.finish(conv);
            let layer = layers(&mut graph).next().unwrap();
            layer.weights.data.fill(0);
            layer.weights.data[4 * kernel] = -100;
            layer.weights.zero_points[0] = 60;
            run(&mut graph, &Options { most_rows, ..Options::default() });
            assert_eq!(
                layers(&mut graph).next().unwrap().window.dilation[0],
                dilation,
                "{kernel} taps, {most_rows} rows"
            );
        }
    }

    #[test]
    fn a_weight_that_is_no_sum_of_two_stays() {
        let mut graph = pair(1, -128);
        for layer in layers(&mut graph) {
            layer.weights.data[0] = 127;
        }
        run(&mut graph, &Options::default());
        assert_eq!(graph.nodes.len(), 2);
    }
}
