//! Weights in canonical Huffman codes: of all, of those that are not 0, or of runs of four.
//!
//! Where some are left out, the zeros before each weight or run are counted through the whole layer, so
//! that a row costs nothing. No code is longer than twelve bits, and each takes at least one, so the bytes
//! bound the time.

use super::{StoredRows, split_row};
use crate::Storage;

/// Bits of the longest code.
pub(crate) const LONGEST_CODE: usize = 12;

/// The symbol of a step over so many zeros, with no weight behind it.
pub(crate) const SKIP: u8 = 255;

/// Rows of [`Storage::Coded`].
#[derive(Clone, Copy)]
pub struct CodedRows<'a> {
    row: usize,
    /// Weights behind a step: 1, or 4 for a run; 0 where no weight is left out.
    run: usize,
    steps: Alphabet<'a>,
    values: Alphabet<'a>,
    codes: Codes<'a>,
    /// Runs from the start of the next row to the next run; all of them where no more come.
    ahead: usize,
}

impl<'a> StoredRows<'a> for CodedRows<'a> {
    const STORAGE: Storage = Storage::Coded;

    type Of<'b> = CodedRows<'b>;

    fn read(data: &'a [u8], elements: usize) -> Option<CodedRows<'a>> {
        let (row, rest) = split_row(data, elements)?;
        let (&[kind, zeros @ ..], rest) = rest.split_first_chunk::<4>()?;
        let run = match kind {
            0 => 0,
            1 => 1,
            2 => 4,
            _ => return None,
        };
        let (&bits, rest) = rest.split_first_chunk::<4>()?;
        let (steps, rest) = if run == 0 { (Alphabet::NONE, rest) } else { Alphabet::split(rest)? };
        let (values, rest) = Alphabet::split(rest)?;
        let codes = Codes::new(rest, u32::from_le_bytes(bits))?;
        let mut rows = CodedRows { row, run, steps, values, codes, ahead: 0 };
        if run > 0 {
            rows.step()?;
        }
        (zeros == [0; 3]).then_some(rows)
    }

    fn row_length(&self) -> usize {
        self.row
    }

    #[inline(always)]
    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) -> Option<()> {
        if self.run == 0 {
            for place in 0..self.row {
                each(place, self.codes.next(&self.values)? as i8);
            }
            return Some(());
        }
        let runs = self.row.div_ceil(self.run);
        while self.ahead < runs {
            let first = self.ahead * self.run;
            for place in first..first + self.run {
                let value = self.codes.next(&self.values)? as i8;
                if place < self.row {
                    each(place, value);
                } else if value != 0 {
                    return None;
                }
            }
            self.ahead += 1;
            self.step()?;
        }
        if self.ahead != NO_MORE {
            self.ahead -= runs;
        }
        Some(())
    }

    fn is_at_end(&self) -> bool {
        self.codes.left == 0 && (self.run == 0 || self.ahead == NO_MORE)
    }
}

impl CodedRows<'_> {
    /// Goes on to the next run.
    fn step(&mut self) -> Option<()> {
        while self.codes.left > 0 {
            let zeros = self.codes.next(&self.steps)?;
            self.ahead = self.ahead.checked_add(usize::from(zeros)).filter(|&ahead| ahead < NO_MORE)?;
            if zeros != SKIP {
                return Some(());
            }
        }
        self.ahead = NO_MORE;
        Some(())
    }
}

/// No layer has so many weights.
const NO_MORE: usize = 1 << 29;

/// Symbols by the length of their code, and how many there are of each length.
#[derive(Clone, Copy)]
struct Alphabet<'a> {
    counts: &'a [u8; LONGEST_CODE],
    symbols: &'a [u8],
}

impl<'a> Alphabet<'a> {
    const NONE: Alphabet<'static> = Alphabet { counts: &[0; LONGEST_CODE], symbols: &[] };

    /// Takes one off the front: counts, then symbols. No more codes of a length than there is room for.
    fn split(data: &'a [u8]) -> Option<(Alphabet<'a>, &'a [u8])> {
        let (counts, rest) = data.split_first_chunk()?;
        let (mut room, mut total) = (1i32, 0);
        for &count in counts {
            room = 2 * room - i32::from(count);
            total += usize::from(count);
            if room < 0 {
                return None;
            }
        }
        let (symbols, rest) = rest.split_at_checked(total)?;
        Some((Alphabet { counts, symbols }, rest))
    }
}

/// Codes one behind the other, the first in the highest bits.
#[derive(Clone, Copy)]
struct Codes<'a> {
    bytes: &'a [u8],
    /// The next bits, from the highest down.
    window: u32,
    /// How many of them have been read from `bytes`.
    filled: u32,
    /// Bits that are still to come, those in the window included.
    left: u32,
}

impl<'a> Codes<'a> {
    /// `bits` bits, which take up all of `bytes`.
    fn new(bytes: &'a [u8], bits: u32) -> Option<Codes<'a>> {
        let whole = bytes.len() == bits.div_ceil(8) as usize;
        whole.then_some(Codes { bytes, window: 0, filled: 0, left: bits })
    }

    /// The symbol of the next code; `None` where there is none.
    #[inline]
    fn next(&mut self, alphabet: &Alphabet<'_>) -> Option<u8> {
        while self.filled < LONGEST_CODE as u32 {
            let Some((&byte, rest)) = self.bytes.split_first() else { break };
            self.bytes = rest;
            self.window |= u32::from(byte) << (24 - self.filled);
            self.filled += 8;
        }
        // Where the bits that were looked at stand among the codes of their length, and how many codes are shorter.
        let (mut window, mut index, mut before, mut length) = (self.window, 0, 0, 0);
        for &count in alphabet.counts {
            index = 2 * index + (window >> 31);
            (window, length) = (window << 1, length + 1);
            let count = u32::from(count);
            if index < count {
                self.window = window;
                self.left = self.left.checked_sub(length)?;
                self.filled = self.filled.saturating_sub(length);
                return alphabet.symbols.get((before + index) as usize).copied();
            }
            (index, before) = (index - count, before + count);
        }
        None
    }
}
