//! Transposed 2-d convolution, which makes pictures larger: the way back of a strided convolution.

use crate::conv_2d::Conv2dParameters;
use crate::dot::{Plain, Runs, all_channels};
use crate::error::{Operand, elements, ensure, expect};
use crate::finish::{BLOCK, Finish};
use crate::runs::{for_each_row, runs_mut};
use crate::{Filter, KernelError};

/// Whether [`transpose_conv_2d_s8`] may run with this filter and slices of these lengths.
///
/// # Errors
/// A [`KernelError`] that says what does not fit; [`KernelError::Geometry`] also for groups.
pub fn check_transpose_conv_2d(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input_elements: usize,
    output_elements: usize,
) -> Result<(), KernelError> {
    let Conv2dParameters { input_shape, output_shape, vertical, horizontal, .. } = parameters;
    let [batches, input_height, input_width, channels] = *input_shape;
    let [output_batches, output_height, output_width, output_channels] = *output_shape;
    let plain = parameters.groups == 1 && channels >= 1;
    ensure(batches == output_batches && plain, KernelError::Geometry)?;
    ensure(parameters.activation_min <= parameters.activation_max, KernelError::Range)?;
    vertical.check_apart(input_height, output_height)?;
    horizontal.check_apart(input_width, output_width)?;
    expect(Operand::Input, elements(input_shape)?, input_elements)?;
    expect(Operand::Output, elements(output_shape)?, output_elements)?;
    let weights = [output_channels, vertical.filter, horizontal.filter, channels];
    filter.check(elements(&weights)?, output_channels)
}

/// Convolves an image whose pixels stand `stride` apart, with nothing between, at every place.
///
/// The window moves by one; `stride` is the distance of the pixels and `padding` counts places before the first
/// one. Against TFLite's `TRANSPOSE_CONV` with padding `p` the weights are turned by half a circle and `padding`
/// is `(filter - 1) * dilation - p`.
///
/// # Shapes
/// Input `[N, H, W, C]`, weights `[O, KH, KW, C]`, output `[N, OH, OW, O]`. Taps between and outside the pixels
/// do not count; an output without any is its bias.
///
/// # Types and ranges
/// As [`conv_2d_s8`](crate::conv_2d_s8), without groups.
///
/// # Rounding
/// As [`conv_2d_s8`](crate::conv_2d_s8).
///
/// # Scratch
/// None: each output gathers what the reference scatters, and sums of integers have no order.
///
/// # Errors
/// None after [`check_transpose_conv_2d`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::TransposeConv`.
pub fn transpose_conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let Conv2dParameters { vertical, horizontal, input_zero_point, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let output_channels = parameters.output_shape[3];
    let mut sums = [0; BLOCK];
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let (input_row, filter_row) = (input_width * channels, horizontal.filter * channels);
    let filter_size = vertical.filter * filter_row;
    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let (rows, [row_taps, row_step]) = vertical.clip_apart(y, input_height);
        for (x, output) in runs_mut(output, output_channels).enumerate() {
            let (columns, [column_taps, column_step]) = horizontal.clip_apart(x, input_width);
            let start = rows.input * input_row + columns.input * channels;
            let runs = Runs {
                input: image.get(start..).unwrap_or(&[]),
                input_zero_point,
                rows: rows.taps,
                columns: columns.taps,
                length: channels,
                input_steps: [row_step.wrapping_mul(input_row), column_step.wrapping_mul(channels)],
                weights_start: rows.tap * filter_row + columns.tap * channels,
                weights_steps: [row_taps.wrapping_mul(filter_row), column_taps.wrapping_mul(channels)],
            };
            all_channels::<Plain>(filter, 0, filter_size, &runs, finish, &mut sums, output);
        }
    });
}
