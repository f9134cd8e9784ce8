//! The Verilated chip in this process: the default device, no board needed.

use lacuna_sim::{Model, Port, SimError, tops};
use lacuna_spec::{Geometry, regs};

use crate::DeviceError;
use crate::device::{Device, Registers};

/// Cycles to clock between two looks at STATUS while a program runs.
const POLL: u64 = 64;
/// Cycles that one bus request may take.
const BUS_LIMIT: u64 = 1 << 20;

/// The Verilated chip behind its host bus.
pub struct SimDevice {
    geometry: Geometry,
    model: Model,
    ports: Ports,
}

struct Ports {
    req_valid: Port,
    req_ready: Port,
    req_write: Port,
    req_addr: Port,
    req_wdata: Port,
    req_wstrb: Port,
    rsp_valid: Port,
    rsp_ready: Port,
    rsp_rdata: Port,
    rsp_error: Port,
}

impl Ports {
    fn of(model: &Model) -> Self {
        Self {
            req_valid: model.port("req_valid_i"),
            req_ready: model.port("req_ready_o"),
            req_write: model.port("req_write_i"),
            req_addr: model.port("req_addr_i"),
            req_wdata: model.port("req_wdata_i"),
            req_wstrb: model.port("req_wstrb_i"),
            rsp_valid: model.port("rsp_valid_o"),
            rsp_ready: model.port("rsp_ready_i"),
            rsp_rdata: model.port("rsp_rdata_o"),
            rsp_error: model.port("rsp_error_o"),
        }
    }
}

impl SimDevice {
    /// Makes a chip of that geometry and resets it.
    ///
    /// # Errors
    /// [`DeviceError::Open`] when no chip of this geometry was Verilated.
    pub fn new(geometry: Geometry) -> Result<Self, DeviceError> {
        let model = match (geometry.name, geometry.digit_bits) {
            ("base", 2) => tops::base_2(),
            ("base", 4) => tops::base_4(),
            ("base", 8) => tops::base_8(),
            ("medium", 4) => tops::medium(),
            ("small", 4) => tops::small(),
            ("nano", 8) => tops::nano(),
            (name, bits) => {
                let reason = format!(
                    "no {name} chip with {bits}-bit digits was Verilated; choose base (2, 4, 8), medium (4), small (4) or nano (8), or use --device golden"
                );
                return Err(DeviceError::Open { device: "sim".into(), reason });
            }
        };
        let ports = Ports::of(&model);
        let mut device = Self { geometry, model, ports };
        device.model.set(device.ports.req_valid, 0);
        device.model.set(device.ports.rsp_ready, 1);
        device.model.reset();
        Ok(device)
    }

    /// Writes an FST waveform from now on.
    ///
    /// # Errors
    /// [`DeviceError::Simulation`] if the file cannot be written.
    pub fn trace(&mut self, path: &std::path::Path) -> Result<(), DeviceError> {
        self.model.trace(path).map_err(failed)
    }

    /// Sends `count` requests to consecutive addresses and collects their answers.
    fn transact(&mut self, beat: u32, count: usize, data: Option<&[u8]>) -> Result<Vec<u8>, DeviceError> {
        let word = self.geometry.word_bytes();
        let (mut sent, mut answered, mut idle) = (0, 0, 0);
        let mut read = Vec::with_capacity(if data.is_none() { count * word } else { 0 });
        self.model.set(self.ports.req_write, u64::from(data.is_some()));
        self.model.set(self.ports.req_wstrb, (1u64 << word) - 1);
        while answered < count {
            let offer = sent < count;
            self.model.set(self.ports.req_valid, u64::from(offer));
            if offer {
                self.model.set(self.ports.req_addr, u64::from(beat) + sent as u64);
                if let Some(bytes) = data {
                    self.model.set_words(self.ports.req_wdata, &words(&bytes[sent * word..][..word]));
                }
            }
            self.model.eval();
            let taken = offer && self.model.bit(self.ports.req_ready);
            if self.model.bit(self.ports.rsp_valid) {
                if self.model.bit(self.ports.rsp_error) {
                    return Err(DeviceError::Unmapped { device: self.name(), beat: beat + answered as u32 });
                }
                if data.is_none() {
                    let words = self.model.words(self.ports.rsp_rdata);
                    read.extend(words.iter().flat_map(|w| w.to_le_bytes()).take(word));
                }
                answered += 1;
                idle = 0;
            }
            self.model.try_run(1).map_err(failed)?;
            sent += usize::from(taken);
            idle += 1;
            if idle > BUS_LIMIT {
                return Err(DeviceError::Hang { device: self.name(), cycles: BUS_LIMIT });
            }
        }
        self.model.set(self.ports.req_valid, 0);
        Ok(read)
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(crate::device::low_word).collect()
}

#[allow(clippy::needless_pass_by_value)]
fn failed(error: SimError) -> DeviceError {
    DeviceError::Simulation(error.to_string())
}

#[async_trait::async_trait]
impl Device for SimDevice {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn name(&self) -> String {
        "sim".into()
    }

    fn simulated(&self) -> Option<u64> {
        Some(self.model.cycle())
    }

    async fn write(&mut self, beat: u32, bytes: &[u8]) -> Result<(), DeviceError> {
        let word = self.geometry.word_bytes();
        if !bytes.len().is_multiple_of(word) {
            return Err(DeviceError::Ragged { bytes: bytes.len(), word });
        }
        self.transact(beat, bytes.len() / word, Some(bytes)).map(|_| ())
    }

    async fn read(&mut self, beat: u32, beats: usize) -> Result<Vec<u8>, DeviceError> {
        self.transact(beat, beats, None)
    }

    async fn wait(&mut self, instruction: Option<usize>, cycles: u64) -> Result<(), DeviceError> {
        let mut left = cycles;
        while !Registers(self).came_to(instruction).await? {
            let Some(rest) = left.checked_sub(POLL) else {
                let running = Registers(self).read(regs::CYCLES).await?;
                return Err(DeviceError::Hang { device: self.name(), cycles: u64::from(running) });
            };
            left = rest;
            self.model.try_run(POLL).map_err(failed)?;
        }
        Ok(())
    }
}
