//! 2-d average pool.

use crate::pool::for_each_window;
use crate::{Activation, Pool2dParameters};

/// The mean of the values under a window, for every channel.
///
/// # Shapes
/// Input `[N, H, W, C]`, output `[N, OH, OW, C]`. Windows are clipped to the image and the mean is
/// that of the pixels inside.
///
/// # Types and ranges
/// int8; input and output share their quantization. int32 sums.
///
/// # Rounding
/// The division rounds to nearest, halves away from zero, on values as stored (zero point included).
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`Pool2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::AveragePool`.
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn average_pool_2d_s8(parameters: &Pool2dParameters, input: &[i8], output: &mut [i8]) {
    average(parameters, input, output);
}

/// [`average_pool_2d_s8`] in int16.
///
/// # Shapes
/// As [`average_pool_2d_s8`].
///
/// # Types and ranges
/// int16 with zero point 0; input and output share their scale. int32 sums.
///
/// # Rounding
/// As [`average_pool_2d_s8`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`Pool2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::AveragePool`.
#[inline(never)]
pub fn average_pool_2d_s16(parameters: &Pool2dParameters<i16>, input: &[i16], output: &mut [i16]) {
    average(parameters, input, output);
}

#[inline(always)]
fn average<T: Activation>(parameters: &Pool2dParameters<T>, input: &[T], output: &mut [T]) {
    for_each_window(parameters, input, output, |window, output| {
        let count = (window.len() as i32).max(1);
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let mut sums = [0i32; BLOCK];
            window.for_each_pixel(block * BLOCK, |pixel| {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += value.into();
                }
            });
            for (output, &sum) in output.iter_mut().zip(&sums) {
                let half = if sum > 0 { count / 2 } else { -(count / 2) };
                *output = parameters.clamp(T::narrow((sum + half) / count));
            }
        }
    });
}

/// Channels whose sums are kept at a time.
const BLOCK: usize = 16;
