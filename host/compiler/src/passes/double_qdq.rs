//! Quantising twice in a row.
//!
//! `QuantizeLinear` -> `DequantizeLinear` -> `QuantizeLinear` -> `DequantizeLinear` with parameters of one 8-bit type each round a
//! value twice. ONNX Runtime, at the levels `basic` and above, rounds it once: it keeps the outer two, for the reals that both
//! pairs have (`DoubleQDQPairsRemover`). What it makes of the file is what counts, so this pass does the same.
//!
//! Also, `QuantizeLinear` of one value that do the same become one, as each consumer may have been given its own.

use std::collections::HashMap;

use crate::graph::{Graph, Quant, TensorId};
use crate::op::{Affine, Op, Rounding};

/// Runs the pass.
pub fn run(graph: &mut Graph) {
    merge_equal(graph);
    while remove_inner_pairs(graph) {}
}

/// Makes one of the `QuantizeLinear` that do the same to a value, results aside: the first of them, which gives the result if one is.
fn merge_equal(graph: &mut Graph) {
    let mut groups: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let Op::Quantize(Affine { scales, zero_points, axis, rounding }) = &node.op else { continue };
        let scales: Vec<u32> = scales.iter().map(|scale| scale.to_bits()).collect();
        let unsigned = graph.tensor(node.output).unsigned;
        let key = (node.inputs[0], scales, zero_points.clone(), *axis, *rounding == Rounding::HalfEven, unsigned);
        groups.entry(key).or_default().push(at);
    }
    let mut gone = vec![false; graph.nodes.len()];
    let mut equal = HashMap::new();
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let is_result = |at: usize| graph.is_result(graph.nodes[at].output);
        let (first, kept) = (group[0], group.iter().copied().find(|&at| is_result(at)).unwrap_or(group[0]));
        let output = graph.nodes[kept].output;
        for &at in group.iter().filter(|&&at| at == kept || !is_result(at)) {
            equal.insert(graph.nodes[at].output, output);
            gone[at] = at != first;
        }
        graph.nodes[first].output = output;
    }
    for id in graph.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
        *id = equal.get(id).copied().unwrap_or(*id);
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| gone.next() == Some(false));
}

/// Makes one of each two pairs, from the front on, and says whether there were any. What has become one waits for the next round, as in
/// the runtime: of four pairs the first two and the last two are joined, and then these.
fn remove_inner_pairs(graph: &mut Graph) -> bool {
    let producers = graph.producers();
    let mut readers = graph.consumers();
    let mut gone = vec![false; graph.nodes.len()];
    let mut joined = vec![false; graph.nodes.len()];
    for down in 0..graph.nodes.len() {
        let pairs = outer_pair(graph, &producers, &readers, down).filter(|_| !joined[down]);
        let Some((first, again, affine)) = pairs else { continue };
        let kept = graph.nodes[first].output;
        let last = std::mem::take(&mut readers[graph.nodes[again].output.0]);
        for &at in &last {
            graph.nodes[at].op = Op::Dequantize(affine.clone());
            graph.nodes[at].inputs = vec![kept];
            joined[at] = true;
        }
        readers[kept.0] = last;
        (gone[down], gone[again]) = (true, true);
        if let Some(quant) = &mut graph.tensors[kept.0].quant {
            *quant = Quant { scale: affine.scales[0], zero_point: affine.zero_points[0] };
        }
        graph.nodes[first].op = Op::Quantize(affine);
    }
    let any = gone.contains(&true);
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| gone.next() == Some(false));
    any
}

/// For a `DequantizeLinear` inside two pairs: the first and the second `QuantizeLinear`, and what the outer pair becomes.
fn outer_pair(
    graph: &Graph,
    producers: &[Option<usize>],
    readers: &[Vec<usize>],
    down: usize,
) -> Option<(usize, usize, Affine)> {
    let only = |id: TensorId| match readers[id.0].as_slice() {
        [reader] if !graph.is_result(id) => Some(*reader),
        _ => None,
    };
    let Op::Dequantize(inner) = &graph.nodes[down].op else { return None };
    let from = graph.nodes[down].inputs[0];
    let (first, again) = (producers[from.0]?, only(graph.nodes[down].output)?);
    let (Op::Quantize(narrow), Op::Quantize(wide)) = (&graph.nodes[first].op, &graph.nodes[again].op) else {
        return None;
    };
    let output = graph.nodes[again].output;
    let ends = readers[output.0].iter().all(|&at| matches!(graph.nodes[at].op, Op::Dequantize(_)));
    // Constants are no business of this rule: the runtime has folded them.
    let computed = graph.tensor(graph.nodes[first].inputs[0]).data.is_none();
    let unsigned = |id: TensorId| graph.tensor(id).unsigned;
    let applies = computed
        && ends
        && !readers[output.0].is_empty()
        && !graph.is_result(output)
        && only(from) == Some(down)
        && inner.scales == narrow.scales
        && inner.zero_points == narrow.zero_points
        && unsigned(from) == unsigned(output);
    let affine = applies.then(|| common(narrow, wide, unsigned(from))).flatten()?;
    Some((first, again, affine))
}

/// The parameters that have the reals which both have, in single precision as the runtime computes them.
fn common(a: &Affine, b: &Affine, unsigned: bool) -> Option<Affine> {
    let (&[scale_a], &[scale_b]) = (a.scales.as_slice(), b.scales.as_slice()) else { return None };
    let (&[zero_a], &[zero_b]) = (a.zero_points.as_slice(), b.zero_points.as_slice()) else { return None };
    if a.rounding != Rounding::HalfEven || b.rounding != Rounding::HalfEven {
        return None;
    }
    if scale_a.to_bits() == scale_b.to_bits() && zero_a == zero_b {
        return Some(a.clone());
    }
    // In the type's own numbers: uint8 is kept less 128.
    let offset = if unsigned { 128 } else { 0 };
    let (least, most) = (-128 + offset, 127 + offset);
    let real = |q: i32, scale: f32, zero: i32| (q - zero - offset) as f32 * scale;
    let low = real(least, scale_a, zero_a).max(real(least, scale_b, zero_b));
    let high = real(most, scale_a, zero_a).min(real(most, scale_b, zero_b));
    let scale = (high - low) / 255.0;
    let zero = (least as f32 - low / scale).round_ties_even();
    let sound = scale > 0.0 && scale.is_finite() && (least as f32..=most as f32).contains(&zero);
    sound.then(|| Affine { scales: vec![scale], zero_points: vec![zero as i32 - offset], ..a.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affine(scale: f32, zero_point: i32) -> Affine {
        Affine { scales: vec![scale], zero_points: vec![zero_point], axis: 0, rounding: Rounding::HalfEven }
    }

    #[test]
    fn two_pairs_have_the_reals_of_both() {
        // -12.8 to 12.7 and -5 to 20.5.
        let both = common(&affine(0.1, 0), &affine(0.1, -78), false).unwrap();
        assert_eq!(both.zero_points, [-56]);
        assert!((both.scales[0] - 17.7 / 255.0).abs() < 1e-6, "{both:?}");
        let unsigned = common(&affine(0.1, -128), &affine(0.2, -128), true).unwrap();
        assert_eq!((unsigned.zero_points[0], unsigned.scales[0].to_bits()), (-128, (25.5_f32 / 255.0).to_bits()));
        assert_eq!(common(&affine(0.1, 3), &affine(0.1, 3), false), Some(affine(0.1, 3)));
    }

    #[test]
    fn several_scales_and_halves_away_from_zero_stay() {
        let several = Affine { scales: vec![0.1, 0.2], zero_points: vec![0, 0], ..affine(0.1, 0) };
        assert_eq!(common(&several, &affine(0.1, 0), false), None);
        let away = Affine { rounding: Rounding::HalfAway, ..affine(0.1, 0) };
        assert_eq!(common(&affine(0.1, 0), &away, false), None);
    }
}
