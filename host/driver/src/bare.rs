//! Programs without a network: tile memories in, tile memories out.

use lacuna_spec::Geometry;
use lacuna_spec::instr::Instr;
use lacuna_spec::map::{self, Region};
use lacuna_spec::regs::{self, Decisions, ProfileField};

use crate::device::{Burst, Device, Registers, low_word};
use crate::session::FRAME_LIMIT;
use crate::{DeviceError, InstrProfile};

/// Writes the tile memories, tile after tile.
///
/// # Errors
/// What the device says.
pub async fn write_tiles(device: &mut dyn Device, bytes: &[u8]) -> Result<(), DeviceError> {
    let size = device.geometry().tile_bytes();
    for (tile, bytes) in bytes.chunks(size).enumerate() {
        device.write(map::tile_word(tile, 0), bytes).await?;
    }
    Ok(())
}

/// Reads the tile memories, tile after tile.
///
/// # Errors
/// What the device says.
pub async fn read_tiles(device: &mut dyn Device) -> Result<Vec<u8>, DeviceError> {
    let geometry = device.geometry();
    let mut bytes = Vec::new();
    for tile in 0..geometry.tiles {
        bytes.extend(device.read(map::tile_word(tile, 0), geometry.tile_words).await?);
    }
    Ok(bytes)
}

/// Reads the record of an instruction on a tile.
pub(crate) fn read_record(geometry: &Geometry, instruction: usize, tile: usize) -> impl Iterator<Item = Burst> {
    fields(geometry).iter().map(move |&field| Burst::read_register(map::profile(instruction, tile, field)))
}

/// The record in the next beats of what was read.
pub(crate) fn record(
    geometry: &Geometry,
    instruction: usize,
    tile: usize,
    beats: &mut impl Iterator<Item = Vec<u8>>,
) -> InstrProfile {
    let mut words = fields(geometry).iter().zip(beats).map(|(_, beat)| low_word(&beat));
    let mut next = || words.next().unwrap_or(0);
    let [start, cycles, work, decisions] = std::array::from_fn(|_| next());
    InstrProfile { instruction, tile, start, cycles, work, decisions: Decisions::unpack(decisions) }
}

/// The fields of a record; a chip without a monitor has no fourth.
const fn fields(geometry: &Geometry) -> &'static [ProfileField] {
    const ALL: [ProfileField; 4] =
        [ProfileField::Start, ProfileField::Cycles, ProfileField::Work, ProfileField::Monitor];
    if geometry.monitor { &ALL } else { ALL.split_at(3).0 }
}

/// The records of a program: instruction and tile of each.
pub(crate) fn records<'a>(geometry: &Geometry, program: &'a [Instr]) -> impl Iterator<Item = (usize, usize)> + use<'a> {
    let tiles = geometry.tiles;
    program.iter().enumerate().flat_map(move |(instruction, instr)| {
        let mask = instr.head().tiles;
        (0..tiles).filter(move |tile| mask >> tile & 1 == 1).map(move |tile| (instruction, tile))
    })
}

/// Loads a program at the start of program memory, runs it, and returns the record of every instruction on every tile
/// that it ran on.
///
/// # Errors
/// What the device says.
pub async fn run(device: &mut dyn Device, program: &[Instr]) -> Result<Vec<InstrProfile>, DeviceError> {
    let mut bytes = Vec::new();
    for instr in program {
        bytes.extend(instr.pack()?);
    }
    device.write(Region::Program.at(0), &bytes).await?;
    Registers(device).write(regs::START, 0).await?;
    device.wait(None, FRAME_LIMIT).await?;
    let geometry = device.geometry();
    let ran = || records(&geometry, program);
    let bursts = ran().flat_map(|(instruction, tile)| read_record(&geometry, instruction, tile));
    let mut beats = device.batch(bursts.collect()).await?.into_iter();
    Ok(ran().map(|(instruction, tile)| record(&geometry, instruction, tile, &mut beats)).collect())
}
