//! Fully connected layer, three outputs at a time.
//!
//! Weights are used once, so their sums, which take the input's zero point out, are made on the way.

mod three_outputs;

use three_outputs::{BLOCK, ThreeOutputs};

use crate::finish::Finish;
use crate::runs::{runs, runs_mut};
use crate::{Filter, FullyConnectedParameters, reference};

/// See [`fully_connected_s8`](crate::fully_connected_s8).
pub(crate) fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
    // The loops rely on what the check says.
    if parameters.check(filter, input.len(), output.len()).is_err() {
        return reference::fully_connected_s8(parameters, filter, input, output, scratch);
    }
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let mut layer = ThreeOutputs::new(filter, input_depth, input_zero_point, finish);
    let mut sums = [0; crate::finish::BLOCK];
    for (input, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let sums = filter.biases(block * BLOCK, &mut sums, output.len());
            layer.run(input, block * BLOCK, sums, output);
        }
    }
}
