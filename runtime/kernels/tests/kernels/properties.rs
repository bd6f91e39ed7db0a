//! Every kernel with one implementation against the oracle, on random shapes and parameters: ones and odd
//! sizes, strides over the edge, padding, zero points and saturation at both ends.

use crate::backends::binary;
use crate::oracle;
use crate::random::Random;
use crate::{oracle_resize, support};
use ocelli_kernels::*;

const CASES: usize = 600;

fn elements(shape: [usize; 4]) -> usize {
    shape.iter().product()
}

#[test]
fn mul() {
    let mut random = Random(7);
    for _ in 0..CASES {
        let (activation_min, activation_max) = random.activation();
        let p = MulParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: random.factor(-6),
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        binary(&mut random, [None; 2], |l, r, o| mul_s8(&p, l, r, o), |l, r| oracle::mul(&p, l, r), &p);
    }
}

#[test]
fn prelu() {
    let mut random = Random(8);
    for case in 0..CASES {
        let p = PreluParameters {
            input_zero_point: random.zero_point(),
            slope_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            positive: random.factor(0),
            negative: random.factor(-6),
        };
        let (channels, pixels) = (random.size(), random.size());
        let (input, slopes) = (random.bytes(channels * pixels, 0), random.bytes(channels, 0));
        let expected = input.iter().zip(slopes.iter().cycle()).map(|(&value, &slope)| {
            let value = i32::from(value) - i32::from(p.input_zero_point);
            let slope = i32::from(slope) - i32::from(p.slope_zero_point);
            let (sum, factor) = if value >= 0 { (value, p.positive) } else { (value * slope, p.negative) };
            oracle::finish(sum, factor, p.output_zero_point, i8::MIN, i8::MAX)
        });
        let expected: Vec<i8> = expected.collect();
        p.check(input.len(), channels, input.len()).unwrap();
        let mut output = vec![0x55; input.len()];
        prelu_s8(&p, &slopes, Source::Apart(&input), &mut output);
        assert_eq!(output, expected, "case {case}: {p:?}");
        output.copy_from_slice(&input);
        prelu_s8(&p, &slopes, Source::InPlace, &mut output);
        assert_eq!(output, expected, "in place, case {case}: {p:?}");
    }
}

#[test]
fn pad() {
    let mut random = Random(9);
    for case in 0..CASES {
        let mut sizes = |choices: &[usize]| -> [usize; 4] { std::array::from_fn(|_| random.one_of(choices)) };
        let (input_shape, before, after) = (sizes(&[1, 2, 3, 5]), sizes(&[0, 0, 1, 3]), sizes(&[0, 0, 1, 2]));
        let output_shape = std::array::from_fn(|i| input_shape[i] + before[i] + after[i]);
        let p = PadParameters { input_shape, output_shape, before, value: random.zero_point() };
        let input = random.bytes(elements(input_shape), 0);
        let mut output = vec![0x55; elements(output_shape)];
        p.check(input.len(), output.len()).unwrap();
        pad_s8(&p, &input, &mut output);
        assert_eq!(output, oracle::pad(&p, &input), "case {case}: {p:?}");
    }
}

#[test]
fn concatenate() {
    let mut random = Random(10);
    for case in 0..CASES {
        let outer = random.size();
        let runs: Vec<usize> = (0..1 + random.below(4)).map(|_| random.size()).collect();
        let output_run = runs.iter().sum();
        let inputs: Vec<Vec<i8>> = runs.iter().map(|run| random.bytes(outer * run, 0)).collect();
        let mut output = vec![0x55; outer * output_run];
        let mut offset = 0;
        for (input, &input_run) in inputs.iter().zip(&runs) {
            let p = ConcatenateParameters { outer, input_run, output_run, offset };
            p.check(input.len(), output.len()).unwrap();
            concatenate_s8(&p, input, &mut output);
            offset += input_run;
        }
        let mut expected = Vec::new();
        for row in 0..outer {
            for (input, run) in inputs.iter().zip(&runs) {
                expected.extend_from_slice(&input[row * run..(row + 1) * run]);
            }
        }
        assert_eq!(output, expected, "case {case}");
    }
}

#[test]
fn rearrange() {
    let mut random = Random(20);
    for case in 0..CASES {
        // A transpose of some of the elements: axes in any order, every step, forwards, backwards or not at all.
        let extents: [usize; 6] = std::array::from_fn(|_| random.one_of(&[1, 1, 2, 3, 5]));
        let input = random.bytes(extents.iter().product(), 0);
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
        let mut output = vec![0x55; output_shape.iter().product()];
        p.check(input.len(), output.len()).unwrap();
        rearrange_s8(&p, &input, &mut output);
        assert_eq!(output, oracle::rearrange(&p, &input), "case {case}: {p:?}");
    }
}

#[test]
fn gather() {
    let mut random = Random(21);
    for case in 0..CASES {
        let p = GatherParameters { outer: random.size(), extent: random.size(), inner: random.size() };
        let indices: Vec<i32> = (0..random.size()).map(|_| random.below(p.extent) as i32).collect();
        let input = random.bytes(p.outer * p.extent * p.inner, 0);
        let mut output = vec![0x55; p.outer * indices.len() * p.inner];
        p.check(&indices, input.len(), output.len()).unwrap();
        gather_s8(&p, &indices, &input, &mut output);
        assert_eq!(output, oracle::gather(&p, &indices, &input), "case {case}: {p:?} {indices:?}");
    }
}

#[test]
fn interpolate() {
    let mut random = Random(22);
    for case in 0..CASES {
        let mut side = || random.one_of(&[1, 2, 3, 5, 6, 7]);
        let (input_shape, output_shape) = ([2, side(), side(), 3], [2, side(), side(), 3]);
        let p = InterpolateParameters { input_shape, output_shape };
        let mut positions = |axis: usize| -> Vec<i32> {
            (0..output_shape[axis]).map(|_| random.below(1024 * (input_shape[axis] - 1) + 1) as i32).collect()
        };
        let (rows, columns) = (positions(1), positions(2));
        let input = random.bytes(elements(input_shape), 0);
        let mut output = vec![0x55; elements(output_shape)];
        p.check([&rows, &columns], input.len(), output.len()).unwrap();
        interpolate_s8(&p, [&rows, &columns], &input, &mut output);
        let expected = oracle_resize::interpolate(&p, [&rows, &columns], &input);
        assert_eq!(output, expected, "case {case}: {p:?} {rows:?} {columns:?}");
    }
}

#[test]
fn resizes() {
    let mut random = Random(11);
    let samplings = [Sampling::Asymmetric, Sampling::AlignCorners, Sampling::HalfPixelCenters];
    for case in 0..CASES {
        let mut side = || random.one_of(&[1, 2, 3, 5, 6, 7, 11, 16]);
        let input_shape = [1, side(), side(), 2];
        let output_shape = [1, side(), side(), 2];
        let p = ResizeParameters { input_shape, output_shape, sampling: random.one_of(&samplings) };
        let input = random.bytes(elements(input_shape), 0);
        let mut output = vec![0x55; elements(output_shape)];
        p.check(input.len(), output.len()).unwrap();
        resize_nearest_s8(&p, &input, &mut output);
        assert_eq!(output, oracle_resize::resize_nearest(&p, &input), "nearest, case {case}: {p:?}");
        resize_bilinear_s8(&p, &input, &mut output);
        assert_eq!(output, oracle_resize::resize_bilinear(&p, &input), "bilinear, case {case}: {p:?}");
    }
}

/// Nearest positions are those of single precision for every ratio of sides up to 128, and some beyond.
#[test]
fn nearest_positions_equal_single_precision() {
    let samplings = [Sampling::Asymmetric, Sampling::AlignCorners, Sampling::HalfPixelCenters];
    let small = (1..=128).flat_map(|input| (1..=128).map(move |output| (input, output)));
    let large = [(1000, 3001), (641, 4095), (4099, 640), (16_384, 16_383), (3, 16_384), (16_384, 7)];
    for (from, to) in small.chain(large) {
        let input: Vec<i8> = (0..from).map(|x| (x % 251) as u8 as i8).collect();
        let mut output = vec![0; to];
        for sampling in samplings {
            let p = ResizeParameters { input_shape: [1, 1, from, 1], output_shape: [1, 1, to, 1], sampling };
            p.check(from, to).unwrap();
            resize_nearest_s8(&p, &input, &mut output);
            assert_eq!(output, oracle_resize::resize_nearest(&p, &input), "{from} to {to}, {sampling:?}");
        }
    }
}

#[test]
fn requantize_over_every_shift() {
    let mut random = Random(12);
    for shift in MIN_SHIFT..=MAX_SHIFT {
        for _ in 0..2000 {
            let any = random.next() as i32;
            let multiplier = random.one_of(&[any, any, any.max(1), 1 << 30, i32::MAX, i32::MIN + 1, 0, -1]);
            let any = random.next() as i32;
            let small = any >> random.below(32);
            let value = random.one_of(&[any, small, small, i32::MIN, i32::MAX, 0, 1, -1]) >> shift.max(0);
            let factor = Requantize { multiplier, shift };
            assert!(multiplier == i32::MIN || factor.is_valid());
            let expected = oracle::requantize(value, factor);
            assert_eq!(i64::from(factor.apply(value)), expected, "{value} by {factor:?}");
            assert_eq!(i64::from(multiply_by_quantized_multiplier(value, multiplier, shift)), expected);
        }
    }
}

#[test]
fn rounding_of_every_case() {
    for exponent in 0..=31 {
        for value in (-70..=70).chain([i32::MIN, i32::MIN + 1, i32::MAX, i32::MAX - 1]) {
            let divisor = 1i64 << exponent;
            let magnitude = (2 * i64::from(value).abs() + divisor) / (2 * divisor);
            let expected = magnitude * i64::from(value.signum());
            assert_eq!(
                i64::from(rounding_divide_by_power_of_two(value, exponent)),
                expected,
                "{value} / 2^{exponent}"
            );
        }
    }
    assert_eq!(saturating_rounding_doubling_high_multiply(i32::MIN, i32::MIN), i32::MAX);
    assert_eq!(saturating_rounding_doubling_high_multiply(i32::MIN, i32::MAX), -i32::MAX);
}

/// Softmax stays within one and a half steps of the real function.
#[test]
fn softmax_is_close_to_the_real_function() {
    let mut random = Random(13);
    for case in 0..CASES {
        let depth = random.one_of(&[1, 2, 3, 10, 100, 1000]);
        let scale = random.one_of(&[0.004, 0.05, 0.1, 0.5, 2.0]);
        let requantize = support::quantize_multiplier(scale * f64::from(1 << 26));
        let diff_min = -(31.0 * f64::from(1 << 26) / 2f64.powi(requantize.shift.into())).floor() as i32;
        let p = SoftmaxParameters { rows: 2, depth, requantize, diff_min };
        let input = random.bytes(2 * depth, 0);
        let mut output = vec![0x55; input.len()];
        p.check(input.len(), output.len()).unwrap();
        softmax_s8(&p, &input, &mut output);
        for (input, output) in input.chunks(depth).zip(output.chunks(depth)) {
            let exponentials: Vec<f64> = input.iter().map(|&x| (f64::from(x) * scale).exp()).collect();
            let sum: f64 = exponentials.iter().sum();
            for (&y, exponential) in output.iter().zip(exponentials) {
                let expected = (256.0 * exponential / sum - 128.0).min(127.0);
                assert!((f64::from(y) - expected).abs() < 1.5, "case {case}: {y} instead of {expected}");
            }
        }
    }
}
