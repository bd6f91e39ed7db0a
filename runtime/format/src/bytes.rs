//! Reads numbers, tables and texts out of one section, and says where it could not.
//!
//! The same functions serve [`parse`](crate::Artefact::parse), which reports what they find, and the
//! accessors afterwards, to which they can find nothing new. What went wrong travels as one byte;
//! the cursor remembers the place, and [`Cursor::error`] joins the two where somebody asks.

use bytemuck::AnyBitPattern;

use crate::error::{ParseError, Section};

#[cfg(target_endian = "big")]
compile_error!("artefacts are little-endian and read in place");

/// Why something could not be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It reaches beyond the end of the section.
    Bounds,
    /// It does not stand where it has to.
    Position,
    /// A code is unknown.
    Code,
    /// A number is out of range.
    Value,
    /// A text is not UTF-8.
    Text,
}

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

    /// The error that a fault at this cursor is.
    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, fault: Fault) -> ParseError {
        let (section, offset, detail) = (self.section, self.at as u32, self.detail);
        match fault {
            Fault::Bounds => {
                let available_bytes = self.bytes.len().saturating_sub(self.at) as u32;
                ParseError::Bounds { section, offset, needed_bytes: detail, available_bytes }
            }
            Fault::Position => ParseError::Position { section, offset },
            Fault::Code => ParseError::Code { section, offset, code: detail },
            Fault::Value => ParseError::Value { section, offset },
            Fault::Text => ParseError::Text { section, offset },
        }
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
        ensure(zeros.iter().all(|&byte| byte == 0))
    }

    /// An unknown code.
    pub(crate) fn unknown<T>(&mut self, code: u8) -> Result<T, Fault> {
        self.detail = u32::from(code);
        Err(Fault::Code)
    }

    /// The error that an unknown code in the record before this cursor is.
    pub(crate) fn code(mut self, code: u8) -> ParseError {
        self.detail = u32::from(code);
        self.error(Fault::Code)
    }

    /// A list of texts: their number, where each ends behind the first, the bytes, zeros up to a multiple of 4.
    #[inline(never)]
    pub(crate) fn texts(&mut self) -> Result<Texts<'a>, Fault> {
        let count = self.u32()?;
        let ends: &[u32] = self.slice(count as usize)?;
        let bytes = self.take(ends.last().map_or(0, |&end| end as usize))?;
        let texts = Texts { ends, bytes };
        if !(0..texts.len()).all(|index| texts.get(index).is_some()) {
            return Err(Fault::Text);
        }
        self.align(4)?;
        Ok(texts)
    }

    /// Refuses bytes behind the last that has a meaning.
    pub(crate) fn finish(&self) -> Result<(), ParseError> {
        if self.at >= self.bytes.len() { Ok(()) } else { Err(self.error(Fault::Position)) }
    }

    /// Refuses what has just been read.
    pub(crate) fn check(&self, holds: bool) -> Result<(), ParseError> {
        if holds { Ok(()) } else { Err(self.error(Fault::Value)) }
    }
}

/// Refuses a number.
pub(crate) fn ensure(holds: bool) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::Value) }
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
        let to = *self.ends.get(index)? as usize;
        let from =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize);
        core::str::from_utf8(self.bytes.get(from..to)?).ok()
    }

    /// All of them in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let texts = *self;
        (0..self.len()).map(move |index| texts.get(index).unwrap_or_default())
    }
}
