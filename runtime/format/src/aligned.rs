//! Bytes on the heap that start on a multiple of 16, as [`Artefact::parse`](crate::Artefact::parse)
//! wants them: for hosts, where files end up in vectors.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use crate::ALIGNMENT;

/// Bytes that start on a multiple of [`ALIGNMENT`]: a copy of an artefact's file, or an arena.
#[derive(Debug)]
pub struct AlignedBytes {
    storage: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBytes {
    /// So many zeros.
    pub fn zeros(length: usize) -> AlignedBytes {
        let storage = vec![0; length + ALIGNMENT - 1];
        let address = storage.as_ptr().addr();
        AlignedBytes { start: address.next_multiple_of(ALIGNMENT) - address, storage, length }
    }

    /// A copy of some bytes.
    pub fn copy_of(bytes: &[u8]) -> AlignedBytes {
        let mut aligned = AlignedBytes::zeros(bytes.len());
        aligned.copy_from_slice(bytes);
        aligned
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.length]
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> AlignedBytes {
        AlignedBytes::copy_of(self)
    }
}
