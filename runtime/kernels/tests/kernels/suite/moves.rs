//! What moves values: padding, joining, walks, places, copies.

use alloc::vec::Vec;
use core::array::from_fn;

use super::operands::{Guarded, ZONE, elements, in_place, unary};
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// A copy, or nothing.
pub fn reshape(cases: usize) -> usize {
    let mut random = Random(47);
    for _ in 0..cases {
        let count = random.below(40);
        in_place(&mut random, count, reshape_s8, |_, value| value, &"reshape");
    }
    cases
}

/// Constant padding.
pub fn pad(cases: usize) -> usize {
    let mut random = Random(9);
    for _ in 0..cases {
        let mut sizes = |choices: &[usize]| -> [usize; 4] { from_fn(|_| random.one_of(choices)) };
        let (input_shape, before, after) = (sizes(&[1, 2, 3, 5]), sizes(&[0, 0, 1, 3]), sizes(&[0, 0, 1, 2]));
        let output_shape = from_fn(|i| input_shape[i] + before[i] + after[i]);
        let p = PadParameters { input_shape, output_shape, before, value: random.zero_point() };
        let sizes = [elements(input_shape), elements(output_shape)];
        p.check(sizes[0], sizes[1]).unwrap();
        unary(
            &mut random,
            sizes,
            |input, output| pad_s8(&p, input, output),
            |input| oracle::pad(&p, input),
            &p,
        );
    }
    cases
}

/// Tensors beside each other.
pub fn concatenate(cases: usize) -> usize {
    let mut random = Random(10);
    for _ in 0..cases {
        let outer = random.size();
        let runs: Vec<usize> = (0..1 + random.below(4)).map(|_| random.size()).collect();
        let output_run = runs.iter().sum();
        let inputs: Vec<Vec<i8>> = runs.iter().map(|run| random.bytes(outer * run, 0)).collect();
        let mut output = Guarded::new(outer * output_run, random.below(ZONE), 0x55);
        let mut offset = 0;
        for (input, &input_run) in inputs.iter().zip(&runs) {
            let p = ConcatenateParameters { outer, input_run, output_run, offset };
            p.check(input.len(), output.all().len()).unwrap();
            concatenate_s8(&p, input, output.all());
            offset += input_run;
        }
        let mut expected = Vec::new();
        for row in 0..outer {
            for (input, run) in inputs.iter().zip(&runs) {
                expected.extend_from_slice(&input[row * run..(row + 1) * run]);
            }
        }
        assert_eq!(output.all(), expected, "{runs:?}");
        output.check(&runs);
    }
    cases
}

/// A transpose of some of the elements: axes in any order, every step, forwards, backwards or not at all.
pub fn rearrange(cases: usize) -> usize {
    let mut random = Random(20);
    for _ in 0..cases {
        let extents: [usize; 6] = from_fn(|_| random.one_of(&[1, 1, 2, 3, 5]));
        let mut axes: Vec<usize> = (0..6).collect();
        let (mut output_shape, mut strides, mut start) = ([1; 6], [0; 6], 0);
        for place in 0..6 {
            let axis = axes.remove(random.below(axes.len()));
            let inner: usize = extents[axis + 1..].iter().product();
            let (extent, step) = (extents[axis], 1 + random.below(2));
            let kept = extent.div_ceil(step);
            (output_shape[place], strides[place]) = match random.below(4) {
                0 => (1 + random.below(4), 0),
                1 => {
                    start += (extent - 1) * inner;
                    (kept, -((step * inner) as isize))
                }
                2 => (extent, inner as isize),
                _ => (kept, (step * inner) as isize),
            };
        }
        let p = RearrangeParameters { output_shape, start, strides };
        let sizes = [extents.iter().product(), output_shape.iter().product()];
        p.check(sizes[0], sizes[1]).unwrap();
        let kernel = |input: &[i8], output: &mut [i8]| rearrange_s8(&p, input, output);
        unary(&mut random, sizes, kernel, |input| oracle::rearrange(&p, input), &p);
    }
    cases
}

/// Listed places along an axis.
pub fn gather(cases: usize) -> usize {
    let mut random = Random(21);
    for _ in 0..cases {
        let p = GatherParameters { outer: random.size(), extent: random.size(), inner: random.size() };
        let indices: Vec<i32> = (0..random.size()).map(|_| random.below(p.extent) as i32).collect();
        let sizes = [p.outer * p.extent * p.inner, p.outer * indices.len() * p.inner];
        p.check(&indices, sizes[0], sizes[1]).unwrap();
        let kernel = |input: &[i8], output: &mut [i8]| gather_s8(&p, &indices, input, output);
        unary(&mut random, sizes, kernel, |input| oracle::gather(&p, &indices, input), &(&p, &indices));
    }
    cases
}
