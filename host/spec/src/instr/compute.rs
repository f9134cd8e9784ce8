//! What `run` and `post` hold behind the head: windows, parameters, and how values are finished.

use crate::{Geometry, packed};

/// Which rows and digits a lane issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[repr(u8)]
pub enum Gating {
    /// Dense: every plane of every row; the baseline.
    Off = 0,
    /// Rows whose difference is 0 are disabled; the others issue every plane.
    Row = 1,
    /// Only essential digits are issued; the default.
    Digit = 2,
}

impl Gating {
    /// All modes with their RTL names.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Off, "Off"), (Self::Row, "Row"), (Self::Digit, "Digit")];
}

/// Requantisation rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[repr(u8)]
pub enum Rule {
    /// Q31 multiplier and shift with double rounding, as TFLite's reference kernels.
    A = 0,
    /// One f32 multiplication and ties to even, as ONNX Runtime's QLinear operators.
    B = 1,
}

impl Rule {
    /// Both rules with their RTL names.
    pub const ALL: [(Self, &'static str); 2] = [(Self::A, "A"), (Self::B, "B")];
}

/// What the post unit does with the taps of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[repr(u8)]
pub enum PostOp {
    /// Largest tap, clamped.
    Max = 0,
    /// Sum of the taps, requantised like an accumulator.
    Sum = 1,
    /// `round((a * ma + b * mb + bias) >> shift)` of exactly two taps, a then b.
    Add = 2,
    /// Products of the taps with weights of their own, a channel each, summed and requantised by the
    /// channel's parameters as `run` does. Where the geometry has no `depthwise_taps` it means `sum`.
    Depthwise = 3,
}

impl PostOp {
    /// All operations with their RTL names.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Max, "Max"), (Self::Sum, "Sum"), (Self::Add, "Add"), (Self::Depthwise, "Depthwise")];
}

packed! {
    /// The tile walker: seven nested loops that visit the windows of an operator.
    ///
    /// Outermost first: column block, output row, output column, channel segment of `post`, kernel
    /// row, kernel column, channel segment of `run`. `y` and `x` are the input coordinates of the
    /// window; outside `in_h` x `in_w` it is padding and nothing is read. Kept in bits 128 to 383
    /// of `run` and `post`.
    Walk: 256 {
        /// Address of the first window, with padding already subtracted (may be negative).
        start: s 20,
        /// Output rows.
        out_h: u 10,
        /// Output columns.
        out_w: u 10,
        /// Kernel rows.
        k_h: u 6,
        /// Kernel columns.
        k_w: u 6,
        /// Windows of one tap (`run`) or of one output pixel (`post`); 1 for `depthwise`.
        segments: u 10,
        /// Bytes of the last of these windows, 1 to the word; the others are whole words. `depthwise`:
        /// channels of the last block.
        tail: u 5,
        /// Address step from one output row to the next.
        step_oy: s 20,
        /// Address step from one output column to the next.
        step_ox: s 16,
        /// Address step from one kernel row to the next.
        step_ky: s 20,
        /// Address step from one kernel column to the next (for `add`: from a to b, for `product`: from b to a).
        step_kx: s 20,
        /// Input row of the first window, minus the padding above.
        y_start: s 7,
        /// Input column of the first window, minus the padding to the left.
        x_start: s 7,
        /// Input rows from one output row to the next.
        y_stride: u 5,
        /// Input columns from one output column to the next.
        x_stride: u 5,
        /// Input rows from one kernel row to the next.
        y_dilation: u 5,
        /// Input columns from one kernel column to the next.
        x_dilation: u 5,
        /// Input rows present in this tile.
        in_h: u 11,
        /// Input columns present in this tile.
        in_w: u 11,
        /// Value of padding, before the gate value is subtracted.
        pad: s 8,
        /// Blocks of output columns: of `run`, which all read the same windows, or of `depthwise`, whose
        /// windows move by a word from block to block; 1 for the rest of `post`.
        blocks: u 7,
        /// Address of the first output.
        out_start: s 20,
        /// 1: outputs of the first column have a kernel column less, for it is padding; of no effect if there is one. `start`
        /// and `x_start` are then those of the second one. This and the next two are of no effect on `run`,
        /// nor where the geometry has no `depthwise_taps`.
        skip_left: u 1,
        /// 1: outputs of the first row have a kernel row less, unless there is one. `start` and `y_start` are those of
        /// the second one.
        skip_above: u 1,
        /// 1: windows to the right of the input and below it are left out, except the first one of a kernel row, and
        /// the first kernel row of an output.
        skip_beyond: u 1,
    }
}

impl Walk {
    /// The same windows without those that are padding: all to the right and below, and the first kernel column
    /// and row where they lie outside. For a `post` to which padding makes no difference; a chip without
    /// `depthwise_taps` keeps them.
    #[must_use]
    pub const fn without_padding(mut self, geometry: &Geometry) -> Self {
        if geometry.depthwise_taps == 0 {
            return self;
        }
        if self.x_start < 0 && self.k_w > 1 {
            self.skip_left = 1;
            self.start += self.step_kx;
            self.x_start += self.x_dilation;
        }
        if self.y_start < 0 && self.k_h > 1 {
            self.skip_above = 1;
            self.start += self.step_ky;
            self.y_start += self.y_dilation;
        }
        self.skip_beyond = 1;
        self
    }
}

packed! {
    /// The rest of `run`, in bits 384 to 511. The fields up to `gate` lie where [`PostTail`] has them.
    RunTail: 128 {
        /// Address step from one output row to the next, on the output side.
        out_step_y: s 20,
        /// Address step from one output column to the next, on the output side.
        out_step_x: s 12,
        /// Address of the parameters: nine words a column block, and four of biases for the second gate
        /// value if it is monitored. They may be read while the tile's job before still writes.
        params: u 18,
        /// Requantisation rule.
        rule: u 1,
        /// Zero point of the output.
        zero: s 8,
        /// Smallest output.
        clamp_lo: s 8,
        /// Largest output.
        clamp_hi: s 8,
        /// Gate value g: lanes see d = q - g.
        gate: s 8,
        /// Columns of the last block, 1 to `columns`; the other blocks are full.
        last_columns: u 5,
        /// First page of the first column block.
        page: u 12,
        /// Pages of one vector: rows / lanes, rounded up.
        vector_pages: u 10,
        /// Gating mode.
        gating: u 2,
        /// Second gate value, which the sparsity monitor may choose for an output row instead of `gate`.
        second: s 8,
        /// 0: no monitor. Else one more than the share of rows, in sixteenths, from which on a batch is
        /// gated: 1 always, 18 and more never. A chip without a monitor takes it as 0.
        threshold: u 5,
        /// How far, in sixteenths, a measure must cross back before a decision is taken back.
        hysteresis: u 3,
    }
}

packed! {
    /// The rest of `post`, in bits 384 to 511. The channel segments of one pixel are contiguous on
    /// the output side; so are the blocks of `depthwise`.
    PostTail: 128 {
        /// Address step from one output row to the next, on the output side.
        out_step_y: s 20,
        /// Address step from one output column to the next, on the output side.
        out_step_x: s 12,
        /// Address of its constants: see [`PostConstants`]. `depthwise`: `taps` words of weights and
        /// the nine words of `run` a block; byte c of weight word k belongs to tap k of channel c. Twice
        /// `taps` words of weights if it is `wide`.
        /// Those of `depthwise` may be read while the tile's job before still writes.
        params: u 18,
        /// Requantisation rule of `sum` and `depthwise`; for `add`: 0 rounds half away from zero, 1 half to even.
        rule: u 1,
        /// Zero point of the output (`sum`, `depthwise`).
        zero: s 8,
        /// Smallest output.
        clamp_lo: s 8,
        /// Largest output.
        clamp_hi: s 8,
        /// Gate value g of `depthwise`: weights meet d = q - g. Of no effect on the others.
        gate: s 8,
        /// Operation.
        op: u 2,
        /// Taps of `depthwise`: `k_h * k_w`, 1 to the geometry's `depthwise_taps`; 0 for the others.
        taps: u 7,
        /// 1: `depthwise` multiplies two tensors. `k_w` is 2: of each two windows the first holds what the last
        /// tap of its word is multiplied by, and only the second is a tap; `taps` is `k_h`, 2 or more. The
        /// weights of the last tap among the parameters are of no effect. `step_ky` is 0, so that all b of a word
        /// are the same: weights are fetched two cycles before their tap. See [`PostTail::product`].
        product: u 1,
        /// 1: weights of `depthwise` have 9 bits, -255 to 255. A block's words of weights hold their low bytes, and as many words
        /// behind them their signs, in the highest bit of each byte. Not with `product`.
        wide: u 1,
    }
}

impl Walk {
    /// Whether a chip reads the windows of a `run` two at a time, each pair in a slot: words that lie side by side, in
    /// memory and in the vector. `offset` is the start of the input, where the walk begins at it. A monitored `run`
    /// measures its windows one by one.
    #[must_use]
    pub const fn doubled(&self, tail: &RunTail, offset: usize, geometry: &Geometry) -> bool {
        let word = geometry.word_bytes() as i64;
        let places = self.start | self.step_kx | self.step_ky | self.step_ox | self.step_oy | offset as i64;
        geometry.double_feed()
            && !tail.monitored(geometry)
            && self.segments % 2 == 0
            && self.tail == word
            && places & (word - 1) == 0
    }
}

impl RunTail {
    /// Whether a chip measures it and reads biases for the second gate value.
    #[must_use]
    pub const fn monitored(&self, geometry: &Geometry) -> bool {
        geometry.monitor && self.threshold != 0
    }
}

impl PostTail {
    /// Whether a chip takes it as `depthwise`.
    #[must_use]
    pub const fn depthwise(&self, geometry: &Geometry) -> bool {
        geometry.depthwise_taps > 0 && self.op == PostOp::Depthwise as i64
    }

    /// Whether a chip reads weights of 9 bits.
    #[must_use]
    pub const fn wide(&self, geometry: &Geometry) -> bool {
        self.depthwise(geometry) && self.wide == 1
    }

    /// Whether a chip takes it as the product of two tensors, element by element: the windows of a word
    /// are b and a, twice or more, and the constant weights of all taps but the last add up to the
    /// negative of b's zero point, so that their sum is `(a - gate) * (b - zero point)`.
    #[must_use]
    pub const fn product(&self, geometry: &Geometry) -> bool {
        self.depthwise(geometry) && self.product == 1
    }
}

packed! {
    /// Constants of `sum` and `add`, read from tile memory before the first window.
    PostConstants: 192 {
        /// `add`: multiplier of tap a, not negative. `sum`: multiplier (rule A: Q31; rule B: bits of the f32).
        ma: s 32,
        /// `add`: multiplier of tap b, not negative. `sum`: bias.
        mb: s 32,
        /// `add`: bias, with the output zero point shifted in, less 128 times `ma + mb`: the post unit
        /// takes a tap as its byte plus 128, which is never negative. See [`PostConstants::add`].
        bias: s 48,
        /// `add`: right shift, 17 to 40. `sum`: rule A's shift, left when positive.
        shift: s 8,
    }
}

impl PostConstants {
    /// What the post unit adds to a tap of `add`.
    const OFFSET: i64 = 128;

    /// Constants of `add`: `round((a * ma + b * mb + bias) >> shift)` of signed bytes a and b.
    #[must_use]
    pub const fn add(ma: i64, mb: i64, bias: i64, shift: i64) -> Self {
        Self { ma, mb, bias: bias - Self::OFFSET * (ma + mb), shift }
    }

    /// The bias that [`PostConstants::add`] was given.
    #[must_use]
    pub const fn add_bias(ma: i64, mb: i64, bias: i64) -> i64 {
        bias + Self::OFFSET * (ma + mb)
    }
}
