//! Hyperbolic tangent.

use super::SigmoidParameters;
use crate::fixed_point;

/// `tanh(x)`; the output's scale is 1/128, its zero point 0.
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::Tanh`.
pub fn tanh_s8(parameters: &SigmoidParameters, x: i8) -> i8 {
    parameters.apply(x, fixed_point::tanh, 7, 0)
}
