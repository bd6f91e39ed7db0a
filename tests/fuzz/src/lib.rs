//! What the fuzz targets share.
#![forbid(unsafe_code)]

use ocelli_format::{AlignedBytes, MAGIC, MAJOR_VERSION, crc32};

/// The fuzzer's bytes with magic, version, length and checksum set right, so that mutations get past the door.
pub fn with_valid_header(bytes: &[u8]) -> AlignedBytes {
    let mut artefact = AlignedBytes::copy_of(bytes);
    if artefact.len() >= 24 {
        let total = artefact.len() as u32;
        artefact[..8].copy_from_slice(&MAGIC);
        artefact[8..12].copy_from_slice(&u32::from(MAJOR_VERSION).to_le_bytes());
        artefact[16..20].copy_from_slice(&total.to_le_bytes());
        let checksum = crc32(&artefact[16..]);
        artefact[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
    artefact
}
