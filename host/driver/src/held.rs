//! What of a frame a chip holds already.
//!
//! Nothing but the host writes to the two input buffers of a program, so a word that is in the buffer from the frame before
//! last need not travel again: where pictures have a background, runs of its value (zeros, as a rule) cost nothing.

use std::collections::HashMap;

use lacuna_compiler::backend::io::Transfer;
use lacuna_spec::frame::{CRC_BYTES, REQUEST_BYTES};

/// Bytes on the line of a request besides its payload: header, checksum, stuffing and delimiter.
const OVERHEAD: usize = REQUEST_BYTES + CRC_BYTES + 2;
/// A run is left out if it is so many times as long as the overhead of the request that begins behind it: requests take room
/// in the window too, and a line with long round trips needs it.
const WORTH: usize = 2;

/// What was written last, by tile and address.
#[derive(Debug, Default)]
pub struct Held(HashMap<(usize, usize), Vec<u8>>);

impl Held {
    /// Parts of a transfer, in whole words but for its end, without runs that are held already. Afterwards all of it is held.
    pub fn changes(&mut self, transfer: Transfer, word: usize) -> Vec<Transfer> {
        let Transfer { tile, address, bytes } = transfer;
        let before = self.0.insert((tile, address), bytes.clone()).filter(|before| before.len() == bytes.len());
        let Some(before) = before else {
            return vec![Transfer { tile, address, bytes }];
        };
        let mut parts: Vec<Transfer> = Vec::new();
        let words = bytes.chunks(word).zip(before.chunks(word)).enumerate();
        for (at, (new, _)) in words.filter(|(_, (new, old))| new != old) {
            let at = at * word;
            match parts.last_mut() {
                Some(part) if address + at - (part.address + part.bytes.len()) < WORTH * OVERHEAD => {
                    let end = part.address + part.bytes.len() - address;
                    part.bytes.extend_from_slice(&bytes[end..at + new.len()]);
                }
                _ => parts.push(Transfer { tile, address: address + at, bytes: new.to_vec() }),
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn transfer(bytes: Vec<u8>) -> Transfer {
        Transfer { tile: 1, address: 64, bytes }
    }

    #[test]
    fn the_first_frame_travels_whole_and_its_copy_not_at_all() {
        let mut held = Held::default();
        let frame = transfer(vec![7; 100]);
        assert_eq!(held.changes(frame.clone(), 16), vec![frame.clone()]);
        assert_eq!(held.changes(frame.clone(), 16), vec![]);
        let elsewhere = Transfer { address: 1024, ..frame };
        assert_eq!(held.changes(elsewhere.clone(), 16), vec![elsewhere]);
    }

    #[test]
    fn what_is_written_is_there_whatever_was_left_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for word in [4, 16] {
            let mut held = Held::default();
            let mut memory = vec![0xaa_u8; 2048];
            let (mut all, mut sent) = (0, 0);
            for _ in 0..200 {
                // Runs of background between runs of anything; ragged at the end.
                let mut bytes = Vec::new();
                while bytes.len() < 777 {
                    let run = rng.random_range(1..120);
                    let dark = rng.random_bool(0.6);
                    bytes.extend((0..run).map(|_| if dark { 0x80 } else { rng.random() }));
                }
                bytes.truncate(777);
                let parts = held.changes(transfer(bytes.clone()), word);
                for part in &parts {
                    assert!(part.tile == 1 && part.address.is_multiple_of(word));
                    memory[part.address..][..part.bytes.len()].copy_from_slice(&part.bytes);
                    sent += part.bytes.len() + OVERHEAD;
                }
                all += bytes.len() + OVERHEAD;
                assert_eq!(memory[64..][..777], bytes);
            }
            assert!(sent < all * 9 / 10, "{sent} of {all}");
        }
    }

    #[test]
    fn short_runs_are_no_reason_for_another_request() {
        let mut held = Held::default();
        held.changes(transfer(vec![0; 160]), 16);
        let mut bytes = vec![0; 160];
        (bytes[0], bytes[40], bytes[150]) = (1, 1, 1);
        let parts: Vec<_> = held.changes(transfer(bytes), 16).iter().map(|p| (p.address, p.bytes.len())).collect();
        assert_eq!(parts, [(64, 48), (64 + 144, 16)]);
    }
}
