//! A chip behind a TCP peer: the frames of the link over a socket.

use tokio::net::TcpStream;

use super::LinkDevice;
use crate::DeviceError;
use crate::link::{Dial, Pipe};

/// Connects to a chip that `lacuna serve` or a board's bridge offers at `address` (`HOST:PORT`), and again when
/// the connection breaks.
///
/// # Errors
/// [`DeviceError::Open`] when nobody listens there, or as [`LinkDevice::open`].
pub async fn open(address: &str) -> Result<LinkDevice, DeviceError> {
    let name = format!("tcp:{address}");
    let mut peer = Peer { address: address.to_owned() };
    match peer.dial().await {
        Ok(pipe) => LinkDevice::open_with(name, pipe, peer).await,
        Err(error) => {
            let reason = format!("{error}; start `lacuna serve --tcp {address}`, or check the address");
            Err(DeviceError::Open { device: name, reason })
        }
    }
}

/// A TCP peer.
#[derive(Debug, Clone)]
pub struct Peer {
    /// `HOST:PORT`.
    pub address: String,
}

#[async_trait::async_trait]
impl Dial for Peer {
    async fn dial(&mut self) -> std::io::Result<Box<dyn Pipe>> {
        let socket = TcpStream::connect(&self.address).await?;
        socket.set_nodelay(true)?;
        Ok(Box::new(socket))
    }
}
