//! The host's end of the link as a state machine without I/O or clock of its own.
//!
//! [`Endpoint::submit`] queues requests, [`Endpoint::outgoing`] gives the bytes to send next,
//! [`Endpoint::receive`] takes what arrived and returns the replies it completes, [`Endpoint::expire`]
//! is called once [`Endpoint::deadline`] has passed. Times are since any fixed moment.

use std::collections::VecDeque;
use std::time::Duration;

use lacuna_spec::frame::{DELIMITER, Hello, LINK_VERSION, Op, RESPONSE_UNIT, Request, Response, Shape, expand};

use super::codec::{Decoder, encode};
use super::pacer::Pacer;
use super::{LinkError, Stats};

/// Whose reply it is; the caller's choice.
pub type Token = u64;

/// A request that fits one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Any but [`Op::Hello`].
    pub op: Op,
    /// First beat.
    pub address: u32,
    /// Beats, as many as [`Request::count`] may have.
    pub count: u8,
    /// Byte lanes that each beat of a write stores; the fill value of a compressed operation; 0 for a read.
    pub strobe: u16,
    /// The beats of a write, compressed if they are to travel so.
    pub payload: Vec<u8>,
}

/// The chip's answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whose.
    pub token: Token,
    /// Whether every beat was mapped.
    pub mapped: bool,
    /// The beats of a read.
    pub payload: Vec<u8>,
}

/// A request in the window.
#[derive(Debug)]
struct Open {
    token: Token,
    command: Command,
    answered: bool,
    /// Send it (again) at the next opportunity.
    due: bool,
    tries: u32,
    /// First and last time sent.
    first: Duration,
    last: Duration,
    /// Rank of the last transmission among all.
    rank: u64,
}

/// The host's end of an open session.
#[derive(Debug)]
pub struct Endpoint {
    hello: Hello,
    session: u16,
    /// Sequence number of the first of `open`.
    base: u8,
    open: VecDeque<Open>,
    queue: VecDeque<(Token, Command)>,
    decoder: Decoder,
    pacer: Pacer,
    /// The line came back, and nothing was answered since.
    resumed: bool,
    /// The last answer, or since when one is due.
    silent: Duration,
    /// Last progress, or the last expiry.
    alive: Duration,
    transmissions: u64,
    /// The next frame begins with a delimiter.
    cut_off: bool,
    /// Rank of the last repeat. What was sent before it may have waited for it: no measure of the line.
    repeat: u64,
    stats: Stats,
}

impl Endpoint {
    /// An endpoint of a session that a [`Greeting`](super::greeting::Greeting) opened.
    #[must_use]
    pub(super) fn new(hello: Hello, session: u16, base: u8, round_trip: Duration) -> Self {
        // A full window takes this many times as long as the greeting on a line that is all bandwidth.
        let guess = (round_trip * 32).clamp(Duration::from_millis(100), Duration::from_secs(120));
        Self {
            hello,
            session,
            base,
            open: VecDeque::new(),
            queue: VecDeque::new(),
            decoder: Decoder::default(),
            pacer: Pacer::new(guess),
            resumed: false,
            silent: Duration::ZERO,
            alive: Duration::ZERO,
            transmissions: 0,
            cut_off: false,
            repeat: 0,
            stats: Stats::default(),
        }
    }

    /// Who answered.
    #[must_use]
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Traffic so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats { rejected: self.decoder.rejected(), ..self.stats }
    }

    /// Queues a command.
    pub fn submit(&mut self, token: Token, command: Command) {
        self.queue.push_back((token, command));
    }

    /// Commands that are queued and not yet in the window.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The next frame to send, if one is due.
    pub fn outgoing(&mut self, now: Duration) -> Option<Vec<u8>> {
        let index = match self.open.iter().position(|open| open.due && !open.answered) {
            Some(index) => index,
            None => self.admit(now)?,
        };
        let sequence = self.base.wrapping_add(index as u8);
        let open = &mut self.open[index];
        let again = open.tries > 0;
        open.due = false;
        open.tries += 1;
        open.last = now;
        open.rank = self.transmissions;
        self.transmissions += 1;
        self.stats.sent += 1;
        if again {
            self.stats.repeated += 1;
            self.repeat = open.rank;
        }
        let request = Request {
            sequence,
            ack: self.base,
            session: self.session,
            op: open.command.op,
            count: open.command.count,
            strobe: open.command.strobe,
            address: open.command.address,
        };
        let frame = encode(&[&request.to_bytes()[..], &open.command.payload].concat());
        // A delimiter first, in case the line left something behind that would spoil it again.
        let cut_off = std::mem::take(&mut self.cut_off) || again;
        Some(if cut_off { [&[DELIMITER], frame.as_slice()].concat() } else { frame })
    }

    /// Moves a queued command into the window if there is room.
    fn admit(&mut self, now: Duration) -> Option<usize> {
        if self.open.len() >= self.hello.shape.window() {
            return None;
        }
        let (token, command) = self.queue.pop_front()?;
        if self.open.is_empty() {
            (self.alive, self.silent) = (now, now);
        }
        self.open.push_back(Open {
            token,
            command,
            answered: false,
            due: true,
            tries: 0,
            first: now,
            last: now,
            rank: 0,
        });
        Some(self.open.len() - 1)
    }

    /// Takes bytes from the line; gives the replies that they complete.
    ///
    /// # Errors
    /// [`LinkError::Protocol`] for a sound frame that contradicts its request.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> Result<Vec<Reply>, LinkError> {
        let mut replies = Vec::new();
        for body in self.decoder.take(bytes) {
            if let Some((response, payload)) = Response::parse(&body, self.hello.shape.word_bytes)
                && response.session == self.session
            {
                replies.extend(self.answer(response, payload, now)?);
            }
        }
        while self.open.front().is_some_and(|open| open.answered) {
            self.open.pop_front();
            self.base = self.base.wrapping_add(1);
        }
        Ok(replies)
    }

    fn answer(&mut self, response: Response, payload: &[u8], now: Duration) -> Result<Option<Reply>, LinkError> {
        let index = usize::from(response.sequence.wrapping_sub(self.base));
        let Some(open) = self.open.get_mut(index).filter(|open| !open.answered && open.tries > 0) else {
            self.stats.stale += 1;
            return Ok(None);
        };
        if (response.op, response.count) != (open.command.op, open.command.count) {
            return Err(LinkError::Protocol { sequence: response.sequence, what: "another operation or size" });
        }
        let payload = beats(&open.command, payload, &self.hello.shape)
            .ok_or(LinkError::Protocol { sequence: response.sequence, what: "beats that do not expand" })?;
        open.answered = true;
        (self.alive, self.silent, self.resumed) = (now, now, false);
        self.pacer.progress();
        if open.tries == 1 && open.rank >= self.repeat {
            self.pacer.sample(now.saturating_sub(open.last));
        }
        self.stats.answered += 1;
        let (rank, token) = (open.rank, open.token);
        // The chip answers in order: what was sent before this and is not answered lost its answer.
        for earlier in self.open.range_mut(..index) {
            earlier.due |= !earlier.answered && earlier.rank < rank;
        }
        Ok(Some(Reply { token, mapped: response.mapped, payload }))
    }

    /// Goes on over a line that was away: sends everything again that is open. The chip keeps its half of the
    /// window, so it answers what it ran already and runs the rest.
    pub fn resume(&mut self, now: Duration) {
        // Whatever was left of a frame ends here and there.
        self.decoder.take(&[DELIMITER]);
        self.cut_off = true;
        for open in &mut self.open {
            open.due = !open.answered;
        }
        (self.alive, self.silent, self.resumed) = (now, now, true);
        self.pacer.progress();
    }

    /// How long the line may be silent while something is open, before [`LinkError::Timeout`].
    #[must_use]
    pub fn time_out(&self) -> Duration {
        self.patience() + self.pacer.longest()
    }

    /// Silence after which the link gives up with the next expiry. A chip that knows the session answers at once over
    /// a line that came back.
    fn patience(&self) -> Duration {
        self.pacer.patience() / if self.resumed { 8 } else { 1 }
    }

    /// When [`Endpoint::expire`] is to be called, if anything is open.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.open.front().map(|_| self.alive + self.pacer.wait())
    }

    /// Repeats the oldest open request if its time is up.
    ///
    /// # Errors
    /// [`LinkError::Timeout`] when nothing was answered for too long.
    pub fn expire(&mut self, now: Duration) -> Result<(), LinkError> {
        let over = now > self.silent + self.patience();
        let Some(oldest) = self.open.front_mut().filter(|_| now >= self.alive + self.pacer.wait()) else {
            return Ok(());
        };
        let sequence = self.base;
        oldest.due = true;
        self.alive = now;
        self.pacer.expired();
        if over {
            let waited = now.saturating_sub(oldest.first);
            return Err(LinkError::Timeout { sequence, tries: oldest.tries, waited });
        }
        Ok(())
    }
}

/// What a command read; `None` if its answer is not as many compressed beats, up to a whole unit.
fn beats(command: &Command, payload: &[u8], shape: &Shape) -> Option<Vec<u8>> {
    if command.op != Op::ReadCompressed {
        return Some(payload.to_vec());
    }
    let (bytes, taken) = expand(payload, command.strobe as u8, shape.halves(command.count.into()))?;
    (payload.len() - taken < RESPONSE_UNIT).then_some(bytes)
}

/// Whether this program can talk to a chip.
pub(super) fn accept(hello: &Hello, layout_hash: u32) -> Result<(), LinkError> {
    if hello.version != LINK_VERSION {
        return Err(LinkError::Version { found: hello.version, expected: LINK_VERSION });
    }
    if hello.layout_hash != layout_hash {
        return Err(LinkError::StaleLayout { found: hello.layout_hash, expected: layout_hash });
    }
    Ok(())
}

/// The byte lanes of a whole beat.
pub(super) const fn all_lanes(shape: &Shape) -> u16 {
    u16::MAX >> (16 - shape.word_bytes)
}
