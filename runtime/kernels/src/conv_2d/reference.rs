//! 2-d convolution in safe Rust.
//!
//! The window is clipped once a pixel. Inside, a row of taps is one contiguous run of input and one
//! of weights, unless the filter is dilated, when it is one run a tap.

use core::ops::Range;

use super::Conv2dParameters;
use crate::Filter;
use crate::dot::{Plain, Products, Runs, all_channels};
use crate::finish::{BLOCK, Finish};
use crate::runs::{for_each_row, runs_mut};

/// See [`conv_2d_s8`](crate::conv_2d_s8).
// Apart from the backend that falls back on it, whose stack would otherwise hold both.
#[inline(never)]
pub(crate) fn conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    convolve::<Plain>(parameters, filter, input, output);
}

/// The same of some output channels, which are those of the filter, without groups.
pub(crate) fn conv_2d_channels_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    channels: Range<usize>,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    convolve_channels::<Plain>(parameters, filter, channels, input, output);
}

/// Convolution with a loop of the caller's.
pub(crate) fn convolve<P: Products>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    convolve_channels::<P>(parameters, filter, 0..parameters.output_shape[3], input, output);
}

fn convolve_channels<P: Products>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    part: Range<usize>,
    input: &[i8],
    output: &mut [i8],
) {
    let Conv2dParameters { vertical, horizontal, input_zero_point, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let output_channels = parameters.output_shape[3];
    let groups = parameters.groups.max(1);
    let (depth, of_group) = (channels / groups, part.len() / groups);
    let mut sums = [0; BLOCK];
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let (input_row, filter_row) = (input_width * channels, horizontal.filter * depth);
    let filter_size = vertical.filter * filter_row;
    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let rows = vertical.clip(y, input_height);
        for (x, output) in runs_mut(output, output_channels).enumerate() {
            let columns = horizontal.clip(x, input_width);
            let start = rows.input * input_row + columns.input * channels;
            let mut runs = Runs {
                input: image.get(start..).unwrap_or(&[]),
                input_zero_point,
                rows: rows.taps,
                columns: columns.taps,
                length: depth,
                input_steps: [
                    vertical.dilation.wrapping_mul(input_row),
                    horizontal.dilation.wrapping_mul(channels),
                ],
                weights_start: rows.tap * filter_row + columns.tap * depth,
                weights_steps: [filter_row, depth],
            };
            if horizontal.dilation == 1 && groups == 1 {
                (runs.columns, runs.length) = (1, columns.taps * channels);
            }
            let output = output.get_mut(part.clone()).unwrap_or(&mut []);
            for (group, output) in runs_mut(output, of_group).enumerate() {
                runs.input = image.get(start + group * depth..).unwrap_or(&[]);
                let first = group * of_group;
                all_channels::<P>(filter, first, filter_size, &runs, finish, &mut sums, output);
            }
        }
    });
}
