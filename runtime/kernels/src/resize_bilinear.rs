//! Resize by bilinear interpolation.

use crate::runs::{for_each_row, runs_mut};
use crate::{ResizeParameters, Sampling, rounding_divide_by_power_of_two};

/// Resizes an image; every output pixel mixes the four input pixels around its position.
///
/// # Shapes
/// Input `[N, H, W, C]`, output `[N, OH, OW, C]`.
///
/// # Types and ranges
/// int8; input and output share their quantization. Sides up to [`ResizeParameters::MAX_SIDE`].
///
/// # Rounding
/// The ratio of the sizes is rounded to 10 fraction bits, and so every position. The weighted sum of
/// the four pixels has 20 fraction bits and is rounded to nearest, halves away from zero. Positions
/// that a rounded ratio pushes behind the last pixel mean the last pixel.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`ResizeParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::ResizeBilinearInteger`.
pub fn resize_bilinear_s8(parameters: &ResizeParameters, input: &[i8], output: &mut [i8]) {
    let [_, height, width, _] = parameters.input_shape;
    let [_, output_height, output_width, _] = parameters.output_shape;
    let row = |y| Between::new(parameters, y, height, output_height);
    let column = |x| Between::new(parameters, x, width, output_width);
    interpolate([parameters.input_shape, parameters.output_shape], input, output, row, column);
}

/// Mixes the pixels around each position that `row` and `column` give.
#[inline(always)]
pub(crate) fn interpolate(
    [input_shape, output_shape]: [[usize; 4]; 2],
    input: &[i8],
    output: &mut [i8],
    row: impl Fn(usize) -> Between,
    column: impl Fn(usize) -> Between,
) {
    let [_, _, width, channels] = input_shape;
    for_each_row(input_shape, output_shape, input, output, |image, y, output| {
        let rows = row(y);
        for (x, output) in runs_mut(output, channels).enumerate() {
            let columns = column(x);
            let pixel = |row: usize, column: usize| {
                image.get((row * width + column) * channels..).unwrap_or(&[]).iter()
            };
            let upper = pixel(rows.low, columns.low).zip(pixel(rows.low, columns.high));
            let lower = pixel(rows.high, columns.low).zip(pixel(rows.high, columns.high));
            for ((output, upper), lower) in output.iter_mut().zip(upper).zip(lower) {
                let sum = columns.mix(upper) * (ONE - rows.fraction) + columns.mix(lower) * rows.fraction;
                *output = rounding_divide_by_power_of_two(sum, 2 * FRACTION_BITS) as i8;
            }
        }
    });
}

/// Fraction bits of a position.
const FRACTION_BITS: u32 = 10;

/// One pixel in the units of a position.
const ONE: i32 = 1 << FRACTION_BITS;

/// A position between two pixels along one axis.
pub(crate) struct Between {
    low: usize,
    high: usize,
    /// How far from `low` towards `high`; below 0 where half pixel centers look before the first.
    fraction: i32,
}

impl Between {
    /// Where output position `output` of `output_size` lies between `input_size` pixels.
    fn new(parameters: &ResizeParameters, output: usize, input_size: usize, output_size: usize) -> Between {
        let (numerator, denominator) = parameters.ratio(input_size, output_size);
        let ratio = ((numerator << FRACTION_BITS) + denominator / 2) / denominator;
        let (ratio, last) = (ratio as i32, input_size as i32 - 1);
        let half = if parameters.sampling == Sampling::HalfPixelCenters { ratio / 2 - ONE / 2 } else { 0 };
        // From -ONE / 2 up.
        Between::at((output as i32 * ratio + half).min(last * ONE + ONE / 2), input_size)
    }

    /// Between which pixels a position lies.
    pub(crate) fn at(position: i32, input_size: usize) -> Between {
        let last = input_size as i32 - 1;
        // The division rounds towards 0.
        let low = (position / ONE).min(last);
        let high = ((position + ONE - 1) / ONE).min(last);
        Between { low: low as usize, high: high as usize, fraction: position - low * ONE }
    }

    /// Mixes two neighbours, with [`FRACTION_BITS`] more bits.
    #[inline(always)]
    fn mix(&self, (&low, &high): (&i8, &i8)) -> i32 {
        i32::from(low) * (ONE - self.fraction) + i32::from(high) * self.fraction
    }
}
