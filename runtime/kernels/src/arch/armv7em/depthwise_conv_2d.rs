//! Depthwise 2-d convolution of four channels at a time.
//!
//! Four neighbouring channels lie in one word of every pixel. All that is constant about them, widened
//! weights, biases, factors, is prepared in scratch once. Then every part of a row whose pixels see
//! the same taps goes through all channels in one call. Where the channels are no multiple of
//! four, the last four overlap with those before, and some outputs are computed twice.
//!
//! Where there is scratch for it, windows of three by three take another way, in half of the instructions: rows are widened once and
//! taken apart into channels, where two neighbours share a word.

mod four_channels;
mod lines;
mod prepared;
mod three_rows;

use four_channels::{Pixels, run};
use prepared::{Activations, Prepared};

use super::finish::{clamp_all, finish_slowly};
use crate::finish::Finish;
use crate::runs::for_each_row;
use crate::{DepthwiseConv2dParameters, Filter, reference};

/// See [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
pub(crate) fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let computed = in_lines(parameters, filter, input, output, scratch)
        .or_else(|| in_fours(parameters, filter, input, output, scratch));
    if computed.is_none() {
        reference::depthwise_conv_2d_s8(parameters, filter, input, output, &mut []);
    }
}

/// See [`depthwise_conv_2d_in_scratch_s8`](crate::depthwise_conv_2d_in_scratch_s8).
pub(crate) fn depthwise_conv_2d_in_scratch_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    // One of the two serves: the check has seen to it.
    let _ = in_lines(parameters, filter, input, output, scratch)
        .or_else(|| in_fours(parameters, filter, input, output, scratch));
}

/// See [`depthwise_conv_2d_in_lines_s8`](crate::depthwise_conv_2d_in_lines_s8).
pub(crate) fn depthwise_conv_2d_in_lines_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    // It serves: the check has seen to it.
    let _ = in_lines(parameters, filter, input, output, scratch);
}

/// By rows that are kept as lines; `None` where that does not serve, with nothing written.
// Each way apart, so that the stack never holds two.
#[inline(never)]
fn in_lines(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> Option<()> {
    // What follows computes with these numbers, and the loops rely on it.
    parameters.check_sizes(filter, input.len(), output.len()).ok()?;
    let finish = finish(parameters);
    three_rows::run(parameters, filter, finish, input, output, scratch)?;
    clamp_all(finish, output);
    Some(())
}

fn finish(parameters: &DepthwiseConv2dParameters) -> Finish {
    Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    }
}

/// By fours of channels; `None` where that does not serve, with nothing written.
#[inline(never)]
fn in_fours(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> Option<()> {
    // What follows computes with these numbers, and the loops rely on it.
    parameters.check_sizes(filter, input.len(), output.len()).ok()?;
    let finish = finish(parameters);
    let prepared = Prepared::new(parameters, filter, finish, scratch)?;
    compute_fours(parameters, filter, finish, &prepared, input, output);
    clamp_all(finish, output);
    Some(())
}

/// Computes all rows, without the clamp. The parameters have passed their check.
// Apart from what prepares: the stack holds only one of them.
#[inline(never)]
fn compute_fours(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    finish: Finish,
    prepared: &Prepared<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let [_, _, width, output_channels] = parameters.output_shape;
    let multiplier = (output_channels / channels.max(1)).max(1);
    // How many fours one call goes through: as long as their inputs, too, are equally far apart.
    let group = match prepared.activations {
        _ if !prepared.short => 1,
        Activations::Four => output_channels / FOUR,
        Activations::Shared => multiplier / FOUR,
    };
    let reach = (horizontal.filter - 1) * horizontal.dilation + 1;
    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let rows = vertical.clip(y, input_height);
        let mut x = 0;
        while x < width {
            let columns = horizontal.clip(x, input_width);
            let mut count = 1;
            if columns.taps == horizontal.filter && prepared.short {
                let further = (input_width - reach - columns.input) / horizontal.stride.max(1);
                count = (width - x).min(1 + further);
            }
            let pixels = Pixels { x, count, rows, columns };
            let mut four = 0;
            while four < output_channels.div_ceil(FOUR) {
                let fours = group.min(output_channels / FOUR - four.min(output_channels / FOUR)).max(1);
                let channel = (FOUR * four).min(output_channels - FOUR);
                let channels = [channel, channel / multiplier];
                let sums = run(parameters, prepared, image, pixels, four..four + fours, channels, output);
                if let Some(sums) = sums {
                    let start = x * output_channels + channel;
                    let output = output.get_mut(start..).unwrap_or(&mut []);
                    finish_slowly(filter, finish, channel, &sums, output);
                }
                four += fours;
            }
            x += count;
        }
    });
}

/// Channels that are computed together.
const FOUR: usize = crate::arch::scratch::QUAD;
