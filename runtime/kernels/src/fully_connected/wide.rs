//! Fully connected layer on int16 activations, in safe Rust.

use super::FullyConnectedParameters;
use crate::Filter;
use crate::runs::{runs, runs_mut};
use crate::wide::{WideFinish, products};

/// Multiplies int16 vectors with a matrix.
///
/// # Shapes
/// Input `[batches, I]`, weights `[O, I]`, output `[batches, O]`.
///
/// # Types and ranges
/// As [`conv_2d_s16`](crate::conv_2d_s16).
///
/// # Rounding
/// As [`conv_2d_s16`](crate::conv_2d_s16).
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`FullyConnectedParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::FullyConnected` on int16.
#[inline(never)]
pub fn fully_connected_s16(
    parameters: &FullyConnectedParameters<i16>,
    filter: &Filter<'_, i64>,
    input: &[i16],
    output: &mut [i16],
) {
    let FullyConnectedParameters { input_depth, output_depth, .. } = *parameters;
    let finish = WideFinish { min: parameters.activation_min, max: parameters.activation_max };
    for (vector, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
        let rows = runs(filter.weights, input_depth);
        for (channel, (output, weights)) in output.iter_mut().zip(rows).enumerate() {
            let sum = filter.bias_of(channel).wrapping_add(products(vector, weights));
            *output = finish.apply(sum, filter.factor(channel));
        }
    }
}
