//! The golden chip as what a bridge masters.

use super::Bus;
use crate::Chip;

impl Bus for Chip {
    /// Tile memory takes the lanes from lane 0 on, as far as `strobe` has no gap; everything else takes
    /// whole beats.
    fn write(&mut self, address: u32, beat: &[u8], strobe: u16) -> bool {
        let lanes = beat.len().min(strobe.trailing_ones() as usize);
        self.write_beat(address, &beat[..lanes]).is_ok()
    }

    fn read(&mut self, address: u32, beat: &mut [u8]) -> bool {
        let found = self.read_beat(address);
        if let Ok(found) = &found {
            beat.copy_from_slice(found);
        } else {
            beat.fill(0);
        }
        found.is_ok()
    }
}
