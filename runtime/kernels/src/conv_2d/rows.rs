//! 2-d convolution whose weights are told row by row.
//!
//! With scratch, a tile of rows is expanded and goes through the whole image before the next one comes; every
//! weight is decoded once. Without, a row is decoded anew at every pixel.

use super::Conv2dParameters;
use crate::finish::Finish;
use crate::rows::{WeightRows, expand};
use crate::runs::{for_each_row, runs_mut};
use crate::{Axis, Filter, Layout, backend};

/// See [`conv_2d_rows_s8`](crate::conv_2d_rows_s8).
pub(crate) fn conv_2d_rows_s8<R: WeightRows>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    mut rows: R,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let (row, channels) = (rows.row_length().max(1), parameters.output_shape[3]);
    let Some((scratch, tile)) = scratch.split_at_mut_checked(parameters.scratch_bytes(Layout::Canonical))
    else {
        return row_by_row(parameters, filter, rows, input, output);
    };
    let count = (tile.len() / row).min(channels);
    if count == 0 {
        return row_by_row(parameters, filter, rows, input, output);
    }
    for first in (0..channels).step_by(count) {
        let part = first..channels.min(first + count);
        let tile = tile.get_mut(..part.len() * row).unwrap_or(&mut []);
        let filter = Filter { weights: expand(&mut rows, tile), ..filter.of_channels(part.clone()) };
        backend::conv_2d_channels_s8(parameters, &filter, part, input, output, scratch);
    }
}

/// Without scratch.
fn row_by_row<R: WeightRows>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    mut rows: R,
    input: &[i8],
    output: &mut [i8],
) {
    let Conv2dParameters { vertical, horizontal, input_zero_point, .. } = *parameters;
    let [_, input_height, input_width, depth] = parameters.input_shape;
    let channels = parameters.output_shape[3];
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    for channel in 0..channels {
        let row = rows.clone();
        rows.next_row(|_, _| {});
        let bias = filter.bias.get(channel).copied().unwrap_or(0);
        for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
            for (x, output) in runs_mut(output, channels).enumerate() {
                let mut sum = bias;
                row.clone().next_row(|place, weight| {
                    let (tap, channel) = (place / depth.max(1), place % depth.max(1));
                    let (down, across) = (tap / horizontal.filter.max(1), tap % horizontal.filter.max(1));
                    let (row, column) = (under(vertical, y, down), under(horizontal, x, across));
                    if row < input_height && column < input_width {
                        let at = (row * input_width + column) * depth + channel;
                        let value = image.get(at).copied().unwrap_or(input_zero_point);
                        let value = i32::from(value) - i32::from(input_zero_point);
                        sum = sum.wrapping_add(value * i32::from(weight));
                    }
                });
                if let Some(output) = output.get_mut(channel) {
                    *output = finish.apply(sum, filter.factor(channel));
                }
            }
        });
    }
}

/// The element under a tap; beyond any input where it is before the first.
fn under(axis: Axis, output: usize, tap: usize) -> usize {
    let place = output.wrapping_mul(axis.stride).wrapping_add(tap.wrapping_mul(axis.dilation));
    place.checked_sub(axis.padding).unwrap_or(usize::MAX)
}
