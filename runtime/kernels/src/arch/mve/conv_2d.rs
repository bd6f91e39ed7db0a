//! 2-d convolution of three pixels at a time.
//!
//! Where the filter has one tap and one step, a window is a pixel of the image as it lies there. Other windows are
//! laid into scratch, bytes as they are; what lies outside the image is the zero point. Two channels
//! of three pixels are six sums, which five loads of sixteen bytes feed. Pixels are counted through the whole
//! image, so only its last block may be short.

mod three_pixels;
mod windows;

use three_pixels::{PIXELS, ThreePixels};
use windows::Windows;

use crate::arch::memory::words;
use crate::arch::scratch::biases_bytes;
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
    let Conv2dParameters { vertical, horizontal, input_zero_point, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let [_, height, width, output_channels] = parameters.output_shape;
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    // What follows computes with these numbers, and the loops rely on it.
    let serves = output_channels > 0 && parameters.check_sizes(filter, input.len(), output.len()).is_ok();
    let slides = [vertical, horizontal] != [Axis::ONE; 2];
    let parts = if serves { scratch.split_at_mut_checked(biases_bytes(output_channels)) } else { None };
    let (biases, rest) = parts.unwrap_or_default();
    let windows = if slides { Windows::new(parameters, rest) } else { Some(Windows::default()) };
    let biases = if serves { words(biases, output_channels) } else { None };
    let (Some(biases), Some(mut windows)) = (biases, windows) else {
        return reference::conv_2d_s8(parameters, filter, input, output, &mut []);
    };
    let products = vertical.filter * horizontal.filter * channels;
    let mut layer = ThreePixels::new(filter, products, output_channels, input_zero_point, finish, biases);
    let images = runs(input, input_height * input_width * channels);
    for (image, output) in images.zip(runs_mut(output, height * width * output_channels)) {
        let mut values = image.chunks((PIXELS * channels).max(1));
        let (mut y, mut x, mut rows) = (0, 0, vertical.clip(0, input_height));
        for output in output.chunks_mut((PIXELS * output_channels).max(1)) {
            if !slides {
                let values = values.next().unwrap_or(&[]);
                layer.run(values, output);
                continue;
            }
            let (mut pixel, pixels) = (0, output.len() / output_channels.max(1));
            while pixel < pixels {
                let laid = windows.lay(parameters, image, rows, x, [pixel, pixels]);
                (pixel, x) = (pixel + laid, x + laid);
                if x == width {
                    (y, x) = (y + 1, 0);
                    rows = vertical.clip(y, input_height);
                }
            }
            layer.run(windows.all(), output);
        }
    }
}
