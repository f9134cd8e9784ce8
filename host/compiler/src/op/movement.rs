//! Operators that only move elements. Axes count in the graph's own order, channels before height and width.

/// A box cut out of a tensor: along each axis, element `i` of the output is element `start + i * step` of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// First element taken along each axis.
    pub start: Vec<usize>,
    /// From one taken element to the next along each axis; negative runs backwards.
    pub step: Vec<i64>,
    /// Elements taken along each axis: the output's shape.
    pub size: Vec<usize>,
}

impl Slice {
    /// Whether it takes neighbours in order, as a chip's block move does.
    #[must_use]
    pub fn contiguous(&self) -> bool {
        self.step.iter().zip(&self.size).all(|(&step, &size)| step == 1 || size <= 1)
    }
}

/// A frame of one value around a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pad {
    /// Elements added before each axis.
    pub before: Vec<usize>,
    /// Elements added after each axis.
    pub after: Vec<usize>,
    /// The value that is added.
    pub value: i8,
}

/// Nearest-neighbour resize: which row and column of the input each row and column of the output shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resize {
    /// The input row of each output row.
    pub rows: Vec<usize>,
    /// The input column of each output column.
    pub columns: Vec<usize>,
}

impl Resize {
    /// The whole factors by which each pixel is repeated down and right, if that is all it does.
    #[must_use]
    pub fn repeats(&self) -> Option<[usize; 2]> {
        let factor = |from: &[usize]| {
            let count = from.last()? + 1;
            let factor = from.len() / count;
            (factor * count == from.len() && from.iter().enumerate().all(|(to, &at)| at == to / factor))
                .then_some(factor)
        };
        Some([factor(&self.rows)?, factor(&self.columns)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_factors_are_recognised_and_others_are_not() {
        let resize = |rows: &[usize], columns: &[usize]| Resize { rows: rows.into(), columns: columns.into() };
        assert_eq!(resize(&[0, 0, 1, 1], &[0, 1, 2]).repeats(), Some([2, 1]));
        assert_eq!(resize(&[0, 1, 1], &[0]).repeats(), None);
        assert_eq!(resize(&[0, 1], &[]).repeats(), None);
    }

    #[test]
    fn a_box_with_a_step_is_not_contiguous() {
        let slice = |step: i64, size: usize| Slice { start: vec![0], step: vec![step], size: vec![size] };
        assert!(slice(1, 5).contiguous() && slice(-3, 1).contiguous());
        assert!(!slice(2, 5).contiguous());
    }
}
