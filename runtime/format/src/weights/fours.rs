//! One or two weights of every four (1:4 and 2:4), each with its place among the four in two bits.

use super::bits::Numbers;
use super::{StoredRows, split_row};
use crate::Storage;

/// Rows of [`Storage::Fours`].
#[derive(Clone, Copy)]
pub struct FourRows<'a> {
    row: usize,
    /// Weights that are stored of four.
    kept: usize,
    values: &'a [u8],
    places: Numbers<'a>,
    /// Number of the next stored weight.
    next: usize,
}

impl<'a> StoredRows<'a> for FourRows<'a> {
    const STORAGE: Storage = Storage::Fours;

    type Of<'b> = FourRows<'b>;

    fn read(data: &'a [u8], elements: usize) -> Option<FourRows<'a>> {
        let (row, rest) = split_row(data, elements)?;
        let (&[kept, zeros @ ..], rest) = rest.split_first_chunk::<4>()?;
        let kept = usize::from(kept);
        if !(1..=2).contains(&kept) || zeros != [0; 3] {
            return None;
        }
        let stored = row.div_ceil(4).checked_mul(elements / row)?.checked_mul(kept)?;
        let (values, places) = rest.split_at_checked(stored)?;
        Some(FourRows { row, kept, values, places: Numbers::new(places, 2, stored)?, next: 0 })
    }

    fn row_length(&self) -> usize {
        self.row
    }

    #[inline(always)]
    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) -> Option<()> {
        for first in (0..self.row).step_by(4) {
            let mut least = 0;
            for _ in 0..self.kept {
                let (value, place) = (*self.values.get(self.next)?, self.places.get(self.next));
                self.next += 1;
                if place < least {
                    return None;
                }
                least = place + 1;
                let place = first + usize::from(place);
                if place < self.row {
                    each(place, value as i8);
                } else if value != 0 {
                    return None;
                }
            }
        }
        Some(())
    }

    fn is_at_end(&self) -> bool {
        self.next == self.values.len()
    }
}
