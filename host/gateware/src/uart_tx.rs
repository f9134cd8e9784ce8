//! The sending half of the UART.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::timer::{BitTimer, TIMER_BITS, TIME_BITS};

/// Sends bytes: one start bit, eight data bits, least significant first, one stop bit.
#[derive(LogicBlock, Default)]
pub struct UartTx {
    /// Clock.
    pub clk_i: Signal<In, Clock>,
    /// Reset, low active, synchronous.
    pub rst_ni: Signal<In, Bit>,
    /// Sixteenths of a clock a bit, 64 at least.
    pub divisor_i: Signal<In, Bits<TIME_BITS>>,
    /// A byte is offered.
    pub valid_i: Signal<In, Bit>,
    /// It is taken.
    pub ready_o: Signal<Out, Bit>,
    /// The byte.
    pub data_i: Signal<In, Bits<8>>,
    /// The line.
    pub tx_o: Signal<Out, Bit>,
    timer: BitTimer,
    /// Bits still to be sent, the one on the line included.
    left: DFF<Bits<4>>,
    /// They, the one on the line lowest, inverted: all zeros is an idle line.
    shift: DFF<Bits<9>>,
    ready: Signal<Local, Bit>,
    idle: Signal<Local, Bit>,
}

impl UartTx {
    /// The contract, for the emitted file.
    pub const HEADER: &'static str = "\
//
// UART transmitter, 8N1.
//
// Contract:   `divisor_i` is the bit time in sixteenths of a clock, 64 (4 clocks) at least; it need
//             not be whole clocks. A byte is taken when `ready_o`; bytes follow without a gap.
// Throughput: one byte in 10 bit times.
// Latency:    the start bit begins one clock after the byte is taken.";
}

impl Logic for UartTx {
    #[hdl_gen]
    fn update(&mut self) {
        self.timer.clk.next = self.clk_i.val();
        self.left.clock.next = self.clk_i.val();
        self.shift.clock.next = self.clk_i.val();
        self.timer.period.next = self.divisor_i.val();
        self.timer.first.next = bit_cast::<TIMER_BITS, TIME_BITS>(self.divisor_i.val());
        self.left.d.next = self.left.q.val();
        self.shift.d.next = self.shift.q.val();

        self.idle.next = self.left.q.val() == 0;
        self.ready.next = self.idle.val() | (self.timer.tick.val() & (self.left.q.val() == 1));
        self.ready_o.next = self.ready.val();
        self.timer.load.next = self.idle.val();
        self.tx_o.next = !self.shift.q.val().get_bit(0);

        if self.timer.tick.val() & !self.idle.val() {
            self.left.d.next = self.left.q.val() - 1;
            self.shift.d.next = self.shift.q.val() >> 1;
        }
        if self.ready.val() & self.valid_i.val() {
            self.left.d.next = 10.into();
            self.shift.d.next = (bit_cast::<9, 8>(self.data_i.val() ^ 0xff) << 1) | 1;
        }
        if !self.rst_ni.val() {
            self.left.d.next = 0.into();
            self.shift.d.next = 0.into();
        }
    }
}
