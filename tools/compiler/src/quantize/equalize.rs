//! Even channels: a layer's output channels are scaled so that one int8 scale serves them all, and the
//! layer that reads them takes the factors back. The float function stays as it is.
//!
//! A rectifier lets positive factors pass, so it may stand between the two; one with a ceiling does as long as no
//! number that was seen reaches the ceiling by it. The reader of a depthwise layer's output pays in its own weights,
//! so there the factor is a compromise between both.

mod chain;

use super::observe::Observed;
use super::sensitivity::activation;
use super::{consumers, producer};
use crate::graph::{Activation, Data, Graph, Op, TensorId, Unary};

/// How far activations decide, against the weights that read them.
const ACTIVATIONS: f32 = 0.7;

/// Channels smaller than this part of the largest are not stretched further.
const FLOOR: f32 = 1e-3;

/// How far below a ceiling the largest number seen of a stretched channel stays.
const BELOW_CEILING: f32 = 1.1;

/// Scales residual blocks, and every pair of layers, for which it can be done.
pub(super) fn equalize(graph: &mut Graph, observed: &mut Observed) {
    chain::equalize_chains(graph, observed);
    for id in 0..graph.tensors.len() {
        let Some(link) = link(graph, id) else { continue };
        if let Some(factors) = factors(graph, observed, &link) {
            apply(graph, &link, &factors);
            link.tensors.iter().for_each(|&id| scale_observed(observed, id, &factors));
        }
    }
}

/// A layer, what lies between it and the only layer that reads its channels, and that layer.
struct Link {
    writer: usize,
    /// From the writer's output to what the reader reads.
    tensors: Vec<TensorId>,
    reader: usize,
    /// Where the activation in between cuts off.
    ceiling: Option<f32>,
}

/// The link that starts with this tensor.
fn link(graph: &Graph, id: TensorId) -> Option<Link> {
    let writer = producer(graph, id)?;
    let mut ceiling = match activation(&graph.nodes[writer].op) {
        Activation::Linear | Activation::Relu => None,
        Activation::Relu6 => Some(6.0),
        Activation::ReluN1To1 => return None,
    };
    let mut tensors = vec![id];
    loop {
        let last = *tensors.last()?;
        let &[reader] = &consumers(graph, last)[..] else { return None };
        if graph.outputs.contains(&last) {
            return None;
        }
        let node = &graph.nodes[reader];
        if !bends(&node.op) {
            let weights = graph.nodes[writer].inputs[1..].iter().chain(&node.inputs[1..]);
            let own = is_weighted(&graph.nodes[writer].op)
                && is_weighted(&node.op)
                && weights.into_iter().all(|&id| consumers(graph, id).len() == 1);
            return own.then_some(Link { writer, tensors, reader, ceiling });
        }
        if node.op == Op::Unary(Unary::Relu6) {
            ceiling = Some(6.0);
        }
        tensors.push(node.outputs[0]);
    }
}

/// Whether an operator of one number lets positive factors of its operand pass, below a ceiling.
fn bends(op: &Op) -> bool {
    matches!(op, Op::Prelu | Op::Unary(Unary::Relu | Unary::Relu6 | Unary::LeakyRelu { .. }))
}

/// What the channels of a link are divided by.
fn factors(graph: &Graph, observed: &Observed, link: &Link) -> Option<Vec<f32>> {
    let peaks = |id: &TensorId| floored(&observed.tensors[*id].as_ref()?.channel_peaks);
    let (first, last) = (peaks(link.tensors.first()?)?, peaks(link.tensors.last()?)?);
    let reader = &graph.nodes[link.reader];
    let mut factors: Vec<f32> = match reader.op {
        Op::DepthwiseConv2d { .. } => first.iter().zip(&last).map(|(first, last)| first.max(*last)).collect(),
        Op::Conv2d { groups: 1, .. } => {
            let weights = floored(&input_peaks(graph.tensors[reader.inputs[1]].floats()?, last.len()))?;
            let balance =
                |(peak, weight): (&f32, &f32)| peak.powf(ACTIVATIONS) / weight.powf(1.0 - ACTIVATIONS);
            last.iter().zip(&weights).map(balance).collect()
        }
        _ => return None,
    };
    if let Some(ceiling) = link.ceiling {
        // The ceiling stays where it is, so a channel is stretched at most until it reaches it.
        let largest = factors.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        for (factor, peak) in factors.iter_mut().zip(&last) {
            *factor = (*factor / largest).max(peak * BELOW_CEILING / ceiling).min(1.0);
        }
    }
    Some(factors.into_iter().map(snapped_factor).collect())
}

fn snapped_factor(factor: f32) -> f32 {
    super::snapped(factor, 16.0)
}

fn is_weighted(op: &Op) -> bool {
    matches!(op, Op::Conv2d { groups: 1, .. } | Op::DepthwiseConv2d { .. })
}

/// Largest magnitude of the weights of each input channel.
fn input_peaks(weights: &[f32], channels: usize) -> Vec<f32> {
    let mut peaks = vec![0f32; channels];
    for row in weights.chunks(channels.max(1)) {
        peaks.iter_mut().zip(row).for_each(|(peak, weight)| *peak = peak.max(weight.abs()));
    }
    peaks
}

fn floored(peaks: &[f32]) -> Option<Vec<f32>> {
    let largest = peaks.iter().copied().fold(0.0, f32::max);
    (largest > 0.0).then(|| peaks.iter().map(|peak| peak.max(largest * FLOOR)).collect())
}

/// Divides the channels where they are computed and multiplies them where they are read.
fn apply(graph: &mut Graph, link: &Link, factors: &[f32]) {
    let writer = graph.nodes[link.writer].clone();
    let depthwise = matches!(writer.op, Op::DepthwiseConv2d { .. });
    scale_outputs(graph, writer.inputs[1], depthwise, |channel| 1.0 / factors[channel]);
    if let Some(&bias) = writer.inputs.get(2) {
        scale_outputs(graph, bias, true, |channel| 1.0 / factors[channel]);
    }
    scale_inputs(graph, link.reader, factors);
}

/// Multiplies the weights that read each input channel of a node.
fn scale_inputs(graph: &mut Graph, node: usize, factors: &[f32]) {
    let node = &graph.nodes[node];
    let multiplier = match node.op {
        Op::DepthwiseConv2d { depth_multiplier, .. } => depth_multiplier,
        _ => 1,
    };
    let Some(Data::F32(weights)) = &mut graph.tensors[node.inputs[1]].data else { return };
    let channels = factors.len() * multiplier;
    for (index, weight) in weights.iter_mut().enumerate() {
        *weight *= factors[index % channels / multiplier];
    }
}

/// Multiplies every value of an output channel, which is the innermost axis or the outermost.
pub(super) fn scale_outputs(graph: &mut Graph, id: TensorId, innermost: bool, factor: impl Fn(usize) -> f32) {
    let tensor = &mut graph.tensors[id];
    let channels =
        if innermost { tensor.shape.last() } else { tensor.shape.first() }.copied().unwrap_or(1).max(1);
    let Some(Data::F32(values)) = &mut tensor.data else { return };
    let taps = (values.len() / channels).max(1);
    for (index, value) in values.iter_mut().enumerate() {
        *value *= factor(if innermost { index % channels } else { index / taps });
    }
}

fn scale_observed(observed: &mut Observed, id: TensorId, factors: &[f32]) {
    let Some(seen) = &mut observed.tensors[id] else { return };
    for number in &mut seen.numbers {
        let factor = factors[number.channel as usize];
        number.value /= factor;
        number.partner /= factor;
        number.weight *= factor * factor;
    }
    seen.channel_peaks.iter_mut().zip(factors).for_each(|(peak, factor)| *peak /= factor);
    // The peak of every channel is among the numbers that were kept.
    seen.min = seen.numbers.iter().map(|number| number.value).fold(0.0, f32::min);
    seen.max = seen.numbers.iter().map(|number| number.value).fold(0.0, f32::max);
}
