//! Leaky rectifier whose slope is learned for every channel.

use crate::error::{Operand, ensure, expect};
use crate::finish::Finish;
use crate::{KernelError, MAX_ELEMENTS, Requantize, Source};

/// What a PReLU computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreluParameters {
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the slopes.
    pub slope_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `input_scale / output_scale`, for values from zero up.
    pub positive: Requantize,
    /// `input_scale * slope_scale / output_scale`, for values below zero.
    pub negative: Requantize,
}

impl PreluParameters {
    /// Whether [`prelu_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit; [`KernelError::Geometry`] where the slopes do
    /// not repeat a whole number of times.
    pub fn check(
        &self,
        input_elements: usize,
        slopes: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        ensure(self.positive.is_valid() && self.negative.is_valid(), KernelError::Range)?;
        ensure(output_elements <= MAX_ELEMENTS, KernelError::TooLarge)?;
        ensure(slopes >= 1 && output_elements.is_multiple_of(slopes), KernelError::Geometry)?;
        expect(Operand::Input, output_elements, input_elements)
    }
}

/// Passes values from zero up, and multiplies those below with a slope.
///
/// # Shapes
/// Input and output have the same number of elements; `slopes` repeats along them, `[C]` as a rule.
/// The input may be in place.
///
/// # Types and ranges
/// int8, each tensor with its own quantization.
///
/// # Rounding
/// Once an output, by [`Requantize::apply`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`PreluParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::Prelu`.
pub fn prelu_s8(parameters: &PreluParameters, slopes: &[i8], input: Source<'_>, output: &mut [i8]) {
    let finish = Finish::unclamped(parameters.output_zero_point);
    input.bring(output);
    for output in output.chunks_mut(slopes.len().max(1)) {
        for (value, &slope) in output.iter_mut().zip(slopes) {
            let input = i32::from(*value) - i32::from(parameters.input_zero_point);
            let (accumulator, requantize) = if input >= 0 {
                (input, parameters.positive)
            } else {
                (input * (i32::from(slope) - i32::from(parameters.slope_zero_point)), parameters.negative)
            };
            *value = finish.apply(accumulator, requantize);
        }
    }
}
