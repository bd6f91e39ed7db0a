//! Even channels along residual blocks: one factor a channel for every tensor that passes round them.
//!
//! Additions tie tensors together: what scales a channel of one must scale it in all. A rectifier, a
//! pool and zeros padded behind the last channel let factors pass. Layers that write into the chain
//! divide, layers that read from it multiply, both in their weights. The factors are those with the least
//! rounding noise at the outputs, by descent on a channel at a time.

use super::super::observe::{Observed, Seen, hinge};
use super::super::sensitivity::activation;
use super::super::{consumers, producer};
use super::{bends, floored, is_weighted, scale_inputs, scale_observed, scale_outputs};
use crate::graph::{Activation, Graph, Node, Op, TensorId, Unary};

/// Factors tried for a channel on each round, relative to what it has.
const STEPS: [f64; 6] = [0.5, 0.7, 0.85, 1.2, 1.4, 2.0];

/// Rounds over all channels.
const ROUNDS: usize = 12;

/// Evens out every chain of the graph.
pub(super) fn equalize_chains(graph: &mut Graph, observed: &mut Observed) {
    for chain in chains(graph) {
        let channels = chain.iter().map(|&id| channels_of(graph, id)).max().unwrap_or(0);
        let rounds = |id: &&TensorId| {
            let op = producer(graph, **id).map(|node| &graph.nodes[node].op);
            !matches!(op, Some(Op::Pad { .. } | Op::MaxPool2d { .. }))
        };
        let members: Vec<Member> = chain
            .iter()
            .filter(rounds)
            .filter_map(|&id| Member::new(observed.tensors[id].as_ref()?, hinge(graph, id).is_some()))
            .collect();
        let factors = descend(&members, channels);
        apply(graph, &chain, &factors);
        for &id in &chain {
            scale_observed(observed, id, &factors);
        }
    }
}

/// What decides the rounding noise of a tensor.
struct Member {
    /// Largest magnitude by channel.
    peaks: Vec<f64>,
    /// How much the outputs move with the numbers of a channel, squared.
    weights: Vec<f64>,
}

impl Member {
    fn new(seen: &Seen, hinged: bool) -> Option<Member> {
        floored(&seen.channel_peaks)?;
        let mut peaks = vec![0f64; seen.channel_peaks.len()];
        let mut weights = vec![0f64; peaks.len()];
        for number in &seen.numbers {
            let channel = number.channel as usize;
            // What a rectifier sets to 0 anyway needs no range.
            let value = if hinged { number.value.max(-number.partner) } else { number.value };
            peaks[channel] = peaks[channel].max(f64::from(value.abs()));
            if !hinged || number.value + number.partner > 0.0 {
                weights[channel] += f64::from(number.weight);
            }
        }
        Some(Member { peaks, weights })
    }

    /// Noise of all channels at the outputs, up to a constant.
    fn noise(&self, factors: &[f64]) -> f64 {
        let largest = self.peaks.iter().zip(factors).map(|(peak, factor)| peak / factor).fold(0.0, f64::max);
        let moved: f64 =
            self.weights.iter().zip(factors).map(|(weight, factor)| weight * factor * factor).sum();
        largest * largest * moved
    }
}

/// Factors with little noise, starting from none.
fn descend(members: &[Member], channels: usize) -> Vec<f32> {
    let mut factors = vec![1.0; channels];
    let noise = |factors: &[f64]| members.iter().map(|member| member.noise(factors)).sum::<f64>();
    let mut best = noise(&factors);
    for _ in 0..ROUNDS {
        let before = best;
        for channel in 0..channels {
            let had = factors[channel];
            for step in STEPS {
                let kept = factors[channel];
                factors[channel] = (had * step).clamp(1e-2, 1e2);
                let tried = noise(&factors);
                if tried < best {
                    best = tried;
                } else {
                    factors[channel] = kept;
                }
            }
        }
        if best > before * 0.999 {
            break;
        }
    }
    factors.into_iter().map(|factor| factor as f32).collect()
}

/// Sets of tensors that share factors, with at least one addition, where every writer and reader can take
/// them.
fn chains(graph: &Graph) -> Vec<Vec<TensorId>> {
    let mut set: Vec<TensorId> = (0..graph.tensors.len()).collect();
    for node in &graph.nodes {
        if passes(graph, node) {
            for &id in carriers(node) {
                join(&mut set, id, node.outputs[0]);
            }
        }
    }
    let roots: Vec<TensorId> = (0..set.len()).map(|id| root(&set, id)).collect();
    let mut chains = Vec::new();
    for start in 0..set.len() {
        let chain: Vec<TensorId> = (0..set.len()).filter(|&id| roots[id] == start).collect();
        let joined = graph
            .nodes
            .iter()
            .any(|node| matches!(node.op, Op::Add { .. }) && roots[node.outputs[0]] == start);
        if joined && chain.iter().all(|&id| can_scale(graph, id)) {
            chains.push(chain);
        }
    }
    chains
}

/// The operands whose channels an operator hands on.
fn carriers(node: &Node) -> &[TensorId] {
    if node.op == Op::Prelu { &node.inputs[..1] } else { &node.inputs }
}

/// Whether an operator's result has the factors of its operands.
fn passes(graph: &Graph, node: &Node) -> bool {
    let open = matches!(activation(&node.op), Activation::Linear | Activation::Relu);
    let same_channels = || {
        let channels = channels_of(graph, node.outputs[0]);
        carriers(node).iter().all(|&id| channels_of(graph, id) == channels)
    };
    match &node.op {
        Op::Add { .. } => open && same_channels(),
        Op::MaxPool2d { .. } | Op::AveragePool2d { .. } => open,
        Op::ResizeNearest { .. } | Op::ResizeBilinear { .. } | Op::Interpolate { .. } => true,
        Op::Unary(Unary::Relu6) => false,
        op if bends(op) => true,
        Op::Pad { before, value, .. } => *value == 0.0 && before.last() == Some(&0),
        _ => false,
    }
}

/// Whether the layers that write and read a tensor can take its factors.
fn can_scale(graph: &Graph, id: TensorId) -> bool {
    let constant = graph.tensors[id].data.is_some();
    if constant || graph.inputs.contains(&id) || graph.outputs.contains(&id) {
        return false;
    }
    let own = |node: usize| {
        graph.nodes[node].inputs[1..].iter().all(|&weights| consumers(graph, weights).len() == 1)
    };
    let written = producer(graph, id).is_some_and(|node| {
        let op = &graph.nodes[node].op;
        let open = matches!(activation(op), Activation::Linear | Activation::Relu);
        (is_weighted(op) && open && own(node)) || passes(graph, &graph.nodes[node])
    });
    let read =
        |node: usize| (is_weighted(&graph.nodes[node].op) && own(node)) || passes(graph, &graph.nodes[node]);
    written && consumers(graph, id).into_iter().all(read)
}

fn apply(graph: &mut Graph, chain: &[TensorId], factors: &[f32]) {
    for &id in chain {
        if let Some(node) = producer(graph, id)
            && is_weighted(&graph.nodes[node].op)
        {
            let depthwise = matches!(graph.nodes[node].op, Op::DepthwiseConv2d { .. });
            let (weights, bias) = (graph.nodes[node].inputs[1], graph.nodes[node].inputs.get(2).copied());
            scale_outputs(graph, weights, depthwise, |channel| 1.0 / factors[channel]);
            if let Some(bias) = bias {
                scale_outputs(graph, bias, true, |channel| 1.0 / factors[channel]);
            }
        }
        let channels = channels_of(graph, id);
        for node in consumers(graph, id) {
            if is_weighted(&graph.nodes[node].op) {
                scale_inputs(graph, node, &factors[..channels]);
            }
        }
    }
}

fn channels_of(graph: &Graph, id: TensorId) -> usize {
    graph.tensors[id].shape.last().copied().unwrap_or(0)
}

fn root(set: &[TensorId], mut id: TensorId) -> TensorId {
    while set[id] != id {
        id = set[id];
    }
    id
}

fn join(set: &mut [TensorId], first: TensorId, second: TensorId) {
    let (first, second) = (root(set, first), root(set, second));
    set[first.max(second)] = first.min(second);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_channel_that_matters_little_is_divided() {
        let member = Member { peaks: vec![100.0, 1.0], weights: vec![1.0, 1000.0] };
        let before = member.noise(&[1.0, 1.0]);
        let factors = descend(std::slice::from_ref(&member), 2);
        let factors64: Vec<f64> = factors.iter().copied().map(f64::from).collect();
        assert!(member.noise(&factors64) < before / 100.0);
        assert!(factors[0] / factors[1] > 10.0, "{factors:?}");
    }

    #[test]
    fn even_channels_stay_as_they_are() {
        let member = Member { peaks: vec![1.0; 3], weights: vec![1.0; 3] };
        let factors = descend(&[member], 3);
        assert!(factors.iter().all(|factor| (factor / factors[0] - 1.0).abs() < 1e-6), "{factors:?}");
    }
}
