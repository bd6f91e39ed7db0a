//! Scratch seen as what a backend keeps in it.
#![allow(unsafe_code)]

/// The first `count` words of `bytes`, if they start at a word and there are enough.
pub(super) fn words(bytes: &mut [u8], count: usize) -> Option<&mut [u32]> {
    // SAFETY: every bit pattern is a valid `u32`, as is every byte of one a valid `u8`.
    let (before, words, _) = unsafe { bytes.align_to_mut::<u32>() };
    if before.is_empty() { words.get_mut(..count) } else { None }
}
