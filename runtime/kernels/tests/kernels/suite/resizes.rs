//! Resizes, and interpolation at listed positions.

use alloc::vec::Vec;

use super::operands::{elements, unary};
use super::random::Random;
use super::resize_oracle as oracle;
use ocelli_kernels::*;

/// Resize to the nearest pixel.
pub fn resize_nearest(cases: usize) -> usize {
    resize(Random(11), cases, resize_nearest_s8, oracle::resize_nearest)
}

/// Resize by bilinear interpolation.
pub fn resize_bilinear(cases: usize) -> usize {
    resize(Random(111), cases, resize_bilinear_s8, oracle::resize_bilinear)
}

fn resize(
    mut random: Random,
    cases: usize,
    kernel: fn(&ResizeParameters, &[i8], &mut [i8]),
    oracle: fn(&ResizeParameters, &[i8]) -> Vec<i8>,
) -> usize {
    let samplings = [Sampling::Asymmetric, Sampling::AlignCorners, Sampling::HalfPixelCenters];
    for _ in 0..cases {
        let mut side = || random.one_of(&[1, 2, 3, 5, 6, 7, 11, 16]);
        let (input_shape, output_shape) = ([1, side(), side(), 2], [1, side(), side(), 2]);
        let p = ResizeParameters { input_shape, output_shape, sampling: random.one_of(&samplings) };
        let sizes = [elements(input_shape), elements(output_shape)];
        p.check(sizes[0], sizes[1]).unwrap();
        unary(&mut random, sizes, |input, output| kernel(&p, input, output), |input| oracle(&p, input), &p);
    }
    cases
}

/// Bilinear interpolation at listed positions.
pub fn interpolate(cases: usize) -> usize {
    let mut random = Random(22);
    for _ in 0..cases {
        let mut side = || random.one_of(&[1, 2, 3, 5, 6, 7]);
        let (input_shape, output_shape) = ([2, side(), side(), 3], [2, side(), side(), 3]);
        let p = InterpolateParameters { input_shape, output_shape };
        let mut positions = |axis: usize| -> Vec<i32> {
            (0..output_shape[axis]).map(|_| random.below(1024 * (input_shape[axis] - 1) + 1) as i32).collect()
        };
        let (rows, columns) = (positions(1), positions(2));
        let sizes = [elements(input_shape), elements(output_shape)];
        p.check([&rows, &columns], sizes[0], sizes[1]).unwrap();
        unary(
            &mut random,
            sizes,
            |input, output| interpolate_s8(&p, [&rows, &columns], input, output),
            |input| oracle::interpolate(&p, [&rows, &columns], input),
            &(&p, &rows, &columns),
        );
    }
    cases
}
