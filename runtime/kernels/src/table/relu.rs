//! Rectifiers.

use super::RequantizeParameters;

/// `max(x, 0)`.
///
/// # Source
/// TFLite reference kernel `ReluQuantized`.
pub fn relu_s8(parameters: &RequantizeParameters, x: i8) -> i8 {
    parameters.apply(x, parameters.output_zero_point, i8::MAX)
}

/// `min(max(x, 0), 6)`; input and output share their quantization, in which 6 is stored as `six`.
///
/// # Source
/// TFLite Micro's kernel `Relu6Quantized`.
pub fn relu6_s8(zero_point: i8, six: i8, x: i8) -> i8 {
    if x > six { six } else { x.max(zero_point) }
}
