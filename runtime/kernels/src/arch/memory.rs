//! Bytes seen as the words that a backend keeps in them.
#![allow(unsafe_code)]

/// Bytes as signed ones.
pub(crate) fn signed_mut(bytes: &mut [u8]) -> &mut [i8] {
    // SAFETY: `u8` and `i8` have one size and alignment, and every bit pattern is valid for both. The result borrows
    // the slice for as long as it lives.
    unsafe { core::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) }
}

/// The first `count` words of `bytes`, if they start at a word and there are enough.
#[cfg(any(armv7em, mve))]
pub(super) fn words(bytes: &mut [u8], count: usize) -> Option<&mut [u32]> {
    // SAFETY: every bit pattern is a valid `u32`, as is every byte of one a valid `u8`.
    let (before, words, _) = unsafe { bytes.align_to_mut::<u32>() };
    if before.is_empty() { words.get_mut(..count) } else { None }
}

/// `weights` as words, if they start at one; what does not fill up a word is left out.
#[cfg(armv7em)]
pub(super) fn weight_words(weights: &[i8]) -> Option<&[u32]> {
    // SAFETY: every bit pattern of four bytes is a valid `u32`.
    let (before, words, _) = unsafe { weights.align_to::<u32>() };
    before.is_empty().then_some(words)
}
