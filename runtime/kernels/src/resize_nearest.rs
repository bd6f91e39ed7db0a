//! Resize to the nearest pixel, and the parameters that both resizes share.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::runs::{for_each_row, runs_mut};
use crate::source::copy;

/// Which input position an output pixel looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// `output * input_size / output_size`.
    Asymmetric,
    /// `output * (input_size - 1) / (output_size - 1)`: the corners' pixels coincide.
    AlignCorners,
    /// `(output + 0.5) * input_size / output_size - 0.5`: the images' edges coincide.
    HalfPixelCenters,
}

/// What a resize computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResizeParameters {
    /// `[N, H, W, C]` of the input.
    pub input_shape: [usize; 4],
    /// `[N, H, W, C]` of the output.
    pub output_shape: [usize; 4],
    /// Which input position an output pixel looks at.
    pub sampling: Sampling,
}

impl ResizeParameters {
    /// The largest height and width, in pixels.
    pub const MAX_SIDE: usize = 1 << 14;

    /// Whether a resize may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        check_shapes([self.input_shape, self.output_shape], [input_elements, output_elements])
    }

    /// Input and output size as the fraction that sampling multiplies with.
    pub(crate) fn ratio(&self, input: usize, output: usize) -> (u32, u32) {
        match self.sampling {
            Sampling::AlignCorners if output > 1 => (input.saturating_sub(1) as u32, output as u32 - 1),
            _ => (input as u32, output.max(1) as u32),
        }
    }
}

/// Whether the shapes of a resize's input and output fit together and their slices.
pub(crate) fn check_shapes(
    [input_shape, output_shape]: [[usize; 4]; 2],
    [input_elements, output_elements]: [usize; 2],
) -> Result<(), KernelError> {
    let [batches, input_height, input_width, channels] = input_shape;
    let [output_batches, output_height, output_width, output_channels] = output_shape;
    ensure(batches == output_batches && channels == output_channels, KernelError::Geometry)?;
    for side in [input_height, input_width, output_height, output_width] {
        ensure(side >= 1, KernelError::Geometry)?;
        ensure(side <= ResizeParameters::MAX_SIDE, KernelError::TooLarge)?;
    }
    expect(Operand::Input, elements(&input_shape)?, input_elements)?;
    expect(Operand::Output, elements(&output_shape)?, output_elements)
}

/// Resizes an image; every output pixel copies the input pixel nearest to its position.
///
/// # Shapes
/// Input `[N, H, W, C]`, output `[N, OH, OW, C]`.
///
/// # Types and ranges
/// Bytes; input and output share their quantization. Sides up to [`ResizeParameters::MAX_SIDE`].
///
/// # Rounding
/// The reference finds positions in single precision. The integer arithmetic here gives the same
/// pixels: the ratio rounded to 24 bits, the product rounded to 24 bits, both to nearest even, then
/// rounded down ([`Sampling::AlignCorners`]: to nearest, halves up).
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`ResizeParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::ResizeNearestNeighbor`.
pub fn resize_nearest_s8(parameters: &ResizeParameters, input: &[i8], output: &mut [i8]) {
    let [_, height, width, channels] = parameters.input_shape;
    let [_, output_height, output_width, _] = parameters.output_shape;
    let vertical = Nearest::new(parameters, height, output_height);
    let horizontal = Nearest::new(parameters, width, output_width);
    for_each_row(parameters.input_shape, parameters.output_shape, input, output, |image, y, output| {
        let row = vertical.position(y) * width * channels;
        for (x, output) in runs_mut(output, channels).enumerate() {
            let start = row + horizontal.position(x) * channels;
            copy(image.get(start..).unwrap_or(&[]), output);
        }
    });
}

/// Positions along one axis.
struct Nearest {
    /// The ratio is `significand / 2^exponent`.
    significand: u32,
    exponent: u32,
    sampling: Sampling,
    last: usize,
}

impl Nearest {
    /// Rounds the ratio to 24 significant bits. There is no tie: a ratio with 25 has a numerator beyond
    /// any side.
    fn new(parameters: &ResizeParameters, input: usize, output: usize) -> Nearest {
        let (numerator, denominator) = parameters.ratio(input, output);
        let (mut significand, mut remainder) = (numerator / denominator, numerator % denominator);
        let mut exponent = 0;
        while significand < 1 << 23 && numerator > 0 {
            remainder *= 2;
            significand = 2 * significand + u32::from(remainder >= denominator);
            remainder -= if remainder >= denominator { denominator } else { 0 };
            exponent += 1;
        }
        significand += u32::from(2 * remainder > denominator);
        Nearest { significand, exponent, sampling: parameters.sampling, last: input.saturating_sub(1) }
    }

    /// The input position of an output position.
    fn position(&self, output: usize) -> usize {
        let halves = 2 * output as u64 + u64::from(self.sampling == Sampling::HalfPixelCenters);
        let product = round_to_24_bits(halves * u64::from(self.significand));
        let half = if self.sampling == Sampling::AlignCorners { 1 << self.exponent } else { 0 };
        (((product + half) >> (self.exponent + 1)) as usize).min(self.last)
    }
}

/// What single precision keeps of a product.
fn round_to_24_bits(value: u64) -> u64 {
    let excess = (64 - value.leading_zeros()).saturating_sub(24);
    if excess == 0 {
        return value;
    }
    let odd = (value >> excess) & 1;
    ((value + (1 << (excess - 1)) - 1 + odd) >> excess) << excess
}
