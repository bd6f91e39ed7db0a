//! The signature section: who vouches for an artefact, as which release, for which board.
//!
//! It is the last thing in a signed artefact, so that a device which receives one as a stream knows where it
//! stands. This crate reads and places it; whether it is genuine is for `ocelli-slots` to say, with
//! the keys that a firmware trusts. [`Artefact::parse`] neither wants it nor looks at it.

use core::ops::Range;

use crate::Artefact;

/// The section's code in the section table.
pub(crate) const CODE: u16 = 12;

/// Ed25519 (RFC 8032, section 5.1.6, without prehash).
const ED25519: u8 = 1;

/// A signature section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Grows from one version of a model to the next; a device takes no lower one than it has.
    pub release: u32,
    /// Name of the board that may take the artefact, filled up with zeros; all zeros: any board.
    board: [u8; Signature::BOARD_BYTES],
    /// The signer's public key.
    pub key: [u8; 32],
    /// R and S, as RFC 8032 writes them.
    pub signature: [u8; 64],
}

impl Signature {
    /// Length of the section.
    pub const BYTES: usize = 128;

    /// How much of the section, its last bytes, is not signed: the signature itself.
    pub const UNSIGNED_BYTES: usize = 64;

    /// Bytes of the artefact that are signed as if they were zero: the checksum, which covers the signature.
    pub const ZEROED: Range<usize> = 12..16;

    /// The longest name of a board.
    pub const BOARD_BYTES: usize = 24;

    /// A section whose [`Signature::signature`] is still zeros; `None` for a release of 0, which means unsigned, and
    /// for a board's name that is too long or has a zero in it.
    pub fn new(release: u32, board: &str, key: [u8; 32]) -> Option<Signature> {
        let mut padded = [0; Signature::BOARD_BYTES];
        padded.get_mut(..board.len())?.copy_from_slice(board.as_bytes());
        let section = Signature { release, board: padded, key, signature: [0; 64] };
        (release != 0 && section.board() == board && !board.contains('\0')).then_some(section)
    }

    /// Reads a section; `None` where it is not one that this reader knows.
    pub fn from_bytes(bytes: &[u8; Signature::BYTES]) -> Option<Signature> {
        let (head, rest) = bytes.split_first_chunk::<32>()?;
        let (key, rest) = rest.split_first_chunk::<32>()?;
        let (kind, head) = head.split_first_chunk::<4>()?;
        let (release, board) = head.split_first_chunk::<4>()?;
        let section = Signature {
            release: u32::from_le_bytes(*release),
            board: board.try_into().ok()?,
            key: *key,
            signature: rest.try_into().ok()?,
        };
        // What `to_bytes` would not write is not read: one section, one spelling.
        (*kind == [ED25519, 0, 0, 0] && section.release != 0 && section.to_bytes() == *bytes)
            .then_some(section)
    }

    /// The section's bytes.
    pub fn to_bytes(&self) -> [u8; Signature::BYTES] {
        let mut bytes = [0; Signature::BYTES];
        let name = self.board().as_bytes();
        bytes[0] = ED25519;
        bytes[4..8].copy_from_slice(&self.release.to_le_bytes());
        bytes[8..8 + name.len()].copy_from_slice(name);
        bytes[32..64].copy_from_slice(&self.key);
        bytes[64..].copy_from_slice(&self.signature);
        bytes
    }

    /// Name of the board that may take the artefact; empty for any.
    pub fn board(&self) -> &str {
        let end = self.board.iter().position(|&byte| byte == 0).unwrap_or(self.board.len());
        core::str::from_utf8(self.board.get(..end).unwrap_or(&[])).unwrap_or_default()
    }
}

impl Artefact<'_> {
    /// The signature section, if there is one and it is the last thing in the artefact. Nothing has verified it.
    pub fn signature(&self) -> Option<Signature> {
        let bytes = self.last_section(CODE)?;
        let is_last = self.bytes().as_ptr_range().end == bytes.as_ptr_range().end;
        Signature::from_bytes(bytes.try_into().ok()?).filter(|_| is_last)
    }
}
