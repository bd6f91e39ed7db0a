//! 2-d convolution on int16 activations, in safe Rust.

use super::Conv2dParameters;
use crate::Filter;
use crate::runs::{for_each_row, runs_mut};
use crate::wide::{WideFinish, products};

/// Convolves an int16 image with one filter an output channel.
///
/// # Shapes
/// As [`conv_2d_s8`](crate::conv_2d_s8), weights in the canonical layout.
///
/// # Types and ranges
/// int16 activations with zero point 0, symmetric int8 weights, int64 bias and sums, which the compiler keeps below 2^47.
///
/// # Rounding
/// Once an output, by [`Requantize::apply_wide`](crate::Requantize::apply_wide) with the channel's factor
/// `input_scale * weight_scale / output_scale`; then the activation clamps.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`Conv2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::ConvPerChannel` on int16.
#[inline(never)]
pub fn conv_2d_s16(
    parameters: &Conv2dParameters<i16>,
    filter: &Filter<'_, i64>,
    input: &[i16],
    output: &mut [i16],
) {
    let Conv2dParameters { vertical, horizontal, input_shape, output_shape, .. } = *parameters;
    let [_, height, width, channels] = input_shape;
    let groups = parameters.groups.max(1);
    let (depth, of_group) = (channels / groups, (output_shape[3] / groups).max(1));
    let filter_size = vertical.filter * horizontal.filter * depth;
    let finish = WideFinish { min: parameters.activation_min, max: parameters.activation_max };
    for_each_row(input_shape, output_shape, input, output, |image, y, output| {
        let rows = vertical.clip(y, height);
        for (x, output) in runs_mut(output, output_shape[3]).enumerate() {
            let columns = horizontal.clip(x, width);
            // Neighbouring taps are one run where nothing lies between them.
            let (taps, length) = if horizontal.dilation == 1 && groups == 1 {
                (1, columns.taps * depth)
            } else {
                (columns.taps, depth)
            };
            for (channel, output) in output.iter_mut().enumerate() {
                let mut sum = filter.bias_of(channel);
                for row in 0..rows.taps {
                    let pixel = (rows.input + row * vertical.dilation) * width + columns.input;
                    let mut from = pixel * channels + channel / of_group * depth;
                    let tap = (rows.tap + row) * horizontal.filter + columns.tap;
                    let mut start = channel * filter_size + tap * depth;
                    for _ in 0..taps {
                        let values = image.get(from..).unwrap_or(&[]);
                        let weights = filter.weights.get(start..).unwrap_or(&[]);
                        let values = values.get(..length).unwrap_or(values);
                        sum = sum.wrapping_add(products(values, weights));
                        from += horizontal.dilation * channels;
                        start += depth;
                    }
                }
                *output = finish.apply(sum, filter.factor(channel));
            }
        }
    });
}
