//! Why an artefact is not taken, short enough for a link.

use core::fmt;

use ocelli_engine::{PlanError, SelfTestError};

/// Why an artefact is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// It does not fit into a slot.
    TooLarge {
        /// Its length.
        needed_bytes: u32,
        /// Room in a slot.
        available_bytes: u32,
    },
    /// Fewer bytes came than were announced, or more.
    Incomplete {
        /// How many came.
        received_bytes: u32,
        /// How many were announced.
        announced_bytes: u32,
    },
    /// The bytes do not start as an artefact does, or the storage cannot read them.
    NotAnArtefact,
    /// It carries no signature.
    Unsigned,
    /// It is signed with a key that this device does not trust.
    UnknownKey,
    /// The signature is not one over these bytes.
    BadSignature,
    /// It is made for another board.
    OtherBoard,
    /// It is not newer than what the device has had.
    NotNewer {
        /// Its release.
        release: u32,
        /// The highest release that was ever confirmed.
        floor: u32,
    },
    /// It is signed, and yet this firmware's reader finds fault with it.
    Malformed,
    /// It has no schedule for this firmware's profile, nor a portable one.
    MissingSchedule,
    /// The firmware's arena is too small.
    ArenaTooSmall {
        /// What the schedule needs.
        needed_bytes: u32,
        /// What there is.
        available_bytes: u32,
    },
    /// The firmware does not link an operator.
    MissingOperator {
        /// Which operator of the artefact.
        operator: u16,
    },
    /// The firmware cannot follow the plan for another reason.
    Unplannable,
    /// It carries no self-test.
    NoSelfTest,
    /// The self-test gives other outputs on this device.
    SelfTestFailed {
        /// Checksum of the outputs, as the artefact has it.
        expected: u32,
        /// As this device computed it.
        computed: u32,
    },
    /// The device could not write.
    Storage,
    /// Bytes came without an announcement before.
    NotReceiving,
}

impl Refusal {
    /// Bytes on a link.
    pub const BYTES: usize = 9;

    /// A code and two numbers.
    pub fn to_bytes(self) -> [u8; Refusal::BYTES] {
        let (code, first, second) = match self {
            Refusal::TooLarge { needed_bytes, available_bytes } => (1, needed_bytes, available_bytes),
            Refusal::Incomplete { received_bytes, announced_bytes } => (2, received_bytes, announced_bytes),
            Refusal::NotAnArtefact => (3, 0, 0),
            Refusal::Unsigned => (4, 0, 0),
            Refusal::UnknownKey => (5, 0, 0),
            Refusal::BadSignature => (6, 0, 0),
            Refusal::OtherBoard => (7, 0, 0),
            Refusal::NotNewer { release, floor } => (8, release, floor),
            Refusal::Malformed => (9, 0, 0),
            Refusal::MissingSchedule => (10, 0, 0),
            Refusal::ArenaTooSmall { needed_bytes, available_bytes } => (11, needed_bytes, available_bytes),
            Refusal::MissingOperator { operator } => (12, u32::from(operator), 0),
            Refusal::Unplannable => (13, 0, 0),
            Refusal::NoSelfTest => (14, 0, 0),
            Refusal::SelfTestFailed { expected, computed } => (15, expected, computed),
            Refusal::Storage => (16, 0, 0),
            Refusal::NotReceiving => (17, 0, 0),
        };
        let ([a, b, c, d], [e, f, g, h]) = (first.to_le_bytes(), second.to_le_bytes());
        [code, a, b, c, d, e, f, g, h]
    }

    /// What [`Refusal::to_bytes`] wrote; `None` for a code of a later version.
    pub fn from_bytes(bytes: [u8; Refusal::BYTES]) -> Option<Refusal> {
        let [code, a, b, c, d, e, f, g, h] = bytes;
        let (first, second) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        Some(match code {
            1 => Refusal::TooLarge { needed_bytes: first, available_bytes: second },
            2 => Refusal::Incomplete { received_bytes: first, announced_bytes: second },
            3 => Refusal::NotAnArtefact,
            4 => Refusal::Unsigned,
            5 => Refusal::UnknownKey,
            6 => Refusal::BadSignature,
            7 => Refusal::OtherBoard,
            8 => Refusal::NotNewer { release: first, floor: second },
            9 => Refusal::Malformed,
            10 => Refusal::MissingSchedule,
            11 => Refusal::ArenaTooSmall { needed_bytes: first, available_bytes: second },
            12 => Refusal::MissingOperator { operator: first as u16 },
            13 => Refusal::Unplannable,
            14 => Refusal::NoSelfTest,
            15 => Refusal::SelfTestFailed { expected: first, computed: second },
            16 => Refusal::Storage,
            17 => Refusal::NotReceiving,
            _ => return None,
        })
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Refusal {
        match error {
            PlanError::MissingSchedule => Refusal::MissingSchedule,
            PlanError::ArenaTooSmall { needed_bytes, available_bytes } => {
                Refusal::ArenaTooSmall { needed_bytes, available_bytes }
            }
            PlanError::MissingOperator { operator, .. } => Refusal::MissingOperator { operator },
            _ => Refusal::Unplannable,
        }
    }
}

impl From<SelfTestError> for Refusal {
    fn from(error: SelfTestError) -> Refusal {
        match error {
            SelfTestError::Outputs { expected, computed } => Refusal::SelfTestFailed { expected, computed },
            _ => Refusal::NoSelfTest,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Refusal::TooLarge { needed_bytes, available_bytes } => {
                write!(f, "the artefact has {needed_bytes} bytes, a slot {available_bytes}")
            }
            Refusal::Incomplete { received_bytes, announced_bytes } => {
                write!(f, "{received_bytes} bytes came, {announced_bytes} were announced")
            }
            Refusal::NotAnArtefact => f.write_str("these are not the bytes of an artefact"),
            Refusal::Unsigned => f.write_str("the artefact is not signed"),
            Refusal::UnknownKey => {
                f.write_str("the artefact is signed with a key that the device does not trust")
            }
            Refusal::BadSignature => f.write_str("the signature is not one over these bytes"),
            Refusal::OtherBoard => f.write_str("the artefact is made for another board"),
            Refusal::NotNewer { release, floor } => {
                write!(f, "release {release} is not newer than {floor}, which the device has had")
            }
            Refusal::Malformed => f.write_str("the device's reader finds fault with the artefact"),
            Refusal::MissingSchedule => f.write_str("the artefact has no schedule for this device"),
            Refusal::ArenaTooSmall { needed_bytes, available_bytes } => {
                write!(
                    f,
                    "the model needs an arena of {needed_bytes} bytes, the device has {available_bytes}"
                )
            }
            Refusal::MissingOperator { operator } => {
                write!(f, "the firmware does not link operator {operator}")
            }
            Refusal::Unplannable => f.write_str("the firmware cannot follow the model's plan"),
            Refusal::NoSelfTest => f.write_str("the artefact carries no self-test"),
            Refusal::SelfTestFailed { expected, computed } => {
                write!(f, "the self-test gives {computed:08x} on the device, {expected:08x} is expected")
            }
            Refusal::Storage => f.write_str("the device could not write its flash"),
            Refusal::NotReceiving => f.write_str("the device was not told of an artefact"),
        }
    }
}

impl core::error::Error for Refusal {}

/// Why something could not be done with the slots: a verdict on the artefact, or the storage's trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The artefact is not taken.
    Refused(Refusal),
    /// The storage did not do what it should.
    Storage(E),
}

impl<E> From<Refusal> for Failure<E> {
    fn from(refusal: Refusal) -> Failure<E> {
        Failure::Refused(refusal)
    }
}

impl<E> Failure<E> {
    /// What a link says of it.
    pub fn refusal(&self) -> Refusal {
        match self {
            Failure::Refused(refusal) => *refusal,
            Failure::Storage(_) => Refusal::Storage,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(refusal) => refusal.fmt(f),
            Failure::Storage(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Failure<E> {}
