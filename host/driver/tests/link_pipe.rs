//! Devices behind real pipes: TCP, pseudo-terminals, and what happens when they go away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lacuna_driver::link::{Link, LinkError};
use lacuna_driver::serve::{GoldenChip, Pty, Served, Server, UartChip};
use lacuna_driver::transport::{LinkDevice, serial, tcp};
use lacuna_driver::{Device, DeviceError};
use lacuna_golden::link::Bridge;
use lacuna_spec::{Geometry, frame::Shape, map, tables::layout_hash};
use tokio::net::TcpListener;

/// Fills most of the first tile memory and reads it back.
async fn round_trip(device: &mut LinkDevice) {
    let geometry = device.geometry();
    let bytes: Vec<u8> = (0..geometry.tile_bytes() - 64).map(|i| (i * 7 % 251) as u8).collect();
    device.write(map::tile_word(0, 2), &bytes).await.unwrap();
    let beats = bytes.len() / geometry.word_bytes();
    assert_eq!(device.read(map::tile_word(0, 2), beats).await.unwrap(), bytes);
}

/// A chip on a pseudo-terminal; it lives as long as what is returned.
fn offer(chip: impl Served) -> (Pty, tokio::task::JoinHandle<Result<(), DeviceError>>) {
    let (pty, pipe) = Pty::open().unwrap();
    let server = Server::new(chip);
    (pty, tokio::spawn(async move { server.attach(pipe).await }))
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_reaches_a_chip_that_keeps_its_state_between_clients() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Arc::new(Server::new(GoldenChip::new(Geometry::BASE)));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            server.attach(socket).await.unwrap();
        }
    });
    let mut first = tcp::open(&address).await.unwrap();
    assert_eq!(first.geometry(), Geometry::BASE);
    round_trip(&mut first).await;
    let word = first.read(map::tile_word(0, 5), 1).await.unwrap();
    drop(first);
    let mut second = tcp::open(&address).await.unwrap();
    assert_eq!(second.read(map::tile_word(0, 5), 1).await.unwrap(), word);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_port_reaches_a_chip() {
    let (pty, _server) = offer(GoldenChip::new(Geometry::NANO));
    let mut device = serial::open(pty.path()).await.unwrap();
    assert_eq!(device.geometry(), Geometry::NANO);
    round_trip(&mut device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_port_reaches_the_pins_of_the_verilated_top_level() {
    let (pty, _server) = offer(UartChip::new(&Geometry::NANO).unwrap());
    let mut device = serial::open(pty.path()).await.unwrap();
    assert_eq!(device.geometry(), Geometry::NANO);
    round_trip(&mut device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_vanishes_in_mid_transfer_is_disconnected() {
    let (pty, server) = offer(GoldenChip::new(Geometry::NANO));
    let mut device = serial::open(pty.path()).await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.abort();
        drop(pty);
    });
    let begin = Instant::now();
    let error = loop {
        assert!(begin.elapsed() < Duration::from_secs(30), "nobody noticed");
        if let Err(error) = device.write(map::tile_word(0, 0), &[1; 2048]).await {
            break error;
        }
    };
    assert!(matches!(error, DeviceError::Disconnected { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(2), "noticed after {:?}", begin.elapsed());
    let again = device.read(map::tile_word(0, 0), 1).await.unwrap_err();
    assert!(matches!(again, DeviceError::Disconnected { .. }), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmapped_address_is_named() {
    let (pty, _server) = offer(GoldenChip::new(Geometry::NANO));
    let mut device = serial::open(pty.path()).await.unwrap();
    let error = device.read(0xf000_0000, 1).await.unwrap_err();
    assert!(matches!(error, DeviceError::Unmapped { beat: 0xf000_0000, .. }), "{error}");
}

/// A bridge of another contract.
struct Stale(Bridge, lacuna_golden::Chip);

impl Served for Stale {
    fn work(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> Result<bool, DeviceError> {
        self.0.receive(bytes, &mut self.1, answers);
        Ok(false)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_bitstream_is_refused() {
    let geometry = Geometry::NANO;
    let bridge = Bridge::new(Shape::of(&geometry), layout_hash() ^ 1);
    let (pty, _server) = offer(Stale(bridge, lacuna_golden::Chip::new(geometry)));
    let error = serial::open(pty.path()).await.unwrap_err();
    assert!(matches!(error, DeviceError::StaleLayout { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_line_is_given_up() {
    let (ours, _theirs) = tokio::io::duplex(1 << 16);
    assert_eq!(Link::open(ours).await.unwrap_err(), LinkError::NoAnswer { tries: 7 });
}

#[tokio::test]
async fn a_missing_port_and_a_closed_address_say_what_to_do() {
    let error = serial::open("/dev/no-such-port").await.unwrap_err().to_string();
    assert!(error.contains("/dev/no-such-port") && error.contains("lacuna devices"), "{error}");
    let error = tcp::open("127.0.0.1:1").await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("lacuna serve"), "{error}");
}
