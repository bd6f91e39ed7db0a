//! Signs artefacts: who made it, as which release, for which board.

use ocelli_format::{Artefact, Signature, attach_signature};

use crate::{SignError, SigningKey};

impl SigningKey {
    /// The artefact with a signature at its end, in the place of one that it may have. An empty board means any.
    ///
    /// # Errors
    /// A [`SignError`]: what no device would take is not signed.
    pub fn sign_artefact(
        &self,
        artefact: &Artefact<'_>,
        release: u32,
        board: &str,
    ) -> Result<Vec<u8>, SignError> {
        if artefact.self_test().is_none() {
            return Err(SignError::NoSelfTest);
        }
        if release == 0 {
            return Err(SignError::Release);
        }
        let section = Signature::new(release, board, self.public().0).ok_or(SignError::Board)?;
        Ok(attach_signature(artefact, section, |message| self.sign(message)))
    }
}
