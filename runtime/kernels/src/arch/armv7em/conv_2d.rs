//! 2-d convolution of four pixels at a time.
//!
//! The windows of four pixels are laid side by side into scratch, widened and free of their zero
//! point. Then each output channel runs once along its weights, which stay as the artefact has them:
//! four weights, loaded and widened by three instructions, serve sixteen products; of [paired](super::pairs) ones, those
//! two instructions load. Pixels are counted through the whole image, so only its last block may be short.

mod blocks;
mod four_pixels;
mod gather;
mod pair_of_channels;
mod windows;

use core::ops::Range;

use blocks::BlockRows;
use four_pixels::{DenseRows, FourPixels, Rows};
use pair_of_channels::PairOfChannels;
use windows::Windows;

use super::finish::clamp_all;
use crate::arch::scratch::{PIXELS, pairs_bytes};
use crate::error::elements;
use crate::finish::Finish;
use crate::rows::WeightRows;
use crate::runs::for_each_pair;
use crate::{Conv2dParameters, Filter, reference};

pub(super) use blocks::leads_inside;

/// See [`conv_2d_s8`](crate::conv_2d_s8).
pub(crate) fn conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    conv_2d_channels_s8(parameters, filter, 0..parameters.output_shape[3], input, output, scratch);
}

/// See [`conv_2d_relaid_s8`](crate::conv_2d_relaid_s8).
pub(crate) fn conv_2d_relaid_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    // Nothing else reads the layout, and the one who plans sees to scratch.
    let _ = convolve_pairs(parameters, filter, input, output, scratch);
}

/// The same of some output channels, which are those of the filter.
pub(crate) fn conv_2d_channels_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    channels: Range<usize>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let rows = |products| DenseRows::new(filter.weights, products, channels.len());
    if convolve(parameters, filter, rows, channels.clone(), input, output, scratch).is_none() {
        reference::conv_2d_channels_s8(parameters, filter, channels, input, output, scratch);
    }
}

/// See [`conv_2d_rows_s8`](crate::conv_2d_rows_s8).
pub(crate) fn conv_2d_rows_s8<R: WeightRows>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    rows: R,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let all = 0..parameters.output_shape[3];
    let convolved = rows.blocks().and_then(|blocks| {
        let rows = |products| BlockRows::new(blocks, products, all.len());
        convolve(parameters, filter, rows, all.clone(), input, output, scratch)
    });
    if convolved.is_none() {
        reference::conv_2d_rows_s8(parameters, filter, rows, input, output, scratch);
    }
}

/// Convolves with the rows of some channels; `None` where these loops do not serve, with nothing written.
fn convolve<R: Rows>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    rows: impl FnOnce(usize) -> Option<R>,
    channels: Range<usize>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> Option<()> {
    // What follows computes with these numbers, and the loops rely on it.
    parameters.check_images(input.len(), output.len()).ok()?;
    let (products, finish) = (products(parameters)?, finish(parameters));
    let mut layer = FourPixels::new(filter, rows(products)?, products, channels.len(), finish)?;
    let mut windows = Windows::new(parameters, scratch)?;
    let (stride, count) = (parameters.output_shape[3], channels.len());
    walk(parameters, channels.start, input, output, &mut windows, |windows, output| {
        let mut from = 0;
        while let Some((channel, sums)) = layer.run(windows, output, stride, from) {
            let factor = filter.factor(channel);
            for (sum, output) in sums.into_iter().zip(output.chunks_mut(stride)) {
                if let Some(output) = output.get_mut(channel) {
                    *output = finish.apply(sum, factor);
                }
            }
            from = channel + 1;
        }
        for output in output.chunks_mut(stride) {
            clamp_all(finish, output.get_mut(..count).unwrap_or(&mut []));
        }
    })
}

/// The same with paired weights of all channels.
fn convolve_pairs(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> Option<()> {
    parameters.check_sizes(filter, input.len(), output.len()).ok()?;
    let (products, channels) = (products(parameters)?, parameters.output_shape[3]);
    let finish = finish(parameters);
    let (numbers, rest) = scratch.split_at_mut_checked(pairs_bytes(channels))?;
    // Where they are made they stay: a move would put them on the stack twice.
    let Some(layer) = &PairOfChannels::new(filter, products, channels, finish, numbers) else { return None };
    let Some(windows) = &mut Windows::new(parameters, rest) else { return None };
    walk(parameters, 0, input, output, windows, |windows, output| {
        layer.run(windows, output);
        clamp_all(finish, output);
    })
}

fn products(parameters: &Conv2dParameters) -> Option<usize> {
    let Conv2dParameters { vertical, horizontal, input_shape, .. } = parameters;
    elements(&[vertical.filter, horizontal.filter, input_shape[3]]).ok()
}

fn finish(parameters: &Conv2dParameters) -> Finish {
    Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    }
}

/// Lays the windows of one block of pixels after the other, and has the outputs of channels from the first on computed and
/// clamped.
// Into its caller: of each instance, a firmware for one model has one at most.
#[inline(always)]
fn walk(
    parameters: &Conv2dParameters,
    first_channel: usize,
    input: &[i8],
    output: &mut [i8],
    windows: &mut Windows<'_>,
    mut compute: impl FnMut(&[u32], &mut [i8]),
) -> Option<()> {
    let [_, input_height, input_width, depth] = parameters.input_shape;
    let [_, height, width, output_channels] = parameters.output_shape;
    let images = [input_height * input_width * depth, height * width * output_channels];
    for_each_pair(images, input, output, |image, output| {
        let mut values = image.chunks((PIXELS * depth).max(1));
        windows.enter_row(parameters, 0);
        for output in output.chunks_mut((PIXELS * output_channels).max(1)) {
            if windows.slides {
                windows.lay(parameters, image, output.len() / output_channels.max(1));
            } else {
                windows.lay_pixels(values.next().unwrap_or(&[]), depth);
            }
            let output = output.get_mut(first_channel..).unwrap_or(&mut []);
            compute(windows.words(), output);
        }
    });
    Some(())
}
