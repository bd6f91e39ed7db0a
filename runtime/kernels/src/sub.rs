//! Element-wise subtraction of two tensors.

use crate::elementwise::combine;
use crate::finish::Finish;
use crate::{AddParameters, Requantize, Source};

/// Subtracts the second tensor from the first.
///
/// # Shapes
/// Both operands and the output have the same number of elements. Either operand, or both, may be
/// in place.
///
/// # Types and ranges
/// int8, each tensor with its own quantization.
///
/// # Rounding
/// As [`add_s8`](crate::add_s8), with the difference instead of the sum.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`AddParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::Sub`.
pub fn sub_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let on_common_scale = |requantize: Requantize, zero_point: i8, value: i8| {
        requantize.apply_below_one((i32::from(value) - i32::from(zero_point)) << 20)
    };
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    combine(left, right, output, |swapped, left, right| {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let left = on_common_scale(parameters.left_requantize, parameters.left_zero_point, left);
        let right = on_common_scale(parameters.right_requantize, parameters.right_zero_point, right);
        finish.clamp(parameters.output_requantize.apply_below_one(left.wrapping_sub(right)))
    });
}
