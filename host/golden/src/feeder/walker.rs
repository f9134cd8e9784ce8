//! The walker (`lacuna_walker`, `lacuna_skip`): the windows of an instruction, one after another.

use lacuna_spec::{Geometry, instr::Walk};

/// Bits of an input coordinate.
const COORD_MASK: u16 = (1 << 13) - 1;
const LEVELS: usize = 5;
const OX: usize = 3;
const OY: usize = 4;

/// The loops of a [`Walk`] and the window they stand at. Level 0 is the innermost: `run` nests
/// segment, kx, ky, ox, oy; `post` kx, ky, segment, ox, oy.
#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    run: bool,
    /// Address step from block to block.
    block_step: usize,
    counts: [u16; LEVELS],
    steps: [usize; LEVELS],
    start: usize,
    mask: usize,
    segment: usize,
    kx: usize,
    ky: usize,
    /// Levels whose windows form a vector (`run`) or an output word (`post`).
    group: usize,
    blocks: u16,
    word: u8,
    tail: u8,
    y_start: u16,
    x_start: u16,
    y_stride: u16,
    x_stride: u16,
    y_dilation: u16,
    x_dilation: u16,
    in_h: u16,
    in_w: u16,
    /// The first output of x, of y has a tap less.
    skip_before: [bool; 2],
    skip_beyond: bool,
    /// Taps of a kernel row.
    row_taps: u8,

    left: [u16; LEVELS],
    left_blocks: u16,
    addr: [usize; LEVELS],
    y: u16,
    x: u16,
    y_out: u16,
    x_out: u16,
    first: bool,
    /// The output is of the first column; of the first row.
    at_edge: [bool; 2],
    /// The tap, counted over the kernel; that of the first window of its row.
    tap: u8,
    row_tap: u8,
}

impl Walker {
    /// Stands at the first window. `doubled`: segments of `run` come two by two, as one window.
    pub(super) fn new(
        geometry: &Geometry,
        walk: &Walk,
        run: bool,
        doubled: bool,
        blocks_move: bool,
        offset: usize,
    ) -> Self {
        let mask = geometry.tile_bytes() - 1;
        let addr = |value: i64| value as usize & mask;
        let word = geometry.word_bytes();
        let (segments, k_w, k_h) = (walk.segments as u16, walk.k_w as u16, walk.k_h as u16);
        let (step_kx, step_ky) = (addr(walk.step_kx), addr(walk.step_ky));
        let (inner, inner_steps) = if run {
            ([segments >> u32::from(doubled), k_w, k_h], [word << u32::from(doubled), step_kx, step_ky])
        } else {
            ([k_w, k_h, segments], [step_kx, step_ky, word])
        };
        let counts = [inner[0], inner[1], inner[2], walk.out_w as u16, walk.out_h as u16];
        let start = (addr(walk.start) + offset) & mask;
        let coordinate = |value: i64| value as u16 & COORD_MASK;
        let (y_start, x_start) = (coordinate(walk.y_start), coordinate(walk.x_start));
        let skips = !run && geometry.depthwise_taps > 0;
        let mut walker = Self {
            run,
            block_step: if blocks_move { word } else { 0 },
            counts,
            steps: [inner_steps[0], inner_steps[1], inner_steps[2], addr(walk.step_ox), addr(walk.step_oy)],
            start,
            mask,
            segment: if run { 0 } else { 2 },
            kx: usize::from(run),
            ky: 1 + usize::from(run),
            group: if run { 3 } else { 2 },
            blocks: walk.blocks as u16,
            word: word as u8,
            tail: walk.tail as u8 & (2 * word as u8 - 1),
            y_start,
            x_start,
            y_stride: walk.y_stride as u16,
            x_stride: walk.x_stride as u16,
            y_dilation: walk.y_dilation as u16,
            x_dilation: walk.x_dilation as u16,
            in_h: walk.in_h as u16,
            in_w: walk.in_w as u16,
            skip_before: [(walk.skip_left, k_w), (walk.skip_above, k_h)].map(|(skip, k)| skips && skip == 1 && k > 1),
            skip_beyond: skips && walk.skip_beyond == 1,
            row_taps: k_w as u8,
            left: counts,
            left_blocks: walk.blocks as u16,
            addr: [start; LEVELS],
            y: y_start,
            x: x_start,
            y_out: y_start,
            x_out: x_start,
            first: true,
            at_edge: [true; 2],
            tap: 0,
            row_tap: 0,
        };
        walker.begin(LEVELS);
        walker
    }

    /// Begins the loops below `level` anew.
    fn begin(&mut self, level: usize) {
        self.left[..level].copy_from_slice(&self.counts[..level]);
        if self.run {
            return;
        }
        let lacks = [0, 1].map(|axis| u8::from(self.skip_before[axis] && self.at_edge[axis]));
        for axis in [0, 1].into_iter().filter(|&axis| axis < level) {
            self.left[axis] -= u16::from(lacks[axis]);
        }
        if level > self.ky {
            self.row_tap = lacks[1] * self.row_taps + lacks[0];
            self.tap = self.row_tap;
        }
    }

    /// The window is the last one at that level.
    fn ended(&self, level: usize) -> bool {
        let beyond = |at: u16, step: u16, size: u16| (size..=COORD_MASK >> 1).contains(&((at + step) & COORD_MASK));
        self.left[level] == 1
            || match level {
                0 => self.skip_beyond && beyond(self.x, self.x_dilation, self.in_w),
                1 => self.skip_beyond && beyond(self.y, self.y_dilation, self.in_h),
                _ => false,
            }
    }

    /// How far the first output of an axis has its first window nearer to the next one.
    fn lead(&self, axis: usize) -> (usize, u16) {
        let skips = self.skip_before[axis] && self.at_edge[axis];
        let dilation = [self.x_dilation, self.y_dilation][axis];
        if skips { (self.steps[axis], dilation) } else { (0, 0) }
    }

    /// Goes to the next window; after the last one there is none.
    pub(super) fn advance(&mut self) {
        self.first = self.last();
        let level = (0..LEVELS).find(|&level| !self.ended(level)).unwrap_or(LEVELS);
        let lead = match level {
            OX => self.lead(0),
            OY => self.lead(1),
            _ => (0, 0),
        };
        self.at_edge = [level > OX || (self.at_edge[0] && level != OX), level > OY || (self.at_edge[1] && level != OY)];
        self.begin(level);
        if level == LEVELS {
            self.left_blocks = if self.left_blocks == 1 { self.blocks } else { self.left_blocks - 1 };
            self.start = (self.start + self.block_step) & self.mask;
            self.addr = [self.start; LEVELS];
            (self.y, self.x) = (self.y_start, self.x_start);
        } else {
            self.left[level] -= 1;
            let next = self.addr[level].wrapping_add(self.steps[level]).wrapping_sub(lead.0) & self.mask;
            self.addr[..=level].fill(next);
            if level == OY {
                let y = self.y_out.wrapping_add(self.y_stride).wrapping_sub(lead.1);
                (self.y, self.x) = (y & COORD_MASK, self.x_start);
            } else if level == OX {
                let x = self.x_out.wrapping_add(self.x_stride).wrapping_sub(lead.1);
                (self.y, self.x) = (self.y_out, x & COORD_MASK);
            } else if level == self.ky {
                (self.y, self.x) = ((self.y + self.y_dilation) & COORD_MASK, self.x_out);
                self.row_tap = self.row_tap.wrapping_add(self.row_taps);
                self.tap = self.row_tap;
            } else if level == self.kx {
                self.x = (self.x + self.x_dilation) & COORD_MASK;
                self.tap = self.tap.wrapping_add(1);
            } else if !self.run {
                (self.y, self.x) = (self.y_out, self.x_out);
            }
        }
        if level >= OX {
            self.x_out = self.x;
        }
        if level >= OY {
            self.y_out = self.y;
        }
    }

    /// Goes back to the first window of the output row.
    pub(super) fn again(&mut self) {
        self.first = true;
        self.begin(OY);
        self.addr = [self.addr[OY]; LEVELS];
        (self.y, self.x) = (self.y_out, self.x_start);
        self.x_out = self.x_start;
    }

    pub(super) fn addr(&self) -> usize {
        self.addr[0]
    }

    /// Outside the input: nothing is read.
    pub(super) fn pad(&self) -> bool {
        self.y >= self.in_h || self.x >= self.in_w
    }

    pub(super) fn bytes(&self) -> u8 {
        if self.left[self.segment] == 1 { self.tail } else { self.word }
    }

    /// Which tap of the kernel it is, of `post`.
    pub(super) fn tap(&self) -> u8 {
        self.tap
    }

    /// First window of its vector or output word.
    pub(super) fn first(&self) -> bool {
        self.first
    }

    /// Last window of its vector or output word.
    pub(super) fn last(&self) -> bool {
        (0..self.group).all(|level| self.ended(level))
    }

    /// Last window of its output row.
    pub(super) fn row_end(&self) -> bool {
        (0..OY).all(|level| self.ended(level))
    }

    pub(super) fn block_end(&self) -> bool {
        (0..LEVELS).all(|level| self.ended(level))
    }

    pub(super) fn job_end(&self) -> bool {
        self.block_end() && self.left_blocks == 1
    }
}
