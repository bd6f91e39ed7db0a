//! Padding with a constant.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::runs::runs;
use crate::source::copy;

/// What a padding adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadParameters {
    /// `[N, H, W, C]` of the input.
    pub input_shape: [usize; 4],
    /// `[N, H, W, C]` of the output; what it has more than input and `before` lies behind.
    pub output_shape: [usize; 4],
    /// Elements added before each axis.
    pub before: [usize; 4],
    /// The constant, as stored: the zero point, as a rule.
    pub value: i8,
}

impl PadParameters {
    /// Whether [`pad_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        expect(Operand::Input, elements(&self.input_shape)?, input_elements)?;
        expect(Operand::Output, elements(&self.output_shape)?, output_elements)?;
        for ((&input, &before), &output) in self.input_shape.iter().zip(&self.before).zip(&self.output_shape)
        {
            let end = before.checked_add(input);
            ensure(end.is_some_and(|end| end <= output), KernelError::Geometry)?;
        }
        Ok(())
    }
}

/// Puts a border of a constant around a tensor.
///
/// # Shapes
/// Input `[N, H, W, C]`, output at least as large along each axis.
///
/// # Types and ranges
/// Bytes; input and output share their quantization.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`PadParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::Pad`.
pub fn pad_s8(parameters: &PadParameters, input: &[i8], output: &mut [i8]) {
    let [_, height, width, channels] = parameters.input_shape;
    let [_, output_height, output_width, output_channels] = parameters.output_shape;
    let [image_before, above, left, channel_before] = parameters.before;
    output.fill(parameters.value);
    for (index, row) in runs(input, width * channels).enumerate() {
        let (image, y) = (index / height.max(1) + image_before, index % height.max(1) + above);
        let start = ((image * output_height + y) * output_width + left) * output_channels;
        let output = output.get_mut(start..).unwrap_or(&mut []);
        if channels == output_channels {
            copy(row, output);
            continue;
        }
        for (pixel, output) in runs(row, channels).zip(output.chunks_mut(output_channels.max(1))) {
            copy(pixel, output.get_mut(channel_before..).unwrap_or(&mut []));
        }
    }
}
