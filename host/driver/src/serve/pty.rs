//! A pseudo-terminal whose other end looks like a serial port.

use serialport::{SerialPort as _, TTYPort};
use tokio::io::DuplexStream;

use crate::DeviceError;
use crate::transport::serial::carry;

/// A pseudo-terminal. Dropped, it is gone, and its client sees an end of file or an I/O error.
pub struct Pty {
    /// The client's end, held open so that ours stays usable from client to client.
    client: TTYPort,
    path: String,
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
        Ok((Self { client, path }, carry(server, writer)))
    }

    /// What a client opens: `serial:` and this path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Lets the next client in after one that was killed and left the port locked; call it now and then.
    pub fn unlock(&mut self) {
        // A port that cannot be unlocked refuses that client with a message of its own.
        let _ = self.client.set_exclusive(false);
    }
}
