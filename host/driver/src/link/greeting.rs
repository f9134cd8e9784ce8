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
    sent: Duration,
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
        Self { layout_hash, session: nonce.max(1), decoder: Decoder::default(), tries: 0, sent: now, due: true }
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
            let ours =
                response.op == Op::Hello && response.session == self.session && response.sequence == Self::SEQUENCE;
            if let Some(hello) = Hello::parse(payload).filter(|_| ours) {
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
        self.sent + Self::wait(self.tries)
    }

    /// How long a chip is waited for in all, before [`LinkError::NoAnswer`].
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
