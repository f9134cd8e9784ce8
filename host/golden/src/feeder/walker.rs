//! The walker: the windows of an instruction, one after another.

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

    left: [u16; LEVELS],
    left_blocks: u16,
    addr: [usize; LEVELS],
    y: u16,
    x: u16,
    y_out: u16,
    x_out: u16,
    first: bool,
}

impl Walker {
    /// Stands at the first window.
    pub(super) fn new(geometry: &Geometry, walk: &Walk, run: bool, blocks_move: bool, offset: usize) -> Self {
        let mask = geometry.tile_bytes() - 1;
        let addr = |value: i64| value as usize & mask;
        let word = geometry.word_bytes();
        let (segments, k_w, k_h) = (walk.segments as u16, walk.k_w as u16, walk.k_h as u16);
        let (step_kx, step_ky) = (addr(walk.step_kx), addr(walk.step_ky));
        let (inner, inner_steps) = if run {
            ([segments, k_w, k_h], [word, step_kx, step_ky])
        } else {
            ([k_w, k_h, segments], [step_kx, step_ky, word])
        };
        let counts = [inner[0], inner[1], inner[2], walk.out_w as u16, walk.out_h as u16];
        let start = (addr(walk.start) + offset) & mask;
        let coordinate = |value: i64| value as u16 & COORD_MASK;
        let (y_start, x_start) = (coordinate(walk.y_start), coordinate(walk.x_start));
        Self {
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
            left: counts,
            left_blocks: walk.blocks as u16,
            addr: [start; LEVELS],
            y: y_start,
            x: x_start,
            y_out: y_start,
            x_out: x_start,
            first: true,
        }
    }

    /// Goes to the next window; after the last one there is none.
    pub(super) fn advance(&mut self) {
        self.first = self.last();
        let mut level = 0;
        while level < LEVELS && self.left[level] == 1 {
            self.left[level] = self.counts[level];
            level += 1;
        }
        if level == LEVELS {
            self.left_blocks = if self.left_blocks == 1 { self.blocks } else { self.left_blocks - 1 };
            self.start = (self.start + self.block_step) & self.mask;
            self.addr = [self.start; LEVELS];
            (self.y, self.x) = (self.y_start, self.x_start);
        } else {
            self.left[level] -= 1;
            let next = (self.addr[level] + self.steps[level]) & self.mask;
            self.addr[..=level].fill(next);
            if level == OY {
                (self.y, self.x) = ((self.y_out + self.y_stride) & COORD_MASK, self.x_start);
            } else if level == OX {
                (self.y, self.x) = (self.y_out, (self.x_out + self.x_stride) & COORD_MASK);
            } else if level == self.ky {
                (self.y, self.x) = ((self.y + self.y_dilation) & COORD_MASK, self.x_out);
            } else if level == self.kx {
                self.x = (self.x + self.x_dilation) & COORD_MASK;
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
        self.left[..OY].copy_from_slice(&self.counts[..OY]);
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

    /// First window of its vector or output word.
    pub(super) fn first(&self) -> bool {
        self.first
    }

    /// Last window of its vector or output word.
    pub(super) fn last(&self) -> bool {
        self.left[..self.group].iter().all(|&left| left == 1)
    }

    /// Last window of its output row.
    pub(super) fn row_end(&self) -> bool {
        self.left[..OY].iter().all(|&left| left == 1)
    }

    pub(super) fn block_end(&self) -> bool {
        self.left.iter().all(|&left| left == 1)
    }

    pub(super) fn job_end(&self) -> bool {
        self.block_end() && self.left_blocks == 1
    }
}
