//! What a firmware says of itself, so that only models that it can run get in.

use ocelli_engine::Operators;

use crate::PublicKey;

/// The firmware that the slots belong to.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Name of the board; an artefact that names another one is refused.
    pub board: &'a str,
    /// Whose artefacts are taken. Without a key, nobody's.
    pub keys: &'a [PublicKey],
    /// The profile whose schedule is planned.
    pub profile: &'a str,
    /// The operators that the firmware links.
    pub operators: Operators,
    /// How often a new model may be booted before it has to be confirmed; the one after that reverts.
    pub attempts: u8,
}
