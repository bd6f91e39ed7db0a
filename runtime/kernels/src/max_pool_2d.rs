//! 2-d maximum pool.

use crate::Pool2dParameters;
use crate::pool::for_each_window;

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
    for_each_window(parameters, input, output, |window, output| {
        output.fill(i8::MIN);
        for pixel in window.pixels(0) {
            for (most, &value) in output.iter_mut().zip(pixel) {
                *most = value.max(*most);
            }
        }
        for most in output {
            *most = parameters.clamp(*most);
        }
    });
}
