//! A chip behind a serial port, or a pseudo-terminal that looks like one.
//!
//! `serialport` blocks, so two threads carry the bytes between it and the asynchronous link. Both end when
//! the link is dropped or the port is gone.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::runtime::Handle;

use super::LinkDevice;
use crate::DeviceError;
use crate::link::{Dial, Pipe};

/// Bits a second unless the path says otherwise.
pub const BAUD: u32 = 3_000_000;
/// How often the threads look whether they are still needed.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes that may wait between port and link: about one window.
const BUFFER: usize = 8192;

/// Opens the port at `path`, 8N1; `PATH@BAUD` sets another speed than [`BAUD`]. It is opened again when it goes
/// away, as the port of a cable that was pulled and put back does.
///
/// # Errors
/// [`DeviceError::Open`] when the port cannot be opened or nobody answers on it, or as [`LinkDevice::open`].
pub async fn open(path: &str) -> Result<LinkDevice, DeviceError> {
    let name = format!("serial:{path}");
    let refuse = |reason: String| DeviceError::Open { device: name.clone(), reason };
    let mut port = Port::named(path).map_err(refuse)?;
    let pipe = port.dial().await.map_err(|error| {
        refuse(format!("{error}; `lacuna devices` lists the ports, and which of them you may open"))
    })?;
    LinkDevice::open_with(name, pipe, port).await
}

/// A port and its speed.
#[derive(Debug, Clone)]
pub struct Port {
    path: String,
    baud: u32,
}

impl Port {
    /// The port of `PATH` or `PATH@BAUD`.
    ///
    /// # Errors
    /// What is wrong with the speed.
    pub fn named(text: &str) -> Result<Self, String> {
        let (path, baud) = match text.rsplit_once('@') {
            Some((path, speed)) => {
                (path, speed.parse().map_err(|_| format!("{speed:?} is no speed; write PATH@BAUD"))?)
            }
            None => (text, BAUD),
        };
        Ok(Self { path: path.to_owned(), baud })
    }
}

#[async_trait::async_trait]
impl Dial for Port {
    async fn dial(&mut self) -> std::io::Result<Box<dyn Pipe>> {
        let port = serialport::new(&self.path, self.baud).timeout(LOOK).open_native()?;
        let other = port.try_clone_native()?;
        Ok(Box::new(carry(port, other)))
    }
}

/// A serial port of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortFound {
    /// Its path.
    pub path: String,
    /// What is behind it, as far as the operating system knows.
    pub what: String,
    /// Why it cannot be opened, with the remedy; `None` when it can.
    pub problem: Option<String>,
}

/// Lists the serial ports and tries to open each.
#[must_use]
pub fn ports() -> Vec<PortFound> {
    let found = serialport::available_ports().unwrap_or_default();
    let describe = |port: serialport::SerialPortInfo| {
        let what = match port.port_type {
            serialport::SerialPortType::UsbPort(usb) => usb.product.unwrap_or_else(|| "USB serial port".into()),
            _ => "serial port".into(),
        };
        let problem = serialport::new(&port.port_name, BAUD).timeout(LOOK).open_native().err();
        let remedy = |error: serialport::Error| match error.kind() {
            serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
                format!("{error}; add yourself to the group that owns it, usually dialout")
            }
            _ => error.to_string(),
        };
        PortFound { path: port.port_name, what, problem: problem.map(remedy) }
    };
    found.into_iter().map(describe).collect()
}

/// Carries bytes between the two handles of a port and the pipe that is returned.
pub(crate) fn carry(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> DuplexStream {
    let (host, wire) = duplex(BUFFER);
    let (from_host, to_host) = split(wire);
    let over = Arc::new(AtomicBool::new(false));
    let runtime = Handle::current();
    let (seen, handle) = (Arc::clone(&over), runtime.clone());
    std::thread::spawn(move || {
        receive(reader, to_host, &seen, &handle);
        seen.store(true, Ordering::Relaxed);
    });
    std::thread::spawn(move || {
        send(writer, from_host, &over, &runtime);
        over.store(true, Ordering::Relaxed);
    });
    host
}

/// Port to link, until either ends; then the link reads an end of file.
fn receive(mut port: impl Read, mut link: WriteHalf<DuplexStream>, over: &AtomicBool, runtime: &Handle) {
    let mut buffer = [0; 4096];
    while !over.load(Ordering::Relaxed) {
        match port.read(&mut buffer) {
            // A pseudo-terminal whose peer died gives end of file here, or EIO.
            Ok(0) => break,
            Ok(count) => {
                if runtime.block_on(link.write_all(&buffer[..count])).is_err() {
                    break;
                }
            }
            Err(error) if patient(&error) => {}
            Err(error) => {
                tracing::debug!(%error, "the port cannot be read");
                break;
            }
        }
    }
    // Nobody is left to tell when the link itself is gone.
    let _ = runtime.block_on(link.shutdown());
}

/// Link to port, until either ends.
fn send(mut port: impl Write, mut link: ReadHalf<DuplexStream>, over: &AtomicBool, runtime: &Handle) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = runtime.block_on(link.read(&mut buffer)) {
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            match port.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if patient(&error) && !over.load(Ordering::Relaxed) => {}
                Err(error) => {
                    tracing::debug!(%error, "the port cannot be written");
                    return;
                }
            }
        }
    }
}

/// Whether an error only says that nothing moved for a while.
fn patient(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
