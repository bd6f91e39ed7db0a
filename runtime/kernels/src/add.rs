//! Element-wise addition of two tensors: describes the operator and chooses its backend.

pub(crate) mod reference;

use crate::elementwise::check_equal;
use crate::error::ensure;
use crate::{Activation, KernelError, Requantize, Source, backend};

/// What an addition computes.
///
/// With `twice_max_scale = 2 * max(left_scale, right_scale)`, the compiler derives the factors
/// `left_scale / twice_max_scale`, `right_scale / twice_max_scale` and
/// `twice_max_scale / (2^20 * output_scale)`, with 15 for 20 in int16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddParameters<T = i8> {
    /// Zero point of the first operand.
    pub left_zero_point: T,
    /// Zero point of the second operand.
    pub right_zero_point: T,
    /// Zero point of the output.
    pub output_zero_point: T,
    /// Brings the first operand to the common scale; at most 1/2, `shift <= 0`.
    pub left_requantize: Requantize,
    /// Brings the second operand to the common scale; at most 1/2, `shift <= 0`.
    pub right_requantize: Requantize,
    /// Brings the sum to the output's scale; `shift <= 0`.
    pub output_requantize: Requantize,
    /// Smallest output, from the fused activation.
    pub activation_min: T,
    /// Largest output, from the fused activation.
    pub activation_max: T,
}

impl<T: Activation> AddParameters<T> {
    /// Whether [`add_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        left_elements: usize,
        right_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        ensure(self.activation_min <= self.activation_max, KernelError::Range)?;
        for factor in [self.left_requantize, self.right_requantize, self.output_requantize] {
            ensure(factor.is_valid() && factor.shift <= 0, KernelError::Range)?;
        }
        check_equal(left_elements, right_elements, output_elements)
    }
}

/// Adds two tensors.
///
/// # Shapes
/// Both operands and the output have the same number of elements. Either operand, or both, may be
/// in place.
///
/// # Types and ranges
/// int8, each tensor with its own quantization.
///
/// # Rounding
/// Both operands are shifted left by 20 bits, brought to a common scale, added, and brought to the
/// output's scale: three times [`Requantize::apply`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`AddParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::Add`.
pub fn add_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    backend::add_s8(parameters, left, right, output);
}

/// [`add_s8`] in int16.
///
/// # Shapes
/// As [`add_s8`].
///
/// # Types and ranges
/// int16, each tensor with its own scale and zero point 0.
///
/// # Rounding
/// As [`add_s8`], with 15 bits for 20.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`AddParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::AddGeneralParamScale`.
#[inline(never)]
pub fn add_s16(
    parameters: &AddParameters<i16>,
    left: Source<'_, i16>,
    right: Source<'_, i16>,
    output: &mut [i16],
) {
    reference::add(parameters, left, right, output);
}
