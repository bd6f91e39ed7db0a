//! What a device remembers of its models, in 16 bytes, and the changes that it may go through.

/// One of the two places for an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs)]
pub enum Slot {
    A = 0,
    B = 1,
}

impl Slot {
    /// Both, in the order in which a device that remembers nothing looks into them.
    pub const BOTH: [Slot; 2] = [Slot::A, Slot::B];

    /// The one that is not this.
    pub const fn other(self) -> Slot {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }
}

/// A verified model that has not been confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Trial {
    /// Where it lies.
    pub slot: Slot,
    /// How often it has been booted.
    pub attempts: u8,
}

/// How the last update ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// There has been none, or it has not ended.
    #[default]
    None = 0,
    /// The new model was confirmed.
    Confirmed = 1,
    /// The new model used up its attempts, or the application rejected it.
    Reverted = 2,
    /// The new model did not verify when it was to be booted.
    Refused = 3,
}

/// What a device remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct State {
    /// The highest release that was ever confirmed: what comes has to be higher.
    pub floor: u32,
    /// Where the confirmed model lies.
    pub active: Option<Slot>,
    /// The model that waits to be booted or confirmed.
    pub trial: Option<Trial>,
    /// How the last update ended.
    pub outcome: Outcome,
}

impl State {
    /// Length of [`State::to_bytes`].
    pub const BYTES: usize = 16;

    /// Bytes for a storage to keep.
    pub fn to_bytes(&self) -> [u8; State::BYTES] {
        let mut bytes = [0; State::BYTES];
        bytes[..4].copy_from_slice(&self.floor.to_le_bytes());
        bytes[4] = self.active.map_or(NO_SLOT, |slot| slot as u8);
        bytes[5] = self.trial.map_or(NO_SLOT, |trial| trial.slot as u8);
        bytes[6] = self.trial.map_or(0, |trial| trial.attempts);
        bytes[7] = self.outcome as u8;
        bytes
    }

    /// What [`State::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8; State::BYTES]) -> Option<State> {
        let [a, b, c, d, active, trial, attempts, outcome, ..] = *bytes;
        let slot = |code| Slot::BOTH.into_iter().find(|&slot| slot as u8 == code);
        let outcomes = [Outcome::None, Outcome::Confirmed, Outcome::Reverted, Outcome::Refused];
        let state = State {
            floor: u32::from_le_bytes([a, b, c, d]),
            active: slot(active),
            trial: slot(trial).map(|slot| Trial { slot, attempts }),
            outcome: outcomes.into_iter().find(|&known| known as u8 == outcome)?,
        };
        (state.to_bytes() == *bytes).then_some(state)
    }

    /// Where the next model goes: never where the confirmed one lies.
    pub(crate) fn free_slot(&self) -> Slot {
        self.active.map_or(Slot::A, Slot::other)
    }

    /// A new model has been verified.
    pub(crate) fn staged(self, slot: Slot) -> State {
        State { trial: Some(Trial { slot, attempts: 0 }), outcome: Outcome::None, ..self }
    }

    /// The new model is about to be booted once more.
    pub(crate) fn attempted(self, trial: Trial) -> State {
        State { trial: Some(Trial { attempts: trial.attempts.saturating_add(1), ..trial }), ..self }
    }

    /// The model in `slot` is the one from now on.
    pub(crate) fn confirmed(self, slot: Slot, release: u32) -> State {
        let floor = self.floor.max(release);
        State { floor, active: Some(slot), trial: None, outcome: Outcome::Confirmed }
    }

    /// The new model is given up.
    pub(crate) fn without_trial(self, outcome: Outcome) -> State {
        State { trial: None, outcome, ..self }
    }
}

const NO_SLOT: u8 = 0xFF;
