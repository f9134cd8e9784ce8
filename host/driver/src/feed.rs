//! Brings the weights of phases to a chip in time.
//!
//! Phases are written in the order of the frame, round and round. The pages of each are those of an earlier one, so the host
//! waits until the chip has come to the `load` after that one, writes the pages, and then allows them by PHASE. Whatever is free
//! already is written ahead, also for the next frame, which waits for no PHASE but that of its start.

use std::cmp::Ordering;

use lacuna_compiler::backend::{PageImage, Phase};
use lacuna_spec::{map, regs};

use crate::DeviceError;
use crate::device::{Burst, Device, Registers};
use crate::session::FRAME_LIMIT;

/// Which phases a chip holds.
#[derive(Debug)]
pub struct Feed<'a> {
    phases: &'a [Phase],
    /// Phases written, of all frames.
    written: usize,
    /// The frame that runs or comes next.
    frame: usize,
}

impl<'a> Feed<'a> {
    /// Of a network none of whose phases is on the chip.
    pub fn new(phases: &'a [Phase]) -> Self {
        Self { phases, written: 0, frame: 0 }
    }

    /// What PHASE has to be before the next frame starts: it allows what is there of it.
    pub fn allowed(&self) -> Option<u32> {
        let there = self.written - self.frame * self.phases.len();
        (!self.phases.is_empty()).then_some(there.min(self.phases.len()) as u32)
    }

    /// The frame has ended.
    pub fn end(&mut self) {
        self.frame += 1;
    }

    /// While the program of `step` runs, writes the rest of this frame's phases, and with `ahead` those of the next frame, as far
    /// as their pages come free before the program's halt.
    pub async fn serve(&mut self, device: &mut dyn Device, step: usize, ahead: bool) -> Result<(), DeviceError> {
        let count = self.phases.len();
        while self.written < (self.frame + 1 + usize::from(ahead)) * count {
            let (frame, index) = (self.written / count, self.written % count);
            match self.free(frame, index, step) {
                Free::Now => {}
                Free::At(load) => device.wait(Some(load), FRAME_LIMIT).await?,
                Free::Later => return Ok(()),
            }
            write_pages(device, &self.phases[index].pages).await?;
            self.written += 1;
            if frame == self.frame {
                Registers(device).write(regs::PHASE, index as u32 + 1).await?;
            }
        }
        Ok(())
    }

    /// When the pages of a phase come free, while the program of `step` runs.
    fn free(&self, frame: usize, index: usize, step: usize) -> Free {
        let follows = self.phases[index].follows;
        let Some(user) = (if follows < index { Some(frame) } else { frame.checked_sub(1) }) else { return Free::Now };
        if user < self.frame {
            return Free::Now;
        }
        // A phase may serve several programs: it is over when the chip comes to the load of the next.
        let Some(next) = self.phases.get(follows + 1).filter(|_| user == self.frame) else { return Free::Later };
        match next.step.cmp(&step) {
            Ordering::Less => Free::Now,
            Ordering::Equal => Free::At(next.load),
            Ordering::Greater => Free::Later,
        }
    }
}

/// When pages come free.
enum Free {
    /// They are.
    Now,
    /// When the chip has come to this instruction.
    At(usize),
    /// Not before the program that runs has ended.
    Later,
}

/// Writes weight pages, neighbours in one burst, all in one batch.
pub async fn write_pages(device: &mut dyn Device, pages: &[PageImage]) -> Result<(), DeviceError> {
    let mut pages: Vec<&PageImage> = pages.iter().collect();
    pages.sort_by_key(|page| (page.tile, page.lane, page.page));
    let runs = pages.chunk_by(|a, b| (a.tile, a.lane, a.page + 1) == (b.tile, b.lane, b.page));
    let bursts = runs.map(|run| Burst::Write {
        beat: map::weight_page(run[0].tile, run[0].lane, run[0].page),
        bytes: run.iter().flat_map(|page| bytemuck::cast_slice(&page.weights)).copied().collect(),
    });
    device.batch(bursts.collect()).await.map(drop)
}
