//! Forwards through the model: the range of every channel.
//!
//! What a kernel makes of a value is asked of the kernel itself. Operators with weights, sums and
//! products of two tensors never fall where their operands rise, so the ends of a range are enough.

use ocelli_format::model::{Element, Model, Node};
use ocelli_format::{Factor, Operator};
use ocelli_kernels::{
    AddParameters, MeanParameters, MulParameters, PreluParameters, Requantize, Source, add_s8, mean_s8,
    mul_s8, prelu_s8, sub_s8,
};

use super::flow::Flow;
use super::range::{Range, folded, period};
use super::{channels, tensor};

/// The range of every channel of every tensor; nothing for constants that are not int8.
pub(super) fn ranges(model: &Model, flows: &[Flow<'_>]) -> Vec<Vec<Range>> {
    let mut ranges: Vec<Vec<Range>> = model
        .tensors
        .iter()
        .map(|tensor| match &tensor.data {
            None => vec![Range::WHOLE; channels(tensor)],
            Some(bytes) if tensor.element == Element::I8 => {
                let count = channels(tensor);
                let of =
                    |channel| Range::over(bytes.iter().skip(channel).step_by(count).map(|&byte| byte as i8));
                (0..count).map(of).collect()
            }
            Some(_) => Vec::new(),
        })
        .collect();
    for (node, flow) in model.operators.iter().zip(flows) {
        if let Some(found) = results(model, node, flow, &ranges) {
            ranges[usize::from(node.outputs[0])] = found;
        }
    }
    ranges
}

/// The ranges of a node's result, where anything is known about them.
fn results(model: &Model, node: &Node, flow: &Flow<'_>, ranges: &[Vec<Range>]) -> Option<Vec<Range>> {
    let operand = |index: usize| &ranges[usize::from(node.inputs[index])][..];
    let output = tensor(model, node.outputs[0]);
    let count = channels(output);
    match flow {
        Flow::Weighted(layer) => {
            let inputs = folded(operand(0), layer.period);
            Some((0..count).map(|channel| layer.range(channel, layer.sums(channel, &inputs))).collect())
        }
        Flow::Channelwise => {
            let of = |channel| {
                // Tables and slopes have channels of their own, or none; they are looked at by value.
                let inputs = (0..node.inputs.len()).filter_map(|index| match operand(index) {
                    &[single] => Some(single),
                    ranges => ranges.get(channel).copied(),
                });
                channelwise(model, node, channel, &inputs.collect::<Vec<_>>()).unwrap_or(Range::WHOLE)
            };
            Some((0..count).map(of).collect())
        }
        Flow::Joined => Some((0..node.inputs.len()).flat_map(|index| operand(index).to_vec()).collect()),
        Flow::Widened { before } => {
            let Operator::Pad { value, .. } = node.operator else { return None };
            let mut found = vec![Range::of(value); count];
            let inside: Vec<Range> = operand(0).iter().map(|&range| with_border(node, range)).collect();
            found.get_mut(*before..before + inside.len())?.copy_from_slice(&inside);
            Some(found)
        }
        Flow::Regrouped => {
            let period = period(operand(0).len(), count);
            let folded = folded(operand(0), period);
            Some((0..count).map(|channel| folded[channel % period]).collect())
        }
        Flow::Barrier => None,
    }
}

/// The range of a padded channel: that of its operand, and the border's value where it has one.
fn with_border(node: &Node, range: Range) -> Range {
    match node.operator {
        Operator::Pad { before, after, value }
            if before[..3].iter().chain(&after[..3]).any(|&width| width > 0) =>
        {
            range.hull(Range::of(value))
        }
        _ => range,
    }
}

/// The range of one channel of a result that is made of these ranges of its operands.
fn channelwise(model: &Model, node: &Node, channel: usize, inputs: &[Range]) -> Option<Range> {
    let [input, output] = [node.inputs[0], node.outputs[0]].map(|id| tensor(model, id));
    let zero_points = || {
        let second = node.inputs.get(1).map_or(0, |&id| tensor(model, id).zero_point);
        [input.zero_point, second, output.zero_point]
    };
    let &first = inputs.first()?;
    match node.operator {
        Operator::AveragePool2d { clamp, .. } | Operator::MaxPool2d { clamp, .. } => {
            let clamped = |value: i8| value.max(clamp.min).min(clamp.max);
            Some(Range { low: clamped(first.low), high: clamped(first.high) })
        }
        Operator::ResizeNearest { .. } | Operator::ResizeBilinear { .. } => Some(first),
        Operator::Pad { .. } => Some(with_border(node, first)),
        Operator::Concatenate { .. } => inputs.iter().copied().reduce(Range::hull),
        Operator::Mean { factor } => {
            let value = first.constant()?;
            let [_, height, width, _] = input.shape[..] else { return None };
            let count = (height * width) as usize;
            let parameters = MeanParameters {
                outer: 1,
                count,
                inner: 1,
                input_zero_point: input.zero_point,
                output_zero_point: output.zero_point,
                requantize: requantize(factor),
            };
            let mut mean = [0];
            mean_s8(&parameters, &vec![value; count], &mut mean);
            Some(Range::of(mean[0]))
        }
        Operator::Lookup => {
            let table = tensor(model, node.inputs[1]).data.as_ref()?;
            let entry = |value: i8| table.get(usize::from(value as u8)).map(|&entry| entry as i8);
            let entries: Option<Vec<i8>> = (first.low..=first.high).map(entry).collect();
            entries.map(Range::over)
        }
        Operator::Prelu { positive, negative } => {
            let [input_zero_point, slope_zero_point, output_zero_point] = zero_points();
            let parameters = PreluParameters {
                input_zero_point,
                slope_zero_point,
                output_zero_point,
                positive: requantize(positive),
                negative: requantize(negative),
            };
            let slopes = tensor(model, node.inputs[1]);
            let mut own: Vec<i8> = slopes.data.as_ref()?.iter().map(|&slope| slope as i8).collect();
            if own.len() > 1 {
                own = own.into_iter().skip(channel).step_by(channels(slopes)).collect();
                own.sort_unstable();
                own.dedup();
            }
            let mut values: Vec<i8> =
                (first.low..=first.high).flat_map(|value| vec![value; own.len()]).collect();
            prelu_s8(&parameters, &own, Source::InPlace, &mut values);
            Some(Range::over(values))
        }
        Operator::Add { inputs: [left, right], output: sum, clamp, .. }
        | Operator::Sub { inputs: [left, right], output: sum, clamp, .. } => {
            let &[_, second] = inputs else { return None };
            let [left_zero_point, right_zero_point, output_zero_point] = zero_points();
            let parameters = AddParameters {
                left_zero_point,
                right_zero_point,
                output_zero_point,
                left_requantize: requantize(left),
                right_requantize: requantize(right),
                output_requantize: requantize(sum),
                activation_min: clamp.min,
                activation_max: clamp.max,
            };
            let mut ends = [first.low, first.high];
            if matches!(node.operator, Operator::Add { .. }) {
                add_s8(&parameters, Source::InPlace, Source::Apart(&[second.low, second.high]), &mut ends);
            } else {
                sub_s8(&parameters, Source::InPlace, Source::Apart(&[second.high, second.low]), &mut ends);
            }
            Some(Range::over(ends))
        }
        Operator::Minimum | Operator::Maximum => {
            let &[_, second] = inputs else { return None };
            let of = if node.operator == Operator::Minimum { i8::min } else { i8::max };
            Some(Range { low: of(first.low, second.low), high: of(first.high, second.high) })
        }
        Operator::Mul { factor, clamp } => {
            let &[_, second] = inputs else { return None };
            let [left_zero_point, right_zero_point, output_zero_point] = zero_points();
            // Products have at most 16 bits and a sign; shifted further than 14 they may wrap.
            if factor.shift > 14 {
                return Some(Range { low: clamp.min, high: clamp.max });
            }
            let parameters = MulParameters {
                left_zero_point,
                right_zero_point,
                output_zero_point,
                requantize: requantize(factor),
                activation_min: clamp.min,
                activation_max: clamp.max,
            };
            let mut corners = [first.low, first.low, first.high, first.high];
            let others = [second.low, second.high, second.low, second.high];
            mul_s8(&parameters, Source::InPlace, Source::Apart(&others), &mut corners);
            Some(Range::over(corners))
        }
        _ => None,
    }
}

fn requantize(factor: Factor) -> Requantize {
    Requantize { multiplier: factor.multiplier, shift: factor.shift }
}
