//! The two ends of every layer with weights: the sum of products, and its way back to int8.
//!
//! One output pixel of a convolution and one vector of a fully connected layer are the same thing:
//! runs of input that meet runs of weights, for every output channel. Four channels are summed up
//! at a time, so that a value is loaded, and freed of its zero point, once for four products.

use crate::Filter;
use crate::finish::{BLOCK, Finish};
use crate::runs::runs as runs_of;

/// The input under one output position: `rows` x `columns` runs of `length` neighbouring elements.
#[derive(Clone, Copy)]
pub(crate) struct Runs<'a> {
    /// From the first element of the first run on.
    pub input: &'a [i8],
    pub input_zero_point: i8,
    pub rows: usize,
    pub columns: usize,
    pub length: usize,
    /// Input elements from one row of runs to the next, and from one run to the next.
    pub input_steps: [usize; 2],
    /// Where the weights of the first run start among those of a channel.
    pub weights_start: usize,
    /// The same steps among a channel's weights.
    pub weights_steps: [usize; 2],
}

/// What adds up the products of four channels at a time: the innermost loop.
pub(crate) trait Products {
    /// Adds the products of a run of values, freed of their zero point, with the weights of each channel, as many
    /// as there are values.
    fn add(sums: &mut [i32; 4], input: &[i8], weights: &[&[i8]; 4], input_zero_point: i8);
}

/// In safe Rust.
pub(crate) struct Plain;

impl Products for Plain {
    fn add(sums: &mut [i32; 4], input: &[i8], weights: &[&[i8]; 4], input_zero_point: i8) {
        add_products(sums, input, weights, input_zero_point);
    }
}

/// Computes all `output` channels of one position, of which the first is `first`; each has `filter_size` weights.
pub(crate) fn all_channels<P: Products>(
    filter: &Filter<'_>,
    first: usize,
    filter_size: usize,
    runs: &Runs<'_>,
    finish: Finish,
    sums: &mut [i32; BLOCK],
    output: &mut [i8],
) {
    let mut first = first;
    for output in output.chunks_mut(BLOCK) {
        let sums = filter.biases(first, sums, output.len());
        let mut weights = filter.weights.get(first * filter_size..).unwrap_or(&[]);
        let (fours, ones) = sums.as_chunks_mut::<4>();
        for sums in fours {
            add_runs(sums, weights, filter_size, runs, P::add);
            weights = weights.get(4 * filter_size..).unwrap_or(&[]);
        }
        for sum in ones {
            add_runs(core::array::from_mut(sum), weights, filter_size, runs, add_products);
            weights = weights.get(filter_size..).unwrap_or(&[]);
        }
        finish.apply_all(sums, filter, first, output);
        first += BLOCK;
    }
}

/// Adds all runs to the sums of `N` channels, whose weights come first in `weights`.
#[inline(never)]
fn add_runs<const N: usize>(
    sums: &mut [i32; N],
    weights: &[i8],
    filter_size: usize,
    runs: &Runs<'_>,
    add: impl Fn(&mut [i32; N], &[i8], &[&[i8]; N], i8),
) {
    let mut channels = runs_of(weights, filter_size);
    let mut weights: [&[i8]; N] = [&[]; N];
    for channel in &mut weights {
        let Some(next) = channels.next() else { return };
        *channel = next;
    }
    for row in 0..runs.rows {
        let mut from = row * runs.input_steps[0];
        let mut tap = runs.weights_start + row * runs.weights_steps[0];
        for _ in 0..runs.columns {
            let Some(input) = runs.input.get(from..from + runs.length) else { return };
            let mut pieces = weights;
            for piece in &mut pieces {
                let Some(run) = piece.get(tap..tap + runs.length) else { return };
                *piece = run;
            }
            add(sums, input, &pieces, runs.input_zero_point);
            from = from.wrapping_add(runs.input_steps[1]);
            tap = tap.wrapping_add(runs.weights_steps[1]);
        }
    }
}

/// Adds the products of a run with the weights of `N` channels, as many as there are values. Apart,
/// so that the loop has all registers.
#[inline(never)]
fn add_products<const N: usize>(
    sums: &mut [i32; N],
    input: &[i8],
    weights: &[&[i8]; N],
    input_zero_point: i8,
) {
    let zero_point = i32::from(input_zero_point);
    let weights = *weights;
    if weights.iter().any(|weights| weights.len() != input.len()) {
        return;
    }
    let mut totals = *sums;
    for (index, &value) in input.iter().enumerate() {
        let value = i32::from(value) - zero_point;
        for (total, weights) in totals.iter_mut().zip(weights) {
            *total = total.wrapping_add(value * i32::from(weights[index]));
        }
    }
    *sums = totals;
}
