//! Fully connected layer in safe Rust.

use super::FullyConnectedParameters;
use crate::Filter;
use crate::dot::{dot, finish};

/// See [`fully_connected_s8`](crate::fully_connected_s8).
pub(super) fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let zero_point = i32::from(parameters.input_zero_point);
    if parameters.input_depth == 0 || parameters.output_depth == 0 {
        return;
    }
    let vectors = input.chunks_exact(parameters.input_depth);
    for (vector, output) in vectors.zip(output.chunks_exact_mut(parameters.output_depth)) {
        let weights = filter.weights.chunks_exact(parameters.input_depth);
        for ((channel, output), weights) in output.iter_mut().enumerate().zip(weights) {
            *output = finish(
                dot(filter.bias(channel), vector, weights, zero_point),
                filter.requantize(channel),
                parameters.output_zero_point,
                parameters.activation_min,
                parameters.activation_max,
            );
        }
    }
}
