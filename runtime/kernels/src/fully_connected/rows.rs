//! Fully connected layer whose weights are told row by row: each is used as it is told.

use super::FullyConnectedParameters;
use crate::Filter;
use crate::finish::Finish;
use crate::rows::WeightRows;
use crate::runs::{runs, runs_mut};

/// See [`fully_connected_rows_s8`](crate::fully_connected_rows_s8).
pub(crate) fn fully_connected_rows_s8<R: WeightRows>(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    rows: R,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    for (vector, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
        let mut rows = rows.clone();
        for (channel, output) in output.iter_mut().enumerate() {
            let mut sum = filter.bias.get(channel).copied().unwrap_or(0);
            rows.next_row(|place, weight| {
                let value = vector.get(place).copied().unwrap_or(input_zero_point);
                let value = i32::from(value) - i32::from(input_zero_point);
                sum = sum.wrapping_add(value * i32::from(weight));
            });
            *output = finish.apply(sum, filter.factor(channel));
        }
    }
}
