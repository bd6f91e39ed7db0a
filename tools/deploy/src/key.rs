//! Keys in files: 64 hexadecimal digits each. The secret one signs; the public one goes into the firmware.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use ed25519_dalek::Signer;
use ocelli_slots::PublicKey;

use crate::KeyError;

/// A secret key: whoever has it can put models on every device that trusts it.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key, from the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<SigningKey, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(KeyError::Random)?;
        Ok(SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Reads a secret key that nobody else on this computer can read.
    ///
    /// # Errors
    /// [`KeyError::File`], [`KeyError::Exposed`] and [`KeyError::Malformed`].
    pub fn read(path: &Path) -> Result<SigningKey, KeyError> {
        let file = |source| KeyError::File { path: path.to_owned(), source };
        if is_exposed(&fs::metadata(path).map_err(file)?) {
            return Err(KeyError::Exposed { path: path.to_owned() });
        }
        // A secret key is as long as a public one, and written like it.
        let seed = read_public_key(path)?;
        Ok(SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed.0)))
    }

    /// Writes the secret key to `secret`, for its owner alone, and the public one to `public`.
    ///
    /// # Errors
    /// [`KeyError::Exists`] and [`KeyError::File`]; what was written before is removed.
    pub fn write(&self, secret: &Path, public: &Path) -> Result<(), KeyError> {
        create(secret, self.0.as_bytes(), 0o600)?;
        create(public, &self.public().0, 0o644).inspect_err(|_| drop(fs::remove_file(secret)))
    }

    /// The key that a device has to trust.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Reads a public key.
///
/// # Errors
/// [`KeyError::File`] and [`KeyError::Malformed`].
pub fn read_public_key(path: &Path) -> Result<PublicKey, KeyError> {
    let text = fs::read(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    let key = std::str::from_utf8(&text).ok().and_then(PublicKey::from_hex);
    key.ok_or_else(|| KeyError::Malformed { path: path.to_owned() })
}

fn create(path: &Path, key: &[u8; 32], mode: u32) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = options.open(path).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::File { path: path.to_owned(), source },
    })?;
    let written = file.write_all(format!("{digits}\n").as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|source| {
        drop(fs::remove_file(path));
        KeyError::File { path: path.to_owned(), source }
    })
}

#[cfg(unix)]
fn is_exposed(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

/// Where files have no mode, they are their owner's to guard.
#[cfg(not(unix))]
fn is_exposed(_: &fs::Metadata) -> bool {
    false
}
