//! The receiving half of the UART.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::timer::{BitTimer, TIMER_BITS, TIME_BITS};

/// Receives bytes: one start bit, eight data bits, least significant first, one stop bit.
#[derive(LogicBlock, Default)]
pub struct UartRx {
    /// Clock.
    pub clk_i: Signal<In, Clock>,
    /// Reset, low active, synchronous.
    pub rst_ni: Signal<In, Bit>,
    /// Sixteenths of a clock a bit, 64 at least.
    pub divisor_i: Signal<In, Bits<TIME_BITS>>,
    /// The line; need not be synchronous.
    pub rx_i: Signal<In, Bit>,
    /// A byte is there.
    pub valid_o: Signal<Out, Bit>,
    /// It is taken.
    pub ready_i: Signal<In, Bit>,
    /// The byte.
    pub data_o: Signal<Out, Bits<8>>,
    timer: BitTimer,
    /// The line, inverted so that it idles at 0 from the start; twice, against metastability.
    meta: DFF<Bit>,
    line: DFF<Bit>,
    /// Samples still to be taken, the stop bit included; 0 while the line idles.
    left: DFF<Bits<4>>,
    shift: DFF<Bits<8>>,
    valid: DFF<Bit>,
    data: DFF<Bits<8>>,
    idle: Signal<Local, Bit>,
}

impl UartRx {
    /// The contract, for the emitted file.
    pub const HEADER: &'static str = "\
//
// UART receiver, 8N1.
//
// Contract:   `divisor_i` is the bit time in sixteenths of a clock, 64 (4 clocks) at least; it need
//             not be whole clocks. Bits are sampled in their middle, counted from the edge of the
//             start bit. A byte waits for `ready_i`; one that arrives meanwhile is lost. The stop
//             bit is not judged: the frames above have checksums.
// Throughput: one byte in 10 bit times.
// Latency:    half a bit time before the end of the stop bit.";
}

impl Logic for UartRx {
    #[hdl_gen]
    fn update(&mut self) {
        self.timer.clk.next = self.clk_i.val();
        self.meta.clock.next = self.clk_i.val();
        self.line.clock.next = self.clk_i.val();
        self.left.clock.next = self.clk_i.val();
        self.shift.clock.next = self.clk_i.val();
        self.valid.clock.next = self.clk_i.val();
        self.data.clock.next = self.clk_i.val();
        self.timer.period.next = self.divisor_i.val();
        self.timer.first.next = bit_cast::<TIMER_BITS, TIME_BITS>(self.divisor_i.val())
            + bit_cast::<TIMER_BITS, TIME_BITS>(self.divisor_i.val() >> 1);
        self.meta.d.next = !self.rx_i.val();
        self.line.d.next = self.meta.q.val();
        self.left.d.next = self.left.q.val();
        self.shift.d.next = self.shift.q.val();
        self.data.d.next = self.data.q.val();
        self.valid.d.next = self.valid.q.val() & !self.ready_i.val();
        self.valid_o.next = self.valid.q.val();
        self.data_o.next = self.data.q.val();

        self.idle.next = self.left.q.val() == 0;
        self.timer.load.next = self.idle.val();
        if self.idle.val() {
            if self.line.q.val() {
                self.left.d.next = 9.into();
            }
        } else if self.timer.tick.val() {
            self.left.d.next = self.left.q.val() - 1;
            if self.left.q.val() == 1 {
                if !self.valid.q.val() | self.ready_i.val() {
                    self.valid.d.next = true;
                    self.data.d.next = self.shift.q.val() ^ 0xff;
                }
            } else {
                self.shift.d.next = self.shift.q.val() >> 1;
                if self.line.q.val() {
                    self.shift.d.next = (self.shift.q.val() >> 1) | 0x80;
                }
            }
        }
        if !self.rst_ni.val() {
            self.left.d.next = 0.into();
            self.valid.d.next = false;
        }
    }
}
