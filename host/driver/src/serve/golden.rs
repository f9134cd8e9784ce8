//! The golden chip behind the golden bridge.

use lacuna_golden::{Chip, link::Bridge};
use lacuna_spec::{Geometry, frame::Shape, tables::layout_hash};

use super::Served;
use crate::DeviceError;

/// Cycles of a running program between two looks at the line.
const SLICE: usize = 256;

/// The golden chip behind the golden bridge.
pub struct GoldenChip {
    bridge: Bridge,
    chip: Chip,
}

impl GoldenChip {
    /// A chip as it is after reset.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        Self { bridge: Bridge::new(Shape::of(&geometry), layout_hash()), chip: Chip::new(geometry) }
    }
}

impl Served for GoldenChip {
    fn work(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> Result<bool, DeviceError> {
        self.bridge.receive(bytes, &mut self.chip, answers);
        for _ in 0..SLICE {
            if !self.chip.running() {
                break;
            }
            self.chip.step();
        }
        Ok(self.chip.running())
    }
}
