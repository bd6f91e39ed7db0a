//! Where in the flash the slots and the state lie; a board's numbers stand in its `board.toml`.

use core::fmt;

use embedded_storage::nor_flash::NorFlash;

/// Slots are written so many bytes at a time: the most that a flash may want written at once.
pub(super) const PAGE_BYTES: usize = 256;

/// A range of flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first byte, as the driver counts.
    pub offset: u32,
    /// Its length.
    pub bytes: u32,
}

impl Region {
    /// The byte behind it.
    const fn end(self) -> Option<u32> {
        self.offset.checked_add(self.bytes)
    }
}

/// The three parts of flash that the slots own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The slots, of one size.
    pub slots: [Region; 2],
    /// The state: two halves of one or more blocks.
    pub state: Region,
}

/// Why a layout does not go with a flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// A region, or half of the state, is not made of whole blocks that can be erased.
    NotWholeBlocks {
        /// First byte of the region.
        offset: u32,
        /// Bytes of a block.
        erase_bytes: u32,
    },
    /// A region reaches beyond the flash.
    OutOfBounds {
        /// First byte of the region.
        offset: u32,
        /// Bytes of the flash.
        flash_bytes: u32,
    },
    /// Two regions share bytes.
    Overlap {
        /// First byte of the one behind.
        offset: u32,
    },
    /// The slots differ in size.
    UnequalSlots,
    /// The flash reads or writes in units that the slots are not made for.
    Units {
        /// Bytes read at once, at most 16.
        read_bytes: u32,
        /// Bytes written at once, a power of two, at most 256.
        write_bytes: u32,
    },
}

impl Layout {
    /// Whether the layout goes with a flash.
    pub(super) fn check<F: NorFlash>(&self, flash: &F) -> Result<(), LayoutError> {
        let (read_bytes, write_bytes) = (F::READ_SIZE as u32, F::WRITE_SIZE as u32);
        let erase_bytes = F::ERASE_SIZE as u32;
        let page_bytes = PAGE_BYTES as u32;
        let fits =
            16_u32.is_multiple_of(read_bytes) && write_bytes.is_power_of_two() && write_bytes <= page_bytes;
        if !fits || !erase_bytes.is_multiple_of(page_bytes) {
            return Err(LayoutError::Units { read_bytes, write_bytes });
        }
        let [a, b] = self.slots;
        if a.bytes != b.bytes {
            return Err(LayoutError::UnequalSlots);
        }
        for (region, parts) in [(a, 1), (b, 1), (self.state, 2)] {
            let Region { offset, bytes } = region;
            let whole = offset.is_multiple_of(erase_bytes) && bytes.is_multiple_of(parts * erase_bytes);
            if !whole || bytes == 0 {
                return Err(LayoutError::NotWholeBlocks { offset, erase_bytes });
            }
            let flash_bytes = flash.capacity().min(u32::MAX as usize) as u32;
            if region.end().is_none_or(|end| end > flash_bytes) {
                return Err(LayoutError::OutOfBounds { offset, flash_bytes });
            }
        }
        for (first, second) in [(a, b), (a, self.state), (b, self.state)] {
            let (first, second) =
                if first.offset <= second.offset { (first, second) } else { (second, first) };
            if first.end() > Some(second.offset) {
                return Err(LayoutError::Overlap { offset: second.offset });
            }
        }
        Ok(())
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            LayoutError::NotWholeBlocks { offset, erase_bytes } => {
                write!(
                    f,
                    "the region at {offset:#x}, or half of it, is not made of blocks of {erase_bytes} bytes"
                )
            }
            LayoutError::OutOfBounds { offset, flash_bytes } => {
                write!(f, "the region at {offset:#x} reaches beyond the flash of {flash_bytes} bytes")
            }
            LayoutError::Overlap { offset } => write!(f, "the region at {offset:#x} overlaps the one before"),
            LayoutError::UnequalSlots => f.write_str("the slots differ in size"),
            LayoutError::Units { read_bytes, write_bytes } => {
                write!(
                    f,
                    "the slots cannot use a flash that reads {read_bytes} and writes {write_bytes} bytes at once"
                )
            }
        }
    }
}

impl core::error::Error for LayoutError {}
