//! Whether a slot holds a model that this device may run: signature, board, release, plan, self-test.
//!
//! The signature is verified over bytes that come from [`Storage::read`] piece by piece: not one of them is
//! interpreted, but for the length, before it is known to be genuine.

use ed25519_dalek::VerifyingKey;
use ocelli_engine::Plan;
use ocelli_format::{Artefact, MAGIC, Signature};

use crate::{Device, PublicKey, Refusal, Slot, Storage};

/// A genuine artefact.
pub(crate) struct Genuine {
    pub(crate) length: u32,
    pub(crate) signature: Signature,
}

/// Verifies everything: what comes back as a release may be booted.
pub(crate) fn verify<S: Storage>(
    storage: &mut S,
    slot: Slot,
    device: &Device<'_>,
    arena: &mut [u8],
) -> Result<Genuine, Refusal> {
    let genuine = genuine(storage, slot, device)?;
    let bytes = storage.bytes(slot, genuine.length).map_err(|_| Refusal::NotAnArtefact)?;
    let artefact = Artefact::parse(bytes).map_err(|_| Refusal::Malformed)?;
    if artefact.signature() != Some(genuine.signature) {
        return Err(Refusal::Malformed);
    }
    Plan::new(&artefact, device.profile, device.operators, arena)?.self_test()?;
    Ok(genuine)
}

/// Bytes at a time.
const PIECE_BYTES: usize = 256;

/// Where an artefact says how long it is.
const LENGTH_OFFSET: usize = 16;

/// Finds the signature at the end, and verifies it over everything before.
fn genuine<S: Storage>(storage: &mut S, slot: Slot, device: &Device<'_>) -> Result<Genuine, Refusal> {
    let available_bytes = storage.slot_bytes();
    let mut read =
        |offset: u32, bytes: &mut [u8]| storage.read(slot, offset, bytes).map_err(|_| Refusal::NotAnArtefact);
    let mut head = [0; 32];
    read(0, &mut head)?;
    if !head.starts_with(&MAGIC) {
        return Err(Refusal::NotAnArtefact);
    }
    let length = head.get(LENGTH_OFFSET..).and_then(|rest| rest.first_chunk());
    let length = length.map_or(0, |&length| u32::from_le_bytes(length));
    if length > available_bytes {
        return Err(Refusal::TooLarge { needed_bytes: length, available_bytes });
    }
    let start = length.checked_sub(Signature::BYTES as u32);
    let start = start.filter(|&start| start as usize > head.len() && start.is_multiple_of(16));
    let mut section = [0; Signature::BYTES];
    read(start.ok_or(Refusal::Unsigned)?, &mut section)?;
    let signature = Signature::from_bytes(&section).ok_or(Refusal::Unsigned)?;
    if !device.keys.contains(&PublicKey(signature.key)) {
        return Err(Refusal::UnknownKey);
    }
    let key = VerifyingKey::from_bytes(&signature.key).map_err(|_| Refusal::UnknownKey)?;
    let mut stream = key.verify_stream(&signature.signature.into()).map_err(|_| Refusal::BadSignature)?;
    let mut piece = [0; PIECE_BYTES];
    let signed_bytes = length - Signature::UNSIGNED_BYTES as u32;
    for offset in (0..signed_bytes).step_by(PIECE_BYTES) {
        let left_bytes = (signed_bytes - offset) as usize;
        let piece = piece.get_mut(..left_bytes.min(PIECE_BYTES)).unwrap_or_default();
        read(offset, piece)?;
        if offset == 0 {
            piece.get_mut(Signature::ZEROED).unwrap_or_default().fill(0);
        }
        stream.update(&*piece);
    }
    stream.finalize_and_verify().map_err(|_| Refusal::BadSignature)?;
    if !signature.board().is_empty() && signature.board() != device.board {
        return Err(Refusal::OtherBoard);
    }
    Ok(Genuine { length, signature })
}
