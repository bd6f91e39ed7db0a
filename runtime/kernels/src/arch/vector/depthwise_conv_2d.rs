//! Depthwise 2-d convolution: one vector of channels at a time goes down the picture.
//!
//! The values that lie under each other in a window make a group, so that a column of taps is one product
//! or two. A row of such columns is laid out for each output row, and every window of the row reads from it.
//! Where windows are neighbours and channels few, a vector holds the channels of several of them.

use super::buffer::{BUFFER_BYTES, Buffer};
use super::conv_2d::{Conv2d, MAX_RUNS};
use super::detect;
use super::finish::{Channels, Range, are_short};
use super::level::{GROUP_BYTES, Level, MAX_GROUP, MAX_LANES, Work};
use crate::finish::Finish;
use crate::runs::{runs, runs_mut};
use crate::{Conv2dParameters, DepthwiseConv2dParameters, Filter, Layout, reference};

/// See [`depthwise_conv_2d_s8`](crate::depthwise_conv_2d_s8).
pub(crate) fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    // The loops rely on it.
    let checked = parameters.check(filter, input.len(), output.len()).is_ok();
    let [channels, output_channels] = [parameters.input_shape[3], parameters.output_shape[3]];
    let done = checked
        && match channels {
            1 => one_channel(parameters, filter, input, output),
            _ if channels == output_channels => {
                detect::run(DepthwiseConv2d { parameters, filter, input, output: &mut *output })
            }
            _ => false,
        };
    if !done {
        reference::depthwise_conv_2d_s8(parameters, filter, input, output, scratch);
    }
}

/// With a single input channel this is an ordinary convolution, once the weights of a channel lie together.
fn one_channel(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) -> bool {
    const MOST: usize = 4096;
    let DepthwiseConv2dParameters { input_shape, output_shape, vertical, horizontal, .. } = *parameters;
    let (taps, channels) = (vertical.filter * horizontal.filter, output_shape[3]);
    let mut weights = [0; MOST];
    let Some(weights) = weights.get_mut(..filter.weights.len()) else { return false };
    for (channel, row) in weights.chunks_exact_mut(taps).enumerate() {
        for (tap, weight) in row.iter_mut().enumerate() {
            *weight = filter.weights[tap * channels + channel];
        }
    }
    let parameters = Conv2dParameters {
        input_shape,
        groups: 1,
        output_shape,
        vertical,
        horizontal,
        input_zero_point: parameters.input_zero_point,
        output_zero_point: parameters.output_zero_point,
        activation_min: parameters.activation_min,
        activation_max: parameters.activation_max,
    };
    detect::run(Conv2d { parameters, filter: &Filter { weights, ..*filter }, input, output })
}

/// A checked layer with one filter a channel.
struct DepthwiseConv2d<'a> {
    parameters: &'a DepthwiseConv2dParameters,
    filter: &'a Filter<'a>,
    input: &'a [i8],
    output: &'a mut [i8],
}

impl Work for DepthwiseConv2d<'_> {
    #[inline(always)]
    fn run<L: Level>(self, level: L) -> bool {
        let DepthwiseConv2d { parameters, filter, input, output } = self;
        let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, input_height, input_width, channels] = parameters.input_shape;
        let [_, height, width, _] = parameters.output_shape;
        let Some(last) = width.checked_sub(1) else { return true };
        let columns = last * horizontal.stride + (horizontal.filter - 1) * horizontal.dilation + 1;
        let layers = vertical.filter.div_ceil(L::GROUP);
        // Neighbouring windows share a vector where one has room for the channels of several.
        let shares = channels < L::LANES && L::LANES.is_multiple_of(channels) && horizontal.stride == 1;
        let column_lanes = if shares { channels } else { L::LANES };
        let row_bytes = columns.saturating_mul(column_lanes * GROUP_BYTES);
        let vector_bytes = L::LANES * GROUP_BYTES;
        let values_fit = row_bytes.saturating_mul(layers) <= BUFFER_BYTES - vector_bytes;
        if !values_fit || horizontal.filter.saturating_mul(layers) > MAX_RUNS {
            return false;
        }
        let range = Range::new(
            level,
            Finish {
                zero_point: parameters.output_zero_point,
                min: parameters.activation_min,
                max: parameters.activation_max,
            },
        );
        let (mut values, mut weights) = (Buffer::new(), Buffer::new());
        let mut strip = Strip {
            level,
            parameters,
            columns,
            column_bytes: column_lanes * GROUP_BYTES,
            layers,
            values: values.start(),
            weights: weights.start(),
            offsets: [0; MAX_RUNS],
            first: 0,
            count: 0,
        };
        for (run, offset) in strip.offsets[..layers * horizontal.filter].iter_mut().enumerate() {
            let (layer, tap) = (run / horizontal.filter, run % horizontal.filter);
            *offset = (layer * columns + tap * horizontal.dilation) * strip.column_bytes;
        }
        let windows = L::LANES / column_lanes;
        let mut repeated = Repeated::default();
        let short = are_short(filter, vertical.filter * horizontal.filter);
        for first in (0..channels).step_by(L::LANES) {
            (strip.first, strip.count) = (first, (channels - first).min(L::LANES));
            let sums = strip.pack(filter, windows);
            let ends = if shares {
                repeated.channels(level, filter, channels, short, sums, parameters.input_zero_point)
            } else {
                Channels::new(level, filter, [first, strip.count], short, sums, parameters.input_zero_point)
            };
            let images = runs(input, input_height * input_width * channels);
            for (image, output) in images.zip(runs_mut(output, height * width * channels)) {
                for (y, output) in runs_mut(output, width * channels).enumerate() {
                    strip.fill(image, y);
                    for x in (0..width).step_by(windows) {
                        let sums = strip.window(x, ends.bias);
                        let outputs = ends.finish(level, sums, &range);
                        let count = strip.count * windows.min(width - x);
                        // SAFETY: So many channels of these pixels lie side by side from `first` on.
                        unsafe {
                            let to = output.as_mut_ptr().add(x * channels + first);
                            level.store_bytes(outputs, to, count);
                        }
                    }
                }
            }
        }
        true
    }
}

/// What channels do to their sums, once for each of the windows that share a vector.
#[derive(Default)]
struct Repeated {
    bias: [i32; MAX_LANES],
    multipliers: [i32; MAX_LANES],
    shifts: [i8; MAX_LANES],
}

impl Repeated {
    /// Fills a vector with the numbers of a layer of fewer channels than lanes.
    #[inline(always)]
    fn channels<L: Level>(
        &mut self,
        level: L,
        filter: &Filter<'_>,
        channels: usize,
        short: bool,
        weights: L::Vector,
        zero_point: i8,
    ) -> Channels<L> {
        for lane in 0..MAX_LANES {
            let channel = lane % channels;
            let factor = if filter.multipliers.len() == 1 { 0 } else { channel };
            self.bias[lane] = filter.bias.get(channel).copied().unwrap_or(0);
            self.multipliers[lane] = filter.multipliers[factor];
            self.shifts[lane] = filter.shifts[factor];
        }
        let Repeated { bias, multipliers, shifts } = self;
        let filter = Filter { weights: &[], layout: Layout::Canonical, bias, multipliers, shifts };
        Channels::new(level, &filter, [0, L::LANES], short, weights, zero_point)
    }
}

/// A vector of channels: its weights, and the columns of values of one output row.
struct Strip<'a, L: Level> {
    level: L,
    parameters: &'a DepthwiseConv2dParameters,
    /// Columns of a row, padding included.
    columns: usize,
    /// Bytes of a column's groups.
    column_bytes: usize,
    /// Groups that the values under each other make.
    layers: usize,
    /// For each layer a row of columns.
    values: *mut u8,
    /// A vector of groups for each column of the filter, layer by layer.
    weights: *mut u8,
    /// For each of them how far behind a window's first column it applies, in bytes.
    offsets: [usize; MAX_RUNS],
    /// The first channel, and how many there are.
    first: usize,
    count: usize,
}

impl<L: Level> Strip<'_, L> {
    const VECTOR_BYTES: usize = L::LANES * GROUP_BYTES;

    /// Lays out the weights, once for each of the windows that share a vector; gives the sum of each lane's.
    #[inline(always)]
    fn pack(&self, filter: &Filter<'_>, windows: usize) -> L::Vector {
        let (level, channels) = (self.level, self.parameters.input_shape[3]);
        let [rows, columns] = [self.parameters.vertical.filter, self.parameters.horizontal.filter];
        let nothing = [0; MAX_LANES];
        let mut sums = level.splat(0);
        for layer in 0..self.layers {
            for column in 0..columns {
                let mut repeated = [[0; MAX_LANES]; MAX_GROUP];
                let mut taps = [nothing.as_ptr(); MAX_GROUP];
                for (position, row) in (layer * L::GROUP..rows).take(L::GROUP).enumerate() {
                    let tap = (row * columns + column) * channels + self.first;
                    let weights = &filter.weights[tap..tap + self.count];
                    taps[position] = weights.as_ptr();
                    if windows > 1 {
                        for (lane, weight) in repeated[position].iter_mut().zip(weights.iter().cycle()) {
                            *lane = *weight;
                        }
                        taps[position] = repeated[position].as_ptr();
                    }
                }
                // SAFETY: Every row has `count` weights for each window; the buffer has a vector for every layer of a
                // column.
                unsafe {
                    let weights = level.column(taps, windows * self.count);
                    sums = level.dot(sums, level.splat(L::ONES), weights);
                    let to = self.weights.add((layer * columns + column) * Self::VECTOR_BYTES);
                    level.store(weights, to.cast());
                }
            }
        }
        sums
    }

    /// Lays out the columns that output row `y` reads.
    #[inline(always)]
    fn fill(&self, image: &[i8], y: usize) {
        let DepthwiseConv2dParameters { vertical, horizontal, input_zero_point, .. } = *self.parameters;
        let [_, height, width, channels] = self.parameters.input_shape;
        let left = horizontal.padding.min(self.columns);
        let inside = width.min(self.columns - left);
        let outside = [input_zero_point; MAX_LANES];
        for layer in 0..self.layers {
            // Rows outside stand for 0, as the padding does; taps beyond the filter have weights of 0.
            let mut rows = [None; MAX_GROUP];
            for (position, row) in rows.iter_mut().enumerate().take(L::GROUP) {
                let tap = layer * L::GROUP + position;
                let y = (y * vertical.stride + tap * vertical.dilation).checked_sub(vertical.padding);
                let y = y.filter(|&y| tap < vertical.filter && y < height);
                *row = y.map(|y| &image[y * width * channels..]);
            }
            self.pad(layer, 0, left);
            // Columns of a vector each; or, where windows share one, the whole row, a vector at a time.
            let (count, lanes, step) = if self.column_bytes < Self::VECTOR_BYTES {
                (inside * channels, inside * channels, L::LANES)
            } else {
                (inside * channels, self.count, channels)
            };
            let mut to = self.column(layer, left);
            for at in (0..count).step_by(step) {
                let mut values = [outside.as_ptr(); MAX_GROUP];
                for (values, row) in values.iter_mut().zip(rows) {
                    if let Some(row) = row {
                        *values = row[at + self.first..].as_ptr();
                    }
                }
                let lanes = lanes.min(L::LANES).min(count - at);
                // SAFETY: A row has `lanes` values from there on; the buffer has its column, and a vector behind it.
                unsafe {
                    let groups = self.level.column(values, lanes);
                    self.level.store(self.level.stored(groups, input_zero_point), to.cast());
                    to = to.add(Self::VECTOR_BYTES);
                }
            }
            self.pad(layer, left + inside, self.columns + 1);
        }
    }

    /// Where the groups of a column are.
    #[inline(always)]
    fn column(&self, layer: usize, column: usize) -> *mut u8 {
        self.values.wrapping_add((layer * self.columns + column) * self.column_bytes)
    }

    /// Fills columns outside the image. A vector that reaches beyond them is written before what it reaches.
    #[inline(always)]
    fn pad(&self, layer: usize, from: usize, to: usize) {
        let zeros = self.level.splat(L::zeros(self.parameters.input_zero_point));
        for column in from..to {
            // SAFETY: The buffer has `columns` columns for every layer, and a vector behind them all.
            unsafe { self.level.store(zeros, self.column(layer, column).cast()) };
        }
    }

    /// The sums of the window at column `x` of the row, and of those that share its vector, on top of `sums`.
    #[inline(always)]
    fn window(&self, x: usize, mut sums: L::Vector) -> L::Vector {
        let first = self.column(0, x * self.parameters.horizontal.stride);
        let mut weights = self.weights.cast_const();
        for &offset in &self.offsets[..self.layers * self.parameters.horizontal.filter] {
            // SAFETY: Both are filled up to the last column of the last window, and a vector behind it.
            unsafe {
                let values = self.level.load(first.add(offset).cast());
                sums = self.level.dot(sums, values, self.level.load(weights.cast()));
                weights = weights.add(Self::VECTOR_BYTES);
            }
        }
        sums
    }
}
