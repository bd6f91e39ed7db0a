//! Walking tensors in runs: images, rows, pixels.
//!
//! A run of no elements is read as one of a single element, so that nothing here can panic; `check`
//! refuses shapes for which that makes a difference.

use core::slice::{ChunksExact, ChunksExactMut};

/// Neighbouring runs of `length` elements.
#[inline(always)]
pub(crate) fn runs<T>(values: &[T], length: usize) -> ChunksExact<'_, T> {
    values.chunks_exact(length.max(1))
}

/// Neighbouring runs of `length` elements, to be written.
#[inline(always)]
pub(crate) fn runs_mut<T>(values: &mut [T], length: usize) -> ChunksExactMut<'_, T> {
    values.chunks_exact_mut(length.max(1))
}

/// Calls `compute` for every row of the output, with the input image of the same batch and the row's
/// number in its image. Shapes are `[N, H, W, C]`.
#[inline(always)]
pub(crate) fn for_each_row<T>(
    [_, input_height, input_width, input_channels]: [usize; 4],
    [_, height, width, channels]: [usize; 4],
    input: &[T],
    output: &mut [T],
    mut compute: impl FnMut(&[T], usize, &mut [T]),
) {
    let images = [input_height * input_width * input_channels, height * width * channels];
    for_each_pair(images, input, output, |image, output| {
        for (y, output) in runs_mut(output, width * channels).enumerate() {
            compute(image, y, output);
        }
    });
}

/// Calls `compute` for neighbouring runs of `lengths` elements of input and output, as long as there are both.
// Not a zip, which starts with two divisions to know how often it goes on.
#[inline(always)]
pub(crate) fn for_each_pair<T>(
    lengths: [usize; 2],
    input: &[T],
    output: &mut [T],
    mut compute: impl FnMut(&[T], &mut [T]),
) {
    let (mut inputs, mut outputs) = (runs(input, lengths[0]), runs_mut(output, lengths[1]));
    while let (Some(input), Some(output)) = (inputs.next(), outputs.next()) {
        compute(input, output);
    }
}
