//! Weights of a few bits each: small signed numbers, or indices into a codebook.

use super::bits::Numbers;
use super::{StoredRows, split_row};
use crate::Storage;

/// The most bits of a weight.
const MOST_BITS: u8 = 7;

/// Rows of [`Storage::Packed`].
#[derive(Clone, Copy)]
pub struct PackedRows<'a> {
    row: usize,
    bits: u8,
    entries: usize,
    /// The codebooks that are still to come, `entries` values each; nothing without one.
    books: &'a [u8],
    /// Whether each row has a book of its own.
    is_by_row: bool,
    numbers: Numbers<'a>,
    /// Number of the next weight.
    next: usize,
    elements: usize,
}

impl<'a> StoredRows<'a> for PackedRows<'a> {
    const STORAGE: Storage = Storage::Packed;

    type Of<'b> = PackedRows<'b>;

    fn read(data: &'a [u8], elements: usize) -> Option<PackedRows<'a>> {
        let (row, rest) = split_row(data, elements)?;
        let (&[bits, entries, kind, zero], rest) = rest.split_first_chunk::<4>()?;
        let entries = usize::from(entries);
        let books = match kind {
            0 if entries == 0 => 0,
            1 if entries > 0 => 1,
            2 if entries > 0 => elements / row,
            _ => return None,
        };
        if !(1..=MOST_BITS).contains(&bits) || entries > 1 << bits || zero != 0 {
            return None;
        }
        let (books, rest) = rest.split_at_checked(books.checked_mul(entries)?)?;
        let numbers = Numbers::new(rest, usize::from(bits), elements)?;
        Some(PackedRows { row, bits, entries, books, is_by_row: kind == 2, numbers, next: 0, elements })
    }

    fn row_length(&self) -> usize {
        self.row
    }

    #[inline(always)]
    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) -> Option<()> {
        let first = self.next;
        self.next = first.checked_add(self.row).filter(|&next| next <= self.elements)?;
        if self.entries == 0 {
            let unused = 8 - u32::from(self.bits);
            for place in 0..self.row {
                each(place, (self.numbers.get(first + place) << unused) as i8 >> unused);
            }
            return Some(());
        }
        let book = self.books.get(..self.entries)?;
        for place in 0..self.row {
            each(place, *book.get(usize::from(self.numbers.get(first + place)))? as i8);
        }
        if self.is_by_row {
            self.books = self.books.get(self.entries..)?;
        }
        Some(())
    }

    fn is_at_end(&self) -> bool {
        self.next == self.elements
    }
}
