//! What the feeder loads into the post unit (`lacuna_post_params`).

use crate::feeder::{MAX_WORD, Param};
use lacuna_spec::geometry::SECOND_BIASES;

/// Words 0 to 3 are biases, 4 to 7 multipliers, 8 shifts, from `SECOND_BIASES` on biases for the second gate value.
const SHIFT_WORD: usize = 8;
/// Bytes of `PostConstants` that mean something.
const CONSTANT_BYTES: usize = 15;

/// Weights of a block of `depthwise`, by tap and column.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    words: Vec<[i16; MAX_WORD]>,
}

impl Weights {
    /// Room for that many taps.
    pub fn new(taps: usize) -> Self {
        Self { words: vec![[0; MAX_WORD]; taps] }
    }

    /// Takes the word of one tap, or the signs of what it took before.
    pub fn load(&mut self, param: &Param) {
        let at = usize::from(param.index) % self.words.len();
        for (weight, byte) in self.words[at].iter_mut().zip(param.data) {
            let low = if param.signs { *weight & 0xff } else { i16::from(byte) };
            *weight = low | if byte & 0x80 != 0 { -0x100 } else { 0 };
        }
    }

    /// The weights of a tap.
    pub fn of(&self, tap: u8) -> &[i16; MAX_WORD] {
        &self.words[usize::from(tap) % self.words.len()]
    }
}

/// Parameters of one column block, by column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block {
    pub biases: [[i32; MAX_WORD]; 2],
    pub multipliers: [i32; MAX_WORD],
    pub shifts: [i8; MAX_WORD],
}

impl Block {
    /// Takes one word of `word_bytes`.
    pub fn load(&mut self, param: &Param, word_bytes: usize) {
        let index = usize::from(param.index);
        if index == SHIFT_WORD {
            self.shifts = param.data.map(|byte| byte as i8);
            return;
        }
        let (values, word) = match index {
            0..4 => (&mut self.biases[0], index),
            4..SHIFT_WORD => (&mut self.multipliers, index - 4),
            _ => (&mut self.biases[1], index - SECOND_BIASES),
        };
        let per_word = word_bytes / 4;
        let first = word * per_word;
        for (value, bytes) in values[first..first + per_word].iter_mut().zip(param.data.chunks_exact(4)) {
            *value = i32::from_le_bytes(bytes.try_into().expect("chunks of four"));
        }
    }
}

/// `PostConstants` as they arrive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Constants {
    bytes: [u8; CONSTANT_BYTES],
}

impl Constants {
    /// Takes one word of `word_bytes`.
    pub fn load(&mut self, param: &Param, word_bytes: usize) {
        let first = usize::from(param.index) * word_bytes;
        for (slot, byte) in self.bytes.iter_mut().skip(first).zip(&param.data[..word_bytes]) {
            *slot = *byte;
        }
    }

    fn word(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
    }

    /// `ma`.
    pub fn ma(&self) -> i32 {
        self.word(0)
    }

    /// `mb`.
    pub fn mb(&self) -> i32 {
        self.word(4)
    }

    /// `bias`.
    pub fn bias(&self) -> i64 {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.bytes[8..14]);
        i64::from_le_bytes(bytes) >> 16
    }

    /// `shift`.
    pub const fn shift(&self) -> i32 {
        self.bytes[14] as i8 as i32
    }
}
