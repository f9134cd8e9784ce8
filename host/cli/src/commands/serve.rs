//! `lacuna serve`: a simulated chip for others, on TCP or a pseudo-terminal.

use clap::{Args, ValueEnum};
use lacuna_driver::DeviceError;
use lacuna_driver::serve::{GoldenChip, Pty, Server, UartChip};
use lacuna_spec::Geometry;
use tokio::net::TcpListener;

use crate::error::CliError;

/// The chip that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Chip {
    /// The Verilated top level, driven through its UART pins.
    Sim,
    /// The golden model.
    Golden,
    /// The netlist of a board that this program was built with, driven likewise.
    Netlist,
}

/// Offer a simulated chip on TCP or a pseudo-terminal.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Listen on this address, such as 127.0.0.1:7100 (port 0 takes a free one).
    #[arg(long, value_name = "ADDRESS", required_unless_present = "pty", conflicts_with = "pty")]
    tcp: Option<String>,

    /// Open a pseudo-terminal and print its path; a serial backend opens that like a real port.
    #[arg(long)]
    pty: bool,

    /// Which chip to offer.
    #[arg(long, value_enum, default_value = "sim")]
    chip: Chip,

    /// Chip size: base or nano for sim; any for golden; that of the board for netlist.
    #[arg(long, default_value = "base")]
    geometry: String,
}

/// Runs the command until it is interrupted. Prints the device to pass to `lacuna run --device` first.
///
/// # Errors
/// An address that cannot be bound, or a chip that failed.
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    let geometry = Geometry::preset(&args.geometry).map_err(|e| CliError::Usage(e.to_string()))?;
    let server = match args.chip {
        Chip::Sim => Server::new(UartChip::new(&geometry)?),
        Chip::Golden => Server::new(GoldenChip::new(geometry)),
        Chip::Netlist => Server::new(UartChip::netlist()?),
    };
    if let Some(address) = args.tcp {
        let refuse = |e: std::io::Error| DeviceError::Open { device: format!("tcp:{address}"), reason: e.to_string() };
        let listener = TcpListener::bind(&address).await.map_err(refuse)?;
        say!("tcp:{}", listener.local_addr().map_err(refuse)?);
        loop {
            let (stream, peer) = listener.accept().await.map_err(refuse)?;
            // Answers are short, and several are on their way at a time.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::warn!(%error, "answers to {peer} may be held back");
            }
            tracing::info!("{peer} connected");
            server.attach(stream).await?;
            tracing::info!("{peer} left");
        }
    }
    let (pty, pipe) = Pty::open()?;
    say!("serial:{}", pty.path());
    Ok(server.attach(pipe).await?)
}
