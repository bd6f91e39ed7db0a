//! What the two pools share: parameters, and the walk over windows.

use crate::error::{elements, ensure};
use crate::runs::{for_each_row, runs_mut};
use crate::window::{Clip, check_images};
use crate::{Activation, Axis, KernelError};

/// What a 2-d pool computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2dParameters<T = i8> {
    /// `[N, H, W, C]` of the input.
    pub input_shape: [usize; 4],
    /// `[N, H, W, C]` of the output.
    pub output_shape: [usize; 4],
    /// How the window moves along the height.
    pub vertical: Axis,
    /// How the window moves along the width.
    pub horizontal: Axis,
    /// Smallest output, from the fused activation.
    pub activation_min: T,
    /// Largest output, from the fused activation.
    pub activation_max: T,
}

impl<T: Activation> Pool2dParameters<T> {
    /// Whether a pool may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit; [`KernelError::Geometry`] also for a window
    /// that lies wholly outside the image; [`KernelError::TooLarge`] also where a sum could leave 31
    /// bits.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        let [_, input_height, input_width, channels] = self.input_shape;
        let [_, output_height, output_width, output_channels] = self.output_shape;
        ensure(channels == output_channels, KernelError::Geometry)?;
        ensure(self.activation_min <= self.activation_max, KernelError::Range)?;
        let (axes, shapes) = ([&self.vertical, &self.horizontal], [&self.input_shape, &self.output_shape]);
        check_images(axes, shapes, [input_elements, output_elements])?;
        let never_empty = self.vertical.is_never_empty(input_height, output_height)
            && self.horizontal.is_never_empty(input_width, output_width);
        ensure(never_empty, KernelError::Geometry)?;
        let area =
            elements(&[self.vertical.filter.min(input_height), self.horizontal.filter.min(input_width)])?;
        ensure(area < T::POOL_PIXELS, KernelError::TooLarge)
    }

    /// The fused activation.
    #[inline(always)]
    pub(crate) fn clamp(&self, value: T) -> T {
        value.max(self.activation_min).min(self.activation_max)
    }
}

/// The pixels of the input under one output pixel.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a, T> {
    image: &'a [T],
    width: usize,
    channels: usize,
    rows: Clip,
    columns: Clip,
    /// Distance of taps, 1 or more.
    dilation: [usize; 2],
}

impl<'a, T> Window<'a, T> {
    /// How many pixels there are.
    pub fn len(&self) -> usize {
        self.rows.taps * self.columns.taps
    }

    /// Calls `each` with each pixel's channels from `channel` on, and all that lies behind them.
    #[inline(always)]
    pub fn for_each_pixel(self, channel: usize, mut each: impl FnMut(&'a [T])) {
        let [down, right] = self.dilation;
        for row in 0..self.rows.taps {
            let first = (self.rows.input + row * down) * self.width + self.columns.input;
            let mut from = first * self.channels + channel;
            for _ in 0..self.columns.taps {
                each(self.image.get(from..).unwrap_or(&[]));
                from += right * self.channels;
            }
        }
    }
}

/// Calls `pool` for every output pixel with the window that it sums up.
#[inline(always)]
pub(crate) fn for_each_window<T>(
    parameters: &Pool2dParameters<T>,
    input: &[T],
    output: &mut [T],
    mut pool: impl FnMut(Window<'_, T>, &mut [T]),
) {
    let [_, height, width, channels] = parameters.input_shape;
    let dilation = [parameters.vertical.dilation.max(1), parameters.horizontal.dilation.max(1)];
    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let rows = parameters.vertical.clip(y, height);
        for (x, output) in runs_mut(output, channels).enumerate() {
            let columns = parameters.horizontal.clip(x, width);
            pool(Window { image, width, channels, rows, columns, dilation }, output);
        }
    });
}
