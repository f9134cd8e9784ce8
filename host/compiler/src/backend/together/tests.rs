use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

use super::{Together, copied, over_vectors};
use crate::backend::{Step, compile_batch};
use crate::graph::{Graph, Place, State};
use crate::op::{Clamp, Op};
use crate::passes::testing::Builder;
use crate::reference::{self, Value};

fn best(graph: &Graph, batch: usize) -> Together {
    over_vectors(graph, batch).unwrap_or_else(|| copied(graph, batch))
}

/// A picture that a layer reads whole, and another layer.
fn dense() -> Graph {
    let mut builder = Builder::new(31, &[1, 3, 2, 4]);
    let flat = builder.reshape(builder.input(), &[1, 24]);
    let hidden = builder.dense(flat, 6);
    let out = builder.dense(hidden, 5);
    let mut graph = builder.finish(out);
    crate::passes::absorb_flatten::run(&mut graph);
    crate::passes::dead::run(&mut graph);
    graph
}

/// Two convolutions, between them what the host computes.
fn convolutions() -> Graph {
    let mut builder = Builder::new(32, &[1, 3, 4, 4]);
    let first = builder.conv(builder.input(), 8, 3);
    let table = builder.unary(Op::Table(Box::new(std::array::from_fn(|at| (at as i32 / 2 - 60) as i8))), first);
    let second = builder.conv(table, 4, 3);
    let mut graph = builder.finish(second);
    graph.nodes[1].place = Place::Host("it is a table".into());
    graph
}

fn frames(graph: &Graph) -> Vec<Value> {
    let elements = graph.tensor(graph.inputs[0]).elements();
    (0..3).map(|frame| Value::I8((0..elements).map(|at| (at * 37 + frame * 71) as i8).collect())).collect()
}

fn refusal(graph: Graph, geometry: Geometry, batch: usize) -> String {
    compile_batch(graph, geometry, Gating::Digit, batch).map(drop).unwrap_err().to_string()
}

/// The reference's answers of all frames, one by one and of the network of all.
fn answers(graph: &Graph) -> [Vec<Value>; 2] {
    let frames = frames(graph);
    let alone = frames.iter().flat_map(|frame| reference::run(graph, std::slice::from_ref(frame)).unwrap());
    [alone.collect(), reference::run(&best(graph, frames.len()).graph, &frames).unwrap()]
}

#[test]
fn a_network_of_several_frames_computes_what_each_alone_does() {
    for graph in [dense(), convolutions()] {
        let [alone, together] = answers(&graph);
        assert_eq!(together, alone);
        best(&graph, 3).graph.validate().unwrap();
    }
}

#[test]
fn vectors_of_all_frames_are_one_picture_and_others_have_their_own() {
    let on_chip = |graph: &Graph| graph.nodes.iter().filter(|node| node.place == Place::Chip).count();
    let stacked = best(&dense(), 4).graph;
    assert_eq!(on_chip(&stacked), 2);
    let copied = best(&convolutions(), 4);
    assert_eq!((on_chip(&copied.graph), copied.graph.nodes.len(), copied.firsts), (8, 12, vec![0, 4, 8]));
}

#[test]
fn a_flattening_of_channels_first_is_no_vector() {
    let on_chip = |shape: &[usize]| {
        let mut builder = Builder::new(33, shape);
        let flat = builder.reshape(builder.input(), &[1, 24]);
        let out = builder.dense(flat, 3);
        let graph = best(&builder.finish(out), 2).graph;
        graph.nodes.iter().filter(|node| node.place == Place::Chip).count()
    };
    assert_eq!([on_chip(&[1, 3, 2, 4]), on_chip(&[1, 1, 6, 4]), on_chip(&[1, 24, 1, 1])], [4, 2, 2]);
}

#[test]
fn what_a_frame_leaves_for_the_next_is_named() {
    let mut graph = dense();
    let (read, left) = (graph.inputs[0], graph.outputs[0]);
    graph.states.push(State { name: "memory".into(), read, write: left, initial: Value::I8(vec![0; 24]) });
    let text = refusal(graph, Geometry::BASE, 4);
    assert!(text.contains("\"memory\"") && text.ends_with("in a batch of 1"), "{text}");
}

#[test]
fn frames_that_exceed_the_chip_together_are_too_many() {
    let small = Geometry { tile_words: 64, ..Geometry::SMALL };
    for graph in [dense(), convolutions()] {
        assert!(compile_batch(graph.clone(), small, Gating::Digit, 2).is_ok());
        let text = refusal(graph, small, 60);
        assert!(text.starts_with("60 frames do not fit the chip together: tensor "), "{text}");
        assert!(text.ends_with("or run fewer together"), "{text}");
    }
}

#[test]
fn a_layer_whose_blocks_take_turns_runs_frame_by_frame() {
    let mut builder = Builder::new(34, &[1, 8, 4, 4]);
    let conv = builder.conv(builder.input(), 64, 3);
    let graph = builder.finish(conv);
    let few = Geometry { pages: 16, ..Geometry::SMALL };
    let alone = compile_batch(graph.clone(), few, Gating::Digit, 1).unwrap();
    assert!(!alone.phases.is_empty() && alone.graph.nodes[0].place == Place::Chip);
    let text = refusal(graph, few, 2);
    assert!(text.contains("takes 36 weight pages a lane") && text.ends_with("in a batch of 1"), "{text}");
}

#[test]
fn frames_share_what_is_loaded() {
    let of = |batch| compile_batch(convolutions(), Geometry::BASE, Gating::Digit, batch).unwrap();
    let (one, four) = (of(1), of(4));
    assert_eq!((&four.pages, &four.constants, four.tile_pages), (&one.pages, &one.constants, one.tile_pages));
    assert_eq!((four.macs(), four.host_nodes().count()), (one.macs(), 1));
    let hosts = |steps: &[Step]| steps.iter().filter(|step| matches!(step, Step::Host(_))).count();
    assert_eq!([hosts(&one.steps), hosts(&four.steps)], [1, 4]);
}

#[test]
fn a_batch_leaves_nothing_to_the_host_that_the_chip_computes_alone() {
    let mut builder = Builder::new(35, &[1, 8, 16, 16]);
    let clamped = builder.clamp(builder.input(), Clamp { min: -100, max: 90 });
    let sum = builder.add(clamped, builder.input());
    let mut graph = builder.finish(sum);
    crate::passes::prove_add::run(&mut graph);
    for batch in [1, 4] {
        let compiled = compile_batch(graph.clone(), Geometry::BASE, Gating::Digit, batch).unwrap();
        assert_eq!(compiled.host_nodes().count(), 0, "{batch} frames");
    }
}
