//! How an error travels inside the reader: one byte up the stack, its numbers in a place of their own.
//!
//! A [`ParseError`] is sixteen bytes, and `?` copies it at every call it passes: kilobytes of flash on
//! a device. So functions return a [`Fault`], and [`Report`] puts the two together at the end.

use crate::bytes::Cursor;
use crate::error::{ParseError, Section};

/// Which error it is; see [`ParseError`] for what each means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Misaligned,
    Truncated,
    Magic,
    Version,
    Checksum,
    SectionBounds,
    UnknownSection,
    MissingSection,
    RepeatedSection,
    Bounds,
    Position,
    Code,
    Value,
    Text,
    Shape,
    Encoding,
    Constant,
    UnknownTensor,
    UnknownOperator,
    OperandCount,
    Operand,
    Port,
    Step,
    Placement,
    Overlap,
    Contract,
}

/// What a reader is looking at, for the error that may come of it.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    pub(crate) section: Section,
    pub(crate) offset: u32,
    /// A tensor, an operator, a contract or an entry of the section table.
    pub(crate) index: u16,
    /// An operand, or a schedule.
    pub(crate) part: u8,
    /// Needed and available, stored and computed, a code, a step.
    pub(crate) numbers: [u32; 2],
}

impl Report {
    /// Of nothing yet.
    pub(crate) const fn new() -> Report {
        Report { section: Section::Identity, offset: 0, index: 0, part: 0, numbers: [0; 2] }
    }

    /// Passes on what a cursor read, or takes over its place.
    pub(crate) fn see<T>(&mut self, read: Result<T, Fault>, cursor: &Cursor<'_>) -> Result<T, Fault> {
        if read.is_err() {
            self.look_at(cursor);
        }
        read
    }

    /// Refuses what a cursor has just read.
    pub(crate) fn check(&mut self, holds: bool, cursor: &Cursor<'_>) -> Result<(), Fault> {
        self.see(ensure(holds, Fault::Value), cursor)
    }

    /// Refuses bytes behind the last that has a meaning.
    pub(crate) fn finish(&mut self, cursor: &Cursor<'_>) -> Result<(), Fault> {
        self.see(ensure(cursor.is_at_end(), Fault::Position), cursor)
    }

    #[inline(never)]
    fn look_at(&mut self, cursor: &Cursor<'_>) {
        (self.section, self.offset, self.numbers) = cursor.place();
    }

    /// The error that a fault is.
    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, fault: Fault) -> ParseError {
        let Report { section, offset, index, part, numbers: [first, second] } = *self;
        let (tensor, operator, entry, schedule) = (index, index, index, part);
        match fault {
            Fault::Misaligned => ParseError::Misaligned { remainder_bytes: first as u8 },
            Fault::Truncated => ParseError::Truncated { needed_bytes: first, available_bytes: second },
            Fault::Magic => ParseError::Magic,
            Fault::Version => ParseError::Version { major: first as u16, minor: second as u16 },
            Fault::Checksum => ParseError::Checksum { stored: first, computed: second },
            Fault::SectionBounds => ParseError::SectionBounds { entry },
            Fault::UnknownSection => ParseError::UnknownSection { entry, code: first as u16 },
            Fault::MissingSection => ParseError::MissingSection { section },
            Fault::RepeatedSection => ParseError::RepeatedSection { section },
            Fault::Bounds => {
                ParseError::Bounds { section, offset, needed_bytes: first, available_bytes: second }
            }
            Fault::Position => ParseError::Position { section, offset },
            Fault::Code => ParseError::Code { section, offset, code: first },
            Fault::Value => ParseError::Value { section, offset },
            Fault::Text => ParseError::Text { section, offset },
            Fault::Shape => ParseError::Shape { tensor },
            Fault::Encoding => ParseError::Encoding { tensor, code: first as u8 },
            Fault::Constant => ParseError::Constant { tensor, needed_bytes: first, available_bytes: second },
            Fault::UnknownTensor => ParseError::UnknownTensor { section, tensor },
            Fault::UnknownOperator => ParseError::UnknownOperator { operator, code: first as u16 },
            Fault::OperandCount => ParseError::OperandCount { operator },
            Fault::Operand => ParseError::Operand { operator, operand: part },
            Fault::Port => ParseError::Port { tensor },
            Fault::Step => ParseError::Step { schedule, step: first },
            Fault::Placement => ParseError::Placement { schedule, tensor },
            Fault::Overlap => ParseError::Overlap { schedule, step: first },
            Fault::Contract => ParseError::Contract { section, contract: first as u16, tensor },
        }
    }
}

/// Refuses what does not hold.
pub(crate) fn ensure(holds: bool, fault: Fault) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(fault) }
}
