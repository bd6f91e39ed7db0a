//! 2-d convolution: a few pixels times one or two vectors of output channels at a time.

use super::buffer::{BUFFER_BYTES, Buffer};
use super::detect;
use super::finish::{Channels, Range, are_short};
use super::level::{GROUP_BYTES, Level, Work};
use super::packed::Rows;
use super::picture::Band;
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
    // The loops rely on it.
    let checked = parameters.check(filter, input.len(), output.len()).is_ok();
    let work = Conv2d { parameters: one_row(parameters), filter, input, output: &mut *output };
    if !(checked && detect::run(work)) {
        reference::conv_2d_s8(parameters, filter, input, output, scratch);
    }
}

/// Where nothing slides, an image is one row of pixels, and so are many.
fn one_row(parameters: &Conv2dParameters) -> Conv2dParameters {
    let Conv2dParameters { input_shape, output_shape, vertical, horizontal, .. } = *parameters;
    if [vertical, horizontal] != [Axis::ONE; 2] || input_shape[..3] != output_shape[..3] {
        return *parameters;
    }
    let pixels = input_shape[..3].iter().product();
    Conv2dParameters {
        input_shape: [1, pixels, 1, input_shape[3]],
        output_shape: [1, pixels, 1, output_shape[3]],
        ..*parameters
    }
}

/// A checked convolution.
pub(super) struct Conv2d<'a> {
    pub(super) parameters: Conv2dParameters,
    pub(super) filter: &'a Filter<'a>,
    pub(super) input: &'a [i8],
    pub(super) output: &'a mut [i8],
}

/// The most pixels at a time.
const MAX_PIXELS: usize = 8;

/// Runs whose offsets are worked out beforehand; with more, the reference computes.
pub(super) const MAX_RUNS: usize = 128;

impl Work for Conv2d<'_> {
    #[inline(always)]
    fn run<L: Level>(self, level: L) -> bool {
        let Conv2d { parameters, filter, input, output } = self;
        let Conv2dParameters { vertical, horizontal, .. } = parameters;
        let [_, input_height, input_width, channels] = parameters.input_shape;
        let [_, height, width, output_channels] = parameters.output_shape;
        let Some(band) = Band::new::<L>(&parameters) else { return false };
        // A row of taps is one run, unless taps are apart.
        let columns = if horizontal.dilation == 1 { 1 } else { horizontal.filter };
        let length = horizontal.filter / columns * channels;
        let rows = Rows { weights: filter.weights, runs: vertical.filter * columns, length };
        let fits = |vectors| rows.packed_bytes::<L>(vectors) <= BUFFER_BYTES;
        if rows.runs > MAX_RUNS || !fits(1) || rows.weights.len() > i32::MAX as usize {
            return false;
        }
        let mut offsets = [0; MAX_RUNS];
        for (run, offset) in offsets[..rows.runs].iter_mut().enumerate() {
            *offset = band.tap(&parameters, run / columns, run % columns);
        }
        let layer = Layer {
            level,
            parameters: &parameters,
            filter,
            band,
            rows,
            offsets: &offsets[..rows.runs],
            range: Range::new(
                level,
                Finish {
                    zero_point: parameters.output_zero_point,
                    min: parameters.activation_min,
                    max: parameters.activation_max,
                },
            ),
            short: are_short(filter, rows.runs * rows.length),
        };
        let (mut values, mut packed) = (Buffer::new(), Buffer::new());
        let images = runs(input, input_height * input_width * channels);
        for (image, output) in images.zip(runs_mut(output, height * width * output_channels)) {
            for (index, output) in output.chunks_mut(band.rows * width * output_channels).enumerate() {
                let rows = output.len() / (width * output_channels);
                band.fill(level, &parameters, image, index * band.rows, rows, &mut values);
                let mut first = 0;
                while first < output_channels {
                    let two = output_channels - first > L::LANES && fits(2);
                    if two {
                        layer.channels::<2>(&mut values, &mut packed, output, first);
                    } else {
                        layer.channels::<1>(&mut values, &mut packed, output, first);
                    }
                    first += if two { 2 * L::LANES } else { L::LANES };
                }
            }
        }
        true
    }
}

/// What does not change from band to band.
struct Layer<'a, L: Level> {
    level: L,
    parameters: &'a Conv2dParameters,
    filter: &'a Filter<'a>,
    band: Band,
    rows: Rows<'a>,
    /// Bytes from a window's start to each of its runs.
    offsets: &'a [usize],
    range: Range<L>,
    /// What [`are_short`] says.
    short: bool,
}

impl<L: Level> Layer<'_, L> {
    /// `V` vectors of channels from `first` on, for all pixels of a band.
    #[inline(always)]
    fn channels<const V: usize>(
        &self,
        values: &mut Buffer,
        packed: &mut Buffer,
        output: &mut [i8],
        first: usize,
    ) {
        let (values, packed) = (values.start().cast_const(), packed.start());
        let mut channels = [Channels::none(self.level); V];
        for (vector, channels) in channels.iter_mut().enumerate() {
            let first = first + vector * L::LANES;
            // SAFETY: `conv_2d_s8` has checked the weights, two vectors are asked for only where there are channels
            // for both, and where their groups fit the buffer.
            let weights = unsafe { self.rows.pack(self.level, first, vector, V, packed) };
            let count = (self.parameters.output_shape[3] - first).min(L::LANES);
            let zero_point = self.parameters.input_zero_point;
            *channels =
                Channels::new(self.level, self.filter, [first, count], self.short, weights, zero_point);
        }
        let [_, _, width, output_channels] = self.parameters.output_shape;
        let pixels = output.len() / output_channels;
        let (mut pixel, mut y, mut x) = (0, 0, 0);
        while pixel < pixels {
            let mut windows = [values; MAX_PIXELS];
            let rest = pixels - pixel;
            let count = if rest >= L::PIXELS {
                L::PIXELS
            } else if rest >= 4 {
                4
            } else {
                1
            };
            for window in &mut windows[..count] {
                // SAFETY: Windows of this band's outputs lie in the buffer.
                *window = unsafe { values.add(self.band.window(self.parameters, y, x)) };
                x += 1;
                if x == width {
                    (y, x) = (y + 1, 0);
                }
            }
            let outputs = &mut output[pixel * output_channels..][..count * output_channels];
            // SAFETY: The windows are filled, the weights packed, and each pixel has its outputs.
            unsafe {
                match count {
                    8 => self.tile::<8, V>(&windows, packed, &channels, outputs, first),
                    4 => self.tile::<4, V>(&windows, packed, &channels, outputs, first),
                    _ => self.tile::<1, V>(&windows, packed, &channels, outputs, first),
                }
            }
            pixel += count;
        }
    }

    /// `P` pixels.
    #[inline(always)]
    unsafe fn tile<const P: usize, const V: usize>(
        &self,
        windows: &[*const u8; MAX_PIXELS],
        packed: *const u8,
        channels: &[Channels<L>; V],
        output: &mut [i8],
        first: usize,
    ) {
        let level = self.level;
        // SAFETY: The caller's windows and weights.
        let sums = unsafe { self.sums::<P, V>(windows, packed, channels) };
        let output_channels = self.parameters.output_shape[3];
        for vector in 0..V {
            let channel = first + vector * L::LANES;
            let count = output_channels - channel;
            let channels = channels[vector];
            let mut to = output.as_mut_ptr().wrapping_add(channel);
            for pixel in 0..P {
                let outputs = channels.finish(level, sums[pixel][vector], &self.range);
                // SAFETY: The caller's output has `P` pixels of all channels.
                unsafe {
                    if count >= L::LANES {
                        level.store_bytes(outputs, to, L::LANES);
                    } else {
                        level.store_bytes(outputs, to, count);
                    }
                }
                to = to.wrapping_add(output_channels);
            }
        }
    }

    /// The sums of `P` pixels, all in registers.
    #[inline(always)]
    unsafe fn sums<const P: usize, const V: usize>(
        &self,
        windows: &[*const u8; MAX_PIXELS],
        mut weights: *const u8,
        channels: &[Channels<L>; V],
    ) -> [[L::Vector; V]; P] {
        let level = self.level;
        let vector_bytes = L::LANES * GROUP_BYTES;
        let groups = self.rows.groups::<L>();
        let mut vectors = [level.splat(0); V];
        for vector in 0..V {
            vectors[vector] = channels[vector].bias;
        }
        let mut sums = [vectors; P];
        let mut values = [level.splat(0); P];
        for &offset in self.offsets {
            let mut group = 0;
            // SAFETY: The caller's windows and weights; a run's last group may reach as far behind it as the buffer does.
            unsafe {
                while group + L::GROUPS <= groups {
                    for pixel in 0..P {
                        values[pixel] = level.load_groups(windows[pixel].add(offset + group * GROUP_BYTES));
                    }
                    add_group::<L, 0, P, V>(level, &mut sums, &values, weights);
                    if L::GROUPS == 4 {
                        add_group::<L, 1, P, V>(level, &mut sums, &values, weights.add(V * vector_bytes));
                        add_group::<L, 2, P, V>(level, &mut sums, &values, weights.add(2 * V * vector_bytes));
                        add_group::<L, 3, P, V>(level, &mut sums, &values, weights.add(3 * V * vector_bytes));
                    }
                    weights = weights.add(L::GROUPS * V * vector_bytes);
                    group += L::GROUPS;
                }
                while L::GROUPS > 1 && group < groups {
                    for pixel in 0..P {
                        values[pixel] = level.load_group(windows[pixel].add(offset + group * GROUP_BYTES));
                    }
                    add_group::<L, 0, P, V>(level, &mut sums, &values, weights);
                    weights = weights.add(V * vector_bytes);
                    group += 1;
                }
            }
        }
        sums
    }
}

/// Adds the products of one group of each pixel's values with the weights of `V` vectors of channels.
///
/// # Safety
/// From `weights` on there are `V` vectors.
#[inline(always)]
unsafe fn add_group<L: Level, const GROUP: i32, const P: usize, const V: usize>(
    level: L,
    sums: &mut [[L::Vector; V]; P],
    values: &[L::Vector; P],
    weights: *const u8,
) {
    let mut vectors = [level.splat(0); V];
    for vector in 0..V {
        // SAFETY: The caller's.
        vectors[vector] = unsafe { level.load(weights.add(vector * L::LANES * GROUP_BYTES).cast()) };
    }
    for pixel in 0..P {
        for vector in 0..V {
            sums[pixel][vector] =
                level.dot_group::<GROUP>(sums[pixel][vector], values[pixel], vectors[vector]);
        }
    }
}
