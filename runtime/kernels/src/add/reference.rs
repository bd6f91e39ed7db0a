//! Element-wise addition in safe Rust.

use super::AddParameters;
use crate::elementwise::combine;
use crate::{Activation, Requantize, Source};

/// See [`add_s8`](crate::add_s8).
// Apart from the backend that falls back on it, whose stack would otherwise hold both.
#[inline(never)]
pub(crate) fn add_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    add(parameters, left, right, output);
}

/// The same for activations of either type.
#[inline(always)]
pub(super) fn add<T: Activation>(
    parameters: &AddParameters<T>,
    left: Source<'_, T>,
    right: Source<'_, T>,
    output: &mut [T],
) {
    let AddParameters { left_zero_point, right_zero_point, left_requantize, right_requantize, .. } =
        *parameters;
    let on_common_scale = |requantize: Requantize, zero_point: T, value: T| {
        requantize.apply_below_one((value.into() - zero_point.into()) << T::ADD_LEFT_SHIFT)
    };
    let zero_point = parameters.output_zero_point.into();
    let (min, max) = (parameters.activation_min.into(), parameters.activation_max.into());
    combine(left, right, output, |swapped, left, right| {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let left = on_common_scale(left_requantize, left_zero_point, left);
        let right = on_common_scale(right_requantize, right_zero_point, right);
        let sum = parameters.output_requantize.apply_below_one(left.wrapping_add(right));
        T::narrow(sum.wrapping_add(zero_point).max(min).min(max))
    });
}
