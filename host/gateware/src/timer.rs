//! Counts bit times that need not be whole clocks.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// Bits of a time in sixteenths of a clock: up to 511 clocks.
pub const TIME_BITS: usize = 13;
/// Bits of the timer: one and a half times and one more sixteenth.
pub const TIMER_BITS: usize = 15;

/// A timer that ticks every `period` sixteenths of a clock, rounded so that no error adds up.
#[derive(LogicBlock)]
pub struct BitTimer {
    /// Clock.
    pub clk: Signal<In, Clock>,
    /// Loads `first`.
    pub load: Signal<In, Bit>,
    /// Sixteenths of a clock until the first tick.
    pub first: Signal<In, Bits<TIMER_BITS>>,
    /// Sixteenths of a clock between ticks.
    pub period: Signal<In, Bits<TIME_BITS>>,
    /// The last clock of a period.
    pub tick: Signal<Out, Bit>,
    left: DFF<Bits<TIMER_BITS>>,
    last: Signal<Local, Bit>,
    step: Signal<Local, Bits<TIMER_BITS>>,
    down: Constant<Bits<TIMER_BITS>>,
}

impl Default for BitTimer {
    fn default() -> Self {
        Self {
            clk: Signal::default(),
            load: Signal::default(),
            first: Signal::default(),
            period: Signal::default(),
            tick: Signal::default(),
            left: DFF::default(),
            last: Signal::default(),
            step: Signal::default(),
            down: Constant::new(((1u64 << TIMER_BITS) - 16).to_bits()),
        }
    }
}

impl Logic for BitTimer {
    #[hdl_gen]
    fn update(&mut self) {
        self.left.clock.next = self.clk.val();
        self.last.next = self.left.q.val() < 32;
        self.tick.next = self.last.val();
        // One adder: down by a clock, or by a clock and up by a period.
        self.step.next = self.down.val();
        if self.last.val() {
            self.step.next = bit_cast::<TIMER_BITS, TIME_BITS>(self.period.val()) + self.down.val();
        }
        self.left.d.next = self.left.q.val() + self.step.val();
        if self.load.val() {
            self.left.d.next = self.first.val();
        }
    }
}
