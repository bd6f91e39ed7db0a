//! Weights in forms that take fewer bytes: what the readers under `weights` tell, written.
//!
//! Everything that a form leaves open, such as the bits of a weight or the kind of a codebook, is chosen by
//! bytes, so that equal weights give equal bytes.

mod huffman;
mod places;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::Storage;
use huffman::coded;
use places::{blocks, fours, sparse};

/// The weights of a layer in a form, rows of `row` values; `None` where the form cannot hold them.
///
/// Dense is what all can be in, and [`Storage::Uniform`] is no form of weights alone: neither is written here.
pub fn encode_weights(storage: Storage, values: &[i8], row: usize) -> Option<Vec<u8>> {
    if row == 0 || !values.len().is_multiple_of(row) || values.is_empty() {
        return None;
    }
    let header = u32::try_from(row).ok()?.to_le_bytes();
    let body = match storage {
        Storage::Packed => packed(values, row),
        Storage::Fours => fours(values, row),
        Storage::Blocks => blocks(values, row),
        Storage::Sparse => sparse(values, row),
        Storage::Coded => coded(values, row),
        _ => None,
    };
    Some([&header[..], &body?].concat())
}

/// Small numbers, or indices into one codebook or one for each row: what takes the fewest bytes.
fn packed(values: &[i8], row: usize) -> Option<Vec<u8>> {
    let candidates = [signed(values), with_books(values, values.len(), 1), with_books(values, row, 2)];
    candidates.into_iter().flatten().min_by_key(Vec::len)
}

fn signed(values: &[i8]) -> Option<Vec<u8>> {
    let bits = (1..8).find(|&bits| values.iter().all(|&value| value >> (bits - 1) == value >> 7))?;
    let mut bytes = alloc::vec![bits as u8, 0, 0, 0];
    bytes.extend(pack(values.iter().map(|&value| value as u8 & ((1 << bits) - 1)), bits));
    Some(bytes)
}

/// Codebooks of `kind`, each for so many values.
fn with_books(values: &[i8], each: usize, kind: u8) -> Option<Vec<u8>> {
    let books: Vec<Vec<i8>> = values
        .chunks(each)
        .map(|values| values.iter().copied().collect::<BTreeSet<i8>>().into_iter().collect())
        .collect();
    let entries = books.iter().map(Vec::len).max()?;
    let bits = entries.next_power_of_two().ilog2().max(1);
    if bits > 7 {
        return None;
    }
    let mut bytes = alloc::vec![bits as u8, entries as u8, kind, 0];
    for book in &books {
        bytes.extend((0..entries).map(|index| book.get(index).copied().unwrap_or(0) as u8));
    }
    let indices = values
        .chunks(each)
        .zip(&books)
        .flat_map(|(values, book)| values.iter().map(|value| book.binary_search(value).unwrap_or(0) as u8));
    bytes.extend(pack(indices, bits));
    Some(bytes)
}

/// Numbers of `bits` bits, the first in the lowest.
fn pack(numbers: impl Iterator<Item = u8>, bits: u32) -> Vec<u8> {
    let (mut bytes, mut waiting, mut filled) = (Vec::new(), 0u32, 0);
    for number in numbers {
        waiting |= u32::from(number) << filled;
        filled += bits;
        while filled >= 8 {
            bytes.push(waiting as u8);
            (waiting, filled) = (waiting >> 8, filled - 8);
        }
    }
    if filled > 0 {
        bytes.push(waiting as u8);
    }
    bytes
}
