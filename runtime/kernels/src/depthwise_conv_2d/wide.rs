//! Depthwise 2-d convolution on int16 activations, in safe Rust.

use super::DepthwiseConv2dParameters;
use crate::Filter;
use crate::finish::BLOCK;
use crate::runs::{for_each_row, runs_mut};
use crate::wide::WideFinish;

/// Convolves every channel of an int16 image with filters of its own.
///
/// # Shapes
/// As [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
///
/// # Types and ranges
/// As [`conv_2d_s16`](crate::conv_2d_s16).
///
/// # Rounding
/// As [`conv_2d_s16`](crate::conv_2d_s16).
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`DepthwiseConv2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::DepthwiseConvPerChannel` on int16.
#[inline(never)]
pub fn depthwise_conv_2d_s16(
    parameters: &DepthwiseConv2dParameters<i16>,
    filter: &Filter<'_, i64>,
    input: &[i16],
    output: &mut [i16],
) {
    let DepthwiseConv2dParameters { vertical, horizontal, input_shape, output_shape, .. } = *parameters;
    let ([_, height, width, channels], output_channels) = (input_shape, output_shape[3]);
    let multiplier = (output_channels / channels.max(1)).max(1);
    let finish = WideFinish { min: parameters.activation_min, max: parameters.activation_max };
    for_each_row(input_shape, output_shape, input, output, |image, y, output| {
        let rows = vertical.clip(y, height);
        for (x, output) in runs_mut(output, output_channels).enumerate() {
            let columns = horizontal.clip(x, width);
            for (block, output) in output.chunks_mut(BLOCK).enumerate() {
                let first = block * BLOCK;
                let mut sums: [i64; BLOCK] = core::array::from_fn(|index| filter.bias_of(first + index));
                for row in 0..rows.taps {
                    let pixel = (rows.input + row * vertical.dilation) * width + columns.input;
                    let tap = (rows.tap + row) * horizontal.filter + columns.tap;
                    for column in 0..columns.taps {
                        let from = (pixel + column * horizontal.dilation) * channels;
                        let start = (tap + column) * output_channels + first;
                        let values = image.get(from..).unwrap_or(&[]);
                        let weights = filter.weights.get(start..).unwrap_or(&[]);
                        add_products(&mut sums[..output.len()], values, first, multiplier, weights);
                    }
                }
                for (index, (output, &sum)) in output.iter_mut().zip(&sums).enumerate() {
                    *output = finish.apply(sum, filter.factor(first + index));
                }
            }
        }
    });
}

/// One tap of the output channels from `first` on, `multiplier` of which read one channel.
#[inline(always)]
fn add_products(sums: &mut [i64], values: &[i16], first: usize, multiplier: usize, weights: &[i8]) {
    let add = |sum: &mut i64, value: i16, weight: i8| {
        *sum = sum.wrapping_add(i64::from(i32::from(value) * i32::from(weight)));
    };
    if multiplier == 1 {
        let values = values.get(first..).unwrap_or(&[]);
        for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(weights) {
            add(sum, value, weight);
        }
        return;
    }
    for (index, (sum, &weight)) in sums.iter_mut().zip(weights).enumerate() {
        let value = values.get((first + index) / multiplier).copied().unwrap_or(0);
        add(sum, value, weight);
    }
}
