//! Fully connected layer: each output runs along its own weights, which stay as the artefact has them.

use super::buffer::{BUFFER_BYTES, Buffer};
use super::detect;
use super::finish::{Channels, Range};
use super::level::{GROUP_BYTES, Level, MAX_LANES, ROWS, Work};
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
    // The loops rely on it.
    let checked = parameters.check(filter, input.len(), output.len()).is_ok();
    let work = FullyConnected { parameters, filter, input, output: &mut *output };
    if !(checked && detect::run(work)) {
        reference::fully_connected_s8(parameters, filter, input, output, scratch);
    }
}

/// A checked layer.
struct FullyConnected<'a> {
    parameters: &'a FullyConnectedParameters,
    filter: &'a Filter<'a>,
    input: &'a [i8],
    output: &'a mut [i8],
}

impl Work for FullyConnected<'_> {
    #[inline(always)]
    fn run<L: Level>(self, level: L) -> bool {
        let FullyConnected { parameters, filter, input, output } = self;
        let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
        if input_depth > BUFFER_BYTES / GROUP_BYTES * L::GROUP {
            return false;
        }
        let range = Range::new(
            level,
            Finish {
                zero_point: parameters.output_zero_point,
                min: parameters.activation_min,
                max: parameters.activation_max,
            },
        );
        let zero = level.splat(L::stored_zero(input_zero_point));
        let mut values = Buffer::new();
        let values = values.start();
        for (vector, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
            // SAFETY: The vector fits the buffer.
            unsafe { level.widen(vector.as_ptr(), input_depth, input_zero_point, values) };
            for (block, output) in output.chunks_mut(L::LANES).enumerate() {
                let first = block * L::LANES;
                let mut sums = [0; MAX_LANES];
                for (four, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
                    if four * ROWS >= output.len() {
                        break;
                    }
                    let mut rows = [filter.weights.as_ptr(); ROWS];
                    for (index, row) in rows.iter_mut().enumerate() {
                        // Lanes without an output repeat the last row.
                        let row_index = (first + four * ROWS + index).min(output_depth - 1);
                        *row = row.wrapping_add(row_index * input_depth);
                    }
                    // SAFETY: A row has as many weights as there are values.
                    sums.copy_from_slice(&unsafe { level.dot_rows(values, rows, input_depth, zero) });
                }
                // SAFETY: There is a number for every lane.
                let sums = unsafe { level.load(sums.as_ptr()) };
                let weights = level.splat(0);
                let block = [first, output.len()];
                let channels = Channels::new(level, filter, block, input_depth, weights, input_zero_point);
                let outputs = channels.finish(level, level.add(sums, channels.bias), &range);
                // SAFETY: The output has these lanes.
                unsafe { level.store_bytes(outputs, output.as_mut_ptr(), output.len()) };
            }
        }
        true
    }
}
