//! Depthwise 2-d convolution in safe Rust.
//!
//! Neighbouring channels read neighbouring bytes, so a block of them goes through the window
//! together, tap by tap, with its sums on the stack. A window is clipped once a pixel.

use super::DepthwiseConv2dParameters;
use crate::Filter;
use crate::finish::{BLOCK, Finish};
use crate::runs::{for_each_row, runs_mut};

/// See [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
// Apart from the backend that falls back on it, whose stack would otherwise hold both.
#[inline(never)]
pub(crate) fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let output_channels = parameters.output_shape[3];
    let zero_point = i32::from(parameters.input_zero_point);
    let mut sums = [0; BLOCK];
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let multiplier = (output_channels / channels.max(1)).max(1);

    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let rows = vertical.clip(y, input_height);
        for (x, output) in runs_mut(output, output_channels).enumerate() {
            let columns = horizontal.clip(x, input_width);
            let mut first = 0;
            for output in output.chunks_mut(BLOCK) {
                let (channel, done) = (first / multiplier, first % multiplier);
                let sums = filter.biases(first, &mut sums, output.len());
                for row in 0..rows.taps {
                    let pixel = (rows.input + row * vertical.dilation) * input_width + columns.input;
                    let tap = (rows.tap + row) * horizontal.filter + columns.tap;
                    let mut from = pixel * channels + channel;
                    let mut start = tap * output_channels + first;
                    for _ in 0..columns.taps {
                        let (Some(values), Some(weights)) = (image.get(from..), filter.weights.get(start..))
                        else {
                            return;
                        };
                        if multiplier == 1 {
                            add_products(sums, values, weights, zero_point);
                        } else {
                            add_shared_products(sums, values, done, multiplier, weights, zero_point);
                        }
                        from = from.wrapping_add(horizontal.dilation.wrapping_mul(channels));
                        start += output_channels;
                    }
                }
                finish.apply_all(sums, filter, first, output);
                first += BLOCK;
            }
        }
    });
}

/// One tap where every channel has one output.
#[inline(never)]
fn add_products(sums: &mut [i32], values: &[i8], weights: &[i8], zero_point: i32) {
    for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(weights) {
        *sum = sum.wrapping_add((i32::from(value) - zero_point) * i32::from(weight));
    }
}

/// One tap where every channel has `multiplier` outputs, of which the first channel has done `done`.
#[inline(never)]
fn add_shared_products(
    mut sums: &mut [i32],
    values: &[i8],
    mut done: usize,
    multiplier: usize,
    mut weights: &[i8],
    zero_point: i32,
) {
    for &value in values {
        let count = multiplier.saturating_sub(done).min(sums.len()).min(weights.len());
        let (sums_now, sums_later) = core::mem::take(&mut sums).split_at_mut(count);
        let (weights_now, weights_later) = weights.split_at(count);
        let value = i32::from(value) - zero_point;
        for (sum, &weight) in sums_now.iter_mut().zip(weights_now) {
            *sum = sum.wrapping_add(value * i32::from(weight));
        }
        (sums, weights, done) = (sums_later, weights_later, 0);
        if sums.is_empty() {
            return;
        }
    }
}
