//! Opens a session.

use std::time::Duration;

use lacuna_spec::frame::{DELIMITER, Hello, Op, Request, Response};

use super::LinkError;
use super::codec::{Decoder, encode};
use super::endpoint::{Endpoint, accept};

/// Greets until a chip answers; like [`Endpoint`], without I/O or clock.
#[derive(Debug)]
pub struct Greeting {
    layout_hash: u32,
    session: u16,
    decoder: Decoder,
    tries: u32,
    start: Duration,
    sent: Duration,
    /// A slow chip is not greeted again before that.
    patient_until: Duration,
    due: bool,
}

impl Greeting {
    /// Greetings before giving up.
    const TRIES: u32 = 7;
    /// The sequence number of the greeting.
    const SEQUENCE: u8 = 0;

    /// Greets a chip that must have `layout_hash`. `nonce` distinguishes this session from others; `now` is when it
    /// starts.
    #[must_use]
    pub fn new(layout_hash: u32, nonce: u16, now: Duration) -> Self {
        Self {
            layout_hash,
            session: nonce.max(1),
            decoder: Decoder::default(),
            tries: 0,
            start: now,
            sent: now,
            patient_until: now,
            due: true,
        }
    }

    /// The next bytes to send, if any are due.
    pub fn outgoing(&mut self, now: Duration) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        // Another number each second time, should a chip have this very session open from before.
        if self.tries > 0 && self.tries.is_multiple_of(2) {
            self.session = self.session.wrapping_mul(0x6255).wrapping_add(0x3619).max(1);
        }
        self.tries += 1;
        self.sent = now;
        let request = Request {
            sequence: Self::SEQUENCE,
            ack: Self::SEQUENCE,
            session: self.session,
            op: Op::Hello,
            count: 0,
            strobe: 0,
            address: 0,
        };
        let frame = encode(&request.to_bytes());
        // The first copy opens the session, the second one is answered.
        Some([&[DELIMITER], frame.as_slice(), frame.as_slice()].concat())
    }

    /// Takes bytes from the line; gives the endpoint once the chip has answered.
    ///
    /// # Errors
    /// [`LinkError::StaleLayout`], [`LinkError::Version`].
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> Result<Option<Endpoint>, LinkError> {
        for body in self.decoder.take(bytes) {
            let Some((response, payload)) = Response::parse(&body, 1) else { continue };
            if response.op != Op::Hello || response.sequence != Self::SEQUENCE {
                continue;
            }
            if response.session != self.session {
                // It is still at an earlier greeting, as a netlist in a simulator is, and another one would only make it
                // later: it gets as long again as it has taken.
                self.patient_until = now + now.saturating_sub(self.start);
                continue;
            }
            if let Some(hello) = Hello::parse(payload) {
                accept(&hello, self.layout_hash)?;
                let round_trip = now.saturating_sub(self.sent);
                return Ok(Some(Endpoint::new(hello, self.session, Self::SEQUENCE + 1, round_trip)));
            }
        }
        Ok(None)
    }

    /// When [`Greeting::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        (self.sent + Self::wait(self.tries)).max(self.patient_until)
    }

    /// How long a chip that says nothing is waited for in all, before [`LinkError::NoAnswer`].
    #[must_use]
    pub fn time_out(&self) -> Duration {
        (1..=Self::TRIES).map(Self::wait).sum()
    }

    /// The wait after so many tries.
    fn wait(tries: u32) -> Duration {
        Duration::from_millis(200 << tries.clamp(1, 4) >> 1)
    }

    /// Greets again if the time is up.
    ///
    /// # Errors
    /// [`LinkError::NoAnswer`] when it greeted often enough.
    pub fn expire(&mut self, now: Duration) -> Result<(), LinkError> {
        if now >= self.deadline() {
            if self.tries >= Self::TRIES {
                return Err(LinkError::NoAnswer { tries: self.tries });
            }
            self.due = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use lacuna_golden::{Chip, link::Bridge};
    use lacuna_spec::{Geometry, frame::Shape, tables::layout_hash};

    use super::*;

    /// A chip that takes so long for each pair of frames. Returns when its answer was taken, or the error.
    fn greeted_at(pace: Duration) -> Result<Duration, LinkError> {
        let geometry = Geometry::NANO;
        let (mut bridge, mut chip) = (Bridge::new(Shape::of(&geometry), layout_hash()), Chip::new(geometry));
        let mut greeting = Greeting::new(layout_hash(), 7, Duration::ZERO);
        let mut line: VecDeque<Vec<u8>> = VecDeque::new();
        let (mut now, mut ready) = (Duration::ZERO, Duration::ZERO);
        loop {
            greeting.expire(now)?;
            if let Some(bytes) = greeting.outgoing(now) {
                ready = if line.is_empty() { now + pace } else { ready };
                line.push_back(bytes);
            }
            if now >= ready
                && let Some(bytes) = line.pop_front()
            {
                let mut answer = Vec::new();
                bridge.receive(&bytes, &mut chip, &mut answer);
                if greeting.receive(&answer, now)?.is_some() {
                    return Ok(now);
                }
                ready = now + pace;
            }
            now += Duration::from_millis(10);
        }
    }

    #[test]
    fn a_slow_chip_is_waited_for_as_long_as_it_answers() {
        for millis in [1, 150, 300, 700, 1_250, 2_000, 4_000] {
            let pace = Duration::from_millis(millis);
            let at = greeted_at(pace).unwrap_or_else(|error| panic!("{pace:?} a greeting: {error}"));
            assert!(at <= 8 * pace + Duration::from_millis(10), "{pace:?} a greeting, heard after {at:?}");
        }
    }

    #[test]
    fn a_chip_that_is_not_there_is_given_up_in_time() {
        let greeting = Greeting::new(0, 7, Duration::ZERO);
        let error = greeted_at(greeting.time_out() + Duration::from_secs(1)).unwrap_err();
        assert!(matches!(error, LinkError::NoAnswer { tries: Greeting::TRIES }), "{error}");
    }
}
