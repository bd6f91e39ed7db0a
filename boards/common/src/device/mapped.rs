//! Flash of a device where the core sees it.

#![allow(unsafe_code)]

use core::{ptr, slice};

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use ocelli_slots::MappedFlash;

use crate::field::Addressed;

impl<F: NorFlash, const ADDRESS: u32, const WRITE_BYTES: usize> MappedFlash
    for Addressed<F, ADDRESS, WRITE_BYTES>
{
    fn mapped(&self, address: u32, length: u32) -> &[u8] {
        let end = self.capacity() as u32;
        let start = address.clamp(ADDRESS, end);
        let length = length.min(end - start);
        // SAFETY: memory-mapped flash from its first to its last address, any bytes of which are valid. Only this driver
        // changes it, for which it has to be borrowed exclusively.
        unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(start as usize), length as usize) }
    }
}
