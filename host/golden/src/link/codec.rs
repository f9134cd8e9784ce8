//! COBS and CRC-32C as the RTL computes them: byte after byte, with no look-ahead on reception.

use lacuna_spec::frame::{CRC_BYTES, CRC_POLYNOMIAL, CRC_RESIDUE, DELIMITER};

/// The checksum register after one more byte.
fn step(register: u32, byte: u8) -> u32 {
    (0..8).fold(register ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { CRC_POLYNOMIAL } else { 0 })
}

/// CRC-32C of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| step(crc, byte))
}

/// Appends `body` as a frame: checksum, COBS, delimiter.
///
/// The last block is always written, also behind a full one, as the RTL does.
pub fn encode(body: &[u8], out: &mut Vec<u8>) {
    let mut code = out.len();
    out.push(1);
    for byte in body.iter().copied().chain(crc32c(body).to_le_bytes()) {
        if byte != 0 {
            out.push(byte);
            out[code] += 1;
        }
        if byte == 0 || out[code] == 0xff {
            code = out.len();
            out.push(1);
        }
    }
    out.push(DELIMITER);
}

/// Takes a byte stream apart into frames.
#[derive(Debug, Clone)]
pub struct Decoder {
    limit: usize,
    left: u8,
    zero: bool,
    crc: u32,
    body: Vec<u8>,
}

impl Decoder {
    /// A decoder for bodies of at most `limit` bytes, checksum included. Longer frames are dropped.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, left: 0, zero: false, crc: u32::MAX, body: Vec::new() }
    }

    /// Takes one byte; at the delimiter of a sound frame, gives its body without checksum.
    pub fn take(&mut self, byte: u8) -> Option<Vec<u8>> {
        if byte == DELIMITER {
            let length = CRC_BYTES + 1..=self.limit;
            let sound = self.left == 0 && self.crc == CRC_RESIDUE && length.contains(&self.body.len());
            let mut body = std::mem::replace(self, Self::new(self.limit)).body;
            body.truncate(body.len().saturating_sub(CRC_BYTES));
            return sound.then_some(body);
        }
        let code = self.left == 0;
        if !code || self.zero {
            let decoded = if code { 0 } else { byte };
            self.crc = step(self.crc, decoded);
            // One byte past the limit is kept as the mark of a frame that is too long.
            if self.body.len() <= self.limit {
                self.body.push(decoded);
            }
        }
        if code {
            self.left = byte - 1;
            self.zero = byte != 0xff;
        } else {
            self.left -= 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut decoder = Decoder::new(2048);
        bytes.iter().filter_map(|&b| decoder.take(b)).collect()
    }

    #[test]
    fn the_checksum_is_castagnoli() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn bodies_of_every_length_and_density_survive() {
        for length in (1..600).chain([1012, 1020]) {
            for zero_every in [1, 2, 253, 254, 255, 1000] {
                let body: Vec<u8> =
                    (0..length).map(|i| if (i + 1) % zero_every == 0 { 0 } else { (i % 255) as u8 + 1 }).collect();
                let mut wire = Vec::new();
                encode(&body, &mut wire);
                assert_eq!(wire.iter().position(|&b| b == DELIMITER), Some(wire.len() - 1));
                assert_eq!(decode(&wire), [body]);
            }
        }
    }

    #[test]
    fn one_delimiter_ends_any_garbage() {
        let mut wire = vec![7, 1, 2, 0xff, 9, DELIMITER];
        encode(b"after", &mut wire);
        assert_eq!(decode(&wire), [b"after".to_vec()]);
    }

    #[test]
    fn frames_past_the_limit_are_dropped() {
        for (limit, kept) in [(14, 1), (13, 0)] {
            let mut wire = Vec::new();
            encode(&[5; 10], &mut wire);
            let mut decoder = Decoder::new(limit);
            assert_eq!(wire.iter().filter_map(|&b| decoder.take(b)).count(), kept);
        }
    }
}
