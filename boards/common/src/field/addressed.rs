//! The driver of a board's flash as the slots want it: it counts addresses, and writes whole units.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// A HAL's driver of a flash whose first byte has the address `ADDRESS`. It is written in units of `WRITE_BYTES`, which may
/// be more than the HAL asks for: a page of a flash on QSPI is programmed at once, whatever a HAL pads.
#[derive(Debug)]
pub struct Addressed<F, const ADDRESS: u32, const WRITE_BYTES: usize>(pub F);

impl<F: ReadNorFlash, const ADDRESS: u32, const WRITE_BYTES: usize> Addressed<F, ADDRESS, WRITE_BYTES> {
    /// Where the HAL has an address.
    fn offset(address: u32) -> Result<u32, NorFlashErrorKind> {
        address.checked_sub(ADDRESS).ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

impl<F, const ADDRESS: u32, const WRITE_BYTES: usize> ErrorType for Addressed<F, ADDRESS, WRITE_BYTES> {
    type Error = NorFlashErrorKind;
}

impl<F: ReadNorFlash, const ADDRESS: u32, const WRITE_BYTES: usize> ReadNorFlash
    for Addressed<F, ADDRESS, WRITE_BYTES>
{
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, address: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.0.read(Self::offset(address)?, bytes).map_err(|error| error.kind())
    }

    /// The address behind the last byte.
    fn capacity(&self) -> usize {
        ADDRESS as usize + self.0.capacity()
    }
}

impl<F: NorFlash, const ADDRESS: u32, const WRITE_BYTES: usize> NorFlash
    for Addressed<F, ADDRESS, WRITE_BYTES>
{
    const WRITE_SIZE: usize = {
        assert!(WRITE_BYTES.is_multiple_of(F::WRITE_SIZE), "a unit is made of whole units of the HAL");
        WRITE_BYTES
    };
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.0.erase(Self::offset(from)?, Self::offset(to)?).map_err(|error| error.kind())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let offset = Self::offset(address)?;
        if !(offset as usize).is_multiple_of(WRITE_BYTES) || !bytes.len().is_multiple_of(WRITE_BYTES) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        self.0.write(offset, bytes).map_err(|error| error.kind())
    }
}
