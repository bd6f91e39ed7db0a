//! Logistic function, and the parameters that it shares with tanh.

use crate::{Requantize, fixed_point, rounding_divide_by_power_of_two};

/// What a logistic function or a tanh computes.
///
/// The compiler derives the factor `input_scale * 2^27`, and `input_range_radius = floor((2^4 - 1) *
/// 2^27 / 2^shift)` from its shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigmoidParameters {
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Differences from the zero point of this size or more give the smallest or largest output.
    pub input_range_radius: i32,
    /// From differences to a number with 4 integer bits.
    pub requantize: Requantize,
}

impl SigmoidParameters {
    /// The output for an input: saturated beyond the radius, otherwise `function` of 4 integer bits,
    /// brought from 0 integer bits to steps of `2^-output_bits` around the output's zero point.
    pub(super) fn apply(&self, x: i8, function: fn(i32) -> i32, output_bits: u32, zero_point: i32) -> i8 {
        let difference = i32::from(x) - i32::from(self.input_zero_point);
        if difference <= self.input_range_radius.wrapping_neg() {
            return i8::MIN;
        }
        if difference >= self.input_range_radius {
            return i8::MAX;
        }
        let value = function(self.requantize.apply(difference));
        let value = rounding_divide_by_power_of_two(value, 31 - output_bits) + zero_point;
        value.clamp(i32::from(i8::MIN), i32::from(i8::MAX)) as i8
    }
}

/// `1 / (1 + e^-x)`; the output's scale is 1/256, its zero point -128.
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::Logistic`.
pub fn logistic_s8(parameters: &SigmoidParameters, x: i8) -> i8 {
    parameters.apply(x, fixed_point::logistic, 8, -128)
}
