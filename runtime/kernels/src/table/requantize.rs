//! From one quantization to another.

use crate::Requantize;
use crate::finish::Finish;

/// Two quantizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequantizeParameters {
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `input_scale / output_scale`.
    pub requantize: Requantize,
}

impl RequantizeParameters {
    /// The output for an input, within bounds.
    pub(super) fn apply(&self, x: i8, min: i8, max: i8) -> i8 {
        let difference = i32::from(x) - i32::from(self.input_zero_point);
        Finish { zero_point: self.output_zero_point, min, max }.apply(difference, self.requantize)
    }
}

/// The same real number in another quantization.
///
/// # Source
/// TFLite reference kernel `reference_ops::Requantize`.
pub fn requantize_s8(parameters: &RequantizeParameters, x: i8) -> i8 {
    parameters.apply(x, i8::MIN, i8::MAX)
}
