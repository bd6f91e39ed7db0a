//! What reduces an axis to one number: sums, means, places of the largest.

use alloc::vec::Vec;

use super::operands::unary;
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Mean over an axis.
pub fn mean(cases: usize) -> usize {
    let mut random = Random(5);
    for _ in 0..cases {
        let exponent = random.one_of(&[0, 0, 0, -26]);
        let p = random_mean(&mut random, exponent);
        let sizes = [p.outer * p.count * p.inner, p.outer * p.inner];
        p.check(sizes[0], sizes[1]).unwrap();
        unary(
            &mut random,
            sizes,
            |input, output| mean_s8(&p, input, output),
            |input| oracle::mean(&p, input),
            &p,
        );
    }
    cases
}

/// Sum over an axis.
pub fn sum(cases: usize) -> usize {
    let mut random = Random(43);
    for _ in 0..cases {
        let exponent = random.one_of(&[-4, -4, 0, -26]);
        let p = random_mean(&mut random, exponent);
        let sizes = [p.outer * p.count * p.inner, p.outer * p.inner];
        p.check(sizes[0], sizes[1]).unwrap();
        unary(
            &mut random,
            sizes,
            |input, output| sum_s8(&p, input, output),
            |input| oracle::sum(&p, input),
            &p,
        );
    }
    cases
}

fn random_mean(random: &mut Random, exponent: i32) -> MeanParameters {
    MeanParameters {
        outer: random.size(),
        count: random.one_of(&[1, 2, 3, 7, 9, 16, 49, 64, 100]),
        inner: random.one_of(&[1, 3, 16, 17, 40]),
        input_zero_point: random.zero_point(),
        output_zero_point: random.zero_point(),
        requantize: random.factor(exponent),
    }
}

/// Place of the first or the last of the largest.
pub fn arg_max(cases: usize) -> usize {
    let mut random = Random(44);
    for _ in 0..cases {
        let (outer, inner) = (random.size(), random.size());
        let p = ArgMaxParameters {
            outer,
            inner,
            count: random.one_of(&[1, 2, 5, 21, 255, 256]),
            last: random.below(2) == 1,
        };
        // Few different numbers, so that several are the largest.
        let shift = random.one_of(&[0, 4, 7]);
        let input = random.bytes(outer * p.count * inner, shift);
        p.check(input.len(), outer * inner).unwrap();
        let sizes = [0, outer * inner];
        unary(
            &mut random,
            sizes,
            |_, output| arg_max_s8(&p, &input, output),
            |_| places_of_the_largest(&p, &input),
            &p,
        );
    }
    cases
}

fn places_of_the_largest(p: &ArgMaxParameters, input: &[i8]) -> Vec<i8> {
    let place = |index: usize| {
        let (block, column) = (index / p.inner, index % p.inner);
        let at = |row: usize| input[(block * p.count + row) * p.inner + column];
        let best = (0..p.count).map(at).max();
        let mut places = (0..p.count).filter(|&row| Some(at(row)) == best);
        let place = if p.last { places.next_back() } else { places.next() };
        (place.unwrap_or(0) as i32 - 128) as i8
    };
    (0..p.outer * p.inner).map(place).collect()
}
