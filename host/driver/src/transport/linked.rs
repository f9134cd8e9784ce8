//! A chip at the other end of a link, whatever the link runs over.

use std::time::Duration;

use lacuna_spec::{Geometry, regs};
use tokio::time::{Instant, sleep};

use crate::DeviceError;
use crate::device::{Burst, Device, Registers};
use crate::link::{Dial, Link, LinkError, Pipe};

/// Between two looks at STATUS while a program runs.
const POLL: Duration = Duration::from_millis(2);
/// A running chip whose cycle counter stands still for so long is not running.
const STANDSTILL: Duration = Duration::from_secs(10);

/// A chip behind a serial port, a TCP peer or any other pipe of bytes.
#[derive(Debug)]
pub struct LinkDevice {
    name: String,
    link: Link,
    geometry: Geometry,
}

impl LinkDevice {
    /// Greets the chip at the other end of `pipe` and reads its geometry.
    ///
    /// # Errors
    /// [`DeviceError::Open`] when nobody answers, [`DeviceError::StaleLayout`],
    /// [`DeviceError::NotLacuna`], [`DeviceError::Geometry`].
    pub async fn open(name: impl Into<String>, pipe: impl Pipe) -> Result<Self, DeviceError> {
        Self::over(name.into(), Link::open(pipe).await).await
    }

    /// As [`LinkDevice::open`]; `dialer` opens the pipe again when it breaks later, and the session goes on.
    ///
    /// # Errors
    /// As [`LinkDevice::open`].
    pub async fn open_with(
        name: impl Into<String>,
        pipe: Box<dyn Pipe>,
        dialer: impl Dial,
    ) -> Result<Self, DeviceError> {
        Self::over(name.into(), Link::open_with(pipe, dialer).await).await
    }

    async fn over(name: String, link: Result<Link, LinkError>) -> Result<Self, DeviceError> {
        let link = link.map_err(|error| refine(&name, error))?;
        let word_bytes = link.hello().shape.word_bytes;
        // Enough to read registers; replaced by what they say.
        let likely = Geometry::PRESETS.into_iter().find(|g| g.word_bytes() == word_bytes);
        let geometry = likely.ok_or_else(|| DeviceError::Geometry {
            device: name.clone(),
            what: "bytes of a beat",
            value: word_bytes as u32,
        })?;
        let mut device = Self { name, link, geometry };
        Registers(&mut device).check_contract().await?;
        device.geometry = device.read_geometry().await?;
        Ok(device)
    }

    /// The geometry in the registers, with the name of the preset that it comes from.
    async fn read_geometry(&mut self) -> Result<Geometry, DeviceError> {
        let mut registers = Registers(self);
        let mut found = Geometry {
            name: "custom",
            tiles: registers.read(regs::TILES).await? as usize,
            lanes: registers.read(regs::LANES).await? as usize,
            pages: registers.read(regs::PAGES).await? as usize,
            digit_bits: registers.read(regs::DIGIT_BITS).await? as usize,
            tile_words: registers.read(regs::TILE_WORDS).await? as usize,
            reduce_columns: registers.read(regs::REDUCE_COLUMNS).await? as usize,
            slack: registers.read(regs::SLACK).await? as usize,
            acc_bits: registers.read(regs::ACC_BITS).await? as usize,
            program_len: registers.read(regs::PROGRAM_LEN).await? as usize,
            depthwise_taps: registers.read(regs::DEPTHWISE_TAPS).await? as usize,
            transposer: registers.read(regs::TRANSPOSER).await? == 1,
            monitor: registers.read(regs::MONITOR).await? == 1,
        };
        if found.word_bytes() != self.link.hello().shape.word_bytes {
            return Err(DeviceError::Geometry { device: self.name.clone(), what: "LANES", value: found.lanes as u32 });
        }
        let like = |preset: &Geometry| Geometry { name: found.name, digit_bits: found.digit_bits, ..*preset } == found;
        if let Some(preset) = Geometry::PRESETS.iter().find(|preset| like(preset)) {
            found.name = preset.name;
        }
        Ok(found)
    }
}

/// The link's error with the device's name.
fn refine(name: &str, error: LinkError) -> DeviceError {
    let device = name.to_owned();
    match error {
        LinkError::StaleLayout { found, expected } => DeviceError::StaleLayout { device, found, expected },
        LinkError::Unmapped { address, .. } => DeviceError::Unmapped { device, beat: address },
        LinkError::Ragged { bytes, word } => DeviceError::Ragged { bytes, word },
        LinkError::NoAnswer { .. } | LinkError::Version { .. } => {
            DeviceError::Open { device, reason: error.to_string() }
        }
        LinkError::Disconnected { reason } => DeviceError::Disconnected { device, reason },
        LinkError::Timeout { .. } | LinkError::SessionLost | LinkError::Protocol { .. } => {
            DeviceError::Disconnected { device, reason: error.to_string() }
        }
    }
}

#[async_trait::async_trait]
impl Device for LinkDevice {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    async fn write(&mut self, beat: u32, bytes: &[u8]) -> Result<(), DeviceError> {
        self.link.write(beat, bytes).await.map_err(|error| refine(&self.name, error))
    }

    async fn read(&mut self, beat: u32, beats: usize) -> Result<Vec<u8>, DeviceError> {
        self.link.read(beat, beats).await.map_err(|error| refine(&self.name, error))
    }

    async fn batch(&mut self, bursts: Vec<Burst>) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut under_way = Vec::new();
        for burst in bursts {
            let (reads, transfer) = match burst {
                Burst::Write { beat, bytes } => (false, self.link.begin_write(beat, &bytes).await),
                Burst::Read { beat, beats } => (true, self.link.begin_read(beat, beats).await),
            };
            under_way.push((reads, transfer.map_err(|error| refine(&self.name, error))?));
        }
        let mut read = Vec::new();
        for (reads, transfer) in under_way {
            let bytes = transfer.finish(&self.link).await.map_err(|error| refine(&self.name, error))?;
            if reads {
                read.push(bytes);
            }
        }
        Ok(read)
    }

    async fn wait(&mut self, instruction: Option<usize>, cycles: u64) -> Result<(), DeviceError> {
        let (mut seen, mut moved) = (u32::MAX, Instant::now());
        while !Registers(self).came_to(instruction).await? {
            let now = Registers(self).read(regs::CYCLES).await?;
            if now != seen {
                (seen, moved) = (now, Instant::now());
            }
            if u64::from(now) > cycles || moved.elapsed() > STANDSTILL {
                return Err(DeviceError::Hang { device: self.name(), cycles });
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}
