//! Element-wise addition in safe Rust.

use super::AddParameters;
use crate::elementwise::combine;
use crate::finish::Finish;
use crate::{Requantize, Source};

/// See [`add_s8`](crate::add_s8).
// Apart from the backend that falls back on it, whose stack would otherwise hold both.
#[inline(never)]
pub(crate) fn add_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let AddParameters { left_zero_point, right_zero_point, left_requantize, right_requantize, .. } =
        *parameters;
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
        let left = on_common_scale(left_requantize, left_zero_point, left);
        let right = on_common_scale(right_requantize, right_zero_point, right);
        finish.clamp(parameters.output_requantize.apply_below_one(left.wrapping_add(right)))
    });
}
