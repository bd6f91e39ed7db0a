//! From one scale to another, and between int8 and int16.

use crate::elementwise::check_same;
use crate::error::ensure;
use crate::{Activation, KernelError, Requantize};

/// How values change their scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RescaleParameters {
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `input_scale / output_scale`.
    pub requantize: Requantize,
}

impl RescaleParameters {
    /// Whether [`rescale`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        ensure(self.requantize.is_valid(), KernelError::Range)?;
        check_same(input_elements, output_elements)
    }
}

/// Brings values to another scale, or another type.
///
/// # Shapes
/// Input and output have the same number of elements.
///
/// # Types and ranges
/// int8 or int16, either side; an int16 one has zero point 0.
///
/// # Rounding
/// Once, by [`Requantize::apply`]; what leaves the output's type becomes its nearest value.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`RescaleParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::Requantize`.
#[inline(never)]
pub fn rescale<I: Activation, O: Activation>(parameters: &RescaleParameters, input: &[I], output: &mut [O]) {
    let (input_zero_point, output_zero_point) =
        (i32::from(parameters.input_zero_point), i32::from(parameters.output_zero_point));
    let (least, most) = (O::LEAST.into(), -1 - O::LEAST.into());
    for (&value, output) in input.iter().zip(output) {
        let value = parameters.requantize.apply(value.into() - input_zero_point);
        *output = O::narrow(value.wrapping_add(output_zero_point).max(least).min(most));
    }
}
