//! A pseudo-terminal whose other end looks like a serial port.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::termios::ioctl_tiocnxcl;
use serialport::{SerialPort as _, TTYPort};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::DeviceError;
use crate::transport::serial::carry;

/// How often a lock that a killed client left is looked for.
const UNLOCK: Duration = Duration::from_millis(500);

/// A pseudo-terminal. Dropped, it is gone, and its client sees an end of file or an I/O error.
pub struct Pty {
    path: String,
    keeper: JoinHandle<()>,
}

impl Pty {
    /// A new pseudo-terminal and the server's end of it.
    ///
    /// # Errors
    /// [`DeviceError::Open`] when the system has none left.
    pub fn open() -> Result<(Self, DuplexStream), DeviceError> {
        let refuse = |error: serialport::Error| DeviceError::Open {
            device: "pty".into(),
            reason: format!("{error}; close programs that hold pseudo-terminals"),
        };
        let (server, client) = TTYPort::pair().map_err(refuse)?;
        let writer = server.try_clone_native().map_err(refuse)?;
        let path = client.name().unwrap_or_default();
        let held = open(path.as_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        let held = held.map_err(|error| DeviceError::Open { device: path.clone(), reason: error.to_string() })?;
        let keeper = tokio::spawn(keep(held));
        Ok((Self { path, keeper }, carry(server, writer)))
    }

    /// What a client opens: `serial:` and this path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Holds the client's end open, so that ours stays usable from client to client, and lets the next one in
/// after one that was killed and left the port locked.
///
/// Not through `serialport`, whose shared mode takes a file lock that keeps exclusive clients out.
async fn keep(held: OwnedFd) {
    let mut moments = interval(UNLOCK);
    loop {
        moments.tick().await;
        // A port that cannot be unlocked refuses its client with a message of its own.
        let _ = ioctl_tiocnxcl(&held);
    }
}
