//! Fully connected layer, six outputs at a time.
//!
//! Weights are used once, so what takes the input's zero point out is added on the way: every weight is multiplied with
//! an activation and with a constant, both bytes. Minus the zero point is such a constant, unless it would be 128;
//! then `x + 128` is `127 - !x`, and the sums are negative.

mod six_outputs;

use six_outputs::{OUTPUTS, SixOutputs};

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
    let checked = parameters.check_sizes(filter, input.len(), output.len()).is_ok();
    let inverted = scratch.get_mut(..input_depth).filter(|_| checked);
    let Some(inverted) = inverted else {
        return reference::fully_connected_s8(parameters, filter, input, output, &mut []);
    };
    // SAFETY: every byte is a valid `i8` and a valid `u8`, at any address.
    let (_, inverted, _) = unsafe { inverted.align_to_mut::<i8>() };
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let mut layer = SixOutputs::new(filter, input_depth, input_zero_point, finish);
    for (input, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
        let vector = if input_zero_point == i8::MIN {
            for (to, &value) in inverted.iter_mut().zip(input) {
                *to = !value;
            }
            &*inverted
        } else {
            input
        };
        // Whole sixes; then the last six, some of them once more, or one after the other.
        let whole = output_depth - output_depth % OUTPUTS;
        if whole > 0 {
            layer.run(vector, 0, &mut output[..whole]);
        }
        if whole > 0 && whole < output_depth {
            let last = output_depth - OUTPUTS;
            layer.run(vector, last, &mut output[last..]);
        } else if whole == 0 {
            for (first, output) in output.chunks_exact_mut(1).enumerate() {
                layer.run(vector, first, output);
            }
        }
    }
}
