//! Whose artefacts a device takes.

use core::fmt;

/// An Ed25519 public key, as `ocelli key` writes it: 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Reads the text of a key file, with or without white space around; `None` where it is no key.
    ///
    /// ```
    /// # use ocelli_slots::PublicKey;
    /// const KEY: PublicKey =
    ///     PublicKey::from_hex("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n").unwrap();
    /// assert_eq!(KEY.0[..2], [0x01, 0x23]);
    /// assert_eq!(KEY.to_string(), "0123456789abcdef".repeat(4));
    /// assert_eq!(PublicKey::from_hex("0123"), None);
    /// ```
    pub const fn from_hex(text: &str) -> Option<PublicKey> {
        let digits = text.trim_ascii().as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut key = [0; 32];
        let mut index = 0;
        while index < 32 {
            match (digit(digits[2 * index]), digit(digits[2 * index + 1])) {
                (Some(high), Some(low)) => key[index] = high << 4 | low,
                _ => return None,
            }
            index += 1;
        }
        Some(PublicKey(key))
    }
}

/// As [`PublicKey::from_hex`] reads it.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}
