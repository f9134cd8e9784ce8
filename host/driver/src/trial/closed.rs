//! Pipes that close after any byte of a transfer.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use lacuna_spec::frame::Shape;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use super::chip::{Access, GoldenEnd, Tested as _};
use crate::DeviceError;
use crate::link::{Dial, Link, LinkError, PATIENCE, Pipe};
use crate::serve::{Served, Server};

/// A golden end that is served, and can be looked at meanwhile.
#[derive(Debug, Clone)]
pub struct Watched(Arc<Mutex<GoldenEnd>>);

impl Watched {
    /// A chip of that shape as it is after reset.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self(Arc::new(Mutex::new(GoldenEnd::new(shape))))
    }

    /// Everything that has reached its host bus.
    fn log(&self) -> Vec<Access> {
        self.0.lock().expect("nothing panics with it").log().to_vec()
    }
}

impl Served for Watched {
    fn work(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> Result<bool, DeviceError> {
        answers.extend(self.0.lock().expect("nothing panics with it").exchange(bytes));
        Ok(false)
    }
}

/// Opens pipes in memory to a chip that is served in this process.
#[derive(Clone)]
pub struct Duplex(Arc<Server>);

impl Duplex {
    /// Serves that chip.
    #[must_use]
    pub fn new(chip: impl Served) -> Self {
        Self(Arc::new(Server::new(chip)))
    }
}

#[async_trait::async_trait]
impl Dial for Duplex {
    async fn dial(&mut self) -> std::io::Result<Box<dyn Pipe>> {
        let (ours, theirs): (DuplexStream, _) = duplex(4096);
        let server = Arc::clone(&self.0);
        tokio::spawn(async move { server.attach(theirs).await });
        Ok(Box::new(ours))
    }
}

/// Bytes that may still pass a pipe to the chip and from it.
type Budget = Arc<[AtomicU64; 2]>;

const TO_CHIP: usize = 0;
const FROM_CHIP: usize = 1;

/// A pipe that closes once its budget is used up.
struct Brittle {
    pipe: Box<dyn Pipe>,
    budget: Budget,
}

impl Brittle {
    fn left(&self, direction: usize) -> usize {
        self.budget[direction].load(Ordering::Relaxed).try_into().unwrap_or(usize::MAX)
    }

    fn spend(&self, direction: usize, bytes: usize) {
        self.budget[direction].fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    fn closed(&self) -> bool {
        self.left(TO_CHIP) == 0 || self.left(FROM_CHIP) == 0
    }
}

impl AsyncRead for Brittle {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.closed() {
            return Poll::Ready(Ok(()));
        }
        let mut space = vec![0; self.left(FROM_CHIP).min(buf.remaining())];
        let mut part = ReadBuf::new(&mut space);
        let result = Pin::new(&mut self.pipe).poll_read(cx, &mut part);
        self.spend(FROM_CHIP, part.filled().len());
        buf.put_slice(part.filled());
        result
    }
}

impl AsyncWrite for Brittle {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.closed() {
            return Poll::Ready(Err(Error::from(ErrorKind::BrokenPipe)));
        }
        let most = bytes.len().min(self.left(TO_CHIP));
        let result = Pin::new(&mut self.pipe).poll_write(cx, &bytes[..most]);
        if let Poll::Ready(Ok(count)) = &result {
            self.spend(TO_CHIP, *count);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// What became of transfers whose pipe closed half-way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClosedReport {
    /// Bytes of a transfer to and from the chip; the pipe closed after each of them.
    pub positions: [u64; 2],
    /// Transfers that went on over a new pipe, in the same session.
    pub resumed: u64,
    /// Transfers in which a command ran more than once, not at all or out of order, or a read was wrong.
    pub spoiled: u64,
    /// Transfers that failed though the pipe could be opened again, or with another error than `Disconnected` where it
    /// could not.
    pub failed: u64,
    /// The longest time from opening a pipe that closed and could not be opened again to `Disconnected`.
    pub error_ms: f64,
    /// The longest time of a transfer with its interruption.
    pub resumed_ms: f64,
}

impl ClosedReport {
    /// Whether every transfer was whole.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.spoiled == 0 && self.failed == 0 && self.resumed > 0
    }
}

/// Closes the pipe to `chip` after each byte of a transfer, or each `stride`-th, both where `dialer` opens it again
/// and where nobody does. The chip is never reset.
///
/// # Errors
/// When the pipe cannot be opened, or the chip does not answer over a whole one.
pub async fn closed_pipes<D: Dial + Clone>(
    mut dialer: D,
    chip: &Watched,
    stride: u64,
) -> Result<ClosedReport, LinkError> {
    const WHOLE: u64 = u64::MAX / 2;
    let budget = Budget::new([WHOLE.into(), WHOLE.into()]);
    let pipe = Box::new(Brittle { pipe: open(&mut dialer).await?, budget: Arc::clone(&budget) });
    let link = Link::open(pipe).await?;
    let used = |direction: usize| WHOLE - budget[direction].load(Ordering::Relaxed);
    let greeting = [used(TO_CHIP), used(FROM_CHIP)];
    let mut log = chip.log().len();
    transfer(&link).await?;
    let asked = chip.log()[log..].to_vec();
    drop(link);
    let positions = [used(TO_CHIP), used(FROM_CHIP)];
    let mut report = ClosedReport { positions, resumed: 0, spoiled: 0, failed: 0, error_ms: 0.0, resumed_ms: 0.0 };
    for direction in [TO_CHIP, FROM_CHIP] {
        for after in (1..positions[direction]).step_by(stride.max(1) as usize) {
            let limit = || {
                let mut budget = [WHOLE, WHOLE];
                budget[direction] = after;
                Budget::new(budget.map(AtomicU64::new))
            };
            let closed = |budget: &Budget| budget[direction].load(Ordering::Relaxed) == 0;
            // Nobody opens it again: a typed error, soon.
            let (begin, budget) = (Instant::now(), limit());
            let pipe = Box::new(Brittle { pipe: open(&mut dialer).await?, budget: Arc::clone(&budget) });
            let outcome = match Link::open(pipe).await {
                Ok(link) => transfer(&link).await,
                Err(error) => Err(error),
            };
            match outcome {
                // What is repeated on a busy machine is counted in `positions`: a pipe may close with the last byte.
                Ok(right) => report.spoiled += u64::from(!right),
                Err(LinkError::Disconnected { .. }) if closed(&budget) => {}
                Err(_) => report.failed += 1,
            }
            report.error_ms = report.error_ms.max(begin.elapsed().as_secs_f64() * 1e3);
            if after <= greeting[direction] {
                continue;
            }
            // It is opened again: the session goes on.
            let (begin, budget) = (Instant::now(), limit());
            let pipe = Box::new(Brittle { pipe: open(&mut dialer).await?, budget: Arc::clone(&budget) });
            let link = match Link::open_with(pipe, dialer.clone()).await {
                Ok(link) => link,
                // On a busy machine a greeting is repeated, and takes more bytes than the first one did.
                Err(LinkError::Disconnected { .. }) if closed(&budget) => continue,
                Err(error) => return Err(error),
            };
            log = chip.log().len();
            match transfer(&link).await {
                Ok(right) => {
                    report.resumed += u64::from(closed(&budget));
                    report.spoiled += u64::from(!right || chip.log()[log..] != asked);
                }
                Err(_) => report.failed += 1,
            }
            report.resumed_ms = report.resumed_ms.max(begin.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(report)
}

/// Opens a pipe as soon as the last one's end lets it.
async fn open(dialer: &mut impl Dial) -> std::io::Result<Box<dyn Pipe>> {
    let begin = Instant::now();
    loop {
        match dialer.dial().await {
            Err(_) if begin.elapsed() < PATIENCE => tokio::time::sleep(PATIENCE / 200).await,
            result => return result,
        }
    }
}

/// Writes and reads that overlap; gives whether the reads were right.
async fn transfer(link: &Link) -> Result<bool, LinkError> {
    let word = link.hello().shape.word_bytes;
    let bytes =
        |from: usize, beats: usize| (from..from + beats * word).map(|i| (i * 11 % 251) as u8).collect::<Vec<_>>();
    let (first, second) = (bytes(1, 3), bytes(100, 2));
    let (a, b, c, d) = tokio::join!(link.write(0, &first), link.write(8, &second), link.read(0, 3), link.read(8, 2));
    a?;
    b?;
    Ok((c?, d?) == (first, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lacuna_spec::Geometry;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pipe_that_closes_after_any_byte_costs_and_repeats_no_command() {
        let chip = Watched::new(Shape::of(&Geometry::BASE));
        let report = closed_pipes(Duplex::new(chip.clone()), &chip, 1).await.unwrap();
        println!("{report:?}");
        assert!(report.holds(), "{report:?}");
        assert!(report.positions[0] > 150 && report.positions[1] > 100 && report.resumed > 100, "{report:?}");
    }
}
