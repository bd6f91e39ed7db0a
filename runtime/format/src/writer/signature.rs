//! Puts a signature section at the end of an artefact, byte by byte: nothing else of it changes but offsets.

use alloc::vec::Vec;

use crate::sections::{ENTRY_BYTES, HEADER_BYTES, UNCHECKED_BYTES};
use crate::signature::CODE;
use crate::{ALIGNMENT, Artefact, Signature, crc32};

/// The artefact with `section` at its end, in the place of one that it may have. `sign` gets the bytes that are
/// signed and returns what belongs into [`Signature::signature`].
pub fn attach_signature(
    artefact: &Artefact<'_>,
    section: Signature,
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> Vec<u8> {
    let mut bytes = without_signature(artefact);
    let entries = word(&bytes, 20);
    let table_end = HEADER_BYTES + entries as usize * ENTRY_BYTES;
    bytes.splice(table_end..table_end, [0; ENTRY_BYTES]);
    move_sections(&mut bytes, entries, ENTRY_BYTES as u32);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    let start = bytes.len();
    bytes.extend(section.to_bytes());
    for (at, number) in [(0, u32::from(CODE)), (4, start as u32), (8, Signature::BYTES as u32)]
        .map(|(at, n)| (table_end + at, n))
    {
        put(&mut bytes, at, number);
    }
    let (total, signature) = (bytes.len() as u32, bytes.len() - Signature::UNSIGNED_BYTES);
    put(&mut bytes, 16, total);
    put(&mut bytes, 20, entries + 1);
    bytes[Signature::ZEROED].fill(0);
    let signed = sign(&bytes[..signature]);
    bytes[signature..].copy_from_slice(&signed);
    let checksum = crc32(&bytes[UNCHECKED_BYTES..]);
    put(&mut bytes, Signature::ZEROED.start, checksum);
    bytes
}

/// The bytes up to the signature section, and without its entry in the table.
fn without_signature(artefact: &Artefact<'_>) -> Vec<u8> {
    let mut bytes = artefact.bytes().to_vec();
    if artefact.signature().is_some() {
        let entries = word(&bytes, 20) - 1;
        let entry = HEADER_BYTES + entries as usize * ENTRY_BYTES;
        bytes.truncate(bytes.len() - Signature::BYTES);
        bytes.drain(entry..entry + ENTRY_BYTES);
        put(&mut bytes, 20, entries);
        move_sections(&mut bytes, entries, (ENTRY_BYTES as u32).wrapping_neg());
    }
    bytes
}

/// Adds to the offsets of the first `entries` sections.
fn move_sections(bytes: &mut [u8], entries: u32, by: u32) {
    for entry in 0..entries as usize {
        let at = HEADER_BYTES + entry * ENTRY_BYTES + 4;
        let start = word(bytes, at).wrapping_add(by);
        put(bytes, at, start);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |&word| u32::from_le_bytes(word))
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}
