//! An artefact's weights beside the float ones that they were rounded from.
//!
//! Rounding moves a weight by half a step at most. What the compiler does besides to a channel, evening it
//! out or giving a box's field a scale of its own, multiplies all its weights by one factor; the factor
//! that most weights agree on is taken, and a weight that does not agree was changed.

use ocelli_format::model::{Model, Node, TensorId};

use super::ConstantFault;
use super::factor::Factor;
use super::layer::Stage;
use crate::graph::Op;

/// A layer's weights beside the source's.
pub(super) struct Beside {
    /// The source's output channel over the artefact's; `None` where the weights are too small to say.
    pub(super) factors: Vec<Option<f32>>,
    /// The real value of one step of each output channel's weights; 1 for channels that the artefact does without.
    pub(super) steps: Vec<f32>,
    /// A weight that was not rounded from the source's.
    pub(super) fault: Option<ConstantFault>,
}

/// Channels that a layer of the source reads.
pub(super) struct Inputs<'a> {
    /// The source's channel over the artefact's.
    pub(super) factors: &'a [Factor],
    /// Which of them the artefact has.
    pub(super) kept: &'a [bool],
}

/// Where a weight stands.
struct Place {
    output: usize,
    input: usize,
}

/// Compares the weights of an operator; `None` where they are not laid out alike. `kept` says which output channels of
/// the source the artefact has.
pub(super) fn beside(
    model: &Model,
    operator: &Node,
    stage: &Stage,
    inputs: &Inputs<'_>,
    kept: &[bool],
) -> Option<Beside> {
    let node = stage.only_node()?;
    let [input, weights, _, multipliers, shifts] = operator.inputs[..] else { return None };
    let source = stage.graph.tensors[*node.inputs.get(1)?].floats()?;
    let stored: Vec<i8> = data(model, weights)?.iter().map(|&byte| byte as i8).collect();
    let Inputs { factors: inputs, kept: read } = *inputs;
    if inputs.is_empty() {
        return None;
    }
    let mut real_factors = factors(data(model, multipliers)?, data(model, shifts)?).into_iter();
    // Channels that all stay may be fewer than the innermost axis of what they are read under.
    let outputs = if kept.contains(&false) { kept.len() } else { real_factors.len() };
    let place = places(&node.op, source.len(), outputs, inputs.len())?;
    let stays = |output: usize| kept.get(output).is_none_or(|&kept| kept);
    // What the artefact stores of the source's weights, in its order.
    let turns = matches!(node.op, Op::TransposeConv2d { .. });
    let order = (0..source.len())
        .map(|position| if turns { turned(position, source.len() / outputs, inputs.len()) } else { position })
        .filter(|&from| {
            let Place { output, input } = place(from);
            stays(output) && read[input]
        });
    let order: Vec<usize> = order.collect();
    if stored.len() != order.len() || stored.is_empty() {
        return None;
    }
    let scale = |id: TensorId| f32::from_bits(model.tensors[usize::from(id)].scale_bits);
    let ratio = f64::from(scale(operator.outputs[0])) / f64::from(scale(input));
    let step = |output: usize| match stays(output) {
        true => real_factors.next().map(|factor| (factor * ratio) as f32),
        false => Some(1.0),
    };
    let steps: Vec<f32> = (0..outputs).map(step).collect::<Option<_>>()?;

    // What the source's weights are in steps, but for the channel's factor.
    let mut channels = vec![Vec::new(); outputs];
    for (position, (&from, &stored)) in order.iter().zip(&stored).enumerate() {
        let Place { output, input } = place(from);
        if inputs[input].is_known {
            let value = source[from] * inputs[input].value / steps[output];
            channels[output].push((position, value, f32::from(stored)));
        }
    }
    let factors: Vec<Option<f32>> = channels.iter().map(|weights| agreed(weights)).collect();
    let mut fault: Option<ConstantFault> = None;
    for (weights, factor) in channels.iter().zip(&factors) {
        let Some(factor) = factor else { continue };
        for &(position, value, stored) in weights {
            let expected = value / factor;
            let error = (stored - expected).abs();
            if error <= tolerance(stored) {
                continue;
            }
            let (found, expected) = (f64::from(stored), f64::from(expected));
            let tensor = || model.tensors[usize::from(weights_of(operator))].name.clone();
            let fault = fault.get_or_insert_with(|| ConstantFault {
                tensor: tensor(),
                position,
                found,
                expected,
                count: 0,
            });
            fault.count += 1;
            if f64::from(error) > (fault.found - fault.expected).abs() {
                (fault.position, fault.found, fault.expected) = (position, found, expected);
            }
        }
    }
    Some(Beside { factors, steps, fault })
}

/// Half a step for rounding, as much for weights rounded the other way, and a part of the value, because
/// factors are known from rounded weights only.
fn tolerance(stored: f32) -> f32 {
    1.0 + 0.03 * stored.abs()
}

/// The factor that most weights agree on, from those large enough to tell it.
fn agreed(weights: &[(usize, f32, f32)]) -> Option<f32> {
    let largest = weights.iter().map(|(_, _, stored)| stored.abs()).fold(0.0, f32::max);
    let least = (largest / 4.0).max(8.0);
    let mut ratios: Vec<f32> = weights
        .iter()
        .filter(|(_, _, stored)| stored.abs() >= least)
        .map(|(_, value, stored)| value / stored)
        .collect();
    if ratios.is_empty() {
        return None;
    }
    let middle = ratios.len() / 2;
    let first = *ratios.select_nth_unstable_by(middle, f32::total_cmp).1;
    if !first.is_normal() || first < 0.0 {
        return None;
    }
    let agreeing =
        || weights.iter().filter(|(_, value, stored)| (value / first - stored).abs() <= tolerance(*stored));
    let product: f32 = agreeing().map(|(_, value, stored)| value * stored).sum();
    let square: f32 = agreeing().map(|(_, _, stored)| stored * stored).sum();
    Some(if square > 0.0 { product / square } else { first })
}

/// Output and input channel of each weight.
fn places(op: &Op, weights: usize, outputs: usize, inputs: usize) -> Option<impl Fn(usize) -> Place> {
    if !weights.is_multiple_of(outputs.max(1)) {
        return None;
    }
    let taps = weights / outputs;
    let (innermost, depth, groups) = match *op {
        Op::DepthwiseConv2d { depth_multiplier, .. } => (true, depth_multiplier, 1),
        Op::Conv2d { groups, .. } => (false, 1, groups),
        Op::TransposeConv2d { .. } | Op::FullyConnected { .. } => (false, 1, 1),
        _ => return None,
    };
    let group_inputs = (inputs / groups.max(1)).max(1);
    let group_outputs = (outputs / groups.max(1)).max(1);
    Some(move |position: usize| match innermost {
        true => {
            let output = position % outputs;
            Place { output, input: output / depth.max(1) % inputs }
        }
        false => {
            let output = position / taps;
            let first = output / group_outputs * group_inputs;
            Place { output, input: (first + position % taps % group_inputs) % inputs }
        }
    })
}

/// Where a weight of a transposed convolution is stored: its filter of so many taps is turned by half a circle.
fn turned(position: usize, taps: usize, inputs: usize) -> usize {
    let (filter, tap) = (position / taps, position % taps);
    let (cell, input) = (tap / inputs, tap % inputs);
    filter * taps + (taps / inputs - 1 - cell) * inputs + input
}

fn weights_of(operator: &Node) -> TensorId {
    operator.inputs[1]
}

fn data(model: &Model, id: TensorId) -> Option<&[u8]> {
    model.tensors[usize::from(id)].data.as_deref()
}

/// Fixed-point factors as real numbers.
fn factors(multipliers: &[u8], shifts: &[u8]) -> Vec<f64> {
    let multipliers = multipliers.chunks_exact(4).map(|at| i32::from_le_bytes([at[0], at[1], at[2], at[3]]));
    let shifts = shifts.iter().map(|&shift| i32::from(shift as i8));
    multipliers
        .zip(shifts)
        .map(|(multiplier, shift)| f64::from(multiplier) * libm::exp2(f64::from(shift - 31)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(values: &[f32]) -> Vec<(usize, f32, f32)> {
        values.iter().enumerate().map(|(index, &value)| (index, 1.7 * value, value.round())).collect()
    }

    #[test]
    fn one_changed_weight_does_not_move_the_factor() {
        let mut weights = rounded(&[127.0, -80.3, 45.6, 33.2, -9.4]);
        assert!((agreed(&weights).unwrap() - 1.7).abs() < 0.02);
        weights[2].2 = -100.0;
        assert!((agreed(&weights).unwrap() - 1.7).abs() < 0.02);
    }

    #[test]
    fn filters_are_turned_by_half_a_circle() {
        // Two filters of three cells with two inputs each.
        let places: Vec<usize> = (0..12).map(|position| turned(position, 6, 2)).collect();
        assert_eq!(places, [4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
    }

    #[test]
    fn weights_that_are_all_rounding_tell_no_factor() {
        assert_eq!(agreed(&rounded(&[1.0, -2.0, 3.0])), None);
    }
}
