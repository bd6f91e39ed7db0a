//! Fully connected layer, four outputs at a time.
//!
//! The vector is widened to scratch once, elements 0 and 2 of four in one word and 1 and 3 in the
//! next. Weights are used once and stay as the artefact has them.

mod four_outputs;

use four_outputs::FourOutputs;

use super::finish::{Short, clamp_all, largest_shift};
use super::simd::{minus, sxtab16, sxtab16_odd, word};
use crate::arch::memory::words;
use crate::arch::scratch::{QUAD, vector_words};
use crate::finish::{BLOCK, Finish};
use crate::runs::{runs, runs_mut};
use crate::{Filter, FullyConnectedParameters, Requantize, reference};

/// See [`fully_connected_s8`](crate::fully_connected_s8).
pub(crate) fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
    let rows = FourOutputs::new(filter.weights, input_depth, output_depth);
    let (Some(rows), Some(vector)) = (rows, words(scratch, vector_words(input_depth))) else {
        return reference::fully_connected_s8(parameters, filter, input, output, scratch);
    };
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let largest_shift = largest_shift(filter, input_depth);
    let shared = filter.multipliers.len() < output_depth;
    let mut sums = [0; BLOCK];
    for (input, output) in runs(input, input_depth).zip(runs_mut(output, output_depth)) {
        widen(input, input_zero_point, vector);
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let first = block * BLOCK;
            filter.biases(first, &mut sums, output.len());
            rows.run(vector, first, output.len(), &mut sums);
            if shared {
                finish.apply_all(&sums, filter, first, output);
                continue;
            }
            let factors = filter.multipliers.iter().zip(filter.shifts).skip(first);
            for ((output, &sum), (&multiplier, &shift)) in output.iter_mut().zip(&sums).zip(factors) {
                let factor = Requantize { multiplier, shift };
                *output = match Short::derive(factor, finish, largest_shift) {
                    Some(short) => short.apply(sum),
                    None => finish.apply(sum, factor),
                };
            }
        }
        clamp_all(finish, output);
    }
}

/// Widens a vector and frees it of its zero point; what fills up the last four is 0.
fn widen(input: &[i8], zero_point: i8, words: &mut [u32]) {
    let minus_zero_point = minus(zero_point);
    let (quads, rest) = input.as_chunks::<QUAD>();
    let mut last = [zero_point; QUAD];
    for (value, &rest) in last.iter_mut().zip(rest) {
        *value = rest;
    }
    for (words, &quad) in words.as_chunks_mut().0.iter_mut().zip(quads.iter().chain([&last])) {
        *words = [sxtab16(minus_zero_point, word(quad)), sxtab16_odd(minus_zero_point, word(quad))];
    }
}
