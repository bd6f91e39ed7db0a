//! Element-wise division of two tensors.

use crate::elementwise::{check_equal, combine};
use crate::error::ensure;
use crate::finish::Finish;
use crate::fixed_point::reciprocal_of_one_plus;
use crate::{
    KernelError, MIN_SHIFT, Requantize, Source, rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
};

/// What a division computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DivParameters {
    /// Zero point of the first operand.
    pub left_zero_point: i8,
    /// Zero point of the second operand.
    pub right_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `left_scale / (right_scale * output_scale)`; its shift at most [`DivParameters::MAX_SHIFT`].
    pub requantize: Requantize,
    /// Smallest output, from the fused activation.
    pub activation_min: i8,
    /// Largest output, from the fused activation.
    pub activation_max: i8,
}

impl DivParameters {
    /// The largest shift: the numerator always has this room.
    pub const MAX_SHIFT: i8 = 22;

    /// Whether [`div_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        left_elements: usize,
        right_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        let in_range = self.requantize.is_valid() && self.requantize.shift <= DivParameters::MAX_SHIFT;
        ensure(self.activation_min <= self.activation_max && in_range, KernelError::Range)?;
        check_equal(left_elements, right_elements, output_elements)
    }
}

/// Divides the first tensor by the second, element by element.
///
/// # Shapes
/// Both operands and the output have the same number of elements. Either operand, or both, may be
/// in place.
///
/// # Types and ranges
/// int8, each tensor with its own quantization. A number divided by zero is the end of the output's range
/// on the number's side, zero divided by zero is the output's zero point.
///
/// # Rounding
/// The reciprocal has 31 bits and is multiplied with the numerator, shifted left as far as it goes; the
/// quotient is multiplied with the factor and shifted right: three roundings, of which the last counts.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`DivParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::DivElementwise`.
pub fn div_s8(parameters: &DivParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    combine(left, right, output, |swapped, left, right| {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let numerator = i32::from(left) - i32::from(parameters.left_zero_point);
        let denominator = i32::from(right) - i32::from(parameters.right_zero_point);
        let (numerator, denominator) =
            if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
        if denominator == 0 {
            return finish.clamp(numerator.signum() << 8);
        }
        finish.clamp(quotient(numerator, denominator, parameters.requantize))
    });
}

/// The quotient on the output's scale; `denominator` is 1 to 255.
fn quotient(numerator: i32, denominator: i32, requantize: Requantize) -> i32 {
    let zeros = denominator.leading_zeros();
    let above_one = ((denominator as u32) << zeros).wrapping_sub(1 << 31) as i32;
    let reciprocal = reciprocal_of_one_plus(above_one);
    let room = if numerator < 0 { (!numerator).leading_zeros() } else { numerator.leading_zeros() } - 1;
    let unscaled = saturating_rounding_doubling_high_multiply(numerator << room, reciprocal);
    let high = saturating_rounding_doubling_high_multiply(unscaled, requantize.multiplier);
    let right = 31 - zeros as i32 + room as i32 - i32::from(requantize.shift);
    // What is shifted farther than a number has bits is 0.
    if right > -i32::from(MIN_SHIFT) { 0 } else { rounding_divide_by_power_of_two(high, right.max(0) as u32) }
}
