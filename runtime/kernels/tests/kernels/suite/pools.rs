//! Pools.

use alloc::vec::Vec;

use super::operands::{elements, unary};
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Average pool; padding does not count.
pub fn average_pool_2d(cases: usize) -> usize {
    pool(Random(4), cases, average_pool_2d_s8, oracle::average_pool_2d)
}

/// Maximum pool.
pub fn max_pool_2d(cases: usize) -> usize {
    pool(Random(104), cases, max_pool_2d_s8, oracle::max_pool_2d)
}

fn pool(
    mut random: Random,
    cases: usize,
    kernel: fn(&Pool2dParameters, &[i8], &mut [i8]),
    oracle: fn(&Pool2dParameters, &[i8]) -> Vec<i8>,
) -> usize {
    for case in 0..cases {
        let channels = random.one_of(&[1, 2, 3, 15, 16, 17, 40]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let (vertical, height) = random.axis(input_shape[1], case % 3 == 0);
        let (horizontal, width) = random.axis(input_shape[2], case % 3 == 0);
        let (activation_min, activation_max) = random.activation();
        let output_shape = [input_shape[0], height, width, channels];
        let p = Pool2dParameters {
            input_shape,
            output_shape,
            vertical,
            horizontal,
            activation_min,
            activation_max,
        };
        let sizes = [elements(input_shape), elements(output_shape)];
        p.check(sizes[0], sizes[1]).unwrap();
        unary(&mut random, sizes, |input, output| kernel(&p, input, output), |input| oracle(&p, input), &p);
    }
    cases
}
