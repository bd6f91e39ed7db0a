//! Element-wise multiplication of two tensors.

use crate::elementwise::{check_equal, combine};
use crate::error::ensure;
use crate::finish::Finish;
use crate::{KernelError, Requantize, Source};

/// What a multiplication computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MulParameters {
    /// Zero point of the first operand.
    pub left_zero_point: i8,
    /// Zero point of the second operand.
    pub right_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `left_scale * right_scale / output_scale`.
    pub requantize: Requantize,
    /// Smallest output, from the fused activation.
    pub activation_min: i8,
    /// Largest output, from the fused activation.
    pub activation_max: i8,
}

impl MulParameters {
    /// Whether [`mul_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        left_elements: usize,
        right_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        ensure(self.activation_min <= self.activation_max && self.requantize.is_valid(), KernelError::Range)?;
        check_equal(left_elements, right_elements, output_elements)
    }
}

/// Multiplies two tensors element by element.
///
/// # Shapes
/// Both operands and the output have the same number of elements. Either operand, or both, may be
/// in place.
///
/// # Types and ranges
/// int8, each tensor with its own quantization.
///
/// # Rounding
/// The product of the two differences from the zero points is exact; then once
/// [`Requantize::apply`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`MulParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::Mul`.
pub fn mul_s8(parameters: &MulParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    combine(left, right, output, |swapped, left, right| {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let left = i32::from(left) - i32::from(parameters.left_zero_point);
        let right = i32::from(right) - i32::from(parameters.right_zero_point);
        finish.apply(left * right, parameters.requantize)
    });
}
