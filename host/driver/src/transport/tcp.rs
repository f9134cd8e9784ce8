//! A chip behind a TCP peer: the frames of the link over a socket.

use tokio::net::TcpStream;

use super::LinkDevice;
use crate::DeviceError;

/// Connects to a chip that `lacuna serve` or a board's bridge offers at `address` (`HOST:PORT`).
///
/// # Errors
/// [`DeviceError::Open`] when nobody listens there, or as [`LinkDevice::open`].
pub async fn open(address: &str) -> Result<LinkDevice, DeviceError> {
    let name = format!("tcp:{address}");
    let socket = TcpStream::connect(address).await.and_then(|socket| {
        socket.set_nodelay(true)?;
        Ok(socket)
    });
    match socket {
        Ok(socket) => LinkDevice::open(name, socket).await,
        Err(error) => {
            let reason = format!("{error}; start `lacuna serve --tcp {address}`, or check the address");
            Err(DeviceError::Open { device: name, reason })
        }
    }
}
