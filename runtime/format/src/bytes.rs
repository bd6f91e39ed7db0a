//! Reads numbers, tables and texts out of one section, and says where it could not.
//!
//! The same functions serve [`parse`](crate::Artefact::parse), which reports what they find, and the
//! accessors afterwards, to which they can find nothing new.

use bytemuck::AnyBitPattern;

use crate::error::Section;
use crate::fault::{Fault, ensure};

#[cfg(target_endian = "big")]
compile_error!("artefacts are little-endian and read in place");

/// A position in a section.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    section: Section,
    /// Of a fault: the bytes that were wanted, or the unknown code.
    detail: u32,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(section: Section, bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0, section, detail: 0 }
    }

    /// The same section from another byte on.
    pub(crate) fn at(self, offset: usize) -> Cursor<'a> {
        Cursor { at: offset, ..self }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Whether the section has been read to its end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Section, offset, and of a fault the bytes that were wanted (or the unknown code) and those that are left.
    pub(crate) fn place(&self) -> (Section, u32, [u32; 2]) {
        let left = self.bytes.len().saturating_sub(self.at) as u32;
        (self.section, self.at as u32, [self.detail, left])
    }

    #[inline(never)]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.saturating_add(length);
        match self.bytes.get(self.at..end) {
            Some(taken) => {
                self.at = end;
                Ok(taken)
            }
            None => {
                self.detail = u32::try_from(length).unwrap_or(u32::MAX);
                Err(Fault::Bounds)
            }
        }
    }

    /// `count` numbers in place.
    pub(crate) fn slice<T: AnyBitPattern>(&mut self, count: usize) -> Result<&'a [T], Fault> {
        let bytes = self.take(count.saturating_mul(size_of::<T>()))?;
        bytemuck::try_cast_slice(bytes).map_err(|_| Fault::Position)
    }

    /// One table of fixed size in place.
    pub(crate) fn table<T: AnyBitPattern>(&mut self) -> Result<&'a T, Fault> {
        self.slice::<T>(1)?.first().ok_or(Fault::Position)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.table().copied()
    }

    /// Zeros up to the next multiple, so that later versions may give them a meaning.
    #[inline(never)]
    pub(crate) fn align(&mut self, multiple: usize) -> Result<(), Fault> {
        let zeros = self.take(self.at.next_multiple_of(multiple) - self.at)?;
        ensure(zeros.iter().all(|&byte| byte == 0), Fault::Value)
    }

    /// An unknown code.
    pub(crate) fn unknown<T>(&mut self, code: u8) -> Result<T, Fault> {
        self.detail = u32::from(code);
        Err(Fault::Code)
    }

    /// A list of texts: their number, where each ends behind the first, the bytes, zeros up to a multiple of 4.
    #[inline(never)]
    pub(crate) fn texts(&mut self) -> Result<Texts<'a>, Fault> {
        let texts = self.unread_texts()?;
        if !(0..texts.len()).all(|index| texts.get(index).is_some()) {
            return Err(Fault::Text);
        }
        self.align(4)?;
        Ok(texts)
    }

    /// The same, which may be no texts, up to the zeros.
    pub(crate) fn unread_texts(&mut self) -> Result<Texts<'a>, Fault> {
        let count = self.u32()?;
        let ends: &[u32] = self.slice(count as usize)?;
        let bytes = self.take(ends.last().map_or(0, |&end| end as usize))?;
        Ok(Texts { ends, bytes })
    }
}

/// A list of texts, such as labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Texts<'a> {
    ends: &'a [u32],
    bytes: &'a [u8],
}

impl<'a> Texts<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Text `index`, or `None` beyond the last.
    #[inline(never)]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        core::str::from_utf8(self.bytes(index)?).ok()
    }

    /// Its bytes.
    pub(crate) fn bytes(&self, index: usize) -> Option<&'a [u8]> {
        let to = *self.ends.get(index)? as usize;
        let from =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize);
        self.bytes.get(from..to)
    }

    /// All of them in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let texts = *self;
        (0..self.len()).map(move |index| texts.get(index).unwrap_or_default())
    }
}
