//! 2-d convolution of four pixels at a time.
//!
//! The windows of four pixels are laid side by side into scratch, widened and free of their zero
//! point. Then each output channel runs once along its weights, which stay as the artefact has them:
//! four weights, loaded and widened by three instructions, serve sixteen products. Pixels are
//! counted through the whole image, so only its last block may be short.

mod four_pixels;
mod windows;

use four_pixels::FourPixels;
use windows::Windows;

use super::finish::clamp_all;
use crate::arch::scratch::PIXELS;
use crate::finish::Finish;
use crate::runs::{runs, runs_mut};
use crate::{Axis, Conv2dParameters, Filter, reference};

/// See [`conv_2d_s8`](crate::conv_2d_s8).
pub(crate) fn conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let [_, height, width, output_channels] = parameters.output_shape;
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let Conv2dParameters { vertical, horizontal, .. } = *parameters;
    // What follows computes with these numbers, and the loops rely on it.
    let checked = parameters.check_sizes(filter, input.len(), output.len()).is_ok();
    let products = if checked { vertical.filter * horizontal.filter * channels } else { 0 };
    let mut layer = FourPixels::new(filter, products, output_channels, finish);
    let Some(layer) = &mut layer else {
        return reference::conv_2d_s8(parameters, filter, input, output, scratch);
    };
    let Some(mut windows) = Windows::new(parameters, scratch) else {
        return reference::conv_2d_s8(parameters, filter, input, output, scratch);
    };
    let slides = [vertical, horizontal] != [Axis::ONE; 2];
    let images = runs(input, input_height * input_width * channels);
    for (image, output) in images.zip(runs_mut(output, height * width * output_channels)) {
        let mut values = image.chunks((PIXELS * channels).max(1));
        let (mut y, mut x, mut rows) = (0, 0, vertical.clip(0, input_height));
        for output in output.chunks_mut((PIXELS * output_channels).max(1)) {
            if slides {
                for pixel in 0..output.len() / output_channels {
                    let columns = horizontal.clip(x, input_width);
                    windows.lay(parameters, image, [rows, columns], pixel);
                    x += 1;
                    if x == width {
                        (y, x) = (y + 1, 0);
                        rows = vertical.clip(y, input_height);
                    }
                }
            } else {
                windows.lay_pixels(values.next().unwrap_or(&[]), channels);
            }
            let mut from = 0;
            while let Some((channel, sums)) = layer.run(windows.words(), output, from) {
                let factor = filter.factor(channel);
                for (sum, output) in sums.into_iter().zip(runs_mut(output, output_channels)) {
                    if let Some(output) = output.get_mut(channel) {
                        *output = finish.apply(sum, factor);
                    }
                }
                from = channel + 1;
            }
            clamp_all(finish, output);
        }
    }
}
