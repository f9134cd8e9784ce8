//! Files keep channels last, the graph keeps them first.

use crate::op::Op;
use crate::reference::{to_channels_first, to_channels_last};

/// The graph's shape of a file's tensor: with three dimensions or more, the last moves behind the batch.
pub fn graph_shape(file: &[usize]) -> Vec<usize> {
    to_channels_first(file.len()).iter().map(|&axis| file[axis]).collect()
}

/// The file's shape of a graph's tensor.
pub fn file_shape(graph: &[usize]) -> Vec<usize> {
    to_channels_last(graph.len()).iter().map(|&axis| graph[axis]).collect()
}

/// The graph's axis of a file's axis.
pub fn graph_axis(file_axis: usize, rank: usize) -> usize {
    match file_axis {
        0 => 0,
        axis if rank < 3 => axis,
        axis if axis + 1 == rank => 1,
        axis => axis + 1,
    }
}

/// One value an axis, in the graph's order instead of the file's.
pub fn graph_order<T: Copy>(file: &[T]) -> Vec<T> {
    to_channels_first(file.len()).iter().map(|&axis| file[axis]).collect()
}

/// Whether a file's and the graph's tensor hold their elements in the same order.
pub fn same_order(file: &[usize]) -> bool {
    match file {
        [_, between @ .., channels] => *channels == 1 || between.iter().product::<usize>() == 1,
        _ => true,
    }
}

/// The operator that shows one file shape as another.
pub fn view_op(old: &[usize], new: &[usize]) -> Op {
    if same_order(old) && same_order(new) { Op::Reshape } else { Op::View }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_axes_agree() {
        for file in [&[1, 5, 6, 7][..], &[1, 5, 7], &[2, 3], &[4], &[], &[1, 2, 3, 4, 5]] {
            let graph = graph_shape(file);
            assert_eq!(file_shape(&graph), file);
            for (axis, &size) in file.iter().enumerate() {
                assert_eq!(graph[graph_axis(axis, file.len())], size);
            }
        }
    }

    #[test]
    fn order_matters_only_with_channels_and_pixels() {
        assert!(same_order(&[1, 49, 10, 1]) && same_order(&[1, 1, 1, 64]) && same_order(&[3, 8]) && same_order(&[]));
        assert!(!same_order(&[1, 2, 1, 3]));
    }
}
