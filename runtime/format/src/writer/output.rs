//! Bytes in the making, with the primitives that the reader's cursor has.

use alloc::vec::Vec;

use crate::writer::WriteError;

/// A section as far as it has been written.
#[derive(Default)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
}

impl Output {
    pub(super) fn u16(&mut self, number: u16) {
        self.bytes.extend(number.to_le_bytes());
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// Zeros up to the next multiple.
    pub(super) fn align(&mut self, multiple: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(multiple), 0);
    }

    /// A list of texts.
    pub(super) fn texts<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<(), WriteError> {
        self.u32(short("texts", texts.len(), LIMIT)? as u32);
        let mut end = 0;
        for text in texts {
            end = short("bytes of text", end + text.as_ref().len(), LIMIT)?;
            self.u32(end as u32);
        }
        texts.iter().for_each(|text| self.bytes.extend(text.as_ref().as_bytes()));
        self.align(4);
        Ok(())
    }
}

/// Refuses what the format cannot count.
pub(super) fn short(what: &'static str, count: usize, limit: usize) -> Result<usize, WriteError> {
    if count <= limit { Ok(count) } else { Err(WriteError::TooMany { what, count, limit }) }
}

const LIMIT: usize = 1 << 31;
