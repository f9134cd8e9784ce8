//! Convolutions and dense layers: windows, weights, requantisation.

use lacuna_spec::instr::Rule;

use super::Clamp;

/// A sliding window over height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Step down and right.
    pub stride: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Rows above, columns left, rows below, columns right.
    pub pads: [usize; 4],
}

impl Window {
    /// A window of `kernel` with step 1 and no padding.
    #[must_use]
    pub fn of(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: [1, 1], dilation: [1, 1], pads: [0; 4] }
    }

    /// Whether the window never leaves the picture.
    #[must_use]
    pub fn unpadded(&self) -> bool {
        self.pads == [0; 4]
    }

    /// Elements of a picture of that many channels with its padding; saturates.
    #[must_use]
    pub fn padded(&self, [channels, height, width]: [usize; 3]) -> usize {
        let along = |axis: usize, size: usize| size.saturating_add(self.pads[axis]).saturating_add(self.pads[axis + 2]);
        along(0, height).saturating_mul(along(1, width)).saturating_mul(channels)
    }

    /// Height and width of the output, `None` if the window does not fit.
    #[must_use]
    pub fn output(&self, height: usize, width: usize) -> Option<[usize; 2]> {
        let along = |axis: usize, size: usize| {
            let span = self.dilation[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)?;
            let padded = size.checked_add(self.pads[axis])?.checked_add(self.pads[axis + 2])?;
            Some(padded.checked_sub(span)? / self.stride[axis] + 1)
        };
        Some([along(0, height)?, along(1, width)?])
    }
}

/// How an int32 accumulator becomes an int8, one entry an output channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Requantise {
    /// TensorFlow Lite's reference rule.
    A {
        /// Q31 mantissas.
        multipliers: Vec<i32>,
        /// Left shifts; negative goes right.
        shifts: Vec<i32>,
    },
    /// ONNX Runtime's rule: `rint(f32(acc) * scale)`.
    B {
        /// `sx * sw / sy` as ONNX Runtime rounds it.
        scales: Vec<f32>,
    },
}

impl Requantise {
    /// Requantises the accumulator of one output channel.
    ///
    /// # Panics
    /// If `channel` is not an output channel of the layer.
    #[must_use]
    pub fn apply(&self, channel: usize, acc: i32, zero_point: i32) -> i32 {
        use lacuna_spec::numerics::{requantise_a, requantise_b};
        match self {
            Self::A { multipliers, shifts } => requantise_a(acc, multipliers[channel], shifts[channel], zero_point),
            Self::B { scales } => requantise_b(acc, scales[channel], zero_point),
        }
    }

    /// Whether the chip multiplies by all of its scales: its rule B takes no subnormal ones, nor 0.
    #[must_use]
    pub fn on_chip(&self) -> bool {
        match self {
            Self::A { .. } => true,
            Self::B { scales } => scales.iter().all(|scale| scale.is_normal()),
        }
    }

    /// The rule that it is.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match self {
            Self::A { .. } => Rule::A,
            Self::B { .. } => Rule::B,
        }
    }

    /// Reorders the channels: new channel `i` is old channel `order[i]`.
    pub fn permute(&mut self, order: &[usize]) {
        match self {
            Self::A { multipliers, shifts } => {
                *multipliers = order.iter().map(|&c| multipliers[c]).collect();
                *shifts = order.iter().map(|&c| shifts[c]).collect();
            }
            Self::B { scales } => *scales = order.iter().map(|&c| scales[c]).collect(),
        }
    }
}

/// int8 weights in OIHW order.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Values, row-major.
    pub data: Vec<i8>,
    /// Output channels, input channels a group, kernel height, kernel width.
    pub shape: [usize; 4],
    /// What means 0, one an output channel; all 0 after folding wherever the difference fits int8.
    pub zero_points: Vec<i32>,
}

/// A convolution or a dense layer.
///
/// A dense layer over a flattened picture keeps the picture: its kernel covers the whole input, so its weights
/// are OIHW too and its input is the picture itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// The weights.
    pub weights: Weights,
    /// One an output channel, in units of `sx * sw`; zero points are *not* folded in.
    pub bias: Vec<i32>,
    /// The window.
    pub window: Window,
    /// Channel groups.
    pub groups: usize,
    /// What means 0 in the input; padding has this value.
    pub x_zero_point: i32,
    /// What means 0 in the output.
    pub y_zero_point: i32,
    /// How the accumulator becomes int8.
    pub requantise: Requantise,
    /// The fused activation.
    pub clamp: Clamp,
    /// The gate value `g`: the chip computes on `q - g` (see `bias_for`).
    pub gate: i32,
    /// What the chip's sparsity monitor may decide otherwise; `None`: nothing.
    pub monitor: Option<Monitored>,
}

/// What a layer programs into the chip's sparsity monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Monitored {
    /// The other gate value.
    pub second: i32,
    /// Share of rows, in sixteenths, from which on an output row is gated: 0 always, 17 never.
    pub threshold: u8,
    /// How far, in sixteenths, a measure must cross back before a decision is taken back; 7 at most.
    pub hysteresis: u8,
}

impl Linear {
    /// A layer without bias, whose window has step 1 and no padding; it computes on differences from the input's zero point.
    #[must_use]
    pub fn unbiased(
        weights: Weights,
        groups: usize,
        [x_zero_point, y_zero_point]: [i32; 2],
        requantise: Requantise,
        clamp: Clamp,
    ) -> Self {
        let [outputs, _, height, width] = weights.shape;
        Self {
            weights,
            bias: vec![0; outputs],
            window: Window::of([height, width]),
            groups,
            x_zero_point,
            y_zero_point,
            requantise,
            clamp,
            gate: x_zero_point,
            monitor: None,
        }
    }

    /// Whether a post unit that multiplies so many taps computes it.
    #[must_use]
    pub fn is_multiplied(&self, depthwise_taps: usize) -> bool {
        self.is_depthwise() && self.rows() <= depthwise_taps
    }

    /// Whether it takes each value by itself, unchanged but for its scale.
    #[must_use]
    pub fn only_rescales(&self) -> bool {
        self.is_depthwise() && self.rows() == 1 && self.weights.data.iter().all(|&weight| weight == 1)
    }

    /// Output channels.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weights.shape[0]
    }

    /// Whether some weights, less their zero point, may have more than 8 bits.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.weights.zero_points.iter().any(|&zero_point| zero_point != 0)
    }

    /// Whether it reads each value twice, as the sums that stand for wide weights do (`passes::wide_weights`).
    #[must_use]
    pub fn reads_twice(&self) -> bool {
        self.window.dilation.contains(&0)
    }

    /// Multiplications of an output, those by both summands of a wide weight counted once.
    #[must_use]
    pub fn products(&self) -> usize {
        self.rows() / if self.reads_twice() { 2 } else { 1 }
    }

    /// Whether each channel is convolved with a kernel of its own, and nothing else.
    #[must_use]
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.outputs() && self.weights.shape[1] == 1
    }

    /// The length of one dot product.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.weights.shape[1..].iter().product()
    }

    /// The bias to use with inputs `q - gate`, for zero weight zero points: `bias + (g - zx) * sum(w)`, wrapping as the accumulator does.
    #[must_use]
    pub fn effective_bias(&self) -> Vec<i32> {
        self.bias_for(self.gate)
    }

    /// The same for any gate value.
    #[must_use]
    pub fn bias_for(&self, gate: i32) -> Vec<i32> {
        let offset = gate - self.x_zero_point;
        let rows = self.rows().max(1);
        let sums =
            self.weights.data.chunks(rows).map(|row| row.iter().map(|&w| i32::from(w)).fold(0, i32::wrapping_add));
        self.bias.iter().zip(sums).map(|(bias, sum)| bias.wrapping_add(offset.wrapping_mul(sum))).collect()
    }
}
