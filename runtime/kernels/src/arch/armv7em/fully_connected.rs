//! Fully connected layer, four outputs at a time.
//!
//! The vector is widened to scratch once, elements 0 and 2 of four in one word and 1 and 3 in the
//! next. Weights are used once and stay as the artefact has them, best of all [paired](super::pairs).

mod block_outputs;
mod four_outputs;
mod sparse_outputs;
mod two_pairs;

use block_outputs::BlockOutputs;
use four_outputs::FourOutputs;
use sparse_outputs::SparseOutputs;

use super::finish::{Short, clamp_all, finish_all, largest_shift};
use super::pairs::Pairs;
use super::simd::{minus, sxtab16, sxtab16_odd, word};
use crate::arch::memory::words;
use crate::arch::scratch::{QUAD, vector_words};
use crate::finish::{BLOCK, Finish};
use crate::rows::WeightRows;
use crate::runs::{for_each_pair, runs, runs_mut};
use crate::{Filter, FullyConnectedParameters, Requantize, reference};

/// See [`fully_connected_s8`](crate::fully_connected_s8).
pub(crate) fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let FullyConnectedParameters { input_depth, output_depth, .. } = *parameters;
    let rows = FourOutputs::new(filter, input_depth, output_depth);
    let vector = words(scratch, vector_words(input_depth));
    let (Some(rows), Some(vector)) = (rows, vector) else {
        return reference::fully_connected_s8(parameters, filter, input, output, scratch);
    };
    multiply(parameters, filter, input, output, vector, |vector, first, sums, count| {
        rows.run(vector, first, count, sums);
    });
}

/// See [`fully_connected_relaid_s8`](crate::fully_connected_relaid_s8).
pub(crate) fn fully_connected_relaid_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let FullyConnectedParameters { input_depth, output_depth, .. } = *parameters;
    let pairs = Pairs::new(filter, output_depth, input_depth);
    // Nothing else reads the layout, and the one who plans sees to scratch.
    if let (Some(pairs), Some(vector)) = (pairs, words(scratch, vector_words(input_depth))) {
        multiply(parameters, filter, input, output, vector, |vector, first, sums, count| {
            two_pairs::run(pairs, vector, first, count, sums);
        });
    }
}

/// Widens each input to `vector` and computes its outputs, with what adds the products of `vector` with the weights of so many
/// outputs from the first on.
fn multiply(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    vector: &mut [u32],
    add: impl Fn(&[u32], usize, &mut [i32; BLOCK], usize),
) {
    let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
    let outputs = Outputs::new(parameters, filter);
    for_each_pair([input_depth, output_depth], input, output, |input, output| {
        widen(input, input_zero_point, vector);
        outputs.compute(output, |first, sums, count| add(vector, first, sums, count));
    });
}

/// See [`fully_connected_rows_s8`](crate::fully_connected_rows_s8).
pub(crate) fn fully_connected_rows_s8<R: WeightRows>(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    rows: R,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    let FullyConnectedParameters { input_depth, output_depth, input_zero_point, .. } = *parameters;
    let outputs = Outputs::new(parameters, filter);
    let vectors = runs(input, input_depth);
    if let Some(sparse) = rows.sparse() {
        for (input, output) in vectors.zip(runs_mut(output, output_depth)) {
            let Some(mut rows) = SparseOutputs::new(sparse, input_depth, output_depth) else { return };
            outputs.compute(output, |_, sums, count| rows.run(input, input_zero_point, sums, count));
        }
        return;
    }
    match (rows.blocks(), words(scratch, vector_words(input_depth))) {
        (Some(blocks), Some(vector)) => {
            for (input, output) in vectors.zip(runs_mut(output, output_depth)) {
                let Some(mut rows) = BlockOutputs::new(blocks, input_depth, output_depth) else { return };
                widen(input, input_zero_point, vector);
                outputs.compute(output, |_, sums, count| rows.run(vector, sums, count));
            }
        }
        _ => reference::fully_connected_rows_s8(parameters, filter, rows, input, output, scratch),
    }
}

/// From sums to the outputs of a vector.
struct Outputs<'f> {
    filter: &'f Filter<'f>,
    finish: Finish,
    largest_shift: u32,
    /// The factor of all outputs, where they have one.
    shared: Option<Requantize>,
}

impl<'f> Outputs<'f> {
    fn new(parameters: &FullyConnectedParameters, filter: &'f Filter<'f>) -> Outputs<'f> {
        let finish = Finish {
            zero_point: parameters.output_zero_point,
            min: parameters.activation_min,
            max: parameters.activation_max,
        };
        let shared = (filter.multipliers.len() < parameters.output_depth).then(|| filter.factor(0));
        Outputs { filter, finish, largest_shift: largest_shift(filter, parameters.input_depth), shared }
    }

    /// Computes a vector's outputs, some at a time, with what adds the products of those from the first on.
    fn compute(&self, output: &mut [i8], mut add: impl FnMut(usize, &mut [i32; BLOCK], usize)) {
        let Outputs { filter, finish, largest_shift, shared } = *self;
        let mut sums = [0; BLOCK];
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let first = block * BLOCK;
            filter.biases(first, &mut sums, output.len());
            add(first, &mut sums, output.len());
            let Some(factor) = shared else {
                finish_all(filter, finish, largest_shift, first, &sums, output);
                continue;
            };
            let short = Short::new(factor, finish, largest_shift);
            for (output, &sum) in output.iter_mut().zip(&sums) {
                *output = short.map_or_else(|| finish.apply(sum, factor), |short| short.apply(sum));
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
