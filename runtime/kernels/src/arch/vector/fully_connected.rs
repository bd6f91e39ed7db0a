//! Fully connected layer: each output runs along its own weights, which stay as the artefact has them.

use super::buffer::{BUFFER_BYTES, Buffer};
use super::detect;
use super::finish::{Channels, Range, are_short};
use super::level::{GROUP_BYTES, Level, MAX_LANES, Work};
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
    // The loops rely on the sizes; no factor leads them astray.
    let checked = parameters.check_sizes(filter, input.len(), output.len()).is_ok();
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
        let short = are_short(filter, input_depth);
        let zeros_count = L::stored_zero(input_zero_point) != 0;
        let lanes = output_depth.min(L::LANES);
        let mut rows = [filter.weights.as_ptr(); MAX_LANES];
        for (lane, row) in rows.iter_mut().enumerate() {
            // Lanes without an output repeat the last row.
            *row = row.wrapping_add(lane.min(lanes.saturating_sub(1)) * input_depth);
        }
        let mut values = Buffer::new();
        let values = values.start();
        for (vector, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
            // SAFETY: The vector fits the buffer.
            unsafe { level.widen(vector.as_ptr(), input_depth, input_zero_point, values) };
            for block in (0..output_depth).step_by(L::LANES) {
                // The last outputs are computed with some before them.
                let first = block.min(output_depth - lanes);
                let rows = rows.map(|row| row.wrapping_add(first * input_depth));
                // SAFETY: From `first` on there are `lanes` rows, each with as many weights as there are values.
                let [sums, weights] = unsafe { level.dot_rows(values, rows, input_depth, zeros_count) };
                let channels = [first, lanes];
                let channels = Channels::new(level, filter, channels, short, weights, input_zero_point);
                let outputs = channels.finish(level, level.add(sums, channels.bias), &range);
                // SAFETY: The output has these lanes.
                unsafe { level.store_bytes(outputs, output.as_mut_ptr().add(first), lanes) };
            }
        }
        true
    }
}
