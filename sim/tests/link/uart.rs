//! A chip behind UART pins, with the host's UART at the other end of the wires.

use std::collections::VecDeque;

use lacuna_sim::{Model, Port};

use super::bench::Rtl;

/// One UART of the host: sends and samples at its own bit time, in clocks of the chip.
pub struct Uart {
    rx_pin: Port,
    tx_pin: Port,
    /// Clocks a bit, as the host's crystal has it.
    bit: f64,
    /// Bytes that are to be sent.
    pub outgoing: VecDeque<u8>,
    /// Bytes that arrived.
    pub incoming: Vec<u8>,
    /// Clock at which the byte on the wire began, and its ten bits.
    sending: Option<(f64, u16)>,
    /// Clock of the start bit's edge, and the bits sampled so far.
    receiving: Option<(f64, Vec<bool>)>,
    clock: f64,
}

impl Uart {
    pub fn new(dut: &mut Model, bit: f64) -> Self {
        let (rx_pin, tx_pin) = (dut.port("uart_rx_i"), dut.port("uart_tx_o"));
        dut.set(rx_pin, 1);
        Self {
            rx_pin,
            tx_pin,
            bit,
            outgoing: VecDeque::new(),
            incoming: Vec::new(),
            sending: None,
            receiving: None,
            clock: 0.0,
        }
    }

    /// Drives and samples the pins for one clock; the caller steps the model.
    pub fn clock(&mut self, dut: &mut Model) {
        if let Some((start, _)) = self.sending
            && self.clock >= start + 10.0 * self.bit
        {
            self.sending = self.next(start + 10.0 * self.bit);
        }
        if self.sending.is_none() {
            self.sending = self.next(self.clock);
        }
        let level = self.sending.is_none_or(|(start, bits)| {
            let index = ((self.clock - start) / self.bit) as u32;
            bits >> index & 1 == 1
        });
        dut.set(self.rx_pin, level.into());
        self.sample(dut.bit(self.tx_pin));
        self.clock += 1.0;
    }

    fn next(&mut self, start: f64) -> Option<(f64, u16)> {
        self.outgoing.pop_front().map(|byte| (start, u16::from(byte) << 1 | 0x200))
    }

    fn sample(&mut self, level: bool) {
        match &mut self.receiving {
            None if !level => self.receiving = Some((self.clock, Vec::new())),
            None => {}
            Some((edge, bits)) => {
                if self.clock < *edge + (bits.len() as f64 + 1.5) * self.bit {
                    return;
                }
                bits.push(level);
                if bits.len() == 9 {
                    assert!(level, "the chip's stop bit is low");
                    let byte = bits[..8].iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
                    self.incoming.push(byte);
                    self.receiving = None;
                }
            }
        }
    }
}

/// One clock of a chip behind pins, with its memory on the host bus.
pub fn step(rtl: &mut Rtl, uart: &mut Uart) {
    uart.clock(&mut rtl.dut);
    rtl.serve();
}
