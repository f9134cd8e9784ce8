//! Boxes around what a picture shows.

/// `TFLite_Detection_PostProcess`: where each box lies relative to its anchor, and how likely it holds what, become a list of the likeliest
/// boxes that hardly overlap. Its inputs are real: places `[1, boxes, 4]` or more values a box, and scores `[1, boxes, classes]`, with or
/// without one of the background before them; file order.
///
/// The output, `[1, 6 * slots + 1]`, holds four sides of each of [`Detect::slots`] boxes (top, left, bottom, right), then their
/// classes, then their scores, then how many boxes were found; what was not found is 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Detect {
    /// Centre (y, x), height and width of each box's anchor.
    pub anchors: Vec<[f32; 4]>,
    /// What the places are divided by: y, x, height, width.
    pub scales: [f32; 4],
    /// Classes, the background not among them.
    pub classes: usize,
    /// Most boxes that are listed.
    pub most: usize,
    /// Places in the list for each box.
    pub listed: usize,
    /// How the boxes are chosen.
    pub choice: Choice,
    /// Least score of a box that counts.
    pub least_score: f32,
    /// Overlap, a share of what both cover, from which on the less likely box does not count.
    pub most_overlap: f32,
}

/// How boxes are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// By their likeliest class; each is listed once for as many of its likeliest as it has places.
    Likeliest,
    /// Class by class, at most so many of each; a box is listed once for each class for which it was chosen, and places beyond
    /// [`Detect::most`] stay 0.
    EachClass {
        /// Most boxes of a class.
        most: usize,
    },
}

impl Detect {
    /// Places in the list.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.most * self.listed
    }
}
