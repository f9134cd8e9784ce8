//! The golden model in this process: as exact as the chip, and faster.

use lacuna_golden::Chip;
use lacuna_golden::chip::{RunError, RunReport};
use lacuna_spec::{Geometry, regs};

use crate::DeviceError;
use crate::device::Device;

/// The golden model behind its host bus.
pub struct GoldenDevice {
    chip: Chip,
    reports: Option<Vec<RunReport>>,
    /// Programs that had run at the last report.
    reported: u32,
}

impl GoldenDevice {
    /// A chip as it is after reset.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        Self { chip: Chip::new(geometry), reports: None, reported: 0 }
    }

    /// Keeps what the model knows about each program that it runs from now on.
    #[must_use]
    pub fn with_reports(mut self) -> Self {
        self.reports = Some(Vec::new());
        self
    }

    /// The reports kept since the last call, one a program, in the order of their runs.
    pub fn take_reports(&mut self) -> Vec<RunReport> {
        self.reports.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl Device for GoldenDevice {
    fn geometry(&self) -> Geometry {
        *self.chip.geometry()
    }

    fn name(&self) -> String {
        "golden".into()
    }

    async fn write(&mut self, beat: u32, bytes: &[u8]) -> Result<(), DeviceError> {
        let word = self.geometry().word_bytes();
        if !bytes.len().is_multiple_of(word) {
            return Err(DeviceError::Ragged { bytes: bytes.len(), word });
        }
        for (address, data) in (beat..).zip(bytes.chunks(word)) {
            let written = self.chip.write_beat(address, data);
            written.map_err(|_| DeviceError::Unmapped { device: self.name(), beat: address })?;
        }
        Ok(())
    }

    async fn read(&mut self, beat: u32, beats: usize) -> Result<Vec<u8>, DeviceError> {
        let mut bytes = Vec::new();
        for address in (beat..).take(beats) {
            let refused = |_| DeviceError::Unmapped { device: self.name(), beat: address };
            bytes.extend(self.chip.read_beat(address).map_err(refused)?);
        }
        Ok(bytes)
    }

    async fn wait(&mut self, instruction: Option<usize>, _cycles: u64) -> Result<(), DeviceError> {
        // The golden model bounds itself: it gives up when nothing moves.
        let advanced = self.chip.advance(instruction);
        let runs = self.chip.register(regs::RUNS).unwrap_or_default();
        if let (true, Some(reports)) = (runs != self.reported, &mut self.reports) {
            reports.push(self.chip.report());
        }
        self.reported = runs;
        match advanced.and(self.chip.fault().map_or(Ok(()), |fault| Err(fault.into()))) {
            Ok(()) => Ok(()),
            Err(RunError::Fault(fault)) => {
                Err(DeviceError::fault((fault.cause as u32) << 16 | fault.instruction as u32))
            }
            Err(RunError::Hang { cycle, .. }) => Err(DeviceError::Hang { device: self.name(), cycles: cycle.into() }),
            Err(RunError::Phase { .. } | RunError::Running) => {
                Err(DeviceError::Hang { device: self.name(), cycles: self.chip.cycles().into() })
            }
        }
    }
}
