//! Shapes of random layers.

use lacuna_sim::testing::Rng;
use lacuna_spec::{Geometry, instr::Walk};
use rand::{Rng as _, seq::IndexedRandom as _};

/// A window operator on a dense tensor.
pub struct Shape {
    pub in_h: i64,
    pub in_w: i64,
    pub channels: i64,
    pub k_h: i64,
    pub k_w: i64,
    pub stride: i64,
    pub dilation: i64,
    pub pad_y: i64,
    pub pad_x: i64,
    pub out_h: i64,
    pub out_w: i64,
    pub start: i64,
}

impl Shape {
    pub fn random(rng: &mut Rng, geometry: &Geometry, most_rows: i64) -> Self {
        let any = rng.random_range(1..26);
        Self::with_channels(rng, geometry, most_rows, &[any, any, 1, 3, 5, 10, 16, 24])
    }

    /// Of a tensor that lies in whole words, an even number a pixel.
    pub fn of_words(rng: &mut Rng, geometry: &Geometry, most_rows: i64) -> Self {
        let word = geometry.word_bytes() as i64;
        let shape = Self::with_channels(rng, geometry, most_rows, &[2 * word, 4 * word]);
        Self { start: shape.start / word * word, ..shape }
    }

    fn with_channels(rng: &mut Rng, geometry: &Geometry, most_rows: i64, channels: &[i64]) -> Self {
        loop {
            let mut up_to = |most: i64| rng.random_range(1..=most);
            let (in_h, in_w, k_h, k_w) = (up_to(7), up_to(7), up_to(4), up_to(4));
            let (stride, dilation) = (up_to(2), up_to(2));
            let channels = *channels.choose(rng).unwrap();
            // Every window keeps a byte of the input.
            let (pad_y, pad_x) = (rng.random_range(0..k_h.min(3)), rng.random_range(0..k_w.min(3)));
            let out = |size: i64, k: i64, pad: i64| (size + 2 * pad - (k - 1) * dilation - 1).div_euclid(stride) + 1;
            let (out_h, out_w) = (out(in_h, k_h, pad_y), out(in_w, k_w, pad_x));
            let starts_inside =
                |size: i64, k: i64, pad: i64| size + 2 * pad > (k - 1) * dilation && pad < (k - 1) * dilation + 1;
            let fits = starts_inside(in_h, k_h, pad_y)
                && starts_inside(in_w, k_w, pad_x)
                && (dilation == 1 || pad_y + pad_x == 0);
            if fits && in_h * in_w * channels < geometry.tile_bytes() as i64 / 5 && k_h * k_w * channels <= most_rows {
                let start = rng.random_range(0..40);
                return Self { in_h, in_w, channels, k_h, k_w, stride, dilation, pad_y, pad_x, out_h, out_w, start };
            }
        }
    }

    pub fn walk(&self, rng: &mut Rng, geometry: &Geometry) -> Walk {
        let word = geometry.word_bytes() as i64;
        let segments = (self.channels + word - 1) / word;
        let (row, pixel) = (self.in_w * self.channels, self.channels);
        Walk {
            start: self.start - self.pad_y * row - self.pad_x * pixel,
            out_h: self.out_h,
            out_w: self.out_w,
            k_h: self.k_h,
            k_w: self.k_w,
            segments,
            tail: self.channels - (segments - 1) * word,
            step_oy: self.stride * row,
            step_ox: self.stride * pixel,
            step_ky: self.dilation * row,
            step_kx: self.dilation * pixel,
            y_start: -self.pad_y,
            x_start: -self.pad_x,
            y_stride: self.stride,
            x_stride: self.stride,
            y_dilation: self.dilation,
            x_dilation: self.dilation,
            in_h: self.in_h,
            in_w: self.in_w,
            pad: rng.random_range(-128..128),
            blocks: 1,
            out_start: geometry.tile_bytes() as i64 * 2 / 5,
            ..Walk::default()
        }
    }

    /// The input under a kernel position, or nothing in padding.
    pub fn tap(&self, memory: &[u8], offset: usize, at: [i64; 5]) -> Option<i8> {
        let [oy, ox, ky, kx, channel] = at;
        let y = oy * self.stride + ky * self.dilation - self.pad_y;
        let x = ox * self.stride + kx * self.dilation - self.pad_x;
        let inside = (0..self.in_h).contains(&y) && (0..self.in_w).contains(&x);
        inside.then(|| memory[(self.start + (y * self.in_w + x) * self.channels + channel) as usize + offset] as i8)
    }

    /// The byte of the row words at which each row of a vector lies.
    pub fn rows(&self, word: usize) -> Vec<usize> {
        let mut rows = Vec::new();
        for _ in self.kernel() {
            for first in (0..self.channels as usize).step_by(word) {
                let (bytes, at) = (word.min(self.channels as usize - first), rows.len());
                let turn = if at.is_multiple_of(word) && bytes == word { at / word } else { 0 };
                rows.extend((0..bytes).map(|byte| at + if turn > 0 { (byte + turn) % word } else { byte }));
            }
        }
        rows
    }

    pub fn kernel(&self) -> impl Iterator<Item = (i64, i64)> {
        let k_w = self.k_w;
        (0..self.k_h).flat_map(move |ky| (0..k_w).map(move |kx| (ky, kx)))
    }

    pub fn outputs(&self) -> impl Iterator<Item = (i64, i64)> {
        let out_w = self.out_w;
        (0..self.out_h).flat_map(move |oy| (0..out_w).map(move |ox| (oy, ox)))
    }
}
