//! 2-d maximum pool.

use crate::pool::for_each_window;
use crate::{Activation, Pool2dParameters};

/// The largest value under a window, for every channel.
///
/// # Shapes
/// Input `[N, H, W, C]`, output `[N, OH, OW, C]`. Windows are clipped to the image.
///
/// # Types and ranges
/// int8; input and output share their quantization.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`Pool2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::MaxPool`.
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn max_pool_2d_s8(parameters: &Pool2dParameters, input: &[i8], output: &mut [i8]) {
    largest(parameters, input, output);
}

/// [`max_pool_2d_s8`] in int16.
///
/// # Shapes
/// As [`max_pool_2d_s8`].
///
/// # Types and ranges
/// int16 with zero point 0; input and output share their scale.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`Pool2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::MaxPool`.
#[inline(never)]
pub fn max_pool_2d_s16(parameters: &Pool2dParameters<i16>, input: &[i16], output: &mut [i16]) {
    largest(parameters, input, output);
}

#[inline(always)]
fn largest<T: Activation>(parameters: &Pool2dParameters<T>, input: &[T], output: &mut [T]) {
    for_each_window(parameters, input, output, |window, output| {
        output.fill(T::LEAST);
        window.for_each_pixel(0, |pixel| {
            for (most, &value) in output.iter_mut().zip(pixel) {
                *most = value.max(*most);
            }
        });
        for most in output {
            *most = parameters.clamp(*most);
        }
    });
}
