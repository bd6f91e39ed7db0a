//! Weights that are not stored one by one: readers of their forms, which walk a layer row by row.
//!
//! A row is what one output channel multiplies with. Every form is told forwards, in place and without
//! a heap, weight by weight; what is not told is 0. Nothing here trusts the bytes: a reader stops where
//! they end or lead outside, and [`is_sound`] says beforehand that they do not.

mod bits;
mod blocks;
mod coded;
mod fours;
mod packed;
mod sparse;

pub use blocks::BlockRows;
pub use coded::CodedRows;
pub use fours::FourRows;
pub use packed::PackedRows;
pub use sparse::SparseRows;

#[cfg(feature = "alloc")]
pub(crate) use coded::{LONGEST_CODE, SKIP};

use crate::Storage;

/// A count for each row, and words, both little-endian.
pub type Words<'a> = (&'a [[u8; 2]], &'a [[u8; 4]]);

/// The weights of a layer in one form.
pub trait StoredRows<'a>: Clone + Sized {
    /// Which form.
    const STORAGE: Storage;

    /// The same reader for other bytes.
    type Of<'b>: StoredRows<'b>;

    /// Finds the parts of a constant of so many elements; `None` where bytes are missing or left over, or
    /// elements are no whole rows.
    fn read(data: &'a [u8], elements: usize) -> Option<Self>;

    /// Elements of a row.
    fn row_length(&self) -> usize;

    /// Tells places and values of the next row, places rising, and goes on to the row behind. `None` where bytes
    /// end too early or lead outside the row.
    fn next_row(&mut self, each: impl FnMut(usize, i8)) -> Option<()>;

    /// Whether everything has been told that is stored.
    fn is_at_end(&self) -> bool;

    /// Of [`Storage::Blocks`], counts of the rows that are still to come, and the words of all.
    fn blocks(&self) -> Option<Words<'_>> {
        None
    }

    /// The same of [`Storage::Sparse`].
    fn sparse(&self) -> Option<Words<'_>> {
        None
    }
}

/// Whether a constant can be walked from the first row to the last, and ends there.
pub fn is_sound<'a, R: StoredRows<'a>>(data: &'a [u8], elements: usize) -> bool {
    let Some(mut rows) = R::read(data, elements) else { return false };
    let length = rows.row_length();
    for _ in 0..elements / length.max(1) {
        let mut inside = true;
        if rows.next_row(|place, _| inside &= place < length).is_none() || !inside {
            return false;
        }
    }
    rows.is_at_end()
}

/// Does the same thing with the reader of whichever form.
macro_rules! with_rows {
    ($storage:expr, $form:ident => $work:expr, otherwise $otherwise:expr) => {
        match $storage {
            Storage::Packed => {
                type $form<'a> = PackedRows<'a>;
                $work
            }
            Storage::Fours => {
                type $form<'a> = FourRows<'a>;
                $work
            }
            Storage::Blocks => {
                type $form<'a> = BlockRows<'a>;
                $work
            }
            Storage::Sparse => {
                type $form<'a> = SparseRows<'a>;
                $work
            }
            Storage::Coded => {
                type $form<'a> = CodedRows<'a>;
                $work
            }
            _ => $otherwise,
        }
    };
}

/// [`is_sound`] for any form; what is stored dense is sound.
pub(crate) fn any_is_sound(storage: Storage, data: &[u8], elements: usize) -> bool {
    with_rows!(storage, Rows => is_sound::<Rows<'_>>(data, elements), otherwise true)
}

/// All values of a constant in any form of weights; zeros from where bytes end or lead outside.
#[cfg(feature = "alloc")]
pub(crate) fn decode(storage: Storage, data: &[u8], elements: usize) -> alloc::vec::Vec<u8> {
    fn all<'a, R: StoredRows<'a>>(data: &'a [u8], values: &mut [u8]) {
        let Some(mut rows) = R::read(data, values.len()) else { return };
        let length = rows.row_length();
        for row in values.chunks_exact_mut(length.max(1)) {
            let put = |place: usize, value: i8| {
                if let Some(slot) = row.get_mut(place) {
                    *slot = value as u8;
                }
            };
            if rows.next_row(put).is_none() {
                return;
            }
        }
    }
    let mut values = alloc::vec![0; elements];
    with_rows!(storage, Rows => all::<Rows<'_>>(data, &mut values), otherwise ());
    values
}

/// The header of every form: elements of a row, of which there are whole ones; and what follows it.
fn split_row(data: &[u8], elements: usize) -> Option<(usize, &[u8])> {
    let (&row, rest) = data.split_first_chunk::<4>()?;
    let row = u32::from_le_bytes(row) as usize;
    (row >= 1 && elements.is_multiple_of(row)).then_some((row, rest))
}

/// Rows of words, each of as many as its count says.
#[derive(Clone, Copy)]
struct CountedRows<'a> {
    row: usize,
    /// Counts of the rows that are still to come.
    counts: &'a [[u8; 2]],
    /// Their words.
    words: &'a [[u8; 4]],
}

impl<'a> CountedRows<'a> {
    fn read(data: &'a [u8], elements: usize) -> Option<CountedRows<'a>> {
        let (row, rest) = split_row(data, elements)?;
        let (counts, rest) = split_counts(rest, elements / row)?;
        let (words, []) = rest.as_chunks() else { return None };
        Some(CountedRows { row, counts, words })
    }

    /// Count and words of the next row, where so many take `words_of` words.
    #[inline(always)]
    fn next(&mut self, words_of: impl Fn(usize) -> usize) -> Option<(usize, &'a [[u8; 4]])> {
        let (&count, counts) = self.counts.split_first()?;
        let count = usize::from(u16::from_le_bytes(count));
        let (words, rest) = self.words.split_at_checked(words_of(count))?;
        (self.counts, self.words) = (counts, rest);
        Some((count, words))
    }
}

/// How many of something each row has: a table of `u16`, filled up with zeros to a multiple of 4 bytes.
fn split_counts(data: &[u8], rows: usize) -> Option<(&[[u8; 2]], &[u8])> {
    let (table, rest) = data.split_at_checked(rows.checked_mul(2)?.next_multiple_of(4))?;
    let (counts, _) = table.as_chunks();
    let (counts, zeros) = counts.split_at_checked(rows)?;
    zeros.iter().all(|zeros| *zeros == [0; 2]).then_some((counts, rest))
}
