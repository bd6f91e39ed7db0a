//! The policy: which model a device boots, and what it takes to replace it.

use ocelli_format::Artefact;

use crate::verify::{Genuine, verify};
use crate::{Device, Failure, Outcome, Refusal, Slot, State, Storage, Trial};

/// The two slots of a device. See the [crate] for the way of a model through them.
#[derive(Debug)]
pub struct Slots<'a, S> {
    storage: S,
    device: Device<'a>,
    state: State,
    /// Whether a state has ever been saved: until then a slot may have been filled by whoever flashed the firmware.
    is_new: bool,
    receiving: Option<Receiving>,
    /// Slot and release of the model that this start has booted on trial.
    on_trial: Option<(Slot, u32)>,
}

/// What is announced before an artefact's bytes come. Nobody vouches for it: it only makes refusals early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// Bytes of the artefact.
    pub length: u32,
    /// Its release.
    pub release: u32,
    /// Its board; empty for any.
    pub board: &'a str,
}

/// The model to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Booted {
    /// Where it lies.
    pub slot: Slot,
    /// Its release.
    pub release: u32,
    /// Whether it waits for [`Slots::confirm`].
    pub on_trial: bool,
    length: u32,
}

/// A slot that is being written.
#[derive(Clone, Copy, Debug)]
struct Receiving {
    slot: Slot,
    announced_bytes: u32,
    received_bytes: u32,
}

impl<'a, S: Storage> Slots<'a, S> {
    /// Reads what the device remembers.
    ///
    /// # Errors
    /// The storage's, where it cannot be read or mended.
    pub fn open(mut storage: S, device: Device<'a>) -> Result<Slots<'a, S>, S::Error> {
        let state = storage.load()?;
        let is_new = state.is_none();
        let state = state.unwrap_or_default();
        Ok(Slots { storage, device, state, is_new, receiving: None, on_trial: None })
    }

    /// What the device remembers.
    pub fn state(&self) -> State {
        self.state
    }

    /// The firmware that they belong to.
    pub fn device(&self) -> &Device<'a> {
        &self.device
    }

    /// Room for an artefact.
    pub fn slot_bytes(&self) -> u32 {
        self.storage.slot_bytes()
    }

    /// Gives the storage back.
    pub fn release(self) -> S {
        self.storage
    }

    /// Chooses the model to run: the new one while it has attempts left, else the confirmed one. Start the watchdog
    /// before: an attempt is counted before the model is looked at, so that whatever hangs costs one.
    ///
    /// On a device that remembers nothing, a model that was flashed into a slot is confirmed by this.
    ///
    /// # Errors
    /// There is no model that may run; the reason is that of the confirmed model, or of the last slot looked at.
    pub fn boot(&mut self, arena: &mut [u8]) -> Result<Booted, Failure<S::Error>> {
        if let Some(trial) = self.state.trial
            && let Some(booted) = self.try_new(trial, arena)
        {
            return Ok(booted);
        }
        if self.is_new {
            return self.adopt(arena);
        }
        let slot = self.state.active.ok_or(Refusal::NotAnArtefact)?;
        let genuine = verify(&mut self.storage, slot, &self.device, arena)?;
        self.not_older(&genuine)?;
        Ok(booted(slot, &genuine, false))
    }

    /// The artefact that was booted.
    ///
    /// # Errors
    /// The slot has been written since.
    pub fn artefact(&mut self, booted: &Booted) -> Result<Artefact<'_>, Failure<S::Error>> {
        let bytes = self.storage.bytes(booted.slot, booted.length).map_err(Failure::Storage)?;
        Artefact::parse(bytes).map_err(|_| Failure::Refused(Refusal::Malformed))
    }

    /// Makes the model that was booted on trial the confirmed one; does nothing without a trial. No older one is
    /// taken or booted from then on.
    ///
    /// # Errors
    /// The storage's; the model is then still on trial.
    pub fn confirm(&mut self) -> Result<(), S::Error> {
        if let Some((slot, release)) = self.on_trial {
            self.save(self.state.confirmed(slot, release))?;
            self.on_trial = None;
        }
        Ok(())
    }

    /// Gives the model on trial up, before its attempts are used up: the next start boots the confirmed one.
    ///
    /// # Errors
    /// The storage's; the model is then still on trial.
    pub fn reject(&mut self) -> Result<(), S::Error> {
        self.on_trial = None;
        if self.state.trial.is_some() {
            self.save(self.state.without_trial(Outcome::Reverted))
        } else {
            Ok(())
        }
    }

    /// Makes room for a new artefact. What was received before and not finished is forgotten, and so is a model that
    /// has not been confirmed.
    ///
    /// # Errors
    /// What can be refused before a byte of it is there, or the storage's. Call [`Slots::boot`] before, which
    /// takes note of a model that was flashed with the firmware: otherwise its slot is a free one.
    pub fn begin(&mut self, offer: &Offer<'_>) -> Result<(), Failure<S::Error>> {
        self.receiving = None;
        let (needed_bytes, available_bytes) = (offer.length, self.storage.slot_bytes());
        if needed_bytes > available_bytes {
            return Err(Refusal::TooLarge { needed_bytes, available_bytes }.into());
        }
        if !offer.board.is_empty() && offer.board != self.device.board {
            return Err(Refusal::OtherBoard.into());
        }
        self.newer(offer.release)?;
        // The state may point at the slot no longer when the first block of it is erased; and from here on, what
        // a slot holds is not what was flashed with the firmware.
        if self.is_new || self.state.trial.is_some() {
            self.save(self.state.without_trial(Outcome::None)).map_err(Failure::Storage)?;
        }
        self.on_trial = None;
        let slot = self.state.free_slot();
        self.storage.begin(slot).map_err(Failure::Storage)?;
        self.receiving = Some(Receiving { slot, announced_bytes: offer.length, received_bytes: 0 });
        Ok(())
    }

    /// How many bytes have been received, if an artefact is on its way.
    pub fn received_bytes(&self) -> Option<u32> {
        self.receiving.map(|receiving| receiving.received_bytes)
    }

    /// Writes the next bytes of the artefact.
    ///
    /// # Errors
    /// More bytes than were announced, or the storage's; the artefact is then forgotten.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure<S::Error>> {
        let mut receiving = self.receiving.take().ok_or(Refusal::NotReceiving)?;
        let (received_bytes, announced_bytes) = (receiving.received_bytes, receiving.announced_bytes);
        let left_bytes = (announced_bytes - received_bytes) as usize;
        if bytes.len() > left_bytes {
            let received_bytes = received_bytes.saturating_add(bytes.len().min(u32::MAX as usize) as u32);
            return Err(Refusal::Incomplete { received_bytes, announced_bytes }.into());
        }
        self.storage.append(bytes).map_err(Failure::Storage)?;
        receiving.received_bytes += bytes.len() as u32;
        self.receiving = Some(receiving);
        Ok(())
    }

    /// Verifies what was received, runs its self-test in `arena`, and stages it: the next [`Slots::boot`] tries it.
    ///
    /// # Errors
    /// The verdict, or the storage's; the artefact is then forgotten.
    pub fn finish(&mut self, arena: &mut [u8]) -> Result<(), Failure<S::Error>> {
        let Receiving { slot, announced_bytes, received_bytes } =
            self.receiving.take().ok_or(Refusal::NotReceiving)?;
        if received_bytes != announced_bytes {
            return Err(Refusal::Incomplete { received_bytes, announced_bytes }.into());
        }
        self.storage.finish().map_err(Failure::Storage)?;
        let genuine = verify(&mut self.storage, slot, &self.device, arena)?;
        if genuine.length != announced_bytes {
            return Err(Refusal::Incomplete { received_bytes, announced_bytes: genuine.length }.into());
        }
        self.newer(genuine.signature.release)?;
        self.save(self.state.staged(slot)).map_err(Failure::Storage)
    }

    /// Boots a model on trial, or gives it up. A storage that does not take the note of an attempt is no
    /// reason to run without any model: then the confirmed one runs.
    fn try_new(&mut self, trial: Trial, arena: &mut [u8]) -> Option<Booted> {
        if trial.attempts >= self.device.attempts {
            // Tried again at the next start, where it could not be noted.
            let _ = self.save(self.state.without_trial(Outcome::Reverted));
            return None;
        }
        self.save(self.state.attempted(trial)).ok()?;
        let genuine = verify(&mut self.storage, trial.slot, &self.device, arena);
        match genuine.and_then(|genuine| self.newer(genuine.signature.release).map(|()| genuine)) {
            Ok(genuine) => {
                self.on_trial = Some((trial.slot, genuine.signature.release));
                Some(booted(trial.slot, &genuine, true))
            }
            Err(_) => {
                let _ = self.save(self.state.without_trial(Outcome::Refused));
                None
            }
        }
    }

    /// Confirms the model that was flashed with the firmware.
    fn adopt(&mut self, arena: &mut [u8]) -> Result<Booted, Failure<S::Error>> {
        let mut refusal = Refusal::NotAnArtefact;
        for slot in Slot::BOTH {
            match verify(&mut self.storage, slot, &self.device, arena) {
                Ok(genuine) => {
                    let state = self.state.confirmed(slot, genuine.signature.release);
                    self.save(State { outcome: Outcome::None, ..state }).map_err(Failure::Storage)?;
                    return Ok(booted(slot, &genuine, false));
                }
                Err(error) => refusal = error,
            }
        }
        Err(refusal.into())
    }

    fn newer(&self, release: u32) -> Result<(), Refusal> {
        let floor = self.state.floor;
        if release > floor { Ok(()) } else { Err(Refusal::NotNewer { release, floor }) }
    }

    fn not_older(&self, genuine: &Genuine) -> Result<(), Refusal> {
        let (release, floor) = (genuine.signature.release, self.state.floor);
        if release >= floor { Ok(()) } else { Err(Refusal::NotNewer { release, floor }) }
    }

    fn save(&mut self, state: State) -> Result<(), S::Error> {
        self.storage.save(&state)?;
        (self.state, self.is_new) = (state, false);
        Ok(())
    }
}

fn booted(slot: Slot, genuine: &Genuine, on_trial: bool) -> Booted {
    Booted { slot, release: genuine.signature.release, on_trial, length: genuine.length }
}
