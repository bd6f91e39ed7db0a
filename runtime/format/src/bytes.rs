//! Reads numbers, tables and texts out of one section, and says where it could not.
//!
//! The same functions serve [`parse`](crate::Artefact::parse), which reports what they find, and the
//! accessors afterwards, to which they can find nothing new.

use bytemuck::AnyBitPattern;

use crate::error::{ParseError, Section};

#[cfg(target_endian = "big")]
compile_error!("artefacts are little-endian and read in place");

/// A position in a section.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    section: Section,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(section: Section, bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0, section }
    }

    /// The same section from another byte on.
    pub(crate) fn at(self, offset: usize) -> Cursor<'a> {
        Cursor { at: offset, ..self }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn section(&self) -> Section {
        self.section
    }

    /// Whether the section has been read to its end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline(never)]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let taken = rest.get(..length).ok_or(ParseError::Bounds {
            section: self.section,
            offset: self.at as u32,
            needed_bytes: u32::try_from(length).unwrap_or(u32::MAX),
            available_bytes: rest.len() as u32,
        })?;
        self.at += length;
        Ok(taken)
    }

    /// `count` numbers in place.
    pub(crate) fn slice<T: AnyBitPattern>(&mut self, count: usize) -> Result<&'a [T], ParseError> {
        let error = ParseError::Position { section: self.section, offset: self.at as u32 };
        let bytes = self.take(count.saturating_mul(size_of::<T>()))?;
        bytemuck::try_cast_slice(bytes).map_err(|_| error)
    }

    /// One table of fixed size in place.
    pub(crate) fn table<T: AnyBitPattern>(&mut self) -> Result<&'a T, ParseError> {
        let error = ParseError::Position { section: self.section, offset: self.at as u32 };
        self.slice::<T>(1)?.first().ok_or(error)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ParseError> {
        Ok(self.take(1)?.iter().fold(0, |_, &byte| byte))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ParseError> {
        Ok(self.number(2)? as u16)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        self.number(4)
    }

    /// A byte that must be 0 or 1.
    pub(crate) fn flag(&mut self) -> Result<bool, ParseError> {
        let value = self.u8()?;
        self.ensure(value <= 1)?;
        Ok(value == 1)
    }

    /// Bytes that must be 0, so that later versions may give them a meaning.
    pub(crate) fn zeros(&mut self, length: usize) -> Result<(), ParseError> {
        let zeros = self.take(length)?;
        self.ensure(zeros.iter().all(|&byte| byte == 0))
    }

    /// Zeros up to the next multiple.
    pub(crate) fn align(&mut self, multiple: usize) -> Result<(), ParseError> {
        self.zeros(self.at.next_multiple_of(multiple) - self.at)
    }

    /// Refuses what has just been read.
    pub(crate) fn ensure(&self, holds: bool) -> Result<(), ParseError> {
        if holds { Ok(()) } else { Err(ParseError::Value { section: self.section, offset: self.at as u32 }) }
    }

    /// An unknown code in the byte that has just been read.
    pub(crate) fn unknown<T>(&self, code: u8) -> Result<T, ParseError> {
        let offset = self.at.saturating_sub(1) as u32;
        Err(ParseError::Code { section: self.section, offset, code: u32::from(code) })
    }

    /// A list of texts: their number, where each ends behind the first, the bytes, zeros up to a multiple of 4.
    pub(crate) fn texts(&mut self) -> Result<Texts<'a>, ParseError> {
        let start = self.at;
        let count = self.u32()?;
        let ends: &[u32] = self.slice(count as usize)?;
        let bytes = self.take(ends.last().map_or(0, |&end| end as usize))?;
        let texts = Texts { ends, bytes };
        if !(0..texts.len()).all(|index| texts.get(index).is_some()) {
            return Err(ParseError::Text { section: self.section, offset: start as u32 });
        }
        self.align(4)?;
        Ok(texts)
    }

    #[inline(never)]
    fn number(&mut self, length: usize) -> Result<u32, ParseError> {
        let bytes = self.take(length)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
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
    pub fn get(&self, index: usize) -> Option<&'a str> {
        if index >= self.len() {
            return None;
        }
        let (from, to) = self.bounds(index);
        core::str::from_utf8(self.bytes.get(from..to)?).ok()
    }

    /// All of them in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let texts = *self;
        (0..self.len()).map(move |index| texts.get(index).unwrap_or_default())
    }

    fn bounds(&self, index: usize) -> (usize, usize) {
        let end = |index: usize| self.ends.get(index).map_or(0, |&end| end as usize);
        (index.checked_sub(1).map_or(0, end), end(index))
    }
}
