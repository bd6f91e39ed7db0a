//! Weights in the forms that kernels may read where they are, laid out as the artefact has them.

use alloc::vec::Vec;

use super::random::Random;
use ocelli_kernels::*;

/// Weights in one of the forms that kernels may read where they are, or in none.
pub struct Stored<'w> {
    weights: &'w [i8],
    row: usize,
    form: Form,
    counts: Vec<[u8; 2]>,
    words: Vec<[u8; 4]>,
}

#[derive(Clone, Copy)]
enum Form {
    Told,
    Blocks,
    Sparse,
}

impl<'w> Stored<'w> {
    /// Of so many weights a row.
    pub fn random(random: &mut Random, row: usize, weights: &'w [i8]) -> Stored<'w> {
        let form = random.one_of(&[Form::Told, Form::Blocks, Form::Sparse]);
        let rows = weights.len() / row;
        // Room before the words: what was allocated last is freed first, as the firmware's heap wants it.
        let (counts, words) = (Vec::with_capacity(rows), Vec::with_capacity(weights.len() + rows));
        let mut stored = Stored { weights, row, form, counts, words };
        for row in weights.chunks(row) {
            let count = match form {
                Form::Told => 0,
                Form::Blocks => stored.push_blocks(row),
                Form::Sparse => stored.push_sparse(row),
            };
            stored.counts.push((count as u16).to_le_bytes());
        }
        stored
    }

    /// Words of steps, each with its blocks behind it; the first has what is left over by four.
    fn push_blocks(&mut self, row: &[i8]) -> usize {
        let is_told = |four: &[i8]| four.iter().any(|&weight| weight != 0);
        let count = row.chunks(4).filter(|four| is_told(four)).count();
        let (mut last, mut steps) = (0, 0);
        for (index, (place, four)) in row.chunks(4).enumerate().filter(|(_, four)| is_told(four)).enumerate()
        {
            let slot = (index + 4 - count % 4) % 4;
            if slot == 0 || index == 0 {
                steps = self.words.len();
                self.words.push([0; 4]);
            }
            self.words[steps][slot] = (place - last) as u8;
            self.words.push(core::array::from_fn(|place| four.get(place).copied().unwrap_or(0) as u8));
            last = place;
        }
        count
    }

    /// Steps and weights, two to a word, with weights of 0 where a step is too long.
    fn push_sparse(&mut self, row: &[i8]) -> usize {
        let (mut last, mut pairs, start) = (0, 0, self.words.len());
        let mut push = |step: usize, weight: i8| {
            if pairs % 2 == 0 {
                self.words.push([0; 4]);
            }
            let word = self.words.last_mut().unwrap();
            word[2 * (pairs % 2)..][..2].copy_from_slice(&[step as u8, weight as u8]);
            pairs += 1;
        };
        for (place, &weight) in row.iter().enumerate().filter(|&(_, &weight)| weight != 0) {
            while place - last > 255 {
                push(255, 0);
                last += 255;
            }
            push(place - last, weight);
            last = place;
        }
        self.words.len() - start
    }

    /// As a kernel takes them.
    pub fn rows(&self) -> Rows<'_> {
        Rows { stored: self, next: 0 }
    }
}

/// The rows from one on.
#[derive(Clone)]
pub struct Rows<'s> {
    stored: &'s Stored<'s>,
    next: usize,
}

impl WeightRows for Rows<'_> {
    fn row_length(&self) -> usize {
        self.stored.row
    }

    fn next_row(&mut self, mut each: impl FnMut(usize, i8)) {
        let row = self.stored.weights.chunks(self.stored.row).nth(self.next).unwrap();
        row.iter()
            .enumerate()
            .filter(|&(_, &weight)| weight != 0)
            .for_each(|(place, &weight)| each(place, weight));
        self.next += 1;
    }

    fn blocks(&self) -> Option<Blocks<'_>> {
        let Stored { counts, words, .. } = self.stored;
        matches!(self.stored.form, Form::Blocks).then_some(Blocks { counts, words })
    }

    fn sparse(&self) -> Option<Sparse<'_>> {
        let Stored { counts, words, .. } = self.stored;
        matches!(self.stored.form, Form::Sparse).then_some(Sparse { counts, words })
    }
}
