//! 2-d convolution in safe Rust.
//!
//! The window is clipped once a pixel. Inside, a row of taps is one contiguous run of input and one
//! of weights, unless the filter is dilated, when it is one run a tap.

use super::Conv2dParameters;
use crate::Filter;
use crate::dot::{dot, finish};

/// See [`conv_2d_s8`](crate::conv_2d_s8).
pub(super) fn conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let Conv2dParameters { vertical, horizontal, input_shape, output_shape, .. } = *parameters;
    let [_, input_height, input_width, channels] = input_shape;
    let [_, output_height, output_width, output_channels] = output_shape;
    let zero_point = i32::from(parameters.input_zero_point);
    let image = input_height * input_width * channels;
    let filter_row = horizontal.filter * channels;
    let filter_size = vertical.filter * filter_row;
    if image == 0 || filter_size == 0 || output_height == 0 || output_width == 0 || output_channels == 0 {
        return;
    }

    let images = input.chunks_exact(image);
    for (image, output) in images.zip(output.chunks_exact_mut(output_height * output_width * output_channels))
    {
        for (y, output) in output.chunks_exact_mut(output_width * output_channels).enumerate() {
            let rows = vertical.clip(y, input_height);
            for (x, output) in output.chunks_exact_mut(output_channels).enumerate() {
                let columns = horizontal.clip(x, input_width);
                let (runs, run) = if horizontal.dilation == 1 {
                    (1, columns.taps * channels)
                } else {
                    (columns.taps, channels)
                };
                let weights = filter.weights.chunks_exact(filter_size);
                for ((channel, output), weights) in output.iter_mut().enumerate().zip(weights) {
                    let mut accumulator = filter.bias(channel);
                    for row in 0..rows.taps {
                        let from =
                            ((rows.input + row * vertical.dilation) * input_width + columns.input) * channels;
                        let tap = (rows.tap + row) * filter_row + columns.tap * channels;
                        for index in 0..runs {
                            let from = from + index * horizontal.dilation * channels;
                            let tap = tap + index * channels;
                            let (Some(image), Some(weights)) =
                                (image.get(from..from + run), weights.get(tap..tap + run))
                            else {
                                return;
                            };
                            accumulator = dot(accumulator, image, weights, zero_point);
                        }
                    }
                    *output = finish(
                        accumulator,
                        filter.requantize(channel),
                        parameters.output_zero_point,
                        parameters.activation_min,
                        parameters.activation_max,
                    );
                }
            }
        }
    }
}
