//! Fully connected layer in safe Rust.

use super::FullyConnectedParameters;
use crate::Filter;
use crate::dot::{Plain, Products, Runs, all_channels};
use crate::finish::{BLOCK, Finish};
use crate::runs::for_each_pair;

/// See [`fully_connected_s8`](crate::fully_connected_s8).
// Apart from the backend that falls back on it, whose stack would otherwise hold both.
#[inline(never)]
pub(crate) fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    multiply::<Plain>(parameters, filter, input, output);
}

/// The same with a loop of the caller's.
pub(crate) fn multiply<P: Products>(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
    let mut sums = [0; BLOCK];
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    for_each_pair([input_depth, output_depth], input, output, |vector, output| {
        let window = Runs {
            input: vector,
            input_zero_point,
            rows: 1,
            columns: 1,
            length: input_depth,
            input_steps: [0; 2],
            weights_start: 0,
            weights_steps: [0; 2],
        };
        all_channels::<P>(filter, 0, input_depth, &window, finish, &mut sums, output);
    });
}
