//! Beats without the bytes that all alike have: zero-value compression, for any one value.
//!
//! Each [`HALF_BYTES`] of payload become a mask and, in order, the bytes whose bit in it is set; the others are the
//! *fill value* that the header states. Zeros of an activation are its zero point, often -128, and runs of it cost
//! an eighth. The coding is the bitmap form of Rhu et al., "Compressing DMA Engine" (HPCA 2018), there for 4-byte
//! words.

/// Bytes that one mask describes.
pub const HALF_BYTES: usize = 8;

/// Bytes that `payload`, whole halves, takes with `fill` left out.
#[must_use]
pub fn compressed_len(payload: &[u8], fill: u8) -> usize {
    payload.len() / HALF_BYTES + payload.iter().filter(|&&byte| byte != fill).count()
}

/// Appends `payload`, whole halves, with `fill` left out.
pub fn compress(payload: &[u8], fill: u8, out: &mut Vec<u8>) {
    for half in payload.chunks_exact(HALF_BYTES) {
        out.push(half.iter().rev().fold(0, |mask, &byte| mask << 1 | u8::from(byte != fill)));
        out.extend(half.iter().filter(|&&byte| byte != fill));
    }
}

/// The `halves` halves in `bytes`, and how many of `bytes` they took; `None` if they need more than there are.
#[must_use]
pub fn expand(bytes: &[u8], fill: u8, halves: usize) -> Option<(Vec<u8>, usize)> {
    let (mut payload, mut at) = (Vec::new(), 0);
    for _ in 0..halves {
        let (&mask, present) = bytes.get(at..)?.split_first()?;
        let mut present = present.iter();
        for bit in 0..HALF_BYTES {
            payload.push(if mask >> bit & 1 == 1 { *present.next()? } else { fill });
        }
        at = bytes.len() - present.len();
    }
    Some((payload, at))
}

/// The most frequent byte, the lowest of those; 0 of none.
#[must_use]
pub fn best_fill(payload: &[u8]) -> u8 {
    let mut counts = [0usize; 256];
    for &byte in payload {
        counts[usize::from(byte)] += 1;
    }
    (0..=255).rev().max_by_key(|&byte: &u8| counts[usize::from(byte)]).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_survives_and_costs_what_it_says() {
        for mask in 0..=255u8 {
            for fill in [0, 0x80, 0xff] {
                let payload: Vec<u8> =
                    (0..16).map(|i| if mask >> (i % 8) & 1 == 1 { fill ^ (i + 1) } else { fill }).collect();
                let mut bytes = Vec::new();
                compress(&payload, fill, &mut bytes);
                assert_eq!(bytes.len(), compressed_len(&payload, fill));
                assert_eq!(bytes[0], mask);
                assert_eq!(expand(&bytes, fill, 2), Some((payload, bytes.len())));
            }
        }
    }

    #[test]
    fn bytes_that_end_early_are_refused_and_more_are_left() {
        assert_eq!(expand(&[0b101, 7], 0, 1), None);
        assert_eq!(expand(&[], 0, 1), None);
        assert_eq!(expand(&[0b101, 7, 8, 9], 1, 1), Some((vec![7, 1, 8, 1, 1, 1, 1, 1], 3)));
        assert_eq!(expand(&[9], 1, 0), Some((vec![], 0)));
    }

    #[test]
    fn the_fill_value_is_the_most_frequent_byte() {
        assert_eq!(best_fill(&[3, 0x80, 3, 0x80, 0x80]), 0x80);
        assert_eq!(best_fill(&[5, 4]), 4);
        assert_eq!(best_fill(&[]), 0);
    }
}
