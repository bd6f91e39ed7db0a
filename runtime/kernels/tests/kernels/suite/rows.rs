//! Layers whose weights are not stored one by one, against the oracle with all of them: any density, rows without a
//! weight, steps at the largest, and scratch for a tile, for one row, and for none.

use super::constants::Constants;
use super::filters::{random_conv_2d, random_fully_connected};
use super::operands::{Operands, elements};
use super::oracle;
use super::random::Random;
use super::stored::Stored;
use ocelli_kernels::*;

/// 2-d convolution.
pub fn conv_2d(cases: usize) -> usize {
    let mut random = Random(11);
    for _ in 0..cases {
        let p = random_conv_2d(&mut random, 1);
        let output_channels = p.output_shape[3];
        let row = p.vertical.filter * p.horizontal.filter * p.input_shape[3];
        let mut constants = Constants::random(&mut random, row * output_channels, row, output_channels);
        prune(&mut random, row, constants.weights.all());
        let whole = p.rows_scratch_bytes();
        let loops = p.scratch_bytes(Layout::Canonical);
        // A tile may end within a row.
        let scratch =
            random.one_of(&[whole, whole, whole, loops + row, loops + row + row.min(3) - 1, loops, 0]);
        let (input, output) = (elements(p.input_shape), elements(p.output_shape));
        let mut operands = Operands::random(&mut random, input, output, scratch);
        let filter = constants.filter();
        let expected = oracle::conv_2d(&p, &filter, operands.input.all());
        let stored = Stored::random(&mut random, row, filter.weights);
        let filter = Filter { weights: &[], ..filter };
        let Operands { input, output, scratch } = &mut operands;
        p.check_rows(&filter, &stored.rows(), input.all().len(), output.all().len()).unwrap();
        conv_2d_rows_s8(&p, &filter, stored.rows(), input.all(), output.all(), scratch.all());
        operands.compare(&expected, &p);
    }
    cases
}

/// Fully connected layer.
pub fn fully_connected(cases: usize) -> usize {
    let mut random = Random(12);
    for _ in 0..cases {
        let longest = random.one_of(&[9, 140, 1200]);
        let p = random_fully_connected(&mut random, [longest, 40]);
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
        operands.compare(&expected, &p);
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
