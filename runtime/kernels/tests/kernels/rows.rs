//! Layers whose weights are not stored one by one, against the oracle with all of them: any density, rows without a
//! weight, steps at the largest, and scratch for a tile, for one row, and for none.
//!
//! Without `std`, so that the same cases run on the host and in firmware.

use alloc::vec::Vec;

use crate::backends::{Constants, Operands, elements};
use crate::oracle;
use crate::random::Random;
use ocelli_kernels::*;

/// 2-d convolution.
pub fn conv_2d(cases: usize) -> usize {
    let mut random = Random(11);
    for case in 0..cases {
        let channels = random.one_of(&[1, 2, 3, 4, 4, 5, 7, 8, 12, 16, 17, 33]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let (mut vertical, mut height) = random.axis(input_shape[1], true);
        let (mut horizontal, mut width) = random.axis(input_shape[2], true);
        if random.below(4) == 0 {
            (vertical, horizontal) = (Axis::ONE, Axis::ONE);
            (height, width) = (input_shape[1], input_shape[2]);
        }
        let output_channels = random.one_of(&[1, 2, 3, 4, 5, 8, 13, 31, 40]);
        let (activation_min, activation_max) = random.activation();
        let p = Conv2dParameters {
            input_shape,
            output_shape: [input_shape[0], height, width, output_channels],
            groups: 1,
            vertical,
            horizontal,
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let row = vertical.filter * horizontal.filter * channels;
        let mut constants = Constants::random(&mut random, row * output_channels, row, output_channels);
        prune(&mut random, row, constants.weights.all());
        let whole = p.rows_scratch_bytes();
        let loops = p.scratch_bytes(Layout::Canonical);
        let scratch = random.one_of(&[whole, whole, whole, loops + row, loops, 0]);
        let (input, output) = (elements(input_shape), elements(p.output_shape));
        let mut operands = Operands::random(&mut random, input, output, scratch);
        let filter = constants.filter();
        let expected = oracle::conv_2d(&p, &filter, operands.input.all());
        let stored = Stored::random(&mut random, row, filter.weights);
        let filter = Filter { weights: &[], ..filter };
        let Operands { input, output, scratch } = &mut operands;
        p.check_rows(&filter, &stored.rows(), input.all().len(), output.all().len()).unwrap();
        conv_2d_rows_s8(&p, &filter, stored.rows(), input.all(), output.all(), scratch.all());
        operands.compare(&expected, case, &p);
    }
    cases
}

/// Fully connected layer.
pub fn fully_connected(cases: usize) -> usize {
    let mut random = Random(12);
    for case in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let longest = random.one_of(&[9, 140, 1200]);
        let p = FullyConnectedParameters {
            batches: 1 + random.below(3),
            input_depth: 1 + random.below(longest),
            output_depth: 1 + random.below(40),
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let row = p.input_depth;
        let mut constants = Constants::random(&mut random, row * p.output_depth, row, p.output_depth);
        prune(&mut random, row, constants.weights.all());
        let scratch = random.one_of(&[p.scratch_bytes(), p.scratch_bytes(), 0]);
        let (input, output) = (p.batches * row, p.batches * p.output_depth);
        let mut operands = Operands::random(&mut random, input, output, scratch);
        let filter = constants.filter();
        let expected = oracle::fully_connected(&p, &filter, operands.input.all());
        let stored = Stored::random(&mut random, row, filter.weights);
        let filter = Filter { weights: &[], ..filter };
        let Operands { input, output, scratch } = &mut operands;
        p.check_rows(&filter, &stored.rows(), input.all().len(), output.all().len()).unwrap();
        fully_connected_rows_s8(&p, &filter, stored.rows(), input.all(), output.all(), scratch.all());
        operands.compare(&expected, case, &p);
    }
    cases
}

/// Makes most weights 0: single ones or runs of four, and sometimes whole rows or most of one.
fn prune(random: &mut Random, row: usize, weights: &mut [i8]) {
    let (kept, run) = (random.one_of(&[0, 1, 8, 25, 50, 100]), random.one_of(&[1, 4]));
    for row in weights.chunks_mut(row) {
        let kept = if random.below(8) == 0 { 0 } else { kept };
        for run in row.chunks_mut(run) {
            if random.below(100) >= kept {
                run.fill(0);
            }
        }
    }
}

/// Weights in one of the forms that kernels may read where they are, or in none.
struct Stored<'w> {
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
    fn random(random: &mut Random, row: usize, weights: &'w [i8]) -> Stored<'w> {
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

    fn rows(&self) -> Rows<'_> {
        Rows { stored: self, next: 0 }
    }
}

#[derive(Clone)]
struct Rows<'s> {
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
