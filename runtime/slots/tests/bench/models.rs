//! Signed artefacts: three different models, releases 1 to 3, and all that a hostile sender may make of them.

use ed25519_dalek::{Signer, SigningKey};
use ocelli_engine::operators;
use ocelli_format::{AlignedBytes, Artefact, Signature, attach_signature};
use ocelli_slots::{Device, PublicKey, Slots, Storage};

/// The board of the tests.
pub const BOARD: &str = "bench";

/// Whom the device trusts.
pub fn maker() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// Whom it does not.
pub fn stranger() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

/// The model of a release, unsigned.
pub fn model(release: u32) -> AlignedBytes {
    let samples = ocelli_samples::artefacts();
    samples[[0, 0, 2, 1][release as usize % 4]].1.clone()
}

/// An artefact signed by anyone, for any board.
pub fn signed(artefact: &[u8], release: u32, board: &str, signer: &SigningKey) -> AlignedBytes {
    let artefact = AlignedBytes::copy_of(artefact);
    let artefact = Artefact::parse(&artefact).unwrap();
    let section = Signature::new(release, board, signer.verifying_key().to_bytes()).unwrap();
    AlignedBytes::copy_of(&attach_signature(&artefact, section, |message| signer.sign(message).to_bytes()))
}

/// The artefact of a release as its maker gives it out.
pub fn release(release: u32) -> AlignedBytes {
    signed(&model(release), release, BOARD, &maker())
}

/// The firmware: one attempt for a new model, then it has to be confirmed.
pub fn device(keys: &[PublicKey]) -> Device<'_> {
    Device { board: BOARD, keys, profile: "portable", operators: operators::ALL, attempts: 1 }
}

/// The keys of that firmware.
pub fn keys() -> [PublicKey; 1] {
    [PublicKey(maker().verifying_key().to_bytes())]
}

/// What the samples need.
pub fn arena() -> AlignedBytes {
    AlignedBytes::zeros(1 << 16)
}

/// Pushes bytes without a link, in pieces that fit nothing.
pub fn push<S: Storage>(
    slots: &mut Slots<'_, S>,
    bytes: &[u8],
    arena: &mut [u8],
) -> Result<(), ocelli_slots::Failure<S::Error>> {
    let offer = ocelli_slots::Offer { length: bytes.len() as u32, release: u32::MAX, board: "" };
    slots.begin(&offer)?;
    for piece in bytes.chunks(100) {
        slots.write(piece)?;
    }
    slots.finish(arena)
}
