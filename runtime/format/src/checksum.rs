//! CRC-32, of a whole artefact and of the outputs of its self-test.
//!
//! Sixteen table entries: a byte takes two steps, and the table 64 bytes of flash.

/// A CRC-32 in progress: the polynomial `0x04C11DB7` reflected, all ones before and after, as in
/// Ethernet, gzip and PNG.
/// ```
/// let mut checksum = ocelli_format::Crc32::new();
/// checksum.update(b"12345");
/// checksum.update(b"6789");
/// assert_eq!(checksum.value(), 0xCBF4_3926);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Crc32(u32);

impl Crc32 {
    /// Of no bytes yet.
    pub const fn new() -> Crc32 {
        Crc32(!0)
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |state, &byte| {
            let state = state ^ u32::from(byte);
            let state = state >> 4 ^ TABLE[(state & 15) as usize];
            state >> 4 ^ TABLE[(state & 15) as usize]
        });
    }

    /// The checksum of all bytes so far.
    pub const fn value(&self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Crc32 {
        Crc32::new()
    }
}

/// The CRC-32 of some bytes; see [`Crc32`].
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut checksum = Crc32::new();
    checksum.update(bytes);
    checksum.value()
}

/// What four bits add to the remainder.
const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let mut state = index as u32;
        let mut bit = 0;
        while bit < 4 {
            state = if state & 1 == 1 { state >> 1 ^ 0xEDB8_8320 } else { state >> 1 };
            bit += 1;
        }
        table[index] = state;
        index += 1;
    }
    table
};
