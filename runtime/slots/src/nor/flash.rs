//! What the slots want of a flash driver, and how its errors are told.

use core::fmt;

use embedded_storage::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind};

/// A flash that also stands in the address space, so that a model runs where it lies.
///
/// A driver whose flash tells torn words by a fault (the ECC of an STM32H7) returns an error from `read` instead of
/// faulting. [`NorStorage`](crate::NorStorage) maps only what `read` has returned since it was written, and it
/// writes each unit of [`NorFlash::WRITE_SIZE`] once between two erasures of its block, whatever it looks like.
pub trait MappedFlash: NorFlash {
    /// The bytes from `offset`, where they stand. `offset` is a multiple of 16, and so must be the address;
    /// where the range is not all flash, the part that is.
    fn mapped(&self, offset: u32, length: u32) -> &[u8];
}

/// What a flash was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs)]
pub enum Operation {
    Read,
    Erase,
    Write,
    /// To hold what was written.
    Keep,
}

/// What a flash did not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NorError {
    /// What it was asked to do.
    pub operation: Operation,
    /// Where, as the driver counts.
    pub offset: u32,
    /// The driver's reason.
    pub kind: NorFlashErrorKind,
}

impl NorError {
    /// For `map_err`.
    pub(super) fn of<E: NorFlashError>(operation: Operation, offset: u32) -> impl FnOnce(E) -> NorError {
        move |error| NorError { operation, offset, kind: error.kind() }
    }
}

impl fmt::Display for NorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = match self.operation {
            Operation::Read => "reading",
            Operation::Erase => "erasing",
            Operation::Write => "writing",
            Operation::Keep => "reading back",
        };
        write!(f, "{operation} flash at {:#x}: {}", self.offset, self.kind)
    }
}

impl core::error::Error for NorError {}
