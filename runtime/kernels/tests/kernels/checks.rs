//! `check` refuses what does not fit, and survives every parameter.

use crate::suite::random::Random;
use ocelli_kernels::*;

const CONV: Conv2dParameters = Conv2dParameters {
    groups: 1,
    input_shape: [1, 4, 4, 2],
    output_shape: [1, 4, 4, 3],
    vertical: Axis { filter: 3, stride: 1, dilation: 1, padding: 1 },
    horizontal: Axis { filter: 3, stride: 1, dilation: 1, padding: 1 },
    input_zero_point: 0,
    output_zero_point: 0,
    activation_min: -128,
    activation_max: 127,
};

fn filter<'a>(weights: &'a [i8], bias: &'a [i32], multipliers: &'a [i32], shifts: &'a [i8]) -> Filter<'a> {
    Filter { weights, layout: Layout::Canonical, bias, multipliers, shifts }
}

#[test]
fn conv_2d_says_what_does_not_fit() {
    let (weights, bias, multipliers, shifts) = ([0; 54], [0; 3], [1 << 30; 3], [0; 3]);
    let good = filter(&weights, &bias, &multipliers, &shifts);
    assert_eq!(CONV.check(&good, 32, 48), Ok(()));
    let length = |operand, needed_elements, available_elements| {
        Err(KernelError::Length { operand, needed_elements, available_elements })
    };
    assert_eq!(CONV.check(&good, 31, 48), length(Operand::Input, 32, 31));
    assert_eq!(CONV.check(&good, 32, 49), length(Operand::Output, 48, 49));
    let check = |filter: Filter<'_>| CONV.check(&filter, 32, 48);
    assert_eq!(check(Filter { weights: &weights[1..], ..good }), length(Operand::Weights, 54, 53));
    assert_eq!(check(Filter { bias: &[], ..good }), Ok(()));
    assert_eq!(check(Filter { bias: &bias[1..], ..good }), length(Operand::Bias, 3, 2));
    assert_eq!(check(Filter { multipliers: &[1 << 30], shifts: &[0], ..good }), Ok(()));
    assert_eq!(check(Filter { multipliers: &[1 << 30], ..good }), length(Operand::Multipliers, 3, 1));
    assert_eq!(check(Filter { shifts: &[0], ..good }), length(Operand::Shifts, 3, 1));
    assert_eq!(check(Filter { shifts: &[0, 0, 31], ..good }), Err(KernelError::Range));
    assert_eq!(check(Filter { shifts: &[0, -32, 0], ..good }), Err(KernelError::Range));
    assert_eq!(check(Filter { multipliers: &[i32::MIN, 0, 0], ..good }), Err(KernelError::Range));
    let with = |p: Conv2dParameters| p.check(&good, 32, 48);
    assert_eq!(
        with(Conv2dParameters { activation_min: 1, activation_max: 0, ..CONV }),
        Err(KernelError::Range)
    );
    assert_eq!(with(Conv2dParameters { output_shape: [2, 4, 4, 3], ..CONV }), Err(KernelError::Geometry));
    let axis = Axis { stride: 0, ..Axis::ONE };
    assert_eq!(with(Conv2dParameters { vertical: axis, ..CONV }), Err(KernelError::Range));
    let axis = Axis { dilation: usize::MAX, ..CONV.vertical };
    assert_eq!(with(Conv2dParameters { vertical: axis, ..CONV }), Err(KernelError::TooLarge));
}

#[test]
fn a_pool_refuses_a_window_without_pixels() {
    let axis = Axis { filter: 2, stride: 2, dilation: 1, padding: 0 };
    let pool = Pool2dParameters::<i8> {
        input_shape: [1, 4, 4, 1],
        output_shape: [1, 2, 2, 1],
        vertical: axis,
        horizontal: axis,
        activation_min: -128,
        activation_max: 127,
    };
    assert_eq!(pool.check(16, 4), Ok(()));
    let further = Pool2dParameters { output_shape: [1, 2, 3, 1], ..pool };
    assert_eq!(further.check(16, 6), Err(KernelError::Geometry));
    let padded = Pool2dParameters { vertical: Axis { padding: 2, ..axis }, ..pool };
    assert_eq!(padded.check(16, 4), Err(KernelError::Geometry));
}

#[test]
fn moves_stay_inside_the_input() {
    let walk = |start, stride| {
        let (output_shape, strides) = ([1, 1, 1, 1, 1, 3], [0, 0, 0, 0, 0, stride]);
        RearrangeParameters { output_shape, start, strides }.check(6, 3)
    };
    for (start, stride) in [(0, 2), (1, 2), (5, -2), (4, -2), (5, 0)] {
        assert_eq!(walk(start, stride), Ok(()), "{start}, {stride}");
    }
    for (start, stride) in [(2, 2), (3, -2), (6, 0), (6, -1), (0, isize::MAX), (5, isize::MIN)] {
        assert_eq!(walk(start, stride), Err(KernelError::Geometry), "{start}, {stride}");
    }
    let places = |indices: &[i32]| GatherParameters { outer: 1, extent: 3, inner: 2 }.check(indices, 6, 4);
    assert_eq!(places(&[0, 2]), Ok(()));
    assert_eq!(places(&[0, 3]), Err(KernelError::Range));
    assert_eq!(places(&[-1, 0]), Err(KernelError::Range));
    let interpolate = InterpolateParameters { input_shape: [1, 2, 3, 1], output_shape: [1, 1, 1, 1] };
    let at = |row, column| interpolate.check([&[row], &[column]], 6, 1);
    assert_eq!(at(1024, 2048), Ok(()));
    for (row, column) in [(1025, 0), (0, 2049), (-1, 0), (0, -1)] {
        assert_eq!(at(row, column), Err(KernelError::Range), "{row}, {column}");
    }
}

/// Sizes of every magnitude, so that sums and products overflow in all ways.
fn hostile(random: &mut Random) -> usize {
    let any = random.next() as usize;
    random.one_of(&[
        0,
        1,
        2,
        3,
        7,
        1 << 14,
        1 << 16,
        1 << 28,
        u32::MAX as usize,
        usize::MAX,
        usize::MAX / 2,
        any,
    ])
}

/// What a check lets pass may run, also where its tensors are tiny but its strides are not.
#[test]
fn no_parameter_is_a_surprise() {
    let mut random = Random(1);
    let mut passed = [0; 12];
    for _ in 0..200_000 {
        let shape = |random: &mut Random| -> [usize; 4] {
            std::array::from_fn(|_| if random.below(8) == 0 { hostile(random) } else { 1 + random.below(2) })
        };
        let input_shape = shape(&mut random);
        let mut output_shape = shape(&mut random);
        output_shape[0] = input_shape[0];
        let mut axis = || {
            let mut value = |least: usize| {
                if random.below(4) == 0 { hostile(&mut random) } else { least + random.below(2) }
            };
            Axis { filter: value(1), stride: value(1), dilation: value(1), padding: value(0) }
        };
        let (vertical, horizontal) = (axis(), axis());
        let size =
            |sizes: &[usize]| sizes.iter().try_fold(1usize, |n, &s| n.checked_mul(s)).filter(|&n| n < 10_000);
        let (Some(input), Some(output)) = (size(&input_shape), size(&output_shape)) else {
            let constants = filter(&[], &[], &[], &[]);
            let p = Conv2dParameters { input_shape, output_shape, vertical, horizontal, ..CONV };
            assert!(
                p.check(&constants, 0, 0).is_err() || input_shape.contains(&0) || output_shape.contains(&0)
            );
            continue;
        };
        let weights =
            size(&[output_shape[3], vertical.filter, horizontal.filter, input_shape[3]]).unwrap_or(0);
        let weights_per_channel = size(&[output_shape[3], vertical.filter, horizontal.filter]).unwrap_or(0);
        let (source, mut target) = (vec![1; input], vec![0; output]);
        let (weights, weights_per_channel) = (vec![1; weights], vec![1; weights_per_channel]);
        let constants = filter(&weights, &[], &[1 << 30], &[0]);

        let p = Conv2dParameters { input_shape, output_shape, vertical, horizontal, ..CONV };
        if p.check(&constants, input, output).is_ok() {
            conv_2d_s8(&p, &constants, &source, &mut target, &mut []);
            passed[0] += 1;
        }
        let p = DepthwiseConv2dParameters {
            input_shape,
            output_shape,
            vertical,
            horizontal,
            input_zero_point: 0i8,
            output_zero_point: 0,
            activation_min: -128,
            activation_max: 127,
        };
        let constants = Filter { weights: &weights_per_channel, ..constants };
        if p.check(&constants, input, output).is_ok() {
            depthwise_conv_2d_s8(&p, &constants, &source, &mut target, &mut []);
            passed[1] += 1;
        }
        let (activation_min, activation_max) = (-128, 127);
        let p = Pool2dParameters {
            input_shape,
            output_shape,
            vertical,
            horizontal,
            activation_min,
            activation_max,
        };
        if p.check(input, output).is_ok() {
            average_pool_2d_s8(&p, &source, &mut target);
            max_pool_2d_s8(&p, &source, &mut target);
            passed[2] += 1;
        }
        let before = std::array::from_fn(|_| if random.below(4) == 0 { hostile(&mut random) } else { 0 });
        let p = PadParameters { input_shape, output_shape, before, value: 0 };
        if p.check(input, output).is_ok() {
            pad_s8(&p, &source, &mut target);
            passed[3] += 1;
        }
        let p = ResizeParameters { input_shape, output_shape, sampling: Sampling::AlignCorners };
        if p.check(input, output).is_ok() {
            resize_nearest_s8(&p, &source, &mut target);
            resize_bilinear_s8(&p, &source, &mut target);
            passed[4] += 1;
        }
        let [outer, input_run, output_run, offset] = std::array::from_fn(|i| [input_shape, before][i % 2][i]);
        let p = ConcatenateParameters { outer, input_run, output_run, offset };
        if p.check(input, output).is_ok() {
            concatenate_s8(&p, &source, &mut target);
            passed[5] += 1;
        }
        let start = before[0];
        let strides = std::array::from_fn(|_| random.below(5) as isize - 2);
        let mut shape = [1; 6];
        shape[..4].copy_from_slice(&output_shape);
        let p = RearrangeParameters { output_shape: shape, start, strides };
        if p.check(input, output).is_ok() {
            rearrange_s8(&p, &source, &mut target);
            passed[9] += 1;
        }
        let extreme = RearrangeParameters { strides: [isize::MIN, isize::MAX, -1, 1, 0, 0], ..p };
        if extreme.check(input, output).is_ok() {
            rearrange_s8(&extreme, &source, &mut target);
        }
        let [outer, extent, inner, _] = input_shape;
        let indices: Vec<i32> = (0..output_shape[1].min(9)).map(|_| random.below(3) as i32 - 1).collect();
        let p = GatherParameters { outer, extent, inner };
        if p.check(&indices, input, output).is_ok() {
            gather_s8(&p, &indices, &source, &mut target);
            passed[10] += 1;
        }
        let p = InterpolateParameters { input_shape, output_shape };
        let (rows, columns) =
            (vec![random.below(1100) as i32 - 9; output_shape[1].min(9)], vec![0; output_shape[2].min(9)]);
        if p.check([&rows, &columns], input, output).is_ok() {
            interpolate_s8(&p, [&rows, &columns], &source, &mut target);
            passed[11] += 1;
        }
        let requantize = Requantize { multiplier: random.next() as i32, shift: random.next() as i8 };
        let [outer, count, inner, _] = input_shape;
        let p = MeanParameters { outer, count, inner, input_zero_point: 0, output_zero_point: 0, requantize };
        if p.check(input, output).is_ok() {
            mean_s8(&p, &source, &mut target);
            passed[6] += 1;
        }
        let p = SoftmaxParameters { rows: outer, depth: count, requantize, diff_min: random.next() as i32 };
        if p.check(input, input).is_ok() {
            softmax_s8(&p, &source, &mut source.clone());
            passed[7] += 1;
        }
        let p = FullyConnectedParameters {
            batches: outer,
            input_depth: count,
            output_depth: inner,
            input_zero_point: 0,
            output_zero_point: 0,
            activation_min,
            activation_max,
        };
        if p.check(&constants, input, output).is_ok() {
            fully_connected_s8(&p, &constants, &source, &mut target, &mut []);
            passed[8] += 1;
        }
    }
    assert!(passed.iter().all(|&count| count > 100), "{passed:?}");
}

/// Kernels leave other slices alone where lengths disagree with the parameters.
#[test]
fn wrong_lengths_never_panic() {
    let mut random = Random(2);
    for _ in 0..20_000 {
        let mut length = || random.below(120);
        let (input, mut output) = (vec![1; length()], vec![0; length()]);
        let (weights, bias, factors) = (vec![1; length()], vec![1; length()], length());
        let (multipliers, shifts) = (vec![1 << 30; factors], vec![0; length()]);
        let constants = filter(&weights, &bias, &multipliers, &shifts);
        conv_2d_s8(&CONV, &constants, &input, &mut output, &mut []);
        let Conv2dParameters { input_shape, vertical, horizontal, activation_min, activation_max, .. } = CONV;
        let output_shape = [1, 4, 4, 4];
        let p = DepthwiseConv2dParameters {
            input_shape,
            output_shape,
            vertical,
            horizontal,
            input_zero_point: 0,
            output_zero_point: 0,
            activation_min,
            activation_max,
        };
        depthwise_conv_2d_s8(&p, &constants, &input, &mut output, &mut []);
        let p = Pool2dParameters {
            input_shape,
            output_shape,
            vertical,
            horizontal,
            activation_min,
            activation_max,
        };
        average_pool_2d_s8(&p, &input, &mut output);
        max_pool_2d_s8(&p, &input, &mut output);
        let p = ResizeParameters { input_shape, output_shape, sampling: Sampling::HalfPixelCenters };
        resize_nearest_s8(&p, &input, &mut output);
        resize_bilinear_s8(&p, &input, &mut output);
        let p = PadParameters { input_shape, output_shape, before: [0, 0, 0, 1], value: 0 };
        pad_s8(&p, &input, &mut output);
        let p = RearrangeParameters {
            output_shape: [1, 1, 2, 3, 4, 2],
            start: 5,
            strides: [0, 0, -7, 40, 1, -2],
        };
        rearrange_s8(&p, &input, &mut output);
        gather_s8(&GatherParameters { outer: 2, extent: 9, inner: 3 }, &[-1, 0, 99, 8], &input, &mut output);
        let p = InterpolateParameters { input_shape, output_shape };
        interpolate_s8(&p, [&[0, 5000], &[700]], &input, &mut output);
        reshape_s8(Source::Apart(&input), &mut output);
        lookup_s8(&[0; LOOKUP_ENTRIES], Source::Apart(&input), &mut output);
    }
}
