//! The state in flash: two halves that take turns, each with one record.
//!
//! A new record goes into the half that does not hold the newest, and that half is erased first, whatever
//! it looks like: what a loss of power has left there is never written over, and the newest record stays
//! until the next one is complete. A record that was cut off, or that reads as a fault, is none.
//!
//! | byte | what |
//! |---|---|
//! | 0 | `OSL1` |
//! | 4 | u32 generation, one more than the record before |
//! | 8 | the state, 16 bytes |
//! | 24 | zeros |
//! | 28 | CRC-32 of what stands before |

use embedded_storage::nor_flash::{NorFlash, NorFlashErrorKind};
use ocelli_format::crc32;

use super::flash::{NorError, Operation};
use super::layout::{PAGE_BYTES, Region};
use crate::State;

/// Bytes of a record; in flash it is filled up to what is written at once.
pub(super) const RECORD_BYTES: usize = 32;

const MAGIC: [u8; 4] = *b"OSL1";

#[derive(Clone, Copy, Debug)]
struct Record {
    generation: u32,
    state: State,
}

/// Where the newest record is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journal {
    region: Region,
    /// Half and generation of the newest record.
    newest: Option<(u32, u32)>,
}

impl Journal {
    /// Finds the newest record.
    pub(super) fn open<F: NorFlash>(region: Region, flash: &mut F) -> (Journal, Option<State>) {
        let mut journal = Journal { region, newest: None };
        let mut state = None;
        for half in 0..2 {
            let record = journal.read(half, flash);
            if let Some(record) = record
                && journal.newest.is_none_or(|(_, generation)| record.generation > generation)
            {
                journal.newest = Some((half, record.generation));
                state = Some(record.state);
            }
        }
        (journal, state)
    }

    /// Writes a new record.
    pub(super) fn append<F: NorFlash>(&mut self, state: &State, flash: &mut F) -> Result<(), NorError> {
        let (half, generation) = self.newest.map_or((0, 1), |(half, generation)| (1 - half, generation + 1));
        let offset = self.offset(half);
        let end = offset + self.region.bytes / 2;
        flash.erase(offset, end).map_err(NorError::of(Operation::Erase, offset))?;
        let mut unit = [0xFF; PAGE_BYTES];
        let unit = unit.get_mut(..F::WRITE_SIZE.max(RECORD_BYTES)).unwrap_or_default();
        let record = Record { generation, state: *state }.to_bytes();
        unit.iter_mut().zip(record).for_each(|(slot, byte)| *slot = byte);
        flash.write(offset, unit).map_err(NorError::of(Operation::Write, offset))?;
        let kept = self.read(half, flash).is_some_and(|kept| kept.to_bytes() == record);
        if !kept {
            return Err(NorError { operation: Operation::Keep, offset, kind: NorFlashErrorKind::Other });
        }
        self.newest = Some((half, generation));
        Ok(())
    }

    fn offset(&self, half: u32) -> u32 {
        self.region.offset + half * (self.region.bytes / 2)
    }

    fn read<F: NorFlash>(&self, half: u32, flash: &mut F) -> Option<Record> {
        let mut bytes = [0; RECORD_BYTES];
        flash.read(self.offset(half), &mut bytes).ok()?;
        Record::from_bytes(&bytes)
    }
}

impl Record {
    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.generation.to_le_bytes());
        bytes[8..24].copy_from_slice(&self.state.to_bytes());
        let checksum = crc32(&bytes[..28]);
        bytes[28..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Record> {
        let rest = bytes.get(4..)?;
        let (generation, rest) = rest.split_first_chunk()?;
        let record = Record {
            generation: u32::from_le_bytes(*generation),
            state: State::from_bytes(rest.first_chunk()?)?,
        };
        (record.to_bytes() == *bytes).then_some(record)
    }
}
