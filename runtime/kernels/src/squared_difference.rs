//! Element-wise square of the difference of two tensors.

use crate::elementwise::{check_equal, combine};
use crate::error::ensure;
use crate::finish::Finish;
use crate::{KernelError, Requantize, Source};

/// What a squared difference computes.
///
/// With `twice_max_scale = 2 * max(left_scale, right_scale)`, the compiler derives the factors
/// `left_scale / twice_max_scale`, `right_scale / twice_max_scale` and
/// `twice_max_scale^2 / (2^14 * output_scale)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SquaredDifferenceParameters {
    /// Zero point of the first operand.
    pub left_zero_point: i8,
    /// Zero point of the second operand.
    pub right_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// Brings the first operand to the common scale; at most 1/2, `shift <= 0`.
    pub left_requantize: Requantize,
    /// Brings the second operand to the common scale; at most 1/2, `shift <= 0`.
    pub right_requantize: Requantize,
    /// Brings the square to the output's scale.
    pub output_requantize: Requantize,
}

impl SquaredDifferenceParameters {
    /// Whether [`squared_difference_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        left_elements: usize,
        right_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        for factor in [self.left_requantize, self.right_requantize] {
            ensure(factor.is_valid() && factor.shift <= 0, KernelError::Range)?;
        }
        ensure(self.output_requantize.is_valid(), KernelError::Range)?;
        check_equal(left_elements, right_elements, output_elements)
    }
}

/// Squares the difference of two tensors.
///
/// # Shapes
/// Both operands and the output have the same number of elements. Either operand, or both, may be
/// in place.
///
/// # Types and ranges
/// int8, each tensor with its own quantization. The difference has 15 bits, its square 30.
///
/// # Rounding
/// Both operands are shifted left by 7 bits and brought to a common scale, the square to the output's:
/// three times [`Requantize::apply`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`SquaredDifferenceParameters::check`].
///
/// # Source
/// TFLite Micro kernel `squared_difference.cc`.
pub fn squared_difference_s8(
    parameters: &SquaredDifferenceParameters,
    left: Source<'_>,
    right: Source<'_>,
    output: &mut [i8],
) {
    let on_common_scale = |requantize: Requantize, zero_point: i8, value: i8| {
        requantize.apply_below_one((i32::from(value) - i32::from(zero_point)) << 7)
    };
    let finish = Finish::unclamped(parameters.output_zero_point);
    combine(left, right, output, |swapped, left, right| {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let left = on_common_scale(parameters.left_requantize, parameters.left_zero_point, left);
        let right = on_common_scale(parameters.right_requantize, parameters.right_zero_point, right);
        let difference = left.wrapping_sub(right);
        finish.apply(difference.wrapping_mul(difference), parameters.output_requantize)
    });
}
