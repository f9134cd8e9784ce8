//! Devices behind real pipes: TCP, pseudo-terminals, and what happens when they go away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lacuna_driver::link::{Link, LinkError, PATIENCE};
use lacuna_driver::serve::{GoldenChip, Pty, Served, Server, UartChip};
use lacuna_driver::transport::{LinkDevice, serial, tcp};
use lacuna_driver::trial::{Duplex, Watched, closed_pipes};
use lacuna_driver::{Device, DeviceError};
use lacuna_golden::link::Bridge;
use lacuna_spec::{Geometry, frame::Shape, map, tables::layout_hash};
use tokio::net::TcpListener;
use tokio::sync::RwLock;

/// Who uses pseudo-terminals. A link goes on trying the path of a port that has vanished, and the system gives
/// its number to the next that asks: while one vanishes, no other test may have any.
static PORTS: RwLock<()> = RwLock::const_new(());

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
    let address = listen(GoldenChip::new(Geometry::BASE)).await;
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
    let _among_others = PORTS.read().await;
    let (pty, _server) = offer(GoldenChip::new(Geometry::NANO));
    let mut device = serial::open(pty.path()).await.unwrap();
    assert_eq!(device.geometry(), Geometry::NANO);
    round_trip(&mut device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_port_reaches_the_pins_of_the_verilated_top_level() {
    let _among_others = PORTS.read().await;
    let (pty, _server) = offer(UartChip::new(&Geometry::NANO).unwrap());
    let mut device = serial::open(pty.path()).await.unwrap();
    assert_eq!(device.geometry(), Geometry::NANO);
    round_trip(&mut device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_vanishes_in_mid_transfer_is_disconnected() {
    let _alone = PORTS.write().await;
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
    assert!(begin.elapsed() < PATIENCE + Duration::from_secs(5), "noticed after {:?}", begin.elapsed());
    let again = device.read(map::tile_word(0, 0), 1).await.unwrap_err();
    assert!(matches!(again, DeviceError::Disconnected { .. }), "{again}");
}

/// Serves a chip on a free port; gives the address.
async fn listen(chip: impl Served) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::new(chip);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            server.attach(socket).await.unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_after_any_byte_costs_and_repeats_no_command() {
    let chip = Watched::new(Shape::of(&Geometry::BASE));
    let address = listen(chip.clone()).await;
    let report = closed_pipes(tcp::Peer { address }, &chip, 1).await.unwrap();
    println!("{report:?}");
    assert!(report.holds() && report.resumed > 200, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_breaks_in_mid_transfer_costs_and_repeats_no_command() {
    let _among_others = PORTS.read().await;
    let chip = Watched::new(Shape::of(&Geometry::NANO));
    let (pty, _server) = offer(chip.clone());
    // The threads that carry a port's bytes take a moment to let go of it.
    let report = closed_pipes(serial::Port::named(pty.path()).unwrap(), &chip, 7).await.unwrap();
    println!("{report:?}");
    assert!(report.holds() && report.resumed > 20, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chip_that_was_reset_while_the_line_was_away_is_found_out() {
    let shape = Shape::of(&Geometry::NANO);
    for busy in [false, true] {
        let server = Arc::new(Server::new(Watched::new(shape)));
        let (ours, theirs) = tokio::io::duplex(4096);
        let first = tokio::spawn(async move { server.attach(theirs).await });
        let link = Link::open_with(Box::new(ours), Duplex::new(Watched::new(shape))).await.unwrap();
        link.write(0, &[7; 8]).await.unwrap();
        let reading = busy.then(|| {
            tokio::spawn({
                let link = link.clone();
                async move { while link.read(0, 2).await.is_ok() {} }
            })
        });
        first.abort();
        // A chip that forgot the session must not run a command of it as if nothing had happened.
        let begin = Instant::now();
        let error = loop {
            match link.write(0, &[8; 8]).await {
                Ok(()) => assert!(begin.elapsed() < Duration::from_millis(500), "it took {:?}", begin.elapsed()),
                Err(error) => break error,
            }
        };
        assert_eq!(error, LinkError::SessionLost);
        assert!(begin.elapsed() < Duration::from_secs(6), "found out after {:?}", begin.elapsed());
        if let Some(reading) = reading {
            reading.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmapped_address_is_named() {
    let _among_others = PORTS.read().await;
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
    let _among_others = PORTS.read().await;
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
