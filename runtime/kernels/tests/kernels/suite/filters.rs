//! Convolutions and fully connected layers, whose weights are stored one by one.

use super::constants::Constants;
use super::operands::{Guarded, Operands, elements};
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Parameters of a convolution in so many groups.
pub fn random_conv_2d(random: &mut Random, groups: usize) -> Conv2dParameters {
    let channels = groups * random.one_of(&[1, 2, 3, 4, 4, 5, 7, 8, 12, 16, 17, 33]);
    let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
    let (mut vertical, mut height) = random.axis(input_shape[1], true);
    let (mut horizontal, mut width) = random.axis(input_shape[2], true);
    if random.below(4) == 0 {
        (vertical, horizontal) = (Axis::ONE, Axis::ONE);
        (height, width) = (input_shape[1], input_shape[2]);
    }
    let output_channels = groups * random.one_of(&[1, 2, 3, 4, 5, 8, 13, 31, 40]);
    let (activation_min, activation_max) = random.activation();
    Conv2dParameters {
        input_shape,
        output_shape: [input_shape[0], height, width, output_channels],
        groups,
        vertical,
        horizontal,
        input_zero_point: random.zero_point(),
        output_zero_point: random.zero_point(),
        activation_min,
        activation_max,
    }
}

/// Parameters of a fully connected layer of at most so many inputs and outputs.
pub fn random_fully_connected(
    random: &mut Random,
    [inputs, outputs]: [usize; 2],
) -> FullyConnectedParameters {
    let (activation_min, activation_max) = random.activation();
    FullyConnectedParameters {
        batches: 1 + random.below(3),
        input_depth: 1 + random.below(inputs),
        output_depth: 1 + random.below(outputs),
        input_zero_point: random.zero_point(),
        output_zero_point: random.zero_point(),
        activation_min,
        activation_max,
    }
}

/// 2-d convolution. Gives how many cases have weights in the layout, if the backend reads it.
pub fn conv_2d(layout: Layout, cases: usize) -> usize {
    let mut random = Random(1);
    let mut compared = 0;
    for _ in 0..cases {
        let groups = random.one_of(&[1, 1, 1, 2, 3, 5]);
        let p = random_conv_2d(&mut random, groups);
        let output_channels = p.output_shape[3];
        let products = p.vertical.filter * p.horizontal.filter * p.input_shape[3] / groups;
        let mut constants =
            Constants::random(&mut random, products * output_channels, products, output_channels);
        let mut relaid = constants.paired(&mut random, [output_channels, products], p.input_zero_point);
        let filter = constants.filter();
        let mut operands = Operands::random(
            &mut random,
            elements(p.input_shape),
            elements(p.output_shape),
            p.scratch_bytes(layout),
        );
        let Operands { input, output, scratch } = &mut operands;
        let Some(in_layout) = in_layout(&filter, layout, relaid.as_mut()) else { continue };
        match p.check(&in_layout, input.all().len(), output.all().len()) {
            Err(KernelError::Layout) => continue,
            checked => checked.unwrap(),
        }
        match layout {
            Layout::Canonical => conv_2d_s8(&p, &in_layout, input.all(), output.all(), scratch.all()),
            _ => {
                scratch.align();
                conv_2d_relaid_s8(&p, &in_layout, input.all(), output.all(), scratch.all());
            }
        }
        let expected = oracle::conv_2d(&p, &filter, input.all());
        operands.compare(&expected, &p);
        compared += 1;
    }
    compared
}

/// Depthwise 2-d convolution; or only windows and channels of which rows can be kept as lines, with scratch for that.
pub fn depthwise_conv_2d(lines: bool, cases: usize) -> usize {
    let mut random = Random(2);
    for case in 0..cases {
        let channels = random.one_of(&[1, 1, 2, 3, 4, 5, 7, 8, 16, 16, 31, 32, 48, 70]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let (mut vertical, mut height) = random.axis(input_shape[1], true);
        let (mut horizontal, mut width) = random.axis(input_shape[2], true);
        let mut output_channels = channels * random.one_of(&[1, 1, 1, 2, 3, 4, 8, 40]);
        if lines {
            // Windows anywhere, also outside of the image, whose rows and columns are any number.
            let mut axis =
                || Axis { filter: 3, stride: 1 + random.below(2), dilation: 1, padding: random.below(4) };
            (vertical, horizontal, output_channels) = (axis(), axis(), channels);
            (height, width) = (random.one_of(&[1, 2, 3, 4, 7, 8]), random.one_of(&[1, 2, 3, 4, 5, 7, 8, 9]));
        }
        let (activation_min, activation_max) = random.activation();
        let p = DepthwiseConv2dParameters {
            input_shape,
            output_shape: [input_shape[0], height, width, output_channels],
            vertical,
            horizontal,
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let products = vertical.filter * horizontal.filter;
        let mut constants =
            Constants::random(&mut random, products * output_channels, products, output_channels);
        let filter = constants.filter();
        let scratch_bytes = if lines { p.lines_scratch_bytes() } else { p.scratch_bytes() };
        let mut operands =
            Operands::random(&mut random, elements(input_shape), elements(p.output_shape), scratch_bytes);
        let Operands { input, output, scratch } = &mut operands;
        p.check(&filter, input.all().len(), output.all().len()).unwrap();
        // The parts of the operator that a firmware may link alone take their turns.
        let (in_lines, in_scratch) = (p.check_lines(&filter, scratch_bytes), p.check_scratch(scratch_bytes));
        match case % 3 {
            0 if in_lines.is_ok() => {
                scratch.align();
                depthwise_conv_2d_in_lines_s8(&p, &filter, input.all(), output.all(), scratch.all());
            }
            1 if in_scratch.is_ok() => {
                scratch.align();
                depthwise_conv_2d_in_scratch_s8(&p, &filter, input.all(), output.all(), scratch.all());
            }
            _ => depthwise_conv_2d_s8(&p, &filter, input.all(), output.all(), scratch.all()),
        }
        let expected = oracle::depthwise_conv_2d(&p, &filter, input.all());
        operands.compare(&expected, &p);
    }
    cases
}

/// Transposed 2-d convolution.
pub fn transpose_conv_2d(cases: usize) -> usize {
    let mut random = Random(7);
    for _ in 0..cases {
        let channels = random.one_of(&[1, 2, 3, 4, 5, 8, 12]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let mut axis = |input: usize| {
            let (axis, _) = random.axis(input, true);
            let padding = random.below((axis.filter - 1) * axis.dilation + 1);
            let output = 1 + random.below(input * axis.stride + padding);
            (Axis { padding, ..axis }, output)
        };
        let ((vertical, height), (horizontal, width)) = (axis(input_shape[1]), axis(input_shape[2]));
        let output_channels = random.one_of(&[1, 2, 3, 4, 5, 8, 33]);
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
        let products = vertical.filter * horizontal.filter * channels;
        let mut constants =
            Constants::random(&mut random, products * output_channels, products, output_channels);
        let filter = constants.filter();
        let mut operands = Operands::random(&mut random, elements(input_shape), elements(p.output_shape), 0);
        let Operands { input, output, .. } = &mut operands;
        check_transpose_conv_2d(&p, &filter, input.all().len(), output.all().len()).unwrap();
        transpose_conv_2d_s8(&p, &filter, input.all(), output.all());
        let expected = oracle::transpose_conv_2d(&p, &filter, input.all());
        operands.compare(&expected, &p);
    }
    cases
}

/// Fully connected layer. Gives how many cases have weights in the layout, if the backend reads it.
pub fn fully_connected(layout: Layout, cases: usize) -> usize {
    let mut random = Random(3);
    let mut compared = 0;
    for _ in 0..cases {
        let longest = random.one_of(&[9, 140, 140, 700]);
        let p = random_fully_connected(&mut random, [longest, 70]);
        let weights = p.input_depth * p.output_depth;
        let mut constants = Constants::random(&mut random, weights, p.input_depth, p.output_depth);
        let mut relaid = constants.paired(&mut random, [p.output_depth, p.input_depth], p.input_zero_point);
        let filter = constants.filter();
        let mut operands = Operands::random(
            &mut random,
            p.batches * p.input_depth,
            p.batches * p.output_depth,
            p.scratch_bytes(),
        );
        let Operands { input, output, scratch } = &mut operands;
        let Some(in_layout) = in_layout(&filter, layout, relaid.as_mut()) else { continue };
        match p.check(&in_layout, input.all().len(), output.all().len()) {
            Err(KernelError::Layout) => continue,
            checked => checked.unwrap(),
        }
        match layout {
            Layout::Canonical => fully_connected_s8(&p, &in_layout, input.all(), output.all(), scratch.all()),
            _ => {
                scratch.align();
                fully_connected_relaid_s8(&p, &in_layout, input.all(), output.all(), scratch.all());
            }
        }
        let expected = oracle::fully_connected(&p, &filter, input.all());
        operands.compare(&expected, &p);
        compared += 1;
    }
    compared
}

/// The filter with its weights in a layout, if they can stand in it.
fn in_layout<'f>(
    filter: &Filter<'f>,
    layout: Layout,
    paired: Option<&'f mut Guarded<i8>>,
) -> Option<Filter<'f>> {
    match layout {
        Layout::Canonical => Some(*filter),
        _ => Some(Filter { weights: paired?.all(), layout, ..*filter }),
    }
}
