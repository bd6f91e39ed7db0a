//! A band of an input image with its padding around it, in the form that products take values in.

use super::buffer::{BUFFER_BYTES, Buffer};
use super::level::{GROUP_BYTES, Level};
use crate::Conv2dParameters;

/// How a band lies in its buffer.
#[derive(Clone, Copy)]
pub(super) struct Band {
    /// Bytes of a value.
    value_bytes: usize,
    /// Bytes of a row, padding included.
    row_bytes: usize,
    /// Output rows that a full band serves.
    pub(super) rows: usize,
}

impl Band {
    /// For a checked convolution; `None` where not even one output row's input fits the buffer.
    #[inline(always)]
    pub(super) fn new<L: Level>(parameters: &Conv2dParameters) -> Option<Band> {
        let Conv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, height, width, _] = parameters.output_shape;
        let channels = parameters.input_shape[3];
        let columns =
            width.checked_sub(1)? * horizontal.stride + (horizontal.filter - 1) * horizontal.dilation + 1;
        let value_bytes = GROUP_BYTES / L::GROUP;
        let row_bytes = columns.checked_mul(channels)?.checked_mul(value_bytes)?;
        // The last group of a run may reach beyond its row.
        let fitting = (BUFFER_BYTES - GROUP_BYTES).checked_div(row_bytes)?;
        let window = (vertical.filter - 1) * vertical.dilation + 1;
        let rows = fitting.checked_sub(window)? / vertical.stride + 1;
        Some(Band { value_bytes, row_bytes, rows: rows.min(height) })
    }

    /// Bytes from the value under a window's first tap to the one under its tap at this row and column.
    #[inline(always)]
    pub(super) fn tap(&self, parameters: &Conv2dParameters, row: usize, column: usize) -> usize {
        let channels = parameters.input_shape[3];
        row * parameters.vertical.dilation * self.row_bytes
            + column * parameters.horizontal.dilation * channels * self.value_bytes
    }

    /// Bytes from the band's start to the window at output row `y` of the band, column `x`.
    #[inline(always)]
    pub(super) fn window(&self, parameters: &Conv2dParameters, y: usize, x: usize) -> usize {
        let channels = parameters.input_shape[3];
        y * parameters.vertical.stride * self.row_bytes
            + x * parameters.horizontal.stride * channels * self.value_bytes
    }

    /// Brings what output rows `first` to `first + rows` read of `image` into the buffer.
    #[inline(always)]
    pub(super) fn fill<L: Level>(
        &self,
        level: L,
        parameters: &Conv2dParameters,
        image: &[i8],
        first: usize,
        rows: usize,
        buffer: &mut Buffer,
    ) {
        let Conv2dParameters { vertical, horizontal, input_zero_point, .. } = *parameters;
        let [_, height, width, channels] = parameters.input_shape;
        let (start, zeros) = (buffer.start(), L::zeros(input_zero_point).to_ne_bytes());
        let columns = self.row_bytes / (channels * self.value_bytes);
        let left = horizontal.padding.min(columns);
        let inside = width.min(columns - left);
        let window = (vertical.filter - 1) * vertical.dilation + 1;
        let top = first * vertical.stride;
        let count = (rows - 1) * vertical.stride + window;
        // SAFETY: `count` rows and a group fit the buffer, because `rows` is at most `self.rows`; pieces of a row stay
        // inside it, and the values read are `inside` pixels of a row of the image.
        unsafe {
            let fill = |from: usize, to: usize| {
                for at in from..to {
                    start.add(at).write(zeros[at % GROUP_BYTES]);
                }
            };
            for row in 0..count {
                let from = row * self.row_bytes;
                match (top + row).checked_sub(vertical.padding).filter(|&y| y < height) {
                    None => fill(from, from + self.row_bytes),
                    Some(y) => {
                        let pixel = channels * self.value_bytes;
                        fill(from, from + left * pixel);
                        let values = image.as_ptr().add(y * width * channels);
                        let to = start.add(from + left * pixel);
                        level.widen(values, inside * channels, input_zero_point, to);
                        fill(from + (left + inside) * pixel, from + self.row_bytes);
                    }
                }
            }
            fill(count * self.row_bytes, count * self.row_bytes + GROUP_BYTES);
        }
    }
}
