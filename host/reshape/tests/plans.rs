//! What plans are made of.

use std::time::Instant;

use lacuna_reshape::{Problem, Solution, solve, text};
use lacuna_spec::Geometry;

/// The solution on `base`, with or without a transposer.
fn solved(from: &str, to: &str, ops: &[&str], transposer: bool) -> Solution {
    let geometry = Geometry { transposer, ..Geometry::BASE };
    let source = text::layout(from).unwrap();
    let mut shape = source.shape.clone();
    let mut list = Vec::new();
    for op in ops {
        let op = text::op(op, &shape).unwrap();
        shape = op.shape(&[&shape]).unwrap();
        list.push(op);
    }
    let problem = Problem { sources: vec![source], ops: list, target: text::layout(to).unwrap() };
    solve(&problem, &geometry).unwrap()
}

#[test]
fn pure_views_move_nothing() {
    for (from, to, ops) in [
        ("1x32x16x16", "1x8192", &[][..]),
        ("1x32x16x16:NHWC@tiles=4", "16x16x32@tiles=4", &["transpose=0,2,3,1"]),
        ("1x8192:C16@tiles=2", "8192:i8@tiles=2", &[]),
        ("4x6", "6x4:ba", &["transpose=1,0"]),
        // A slice of the outermost rows, and one element of a batch: the target goes where they are.
        ("8x40:i16", "3x40:i16", &["slice=2:5"]),
        ("5x4x4", "1x4x4", &["slice=3"]),
    ] {
        let solution = solved(from, to, ops, true);
        assert_eq!((solution.plan.bytes, solution.plan.jobs().count()), (0, 0), "{from} -> {to}");
    }
}

#[test]
fn transpositions_keep_to_the_port_limit_but_for_their_start() {
    for (from, to) in [
        ("64x64", "64x64:ba"),
        ("1x64x32x32@tiles=4,by=H", "1x64x32x32:NHWC@tiles=4"),
        ("1x64x32x32:NHWC@tiles=4", "1x64x32x32@tiles=4"),
        ("64x64:i32", "64x64:ba:i32"),
    ] {
        let Solution { plan, .. } = solved(from, to, &[], true);
        let beats = |tile| plan.jobs().filter(|job| job.source == tile).map(|job| job.beats).sum::<usize>();
        assert_eq!((0..4).map(beats).max(), Some(plan.limit_cycles), "{from} -> {to}");
        assert!(plan.jobs().count() <= 16, "{from} -> {to}");
    }
}

#[test]
fn a_circle_is_broken_within_a_quarter_of_the_tensor() {
    for (from, to) in [
        ("64x64@base=0", "64x64:ba@base=0"),
        ("1x32x16x16@tiles=4,base=0", "1x32x16x16:NHWC@tiles=4,base=0"),
        ("100x37@base=0", "100x37:ba@base=5"),
        ("4x1000:i32@base=0", "4x1000:ba:i32@base=0"),
    ] {
        let solution = solved(from, to, &[], true);
        let tensor = text::layout(to).unwrap().bytes();
        assert!((1..=tensor / 4).contains(&solution.plan.spare_bytes), "{from}: {}", solution.plan.spare_bytes);
    }
}

#[test]
fn a_shift_over_itself_needs_no_spare_byte() {
    for (from, to) in [("1000@base=0", "1000@base=3"), ("1000@base=3", "1000@base=0")] {
        let solution = solved(from, to, &[], false);
        assert_eq!(solution.plan.spare_bytes, 0);
        assert!(solution.plan.jobs().count() <= 4);
    }
}

#[test]
fn copies_for_several_tiles_are_sent_once() {
    let solution = solved("4000@tiles=1", "4000@tiles=4,by=copies", &[], false);
    let jobs: Vec<_> = solution.plan.jobs().collect();
    assert_eq!(jobs.iter().map(|job| job.beats).sum::<usize>(), 250);
    assert!(jobs.iter().all(|job| job.targets & 0b1110 == 0b1110));
}

#[test]
fn the_worst_that_fits_is_solved_within_a_second() {
    let wild: Vec<String> = (0..2048).map(|at| (at * 1103 % 2048).to_string()).collect();
    let gather = format!("gather=0:{}", wild.join(","));
    for (from, to, ops) in [
        ("2048x8@tiles=4", "2048x8:ba@tiles=3", vec![gather.as_str()]),
        ("31x33x32@base=0", "31x33x32:cba@base=0", vec![]),
        ("16x64x64@tiles=4", "16x64x64:cba@tiles=4", vec!["slice=::-1,::-1,::-1"]),
    ] {
        // The best of three: others may use the machine.
        let time = |_| {
            let start = Instant::now();
            solved(from, to, &ops, true);
            start.elapsed().as_secs_f64()
        };
        let seconds = (0..3).map(time).fold(f64::INFINITY, f64::min);
        assert!(seconds < 1.0, "{from} -> {to}: {seconds} s");
    }
}
