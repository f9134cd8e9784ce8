//! The Verilated top level behind its UART pins.

use std::collections::VecDeque;

use lacuna_sim::{Model, Port, tops};
use lacuna_spec::Geometry;

use super::Served;
use crate::DeviceError;

/// Clocks a bit of `lacuna_uart_top`: its default `Divisor`, 64 sixteenths.
const BIT: u32 = 4;
/// Clocks of one moment of work.
const SLICE: u32 = 2000;
/// Moments without a byte on either wire after which the chip may nap. A program that runs meanwhile goes on
/// in short moments; a host that waits for it asks, and so keeps it awake.
const PATIENCE: u32 = 50;

/// `lacuna_uart_top`, with a UART of the host at the other end of its wires.
pub struct UartChip {
    model: Model,
    rx_pin: Port,
    tx_pin: Port,
    /// Clocks a bit.
    bit: u32,
    outgoing: VecDeque<u8>,
    /// The frame of ten bits on the wire to the chip, the current one lowest, and clocks left of that one.
    sending: Option<(u16, u32)>,
    /// Clocks since the edge of the start bit of the byte from the chip, and its bits so far.
    receiving: Option<(u32, u16)>,
    still: u32,
}

fn unavailable(reason: String) -> DeviceError {
    DeviceError::Open { device: "uart".into(), reason }
}

impl UartChip {
    /// A chip of that geometry, as it is after configuration.
    ///
    /// # Errors
    /// [`DeviceError::Open`] when no top level of this geometry was Verilated.
    pub fn new(geometry: &Geometry) -> Result<Self, DeviceError> {
        match (geometry.name, geometry.digit_bits) {
            ("base", 4) => Ok(Self::of(tops::uart_base(), BIT)),
            ("nano", 8) => Ok(Self::of(tops::uart_nano(), BIT)),
            (name, bits) => Err(unavailable(format!(
                "no {name} top level with {bits}-bit digits was Verilated; choose base (4) or nano (8), or serve the golden chip"
            ))),
        }
    }

    /// The netlist that this program was built with.
    ///
    /// # Errors
    /// [`DeviceError::Open`] when it was built with none.
    pub fn netlist() -> Result<Self, DeviceError> {
        let missing = || unavailable("this program was built without a netlist: run `cargo xtask simulate`".to_owned());
        let mut model = lacuna_sim::netlist().ok_or_else(missing)?;
        model.reset();
        let bit = model.port("bit_clocks_o");
        let bit = model.get(bit) as u32;
        Ok(Self::of(model, bit))
    }

    fn of(mut model: Model, bit: u32) -> Self {
        let (rx_pin, tx_pin) = (model.port("uart_rx_i"), model.port("uart_tx_o"));
        model.set(rx_pin, 1);
        model.reset();
        Self { model, rx_pin, tx_pin, bit, outgoing: VecDeque::new(), sending: None, receiving: None, still: 0 }
    }

    /// Clocks simulated so far.
    #[must_use]
    pub fn clocks(&self) -> u64 {
        self.model.cycle()
    }

    /// Moves the wire to the chip by one clock; gives its level.
    fn drive(&mut self) -> bool {
        let bit = self.bit;
        let mut next = || self.outgoing.pop_front().map(|byte| (u16::from(byte) << 1 | 0x600, bit));
        self.sending = match self.sending {
            // The marker above the stop bit is alone: the byte is through.
            Some((3, 1)) | None => next(),
            Some((bits, 1)) => Some((bits >> 1, bit)),
            Some((bits, left)) => Some((bits, left - 1)),
        };
        self.sending.is_none_or(|(bits, _)| bits & 1 == 1)
    }

    /// Looks at the wire from the chip; gives the byte that this clock completes.
    fn sample(&mut self, level: bool) -> Option<u8> {
        let Some((clocks, bits)) = &mut self.receiving else {
            if !level {
                self.receiving = Some((0, 0));
            }
            return None;
        };
        *clocks += 1;
        if *clocks % self.bit != self.bit / 2 {
            return None;
        }
        let index = *clocks / self.bit;
        *bits |= u16::from(level) << index;
        if index < 9 {
            return None;
        }
        let byte = (*bits >> 1) as u8;
        self.receiving = None;
        Some(byte)
    }
}

impl Served for UartChip {
    fn work(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> Result<bool, DeviceError> {
        self.outgoing.extend(bytes);
        self.still += 1;
        for _ in 0..SLICE {
            let level = self.drive();
            self.model.set(self.rx_pin, level.into());
            let level = self.model.bit(self.tx_pin);
            let byte = self.sample(level);
            if byte.is_some() || self.sending.is_some() {
                self.still = 0;
            }
            answers.extend(byte);
            self.model.try_run(1).map_err(|error| DeviceError::Simulation(error.to_string()))?;
        }
        Ok(self.still < PATIENCE)
    }
}
