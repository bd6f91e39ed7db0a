//! Factors and offsets by channel before a layer move into its weights and bias: preprocessing that a graph starts
//! with, and what a network scales between an activation and the next layer.

use super::super::{Uses, remove_nodes};
use super::{by_channel, constant_operand, replace, shift_bias};
use crate::graph::{Activation, Graph, Node, Op, TensorId};

/// Largest ratio of two factors that a layer takes in. Weights of one output share a scale, so that a ratio of four
/// costs the inputs with the smallest factors two of their eight bits.
const LARGEST_RATIO: f32 = 4.0;

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    // Backwards, so that an addition is gone before the multiplication in front of it is looked at.
    for index in (0..graph.nodes.len()).rev() {
        let scales = match graph.nodes[index].op {
            Op::Mul { activation: Activation::Linear } => true,
            Op::Add { activation: Activation::Linear } => false,
            _ => continue,
        };
        let output = graph.nodes[index].outputs[0];
        let Some((value, constant)) = constant_operand(graph, index) else { continue };
        let is_float = |id: TensorId| graph.tensors[id].quantization.is_none();
        let channels = graph.tensors[value].shape.last().copied().unwrap_or(0);
        let Some(numbers) = by_channel(&graph.tensors[constant], channels) else { continue };
        if graph.tensors[value].shape != graph.tensors[output].shape
            || !is_float(value)
            || !is_float(output)
            || uses.readers[output] != 1
            || uses.producer[value].is_some_and(|node| combines_two(graph, &graph.nodes[node]))
        {
            continue;
        }
        // The one reader is a node, or the graph's end.
        let reads = |&next: &usize| !removed[next] && graph.nodes[next].inputs.first() == Some(&output);
        let next = (index + 1..graph.nodes.len()).find(reads);
        let Some(next) = next.filter(|&next| graph.nodes[next].op.is_weighted()) else { continue };
        let taken = match scales {
            true => scale_inputs(graph, next, &numbers),
            false => shift_inputs(graph, next, &numbers),
        };
        if taken {
            graph.nodes[next].inputs[0] = value;
            removed[index] = true;
        }
    }
    remove_nodes(graph, &removed)
}

/// Whether a node's result is a part of arithmetic on computed tensors, such as a normalization, which is recognised as
/// a whole.
fn combines_two(graph: &Graph, node: &Node) -> bool {
    node.op.as_binary().is_some() && node.inputs.iter().all(|&id| graph.tensors[id].data.is_none())
}

/// Multiplies the weights of each input channel by its factor.
fn scale_inputs(graph: &mut Graph, node: usize, factors: &[f32]) -> bool {
    let magnitudes = || factors.iter().map(|factor| factor.abs());
    let (least, most) = (magnitudes().fold(f32::INFINITY, f32::min), magnitudes().fold(0.0, f32::max));
    let Some(values) = weights(graph, node).filter(|_| least > 0.0 && most <= LARGEST_RATIO * least) else {
        return false;
    };
    let Some(input_of) = input_channels(graph, node, factors.len()) else { return false };
    let scaled: Vec<f32> =
        values.iter().enumerate().map(|(position, value)| value * factors[input_of(position)]).collect();
    if !scaled.iter().all(|value| value.is_finite()) {
        return false;
    }
    graph.nodes[node].inputs[1] = replace(graph, graph.nodes[node].inputs[1], scaled);
    true
}

/// Adds what the offsets of the input channels come to; nothing where a window reads zeros beside the image, which have
/// no offset.
fn shift_inputs(graph: &mut Graph, node: usize, offsets: &[f32]) -> bool {
    let is_inside = match graph.nodes[node].op {
        Op::Conv2d { window, .. } | Op::DepthwiseConv2d { window, .. } => {
            window.before == [0, 0] && window.after == [0, 0]
        }
        Op::FullyConnected { .. } => true,
        _ => false,
    };
    let Some(values) = weights(graph, node).filter(|_| is_inside) else { return false };
    let Some(input_of) = input_channels(graph, node, offsets.len()) else { return false };
    let innermost = matches!(graph.nodes[node].op, Op::DepthwiseConv2d { .. });
    let shape = &graph.tensors[graph.nodes[node].inputs[1]].shape;
    let outputs = if innermost { shape[3] } else { shape[0] };
    let taps = values.len() / outputs;
    let mut sums = vec![0f64; outputs];
    for (position, &value) in values.iter().enumerate() {
        let output = if innermost { position % outputs } else { position / taps };
        sums[output] += f64::from(value) * f64::from(offsets[input_of(position)]);
    }
    let sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    sums.iter().all(|sum| sum.is_finite()) && shift_bias(graph, node, &sums)
}

/// The weights of a layer, where they are float constants.
fn weights(graph: &Graph, node: usize) -> Option<&[f32]> {
    let tensor = &graph.tensors[graph.nodes[node].inputs[1]];
    tensor.floats().filter(|values| tensor.quantization.is_none() && !values.is_empty())
}

/// Which of so many input channels each weight of a layer multiplies.
fn input_channels(graph: &Graph, node: usize, channels: usize) -> Option<impl Fn(usize) -> usize + use<>> {
    let shape = &graph.tensors[graph.nodes[node].inputs[1]].shape;
    let innermost = *shape.last()?;
    let taps = shape.iter().skip(1).product::<usize>().max(1);
    let (depth, groups) = match graph.nodes[node].op {
        Op::DepthwiseConv2d { depth_multiplier, .. } => (Some(depth_multiplier), 1),
        Op::Conv2d { groups, .. } => (None, groups),
        _ => (None, 1),
    };
    let outputs = shape[0] / groups.max(1);
    let fits = match depth {
        Some(depth) => innermost == channels * depth,
        // A layer that reads rows may take an image's pixels for one.
        None => innermost > 0 && innermost * groups % channels == 0 && outputs > 0,
    };
    fits.then_some(move |position: usize| match depth {
        Some(depth) => position % innermost / depth,
        None => (position / taps / outputs * innermost + position % innermost) % channels,
    })
}
