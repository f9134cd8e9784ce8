//! Bodies to line bytes and back.

use crc::{CRC_32_ISCSI, Crc};
use lacuna_spec::frame::{CRC_BYTES, DELIMITER};

/// CRC-32C, by table.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The frame of a body, with its delimiter.
#[must_use]
pub fn encode(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    bytes.extend(CRC.checksum(body).to_le_bytes());
    let mut frame = cobs::encode_vec(&bytes);
    frame.push(DELIMITER);
    frame
}

/// Takes a byte stream apart into bodies; whatever is not a sound frame is counted and dropped.
#[derive(Debug, Default)]
pub struct Decoder {
    partial: Vec<u8>,
    rejected: u64,
}

impl Decoder {
    /// More than any frame has; a stream without delimiters is not kept beyond it.
    const LIMIT: usize = 1 << 14;

    /// Takes bytes as they arrive, in pieces of any size; gives the sound bodies that they complete.
    pub fn take(&mut self, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        while let Some(end) = bytes.iter().position(|&byte| byte == DELIMITER) {
            self.partial.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            if !self.partial.is_empty() {
                match sound(&self.partial) {
                    Some(body) => bodies.push(body),
                    None => self.rejected += 1,
                }
                self.partial.clear();
            }
        }
        let room = Self::LIMIT.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        bodies
    }

    /// Frames dropped so far.
    #[must_use]
    pub const fn rejected(&self) -> u64 {
        self.rejected
    }
}

/// The body of a whole frame without delimiter, if its coding and checksum are right.
fn sound(frame: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = cobs::decode_vec(frame).ok()?;
    // No frame is without a body: the checksum of nothing is 0, and any run of codes would pass for it.
    let body = bytes.len().checked_sub(CRC_BYTES).filter(|&body| body > 0)?;
    let sum = u32::from_le_bytes(*bytes[body..].first_chunk()?);
    bytes.truncate(body);
    (CRC.checksum(&bytes) == sum).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codecs_of_the_repository_agree() {
        for length in (1..520).chain([1016]) {
            for zero_every in [1, 3, 254, 255, 2000] {
                let body: Vec<u8> =
                    (1..=length).map(|i| if i % zero_every == 0 { 0 } else { (i % 255 + 1) as u8 }).collect();
                let mut golden = Vec::new();
                lacuna_golden::link::encode(&body, &mut golden);
                assert_eq!(Decoder::default().take(&golden), std::slice::from_ref(&body));
                let mut decoder = lacuna_golden::link::Decoder::new(1024);
                assert_eq!(encode(&body).iter().find_map(|&b| decoder.take(b)), Some(body));
            }
        }
    }

    #[test]
    fn frames_arrive_whole_from_pieces_of_any_size() {
        let wire: Vec<u8> = (1..=20u8).flat_map(|i| encode(&vec![i; usize::from(i) * 30])).collect();
        for size in [1, 2, 7, 64, 5000] {
            let mut decoder = Decoder::default();
            let bodies: Vec<_> = wire.chunks(size).flat_map(|piece| decoder.take(piece)).collect();
            assert_eq!(bodies.len(), 20, "pieces of {size}");
            assert_eq!(bodies[19], vec![20; 600]);
        }
    }

    #[test]
    fn ones_are_no_frame() {
        let ones = [1, 1, 1, 1, 1, DELIMITER];
        assert!(Decoder::default().take(&ones).is_empty());
        let mut golden = lacuna_golden::link::Decoder::new(1024);
        assert_eq!(ones.iter().find_map(|&byte| golden.take(byte)), None);
    }

    #[test]
    fn an_endless_stream_without_delimiters_is_not_kept() {
        let mut decoder = Decoder::default();
        for _ in 0..100 {
            assert!(decoder.take(&[1; 4096]).is_empty());
        }
        assert!(decoder.partial.len() <= Decoder::LIMIT);
        let bodies = decoder.take(&[&[DELIMITER], encode(b"next").as_slice()].concat());
        assert_eq!(bodies, [b"next"]);
        assert_eq!(decoder.rejected(), 1);
    }
}
