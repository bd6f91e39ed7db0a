//! NOR flash simulated in RAM, which an emulated reset leaves alone: what model slots live in under QEMU.
//!
//! It behaves as an nRF52840's does: words of 4 bytes, bits that only go from 1 to 0 until a block is erased.

use core::convert::Infallible;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use ocelli_slots::MappedFlash;

/// A piece of RAM. The slots keep within it: their layout is checked against its length.
pub struct RamFlash<'a>(pub &'a mut [u8]);

impl ErrorType for RamFlash<'_> {
    type Error = Infallible;
}

impl ReadNorFlash for RamFlash<'_> {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for RamFlash<'_> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        self.0[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        self.0[offset as usize..].iter_mut().zip(bytes).for_each(|(old, new)| *old &= new);
        Ok(())
    }
}

impl MappedFlash for RamFlash<'_> {
    fn mapped(&self, offset: u32, length: u32) -> &[u8] {
        &self.0[offset as usize..][..length as usize]
    }
}
