//! What maps each number by itself: tables and PReLU.

use super::operands::in_place;
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Any function of one number.
pub fn lookup(cases: usize) -> usize {
    let mut random = Random(46);
    for _ in 0..cases {
        let mut table = [0; LOOKUP_ENTRIES];
        random.fill(&mut table);
        let count = random.below(40);
        let element = |_, value: i8| table[i32::from(value).rem_euclid(256) as usize];
        in_place(&mut random, count, |input, output| lookup_s8(&table, input, output), element, &"lookup");
    }
    cases
}

/// A slope for each channel on the negative side.
pub fn prelu(cases: usize) -> usize {
    let mut random = Random(8);
    for _ in 0..cases {
        let p = PreluParameters {
            input_zero_point: random.zero_point(),
            slope_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            positive: random.factor(0),
            negative: random.factor(-6),
        };
        let (channels, pixels) = (random.size(), random.size());
        let slopes = random.bytes(channels, 0);
        p.check(channels * pixels, channels, channels * pixels).unwrap();
        let kernel = |input: Source<'_>, output: &mut [i8]| prelu_s8(&p, &slopes, input, output);
        let element = |place: usize, value| oracle::prelu(&p, slopes[place % channels], value);
        in_place(&mut random, channels * pixels, kernel, element, &p);
    }
    cases
}
