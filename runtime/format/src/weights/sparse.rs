//! Weights that are not 0, each behind its step from the one before, in the order in which the kernels
//! read them: two to a word, step and weight, step and weight.

use super::{CountedRows, StoredRows, Words};
use crate::Storage;

/// Rows of [`Storage::Sparse`].
#[derive(Clone, Copy)]
pub struct SparseRows<'a> {
    /// Counts are of words.
    rows: CountedRows<'a>,
}

impl<'a> StoredRows<'a> for SparseRows<'a> {
    const STORAGE: Storage = Storage::Sparse;

    type Of<'b> = SparseRows<'b>;

    fn read(data: &'a [u8], elements: usize) -> Option<SparseRows<'a>> {
        Some(SparseRows { rows: CountedRows::read(data, elements)? })
    }

    fn row_length(&self) -> usize {
        self.rows.row
    }

    #[inline(always)]
    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) -> Option<()> {
        let (_, words) = self.rows.next(|count| count)?;
        let (mut place, mut free) = (0, 0);
        for &[step, value] in words.as_flattened().as_chunks::<2>().0 {
            place += usize::from(step);
            if place >= self.rows.row || (value != 0 && place < free) {
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
        self.rows.words.is_empty()
    }

    fn sparse(&self) -> Option<Words<'_>> {
        Some((self.rows.counts, self.rows.words))
    }
}
