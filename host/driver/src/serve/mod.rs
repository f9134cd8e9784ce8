//! Offers a chip of this process to others: over TCP, or on a pseudo-terminal that a serial backend opens
//! like a real port.
//!
//! A [`Server`] owns the chip in a thread of its own; [`Server::attach`] joins it with one client's pipe until
//! that client is gone. The chip keeps its state from client to client, as a board does.

mod golden;
mod pty;
mod uart;

pub use golden::GoldenChip;
pub use pty::Pty;
pub use uart::UartChip;

use std::sync::mpsc as blocking;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, split};
use tokio::sync::{Mutex, mpsc};

use crate::DeviceError;
use crate::link::Pipe;

/// A chip that answers link bytes.
pub trait Served: Send + 'static {
    /// Lets the chip work for a moment on these bytes, perhaps none; appends what it answers.
    /// Gives whether there is more to do without further bytes.
    ///
    /// # Errors
    /// [`DeviceError::Simulation`].
    fn work(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> Result<bool, DeviceError>;
}

/// How long an idle chip sleeps unless bytes arrive.
const NAP: Duration = Duration::from_millis(20);

/// A chip in its thread.
pub struct Server {
    to_chip: blocking::Sender<Vec<u8>>,
    from_chip: Mutex<mpsc::UnboundedReceiver<Result<Vec<u8>, DeviceError>>>,
}

impl Server {
    /// Starts the thread; it ends when the server is dropped.
    #[must_use]
    pub fn new(chip: impl Served) -> Self {
        let (to_chip, inbox) = blocking::channel();
        let (outbox, from_chip) = mpsc::unbounded_channel();
        std::thread::spawn(move || live(chip, &inbox, &outbox));
        Self { to_chip, from_chip: Mutex::new(from_chip) }
    }

    /// Joins the chip with a client until the client closes its pipe. One client at a time: others wait.
    ///
    /// # Errors
    /// [`DeviceError::Simulation`] when the chip failed; the pipe's end is no error.
    pub async fn attach(&self, pipe: impl Pipe) -> Result<(), DeviceError> {
        let mut from_chip = self.from_chip.lock().await;
        // What the last client left behind is not for this one.
        while from_chip.try_recv().is_ok() {}
        let (mut reader, mut writer) = split(pipe);
        let mut buffer = vec![0; 4096];
        loop {
            tokio::select! {
                read = reader.read(&mut buffer) => match read {
                    Ok(count @ 1..) if self.to_chip.send(buffer[..count].to_vec()).is_ok() => {}
                    _ => return Ok(()),
                },
                answer = from_chip.recv() => match answer {
                    Some(Ok(bytes)) => if writer.write_all(&bytes).await.is_err() {
                        return Ok(());
                    },
                    Some(Err(error)) => return Err(error),
                    None => return Err(DeviceError::Simulation("it has stopped; start it again".into())),
                },
            }
        }
    }
}

/// The chip's life: works while there is something to do, naps otherwise.
fn live(
    mut chip: impl Served,
    inbox: &blocking::Receiver<Vec<u8>>,
    outbox: &mpsc::UnboundedSender<Result<Vec<u8>, DeviceError>>,
) {
    let mut busy = false;
    loop {
        let nap = if busy { Duration::ZERO } else { NAP };
        let bytes = match inbox.recv_timeout(nap) {
            Ok(bytes) => bytes,
            Err(blocking::RecvTimeoutError::Timeout) => Vec::new(),
            Err(blocking::RecvTimeoutError::Disconnected) => return,
        };
        let mut answers = Vec::new();
        match chip.work(&bytes, &mut answers) {
            Ok(more) => busy = more,
            Err(error) => {
                let _ = outbox.send(Err(error));
                return;
            }
        }
        if !answers.is_empty() && outbox.send(Ok(answers)).is_err() {
            return;
        }
    }
}
