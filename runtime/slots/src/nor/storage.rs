//! [`Storage`] over a flash driver.

use super::flash::{MappedFlash, NorError, Operation};
use super::journal::Journal;
use super::layout::{Layout, LayoutError, PAGE_BYTES, Region};
use crate::{Slot, State, Storage};

/// Slots and state in NOR flash.
#[derive(Debug)]
pub struct NorStorage<F> {
    flash: F,
    layout: Layout,
    journal: Journal,
    state: Option<State>,
    writing: Writing,
}

/// The slot that is being written.
#[derive(Debug)]
struct Writing {
    region: Region,
    /// Bytes that have reached the flash.
    flushed_bytes: u32,
    /// What has come since, less than a page.
    pending: [u8; PAGE_BYTES],
    pending_bytes: usize,
}

impl<F: MappedFlash> NorStorage<F> {
    /// Looks for the newest state.
    ///
    /// # Errors
    /// The layout does not go with the flash.
    pub fn new(mut flash: F, layout: Layout) -> Result<NorStorage<F>, LayoutError> {
        layout.check(&flash)?;
        let (journal, state) = Journal::open(layout.state, &mut flash);
        let writing = Writing {
            region: layout.slots[0],
            flushed_bytes: 0,
            pending: [0xFF; PAGE_BYTES],
            pending_bytes: 0,
        };
        Ok(NorStorage { flash, layout, journal, state, writing })
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.flash
    }

    fn region(&self, slot: Slot) -> Region {
        self.layout.slots[slot as usize]
    }

    /// Writes the pending bytes, filled up to what can be written with what erased flash holds. The first page of a
    /// block has the block erased before.
    fn flush(&mut self) -> Result<(), NorError> {
        let Writing { region, flushed_bytes, pending, pending_bytes } = &mut self.writing;
        let (erase_bytes, offset) = (F::ERASE_SIZE as u32, region.offset + *flushed_bytes);
        if flushed_bytes.is_multiple_of(erase_bytes) {
            let erased = self.flash.erase(offset, offset + erase_bytes);
            erased.map_err(NorError::of(Operation::Erase, offset))?;
        }
        let page = pending.get_mut(..pending_bytes.next_multiple_of(F::WRITE_SIZE)).unwrap_or_default();
        page.iter_mut().skip(*pending_bytes).for_each(|byte| *byte = 0xFF);
        self.flash.write(offset, page).map_err(NorError::of(Operation::Write, offset))?;
        *flushed_bytes += page.len() as u32;
        *pending_bytes = 0;
        Ok(())
    }
}

impl<F: MappedFlash> Storage for NorStorage<F> {
    type Error = NorError;

    fn slot_bytes(&self) -> u32 {
        self.layout.slots[0].bytes
    }

    fn load(&mut self) -> Result<Option<State>, NorError> {
        Ok(self.state)
    }

    fn save(&mut self, state: &State) -> Result<(), NorError> {
        if self.state != Some(*state) {
            self.journal.append(state, &mut self.flash)?;
            self.state = Some(*state);
        }
        Ok(())
    }

    fn begin(&mut self, slot: Slot) -> Result<(), NorError> {
        self.writing.region = self.region(slot);
        (self.writing.flushed_bytes, self.writing.pending_bytes) = (0, 0);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), NorError> {
        for &byte in bytes {
            if let Some(place) = self.writing.pending.get_mut(self.writing.pending_bytes) {
                *place = byte;
                self.writing.pending_bytes += 1;
            }
            if self.writing.pending_bytes == PAGE_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), NorError> {
        if self.writing.pending_bytes == 0 { Ok(()) } else { self.flush() }
    }

    fn read(&mut self, slot: Slot, offset: u32, bytes: &mut [u8]) -> Result<(), NorError> {
        let offset = self.region(slot).offset + offset;
        self.flash.read(offset, bytes).map_err(NorError::of(Operation::Read, offset))
    }

    fn bytes(&mut self, slot: Slot, length: u32) -> Result<&[u8], NorError> {
        Ok(self.flash.mapped(self.region(slot).offset, length))
    }
}
