//! Frames on a byte stream: a message, its CRC-32, COBS, and a zero behind it.
//!
//! COBS leaves no zero inside a frame, so a receiver that was switched on in the middle, or that
//! lost bytes, is in step again at the next zero.

use ocelli_format::crc32;

use super::message::MESSAGE_BYTES;

const CHECKSUM_BYTES: usize = 4;

/// The longest frame, its zero included.
pub const FRAME_BYTES: usize = cobs::max_encoding_length(MESSAGE_BYTES + CHECKSUM_BYTES) + 1;

/// The frame of a message; empty for one that is longer than any this crate makes.
pub fn encode<'b>(message: &[u8], buffer: &'b mut [u8; FRAME_BYTES]) -> &'b [u8] {
    let mut encoder = cobs::CobsEncoder::new(buffer);
    let pushed = encoder.push(message).and_then(|()| encoder.push(&crc32(message).to_le_bytes()));
    let length = encoder.finalize();
    if pushed.is_err() || length >= FRAME_BYTES {
        return &[];
    }
    buffer[length] = 0;
    &buffer[..=length]
}

/// Finds the messages in a stream of bytes.
#[derive(Debug)]
pub struct Deframer {
    buffer: [u8; FRAME_BYTES],
    /// Bytes since the last zero; more than the buffer holds where they cannot be a frame.
    used: usize,
}

impl Deframer {
    /// At the start of a stream.
    pub const fn new() -> Deframer {
        Deframer { buffer: [0; FRAME_BYTES], used: 0 }
    }

    /// Takes the next byte; returns the message that it completes, if its checksum is right.
    pub fn feed(&mut self, byte: u8) -> Option<&[u8]> {
        if byte != 0 {
            if let Some(place) = self.buffer.get_mut(self.used) {
                *place = byte;
            }
            self.used = self.used.saturating_add(1);
            return None;
        }
        let used = core::mem::take(&mut self.used);
        let encoded = self.buffer.get_mut(..used)?;
        let length = cobs::decode_in_place(encoded).ok()?;
        let (message, checksum) = encoded.get(..length)?.split_last_chunk()?;
        (crc32(message) == u32::from_le_bytes(*checksum)).then_some(message)
    }

    /// The message of that length that was completed last, until the next byte comes.
    pub(super) fn message(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }
}

impl Default for Deframer {
    fn default() -> Deframer {
        Deframer::new()
    }
}
