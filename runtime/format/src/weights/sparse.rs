//! Weights that are not 0, each behind its step from the one before, in the order in which the kernels
//! read them: two to a word, step and weight, step and weight.

use super::{StoredRows, Words, split_counts, split_row};
use crate::Storage;

/// Rows of [`Storage::Sparse`].
#[derive(Clone, Copy)]
pub struct SparseRows<'a> {
    row: usize,
    /// Words of each row that is still to come.
    counts: &'a [[u8; 2]],
    words: &'a [[u8; 4]],
}

impl<'a> StoredRows<'a> for SparseRows<'a> {
    const STORAGE: Storage = Storage::Sparse;

    type Of<'b> = SparseRows<'b>;

    fn read(data: &'a [u8], elements: usize) -> Option<SparseRows<'a>> {
        let (row, rest) = split_row(data, elements)?;
        let (counts, rest) = split_counts(rest, elements / row)?;
        let (words, []) = rest.as_chunks() else { return None };
        Some(SparseRows { row, counts, words })
    }

    fn row_length(&self) -> usize {
        self.row
    }

    #[inline(always)]
    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) -> Option<()> {
        let (&count, counts) = self.counts.split_first()?;
        let count = usize::from(u16::from_le_bytes(count));
        let (words, rest) = self.words.split_at_checked(count)?;
        (self.counts, self.words) = (counts, rest);
        let (mut place, mut free) = (0, 0);
        for &[step, value] in words.as_flattened().as_chunks::<2>().0 {
            place += usize::from(step);
            if place >= self.row || (value != 0 && place < free) {
                return None;
            }
            // A weight of 0 only bridges a long step or fills up a word.
            if value != 0 {
                free = place + 1;
                each(place, value as i8);
            }
        }
        Some(())
    }

    fn is_at_end(&self) -> bool {
        self.words.is_empty()
    }

    fn sparse(&self) -> Option<Words<'_>> {
        Some((self.counts, self.words))
    }
}
