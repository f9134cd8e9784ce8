//! What `reshape` holds behind the head: nested loops over source and target.

use crate::packed;

/// Levels of a reshape walker.
pub const RESHAPE_LEVELS: usize = 5;
/// [`Reshape::element`] of bytes in a matrix whose source rows leave no gaps.
pub const LINEAR: i64 = 3;
/// Most columns of such a matrix.
pub const LINEAR_COLUMNS: i64 = 31;

packed! {
    /// One nesting of a reshape: six counts are enough for five levels of any tensor, because the
    /// innermost run of bytes is the beat. Kept in bits 128 to 511 of `reshape`. Source and target, and the steps
    /// of each level, begin on 32 bits: the smallest chip reads them from its program one at a time.
    Reshape: 384 {
        /// Address of the first beat in the source tile.
        source: u 18,
        /// Bytes of a beat, 1 to the word. A linear transpose: words of one matrix, rounded up; of no
        /// effect on others.
        bytes: u 5,
        /// Nothing is read; beats carry `value`.
        fill: u 1,
        /// The byte that a fill writes.
        value: s 8,
        /// Address of the first beat in the target tiles.
        target: u 18 @ 32,
        /// Size e of an element, log2 of 1, 2 or 4 bytes, for the transposer; 0 when it is bypassed. 3 is a
        /// linear transpose of bytes: `source_step_1` is `count_0`, which is odd and 31 at most, `count_1`
        /// and `bytes` are a word at most. It reads words across rows.
        element: u 2,
        /// 1: levels 0 and 1 are a matrix that is transposed. Level 0 counts elements side by side in
        /// the source, level 1 elements side by side in the target: `source_step_0` and
        /// `target_step_1` are e. 0: the transposer is bypassed. See `hdl/reshape/README.md`.
        transpose: u 1,
        /// Beats that reads may be ahead of writes, 1 to the word; 0 and more for all of the buffer. A
        /// job that transposes has one block in the buffer up to a word of them, else two.
        capacity: u 8,
        /// 1: each source writes to all targets, and the first beat of source tile t goes to
        /// `target + t * tile_step`. 0: of several sources each writes itself alone.
        gather: u 1,
        /// Source step of level 0.
        source_step_0: s 19 @ 64,
        /// Count of level 0, the innermost.
        count_0: u 11,
        /// Target step of level 0.
        target_step_0: s 19 @ 96,
        /// `gather`: target step from one source tile to the next.
        tile_step: u 13,
        /// Source step of level 1.
        source_step_1: s 19 @ 128,
        /// Count of level 1.
        count_1: u 11,
        /// Target step of level 1.
        target_step_1: s 19 @ 160,
        /// Source step of level 2.
        source_step_2: s 19 @ 192,
        /// Count of level 2.
        count_2: u 11,
        /// Target step of level 2.
        target_step_2: s 19 @ 224,
        /// Source step of level 3.
        source_step_3: s 19 @ 256,
        /// Count of level 3.
        count_3: u 11,
        /// Target step of level 3.
        target_step_3: s 19 @ 288,
        /// Source step of level 4.
        source_step_4: s 19 @ 320,
        /// Count of level 4, the outermost.
        count_4: u 11,
        /// Target step of level 4.
        target_step_4: s 19 @ 352,
    }
}

impl Reshape {
    /// Iterations of each level, the innermost first.
    #[must_use]
    pub const fn counts(&self) -> [i64; RESHAPE_LEVELS] {
        [self.count_0, self.count_1, self.count_2, self.count_3, self.count_4]
    }

    /// How far behind `target` the first beat of a source tile goes.
    #[must_use]
    pub const fn tiles_ahead(&self, tile: usize) -> i64 {
        self.gather * self.tile_step * tile as i64
    }

    /// Bytes that stay together: of a beat, or of an element that is transposed.
    #[must_use]
    pub fn run(&self) -> i64 {
        match (self.transpose, self.element) {
            (0, _) => self.bytes,
            (_, LINEAR) => 1,
            (_, element) => 1 << element,
        }
    }
}
