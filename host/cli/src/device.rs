//! Names of devices, and opening them.

use std::fmt;
use std::str::FromStr;

use lacuna_driver::Device;
use lacuna_driver::transport::{GoldenDevice, SimDevice};
use lacuna_spec::Geometry;

use crate::error::CliError;

/// A device as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceArg {
    /// The Verilated chip in this process.
    Sim,
    /// The golden model in this process.
    Golden,
    /// A board on a serial port.
    Serial(String),
    /// A chip offered by `lacuna serve`.
    Tcp(String),
}

impl FromStr for DeviceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "sim" => Ok(Self::Sim),
            None if text == "golden" => Ok(Self::Golden),
            Some(("serial", path)) if !path.is_empty() => Ok(Self::Serial(path.to_owned())),
            Some(("tcp", address)) if !address.is_empty() => Ok(Self::Tcp(address.to_owned())),
            _ => Err(format!("{text:?} is no device; use sim, golden, serial:PATH or tcp:ADDRESS")),
        }
    }
}

impl fmt::Display for DeviceArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sim => write!(f, "sim"),
            Self::Golden => write!(f, "golden"),
            Self::Serial(path) => write!(f, "serial:{path}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

/// Opens a device; in-process ones get the geometry that the model was compiled for.
///
/// # Errors
/// Why it cannot be opened.
pub async fn open(device: &DeviceArg, geometry: Geometry) -> Result<Box<dyn Device>, CliError> {
    Ok(match device {
        DeviceArg::Sim => Box::new(SimDevice::new(geometry)?),
        DeviceArg::Golden => Box::new(GoldenDevice::new(geometry)),
        DeviceArg::Serial(path) => Box::new(lacuna_driver::transport::serial::open(path).await?),
        DeviceArg::Tcp(address) => Box::new(lacuna_driver::transport::tcp::open(address).await?),
    })
}

/// Opens a device that has a chip already, so that a model can be compiled for it; `None` for those in this process.
///
/// # Errors
/// Why it cannot be opened.
pub async fn open_first(device: &DeviceArg) -> Result<Option<Box<dyn Device>>, CliError> {
    Ok(match device {
        DeviceArg::Sim | DeviceArg::Golden => None,
        DeviceArg::Serial(_) | DeviceArg::Tcp(_) => Some(open(device, Geometry::BASE).await?),
    })
}
