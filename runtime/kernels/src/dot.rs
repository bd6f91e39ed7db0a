//! The two ends of every layer with weights: the sum of products, and its way back to int8.

use crate::Requantize;

/// `accumulator + sum((input - zero_point) * weights)`.
#[inline(always)]
pub(crate) fn dot(accumulator: i32, input: &[i8], weights: &[i8], zero_point: i32) -> i32 {
    input.iter().zip(weights).fold(accumulator, |sum, (&value, &weight)| {
        sum.wrapping_add((i32::from(value) - zero_point) * i32::from(weight))
    })
}

/// Requantizes, adds the zero point and clamps.
#[inline(always)]
pub(crate) fn finish(accumulator: i32, requantize: Requantize, zero_point: i8, min: i8, max: i8) -> i8 {
    let value = requantize.apply(accumulator).saturating_add(i32::from(zero_point));
    value.max(i32::from(min)).min(i32::from(max)) as i8
}
