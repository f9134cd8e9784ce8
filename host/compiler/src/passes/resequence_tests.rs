use crate::op::Op;
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Gating, Instr};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::backend::tests::check;
use crate::backend::{Compiled, Step, compile};
use crate::passes::testing::Builder;
use crate::passes::{Options, partition, prepare};
use crate::reference::{Value, run as execute};

fn generator() -> ChaCha8Rng {
    let seed = std::env::var("LACUNA_SEED").map_or_else(|_| rand::random(), |text| text.parse().unwrap());
    println!("seed {seed} (LACUNA_SEED={seed} runs it again)");
    ChaCha8Rng::seed_from_u64(seed)
}

fn layer(graph: &mut Graph, node: usize) -> &mut Linear {
    let (Op::Conv(layer) | Op::Dense(layer)) = &mut graph.nodes[node].op else { panic!("no layer") };
    layer
}

/// How weights are pruned to 75 %.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pruning {
    /// Half of the filters of every layer, anywhere: with the channels that nobody makes, three quarters of its weights.
    Filters,
    /// Four towers of channels that read only their own, scattered over the tensors.
    Towers,
    /// Two of every eight input channels, the same ones for 16 filters; these are scattered.
    TwoOfEight,
    /// Any.
    Unstructured,
}

fn shuffled(length: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    order.shuffle(rng);
    order
}

/// Clears the weights that `keep(filter, channel)` does not name.
fn prune(linear: &mut Linear, mut keep: impl FnMut(usize, usize) -> bool) {
    let [_, inputs, height, width] = linear.weights.shape;
    let plane = height * width;
    for (at, taps) in linear.weights.data.chunks_mut(plane).enumerate() {
        let kept = keep(at / inputs, at % inputs);
        for w in taps {
            *w = if kept { (*w).max(1) } else { 0 };
        }
    }
}

/// Four convolutions, the first three with 64 filters, of which two layers are pruned.
fn network(pruning: Pruning, rng: &mut ChaCha8Rng) -> Graph {
    let mut builder = Builder::new(rng.random(), &[1, 8, 6, 6]);
    let first = builder.conv(builder.input(), 64, 3);
    let second = builder.conv(first, 64, 3);
    let third = builder.conv(second, 64, 3);
    let out = builder.conv(third, 16, 1);
    let mut graph = builder.finish(out);
    let places: Vec<Vec<usize>> = (0..3).map(|_| shuffled(64, rng)).collect();
    for node in 0..3 {
        let groups = shuffled(64, rng);
        let mut random = ChaCha8Rng::seed_from_u64(rng.random());
        let linear = layer(&mut graph, node);
        match pruning {
            Pruning::Filters => {
                prune(linear, |o, _| places[node][o].is_multiple_of(2));
                let zero = linear.y_zero_point;
                // What a pruned filter answers is the zero point, as of any network pruned while it trained.
                (0..64).filter(|&o| places[node][o] % 2 == 1).for_each(|o| linear.bias[o] = 0);
                assert_eq!(zero, -5);
            }
            _ if node == 0 => {}
            Pruning::Towers => prune(linear, |o, c| places[node][o] % 4 == places[node - 1][c] % 4),
            Pruning::TwoOfEight => prune(linear, |o, c| groups[o] / 16 == c % 8 / 2),
            Pruning::Unstructured => {
                linear.weights.data.iter_mut().for_each(|w| *w = if random.random_bool(0.25) { *w } else { 0 });
            }
        }
    }
    graph
}

fn frame(rng: &mut ChaCha8Rng) -> Vec<Value> {
    vec![Value::I8((0..8 * 36).map(|_| rng.random()).collect())]
}

/// Row groups that the runs of a program activate: pages times outputs.
fn activations(compiled: &Compiled, node: usize) -> i64 {
    let programs = compiled.steps.iter().filter_map(|step| if let Step::Chip(p) = step { Some(p) } else { None });
    let of_run = |instr: &Instr| match instr {
        Instr::Run(head, walk, tail) => {
            i64::from(head.tiles.count_ones()) * walk.out_h * walk.out_w * walk.blocks * tail.vector_pages
        }
        _ => 0,
    };
    let of_node = |p: &crate::backend::Program| {
        let layer = p.layers.iter().find(|layer| layer.node == node).expect("it runs on the chip");
        layer.instrs.iter().map(|at| of_run(&p.instrs[at - p.start])).sum::<i64>()
    };
    programs.map(|p| of_node(p)).sum()
}

fn compiled(mut graph: Graph) -> Compiled {
    partition::run(&mut graph).unwrap();
    compile(graph, Geometry::BASE, Gating::Digit).unwrap()
}

#[test]
fn a_network_pruned_to_three_quarters_activates_a_third_of_its_row_groups_and_cycles_follow() {
    let mut rng = generator();
    // The first and the last layer stay. Half of the filters leave 1.5 to 1.9 times fewer cycles, towers 2.8 times.
    for (pruning, least) in [(Pruning::Filters, 1.25), (Pruning::Towers, 2.5)] {
        let graph = network(pruning, &mut rng);
        let frame = frame(&mut rng);
        let wanted = execute(&graph, &frame).unwrap();
        let dense = compiled(graph.clone());
        let sparse = prepare(graph, &[], &Options::default()).unwrap();
        assert_eq!(execute(&sparse, &frame).unwrap(), wanted);
        let sparse = compiled(sparse);
        for node in [1, 2] {
            let (before, after) = (activations(&dense, node), activations(&sparse, node));
            println!("{pruning:?}, layer {node}: {before} row groups, {after} resequenced");
            assert!(before >= 3 * after, "{pruning:?}, layer {node}: {before} and {after}");
        }
        let (slow, fast) = (check(&dense, &frame), check(&sparse, &frame));
        println!("{slow} cycles dense, {fast} resequenced");
        assert!(f64::from(slow) > least * f64::from(fast), "{pruning:?}: {slow} and {fast}");
    }
}

#[test]
fn patterns_that_two_layers_want_differently_gain_in_one_of_them() {
    let mut rng = generator();
    let mut graph = network(Pruning::TwoOfEight, &mut rng);
    let frame = frame(&mut rng);
    let wanted = execute(&graph, &frame).unwrap();
    let gains = run(&mut graph, 16, 50);
    assert_eq!(execute(&graph, &frame).unwrap(), wanted);
    assert!(gains[1..3].iter().all(|gain| gain.zeros == 75 && gain.after <= gain.before), "{gains:?}");
    assert!(gains.iter().any(|gain| gain.dense >= 3 * gain.after), "{gains:?}");
    check(&compiled(graph), &frame);
}

#[test]
fn unstructured_zeros_leave_a_network_no_worse() {
    let mut rng = generator();
    let mut graph = network(Pruning::Unstructured, &mut rng);
    let frame = frame(&mut rng);
    let wanted = execute(&graph, &frame).unwrap();
    let gains = run(&mut graph, 16, 50);
    assert!(gains.iter().all(|gain| gain.after <= gain.before), "{gains:?}");
    assert_eq!(execute(&graph, &frame).unwrap(), wanted);
    check(&compiled(graph), &frame);
}

#[test]
fn dense_networks_are_left_alone() {
    let mut builder = Builder::new(3, &[1, 4, 5, 5]);
    let middle = builder.conv(builder.input(), 32, 3);
    let out = builder.conv(middle, 20, 3);
    let mut graph = builder.finish(out);
    let before = graph.clone();
    let gains = run(&mut graph, 16, 50);
    assert_eq!(graph, before);
    assert!(gains.iter().all(|gain| gain.dense == gain.after));
}

#[test]
fn balancing_keeps_what_resequencing_won() {
    let mut rng = generator();
    let graph = network(Pruning::Towers, &mut rng);
    let frames = [frame(&mut rng)];
    let wanted = execute(&graph, &frames[0]).unwrap();
    let prepared = prepare(graph, &frames, &Options::default()).unwrap();
    assert_eq!(execute(&prepared, &frames[0]).unwrap(), wanted);
    for node in [1, 2] {
        let linear = prepared.nodes[node].op.plain_layer().unwrap();
        assert!(rows(linear, 16) * 3 <= (linear.outputs() / 16 * linear.rows()) as u64, "node {node}");
    }
}

#[test]
fn live_channels_are_a_range_that_covers_every_weight() {
    let mut builder = Builder::new(3, &[1, 6, 5, 5]);
    let out = builder.conv(builder.input(), 4, 3);
    let mut graph = builder.finish(out);
    let linear = layer(&mut graph, 0);
    linear.weights.data.fill(0);
    assert_eq!(live(linear, 0..4), 0..1, "one channel stays");
    linear.weights.data[(6 + 2) * 9 + 4] = 1;
    linear.weights.data[(2 * 6 + 4) * 9] = -1;
    assert_eq!((live(linear, 0..4), live(linear, 1..2), live(linear, 3..4)), (2..5, 2..3, 0..1));
}
