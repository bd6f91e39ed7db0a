//! Where artefacts and state lie: flash, files, or a test's memory.

use crate::{Slot, State};

/// Two slots and a state that survive the loss of power.
///
/// What [`Slots`](crate::Slots) relies on: [`Storage::save`] is all or nothing, so that after a cut
/// [`Storage::load`] gives either the state before or the new one, and the same one at every start from then
/// on; a slot may hold anything after a cut while it was written, but the other one stays as it was.
pub trait Storage {
    /// Why a storage did not do what it was asked.
    type Error: core::fmt::Debug + core::fmt::Display;

    /// Room for an artefact in a slot.
    fn slot_bytes(&self) -> u32;

    /// The state that was last saved; `None` where none ever was.
    ///
    /// # Errors
    /// The storage is broken, or written by a program that is not this one.
    fn load(&mut self) -> Result<Option<State>, Self::Error>;

    /// Keeps a state.
    ///
    /// # Errors
    /// The storage does not keep what is written.
    fn save(&mut self, state: &State) -> Result<(), Self::Error>;

    /// Makes a slot ready to be written from its start.
    ///
    /// # Errors
    /// The slot cannot be written.
    fn begin(&mut self, slot: Slot) -> Result<(), Self::Error>;

    /// Writes more bytes, behind those before; the caller keeps within [`Storage::slot_bytes`].
    ///
    /// # Errors
    /// The slot cannot be erased or written.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Brings the last bytes out, so that they are there after a loss of power.
    ///
    /// # Errors
    /// As [`Storage::append`].
    fn finish(&mut self) -> Result<(), Self::Error>;

    /// Reads bytes of a slot, from a multiple of 16 and a multiple of 16 of them.
    ///
    /// # Errors
    /// The bytes cannot be read: the slot holds no artefact.
    fn read(&mut self, slot: Slot, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error>;

    /// The first bytes of a slot, in place, starting on a multiple of 16 in memory. They have all been read.
    ///
    /// # Errors
    /// As [`Storage::read`].
    fn bytes(&mut self, slot: Slot, length: u32) -> Result<&[u8], Self::Error>;
}
