//! The boxes of `TFLite_Detection_PostProcess`, after TensorFlow Lite's `detection_postprocess.cc`, in its order of operations.

use std::cmp::Ordering;

use super::partial_sort::greatest;
use crate::op::{Choice, Detect};

/// Top, left, bottom and right side.
type Sides = [f32; 4];

/// What is found of one frame; `None` if the inputs are not those of so many boxes and classes.
pub fn detect(op: &Detect, places: &[f32], scores: &[f32]) -> Option<Vec<f32>> {
    let boxes = op.anchors.len();
    let (each, classes) = (places.len().checked_div(boxes)?, scores.len().checked_div(boxes)?);
    let background = classes.checked_sub(op.classes)?;
    if each < 4 || each * boxes != places.len() || classes * boxes != scores.len() || op.classes == 0 {
        return None;
    }
    let places = places.chunks_exact(each).zip(&op.anchors);
    let sides: Vec<Sides> = places.map(|(place, anchor)| decoded(place, *anchor, op.scales)).collect();
    let scores: Vec<&[f32]> = scores.chunks_exact(classes).map(|scores| &scores[background..]).collect();
    let (count, found) = match op.choice {
        Choice::Likeliest => likeliest(op, &sides, &scores),
        Choice::EachClass { most } => {
            let found = each_class(op, &sides, &scores, most);
            (found.len(), found.into_iter().map(Some).collect())
        }
    };
    let slots = op.slots();
    let mut result = vec![0.0; 6 * slots + 1];
    for (slot, found) in found.into_iter().enumerate() {
        let Some((at, class)) = found else { continue };
        result[4 * slot..][..4].copy_from_slice(&sides[at]);
        result[4 * slots + slot] = class as f32;
        result[5 * slots + slot] = scores[at][class];
    }
    result[6 * slots] = count as f32;
    Some(result)
}

/// The sides of a box, in double precision up to its middle and halves.
fn decoded(place: &[f32], anchor: [f32; 4], scales: [f32; 4]) -> Sides {
    let [place_y, place_x, place_h, place_w] = std::array::from_fn(|at| f64::from(place[at]) / f64::from(scales[at]));
    let [anchor_y, anchor_x, anchor_h, anchor_w] = anchor.map(f64::from);
    let middle_y = (place_y * anchor_h + anchor_y) as f32;
    let middle_x = (place_x * anchor_w + anchor_x) as f32;
    let half_h = (0.5 * place_h.exp() * anchor_h) as f32;
    let half_w = (0.5 * place_w.exp() * anchor_w) as f32;
    [middle_y - half_h, middle_x - half_w, middle_y + half_h, middle_x + half_w]
}

/// Boxes that were chosen, and what each place of the list shows: a box and its class.
type Listed = (usize, Vec<Option<(usize, usize)>>);

fn likeliest(op: &Detect, sides: &[Sides], scores: &[&[f32]]) -> Listed {
    let ranked: Vec<Vec<usize>> = scores.iter().map(|scores| greatest(scores, op.listed)).collect();
    let best: Vec<f32> = scores.iter().zip(&ranked).map(|(scores, ranked)| scores[ranked[0]]).collect();
    let chosen = apart(op, sides, &best, op.most);
    let places =
        |&at: &usize| (0..op.listed).map(|rank| ranked[at].get(rank).map(|&class| (at, class))).collect::<Vec<_>>();
    (chosen.len(), chosen.iter().flat_map(places).collect())
}

fn each_class(op: &Detect, sides: &[Sides], scores: &[&[f32]], most: usize) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for class in 0..op.classes {
        let of_class: Vec<f32> = scores.iter().map(|scores| scores[class]).collect();
        let apart = apart(op, sides, &of_class, most.min(op.most));
        // The later class stands before equals.
        found.splice(0..0, apart.into_iter().map(|at| (at, class)));
        found.sort_by(|a, b| greater_first(scores[a.0][a.1], scores[b.0][b.1]));
        found.truncate(op.most);
    }
    found
}

/// At most so many boxes, the likeliest first, none of which overlaps one before it too much.
fn apart(op: &Detect, sides: &[Sides], scores: &[f32], most: usize) -> Vec<usize> {
    let mut left = by_score(scores);
    left.retain(|&at| scores[at] >= op.least_score);
    let mut chosen = Vec::new();
    for at in left {
        if chosen.len() == most {
            break;
        }
        if !chosen.iter().any(|&before| overlap(sides[before], sides[at]) > op.most_overlap) {
            chosen.push(at);
        }
    }
    chosen
}

/// Places by what stands there, the greatest first; of equals, the first.
fn by_score(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| greater_first(scores[a], scores[b]));
    order
}

/// Both zeros are equal.
fn greater_first(a: f32, b: f32) -> Ordering {
    (b + 0.0).total_cmp(&(a + 0.0))
}

/// The share of two boxes' common area in what they cover.
fn overlap(a: Sides, b: Sides) -> f32 {
    let area = |[top, left, bottom, right]: Sides| (bottom - top) * (right - left);
    if area(a) <= 0.0 || area(b) <= 0.0 {
        return 0.0;
    }
    let [height, width] = [0, 1].map(|axis| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis])).max(0.0));
    let common = height * width;
    common / (area(a) + area(b) - common)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_by_two(choice: Choice) -> Detect {
        let anchors = vec![[0.5, 0.5, 0.5, 0.5], [0.5, 0.52, 0.5, 0.5], [0.1, 0.1, 0.1, 0.1]];
        let scales = [10.0, 10.0, 5.0, 5.0];
        Detect { anchors, scales, classes: 2, most: 2, listed: 1, choice, least_score: 0.1, most_overlap: 0.5 }
    }

    /// Background, then two classes, of three boxes.
    const SCORES: [f32; 9] = [0.0, 0.9, 0.2, 0.0, 0.8, 0.7, 0.0, 0.3, 0.3];

    #[test]
    fn the_less_likely_of_two_boxes_that_overlap_does_not_count() {
        let found = detect(&two_by_two(Choice::Likeliest), &[0.0; 12], &SCORES).unwrap();
        assert_eq!(
            found.iter().map(|x| (x * 1000.0).round() as i32).collect::<Vec<_>>(),
            [250, 250, 750, 750, 50, 50, 150, 150, 0, 0, 900, 300, 2000]
        );
    }

    #[test]
    fn class_by_class_a_box_counts_for_another_class() {
        let found = detect(&two_by_two(Choice::EachClass { most: 1 }), &[0.0; 12], &SCORES).unwrap();
        // Box 0 for class 0, box 1 for class 1.
        assert_eq!(found[8..].iter().map(|x| (x * 10.0).round() as i32).collect::<Vec<_>>(), [0, 10, 9, 7, 20]);
    }

    #[test]
    fn class_by_class_there_is_room_for_more_that_stays_empty() {
        let op = Detect { listed: 2, ..two_by_two(Choice::EachClass { most: 1 }) };
        let found = detect(&op, &[0.0; 12], &SCORES).unwrap();
        assert_eq!(
            found[16..].iter().map(|x| (x * 10.0).round() as i32).collect::<Vec<_>>(),
            [0, 10, 0, 0, 9, 7, 0, 0, 20]
        );
    }

    #[test]
    fn inputs_of_other_boxes_are_refused() {
        let op = two_by_two(Choice::Likeliest);
        assert_eq!(detect(&op, &[0.0; 9], &SCORES), None);
        assert_eq!(detect(&op, &[0.0; 12], &SCORES[..3]), None);
    }
}
