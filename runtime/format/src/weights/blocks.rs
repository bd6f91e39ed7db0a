//! Runs of four weights that are not all 0 (1x4 blocks), in the order in which the kernels read them.
//!
//! Blocks come in groups of four, with their steps in one word before them, so that a kernel loads words
//! alone. The first group of a row has what is left over, in the last bytes of its word: a kernel enters
//! its loop there, and no row needs filling up.

use super::{CountedRows, StoredRows, Words};
use crate::Storage;

/// Rows of [`Storage::Blocks`].
#[derive(Clone, Copy)]
pub struct BlockRows<'a> {
    /// Counts are of blocks; words are their steps and weights.
    rows: CountedRows<'a>,
}

/// Words of a row of so many blocks.
const fn words_of(count: usize) -> usize {
    count + count.div_ceil(4)
}

impl<'a> StoredRows<'a> for BlockRows<'a> {
    const STORAGE: Storage = Storage::Blocks;

    type Of<'b> = BlockRows<'b>;

    fn read(data: &'a [u8], elements: usize) -> Option<BlockRows<'a>> {
        Some(BlockRows { rows: CountedRows::read(data, elements)? })
    }

    fn row_length(&self) -> usize {
        self.rows.row
    }

    #[inline(always)]
    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) -> Option<()> {
        let (mut left, mut words) = self.rows.next(words_of)?;
        // Only the first block may stand where its predecessor, the start, does.
        let (mut first, mut least) = (0, 0);
        while left > 0 {
            let group = if left.is_multiple_of(4) { 4 } else { left % 4 };
            let (steps, blocks) = words.split_first()?;
            let (blocks, behind) = blocks.split_at_checked(group)?;
            for (step, weights) in steps.get(4 - group..)?.iter().zip(blocks) {
                if *step < least {
                    return None;
                }
                least = 1;
                first += 4 * usize::from(*step);
                for (place, &weight) in (first..).zip(weights) {
                    if place < self.rows.row {
                        each(place, weight as i8);
                    } else if weight != 0 || first >= self.rows.row {
                        return None;
                    }
                }
            }
            (words, left) = (behind, left - group);
        }
        Some(())
    }

    fn is_at_end(&self) -> bool {
        self.rows.words.is_empty()
    }

    fn blocks(&self) -> Option<Words<'_>> {
        Some((self.rows.counts, self.rows.words))
    }
}
