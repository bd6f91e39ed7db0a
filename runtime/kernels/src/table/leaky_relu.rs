//! Leaky rectifier with one slope.

use crate::Requantize;
use crate::finish::Finish;

/// What a leaky rectifier computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakyReluParameters {
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `input_scale / output_scale`, for values from zero up.
    pub positive: Requantize,
    /// `input_scale * slope / output_scale`, for values below zero; negative for a negative slope.
    pub negative: Requantize,
}

/// `x`, or `x * slope` where `x` is below zero.
///
/// # Source
/// TFLite reference kernel `reference_ops::QuantizeLeakyRelu`.
pub fn leaky_relu_s8(parameters: &LeakyReluParameters, x: i8) -> i8 {
    let difference = i32::from(x) - i32::from(parameters.input_zero_point);
    let requantize = if difference >= 0 { parameters.positive } else { parameters.negative };
    Finish::unclamped(parameters.output_zero_point).apply(difference, requantize)
}
