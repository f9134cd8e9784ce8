//! Programs without a network: tile memories in, tile memories out.

use lacuna_spec::instr::Instr;
use lacuna_spec::map::{self, Region};
use lacuna_spec::regs::{self, Decisions, ProfileField};

use crate::device::{Device, Registers, low_word};
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

/// The record of an instruction on a tile.
pub(crate) async fn record(
    device: &mut dyn Device,
    instruction: usize,
    tile: usize,
) -> Result<InstrProfile, DeviceError> {
    let mut fields = [0u32; 4];
    // A chip without a monitor has no fourth field.
    let known = [ProfileField::Start, ProfileField::Cycles, ProfileField::Work, ProfileField::Monitor];
    let known = &known[..if device.geometry().monitor { 4 } else { 3 }];
    for (slot, &field) in fields.iter_mut().zip(known) {
        *slot = low_word(&device.read(map::profile(instruction, tile, field), 1).await?);
    }
    let [start, cycles, work, decisions] = fields;
    Ok(InstrProfile { instruction, tile, start, cycles, work, decisions: Decisions::unpack(decisions) })
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
    let mut records = Vec::new();
    for (instruction, instr) in program.iter().enumerate() {
        for tile in (0..device.geometry().tiles).filter(|tile| instr.head().tiles >> tile & 1 == 1) {
            records.push(record(device, instruction, tile).await?);
        }
    }
    Ok(records)
}
