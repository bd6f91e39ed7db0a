//! Depthwise 2-d convolution in safe Rust.

use super::DepthwiseConv2dParameters;
use crate::Filter;
use crate::dot::finish;

/// See [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
pub(super) fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let DepthwiseConv2dParameters { vertical, horizontal, input_shape, output_shape, .. } = *parameters;
    let [_, input_height, input_width, channels] = input_shape;
    let [_, output_height, output_width, output_channels] = output_shape;
    let zero_point = i32::from(parameters.input_zero_point);
    let image = input_height * input_width * channels;
    if image == 0 || output_height == 0 || output_width == 0 || output_channels < channels {
        return;
    }
    let multiplier = output_channels / channels;

    let images = input.chunks_exact(image);
    for (image, output) in images.zip(output.chunks_exact_mut(output_height * output_width * output_channels))
    {
        for (y, output) in output.chunks_exact_mut(output_width * output_channels).enumerate() {
            let rows = vertical.clip(y, input_height);
            for (x, output) in output.chunks_exact_mut(output_channels).enumerate() {
                let columns = horizontal.clip(x, input_width);
                for (channel, output) in output.iter_mut().enumerate() {
                    let mut accumulator = filter.bias(channel);
                    for row in 0..rows.taps {
                        for column in 0..columns.taps {
                            let pixel = (rows.input + row * vertical.dilation) * input_width
                                + columns.input
                                + column * horizontal.dilation;
                            let tap = (rows.tap + row) * horizontal.filter + columns.tap + column;
                            let value = image.get(pixel * channels + channel / multiplier);
                            let weight = filter.weights.get(tap * output_channels + channel);
                            let (Some(&value), Some(&weight)) = (value, weight) else { return };
                            accumulator =
                                accumulator.wrapping_add((i32::from(value) - zero_point) * i32::from(weight));
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
