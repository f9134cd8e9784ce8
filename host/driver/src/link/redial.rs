//! Goes on in the same session over a line that was away.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::LinkError;
use super::endpoint::Endpoint;
use super::runner::{Pipe, Wire, greet};

/// Opens the pipe to a chip once more.
#[async_trait::async_trait]
pub trait Dial: Send + 'static {
    /// Opens it.
    ///
    /// # Errors
    /// What the operating system says; it is asked again for a while.
    async fn dial(&mut self) -> std::io::Result<Box<dyn Pipe>>;
}

/// How long a line may be away, without a single answer between, before it counts as gone.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts to open it.
const PAUSE: Duration = Duration::from_millis(50);
/// Longer than a user takes for nothing.
const NOTICEABLE: Duration = Duration::from_secs(1);

/// A line that can be opened again, and what became of it so far.
pub(super) struct Redial {
    dialer: Box<dyn Dial>,
    last: Option<Return>,
}

/// The last time that the line came back.
#[derive(Clone, Copy)]
struct Return {
    /// When it had gone away, be it several times without an answer between.
    away: Instant,
    back: Instant,
    /// Requests that had been answered by then.
    answered: u64,
}

impl Redial {
    pub(super) fn new(dialer: Box<dyn Dial>) -> Self {
        Self { dialer, last: None }
    }

    /// Brings the session back after `error`; `wanted` tells whether anybody still waits for it.
    ///
    /// # Errors
    /// `error` itself when the line does not come back, [`LinkError::SessionLost`] when the chip does but has
    /// forgotten the session.
    pub(super) async fn resume(
        &mut self,
        wire: &mut Wire,
        endpoint: &mut Endpoint,
        error: LinkError,
        wanted: impl Fn() -> bool,
    ) -> Result<(), LinkError> {
        let answered = endpoint.stats().answered;
        let in_vain = self.last.filter(|last| last.answered == answered);
        let away = match error {
            LinkError::Timeout { .. } if in_vain.is_some() => return Err(forgotten(wire, error).await),
            LinkError::Timeout { .. } | LinkError::Disconnected { .. } => {
                in_vain.filter(|last| last.back.elapsed() < PATIENCE).map_or_else(Instant::now, |last| last.away)
            }
            _ => return Err(error),
        };
        info!(%error, "trying to reach the device again");
        let mut told = false;
        // A port that is still open cannot be opened.
        wire.hang_up();
        while wanted() && away.elapsed() < PATIENCE {
            match self.dialer.dial().await {
                Ok(pipe) => {
                    wire.replace(pipe);
                    endpoint.resume(wire.now());
                    self.last = Some(Return { away, back: Instant::now(), answered });
                    return Ok(());
                }
                Err(refused) => debug!(%refused, "not yet"),
            }
            if away.elapsed() > NOTICEABLE && !std::mem::replace(&mut told, true) {
                warn!(%error, "the device is away; trying to reach it for {PATIENCE:?}");
            }
            sleep(PAUSE).await;
        }
        Err(error)
    }
}

/// Why a chip does not answer over a line that was opened again: it has forgotten the session if it answers to a
/// new one.
async fn forgotten(wire: &mut Wire, error: LinkError) -> LinkError {
    match greet(wire).await {
        Ok(_) => LinkError::SessionLost,
        Err(_) => error,
    }
}
