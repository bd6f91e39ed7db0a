//! Depthwise 2-d convolution.
//!
//! All that is constant about neighbouring channels, weights, biases, factors, is brought together in scratch once.
//! Where channels come in sixteens and the filter is 3 x 3, products of bytes are made sixteen at a time. Elsewhere
//! four channels are four lanes: three neighbouring pixels under a filter of three columns share columns of the
//! image, and other filters take a pixel at a time. Where the channels are no multiple of four, the last
//! four overlap with those before, and some outputs are computed twice.
//!
//! With a single input channel, this is a 2-d convolution whose weights are laid out otherwise.

mod lanes;
mod pixel;
mod sixteen_channels;
mod three_pixels;

use lanes::Lanes;
use sixteen_channels::SixteenChannels;
use three_pixels::{PIXELS, ThreePixels};

use super::conv_2d::conv_2d_s8;
use super::finish::LANES;
use crate::runs::for_each_row;
use crate::{Conv2dParameters, DepthwiseConv2dParameters, Filter, reference};

/// See [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
pub(crate) fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let [channels, output_channels] = [parameters.input_shape[3], parameters.output_shape[3]];
    // What follows computes with these numbers, and the loops rely on it.
    let checked = parameters.check_sizes(filter, input.len(), output.len()).is_ok();
    if checked && channels == 1 {
        return one_channel(parameters, filter, input, output, scratch);
    }
    let by_channel = checked && channels == output_channels && channels >= LANES;
    let computed = by_channel
        && (sixteen_channels(parameters, filter, input, output, scratch)
            || four_channels(parameters, filter, input, output, scratch));
    if !computed {
        reference::depthwise_conv_2d_s8(parameters, filter, input, output, scratch);
    }
}

/// A layer with one input channel.
// Each way apart, so that the stack never holds two.
#[inline(never)]
fn one_channel(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let weights = filter.weights.len();
    let Some((scratch, by_channel)) = scratch.split_at_mut_checked(scratch.len().wrapping_sub(weights))
    else {
        return reference::depthwise_conv_2d_s8(parameters, filter, input, output, scratch);
    };
    // SAFETY: every byte is a valid `i8` and a valid `u8`, at any address.
    let (_, by_channel, _) = unsafe { by_channel.align_to_mut::<i8>() };
    let channels = parameters.output_shape[3];
    let taps = parameters.vertical.filter * parameters.horizontal.filter;
    for (channel, row) in by_channel.chunks_exact_mut(taps.max(1)).enumerate() {
        let of_channel = filter.weights.get(channel..).unwrap_or(&[]).iter().step_by(channels.max(1));
        for (to, &weight) in row.iter_mut().zip(of_channel) {
            *to = weight;
        }
    }
    let filter = Filter { weights: by_channel, ..*filter };
    let DepthwiseConv2dParameters { input_shape, output_shape, vertical, horizontal, .. } = *parameters;
    let DepthwiseConv2dParameters { input_zero_point, output_zero_point, .. } = *parameters;
    let DepthwiseConv2dParameters { activation_min, activation_max, .. } = *parameters;
    let parameters = Conv2dParameters {
        input_shape,
        output_shape,
        vertical,
        horizontal,
        groups: 1,
        input_zero_point,
        output_zero_point,
        activation_min,
        activation_max,
    };
    conv_2d_s8(&parameters, &filter, input, output, scratch);
}

/// Sixteen channels at a time under a filter of 3 x 3; gives whether that serves, and writes nothing otherwise.
#[inline(never)]
fn sixteen_channels(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> bool {
    let Some(layer) = &mut SixteenChannels::new(parameters, filter, scratch) else { return false };
    let (input_shape, output_shape) = (parameters.input_shape, parameters.output_shape);
    for_each_row(input_shape, output_shape, input, output, |image, y, output| {
        layer.run_row(image, y, output)
    });
    true
}

/// The same of four channels or more.
#[inline(never)]
fn four_channels(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> bool {
    let Some(lanes) = &Lanes::new(parameters, filter, scratch) else { return false };
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = *lanes.parameters;
    let [_, input_height, input_width, channels] = lanes.parameters.input_shape;
    let [_, _, width, _] = lanes.parameters.output_shape;
    let three_pixels = ThreePixels::new(lanes);
    // Whole fours, and the last four.
    let parts = [(0, channels / LANES), (channels - LANES, 1)];
    let parts = if channels.is_multiple_of(LANES) { &parts[..1] } else { &parts[..] };
    for_each_row(
        lanes.parameters.input_shape,
        lanes.parameters.output_shape,
        input,
        output,
        |image, y, output| {
            let rows = vertical.clip(y, input_height);
            let three_pixels = if rows.taps > 0 { three_pixels.as_ref() } else { None };
            let mut x = 0;
            while x < width {
                for &(channel, fours) in parts {
                    match three_pixels {
                        // The last three pixels, some of them once more.
                        Some(three) => {
                            three.run(image, rows, x.min(width - PIXELS), [channel, fours], output)
                        }
                        None => {
                            let columns = horizontal.clip(x, input_width);
                            pixel::run(lanes, image, [rows, columns], x, [channel, fours], output);
                        }
                    }
                }
                x += if three_pixels.is_some() { PIXELS } else { 1 };
            }
        },
    );
    true
}
