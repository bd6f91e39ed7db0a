//! Depthwise 2-d convolution of four channels at a time, each in a lane.
//!
//! All that is constant about four channels, weights, biases, factors, is brought together in scratch once. Three
//! neighbouring pixels under a filter of three columns share columns of the image, so each is loaded and
//! freed of its zero point once; other filters take a pixel at a time. Where the channels are no multiple
//! of four, the last four overlap with those before, and some outputs are computed twice.

mod pixel;
mod prepared;
mod three_pixels;

use core::ops::Range;

use prepared::{Activations, Prepared};
use three_pixels::{PIXELS, ThreePixels};

use super::finish::LANES;
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
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let [_, _, width, output_channels] = parameters.output_shape;
    // What follows computes with these numbers, and the loops rely on it.
    let checked = parameters.check(filter, input.len(), output.len()).is_ok();
    let prepared = if checked { Prepared::new(parameters, filter, scratch) } else { None };
    let Some(prepared) = prepared else {
        return reference::depthwise_conv_2d_s8(parameters, filter, input, output, &mut []);
    };
    let multiplier = (output_channels / channels.max(1)).max(1);
    // How many fours one call goes through: as long as their inputs, too, are equally far apart.
    let group = match prepared.activations {
        Activations::Four => output_channels / LANES,
        Activations::Shared => multiplier / LANES,
    };
    let three_pixels = ThreePixels::new(&prepared);
    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let rows = vertical.clip(y, input_height);
        let three_pixels = if rows.taps > 0 { three_pixels.as_ref() } else { None };
        let mut x = 0;
        while x < width {
            for four in (0..output_channels.div_ceil(LANES)).step_by(group) {
                let end = (four + group).min((output_channels / LANES).max(four + 1));
                let channel = (LANES * four).min(output_channels - LANES);
                let channels = Channels { fours: four..end, output: channel, input: channel / multiplier };
                match three_pixels {
                    // The last three pixels, some of them once more.
                    Some(three) => three.run(image, rows, x.min(width - PIXELS), channels, output),
                    None => {
                        let columns = horizontal.clip(x, input_width);
                        pixel::run(&prepared, image, [rows, columns], x, channels, output);
                    }
                }
            }
            x += if three_pixels.is_some() { PIXELS } else { 1 };
        }
    });
}

/// Neighbouring channels that one call computes.
#[derive(Clone)]
struct Channels {
    /// Which prepared fours.
    fours: Range<usize>,
    /// The first output channel of the first.
    output: usize,
    /// The input channel that it reads.
    input: usize,
}
