//! Depthwise 2-d convolution of four channels at a time.
//!
//! Four neighbouring channels lie in one word of every pixel. Their weights are widened to scratch
//! once, their factors prepared once, and then they go through the whole image: in one call along
//! those pixels of a row that see all columns of the filter, in a call each for the others. Where the
//! channels are no multiple of four, the last four overlap with those before, and some outputs are
//! computed twice.

mod four_channels;

use four_channels::{Activations, FourChannels};

use super::finish::{clamp_all, largest_shift};
use super::simd::words;
use crate::arch::scratch::QUAD;
use crate::finish::Finish;
use crate::runs::{runs, runs_mut};
use crate::{DepthwiseConv2dParameters, Filter, reference};

/// See [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
pub(crate) fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let [_, height, width, output_channels] = parameters.output_shape;
    // What follows computes with these numbers, and the loops rely on it.
    let checked = parameters.check(filter, input.len(), output.len()).is_ok();
    let activations = match output_channels.checked_div(channels) {
        Some(1) if channels >= QUAD => Some(Activations::Four),
        Some(multiplier) if multiplier.is_multiple_of(QUAD) => Some(Activations::Shared),
        _ => None,
    };
    let taps = if checked { vertical.filter * horizontal.filter } else { 0 };
    let (true, Some(activations), Some(weights)) = (checked, activations, words(scratch, 2 * taps)) else {
        return reference::depthwise_conv_2d_s8(parameters, filter, input, output, scratch);
    };
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let largest_shift = largest_shift(filter, taps);
    let images = runs(input, input_height * input_width * channels);
    for (image, output) in images.zip(runs_mut(output, height * width * output_channels)) {
        for channel in (0..output_channels).step_by(QUAD) {
            let channel = channel.min(output_channels - QUAD);
            let Some(mut four) = FourChannels::new(
                parameters,
                filter,
                activations,
                finish,
                largest_shift,
                channel,
                &mut *weights,
            ) else {
                return;
            };
            for (y, output) in runs_mut(output, width * output_channels).enumerate() {
                four.run_row(parameters, image, y, output);
            }
        }
        clamp_all(finish, output);
    }
}
