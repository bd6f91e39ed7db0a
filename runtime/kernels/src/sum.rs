//! Sum over neighbouring axes.

use crate::finish::Finish;
use crate::mean::column_sums;
use crate::{MeanParameters, Requantize};

/// The sum over an axis, or over several that lie next to each other.
///
/// # Shapes
/// Input `[outer, count, inner]`, output `[outer, inner]`.
///
/// # Types and ranges
/// int8, each side with its own quantization; int32 sums.
///
/// # Rounding
/// Once an output, by [`Requantize::apply`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`MeanParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::QuantizedMeanOrSum`.
pub fn sum_s8(parameters: &MeanParameters, input: &[i8], output: &mut [i8]) {
    let requantize: Requantize = parameters.requantize;
    let finish = Finish::unclamped(parameters.output_zero_point);
    column_sums(parameters, input, output, |sum| finish.apply(sum, requantize));
}
